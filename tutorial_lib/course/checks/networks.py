"""Checks of notebooks 06 and 07: FCN and Deep Object Selection."""

from __future__ import annotations

from typing import Any

import numpy as np

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.course.judging import (
    Called,
    WrongAnswer,
    array,
    keyed,
    near,
    on_examples,
    one_number,
    parts,
    plain,
    require,
    same,
    type_in_words,
)
from tutorial_lib.course.register import checks


@checks("06.1")
def judge_stamps(answer: Any) -> None:
    """Require the stamp that repeats each number four times."""
    found = array(answer, "The stamp", (8,)).astype(float)
    halves = found[:4] + found[4:]
    require(not np.allclose(found, 1), "With ones everywhere, each pixel adds up two cells.")
    require(
        np.allclose(halves, 1),
        "window[i] + window[i + 4] has to be 1 for every i; otherwise equal scores do "
        "not stay equal.",
    )
    triangle = 1 - np.abs(np.arange(8) - 3.5) / 4
    require(
        not np.allclose(found, triangle),
        "This is the triangle, which interpolates; find the one that repeats.",
    )
    right = np.array([0, 0, 1, 1, 1, 1, 0, 0])
    same(found, right, "The stamp", slips=[
        (1 - right, "This stamp is 0 in the middle; it takes the value of the cell beside."),
        (np.repeat([1, 0], 4), "This stamp repeats each number, but half a cell too early."),
        (np.repeat([0, 1], 4), "This stamp repeats each number, but half a cell too late."),
    ])  # fmt: skip


@checks("06.2")
def judge_round_and_thin(answer: Any) -> None:
    """Require the pixels near the outline as a share of the object."""
    from scipy.ndimage import distance_transform_edt

    def share(mask: np.ndarray, reach: float, both: bool = True, of: str = "object") -> float:
        inside, outside = distance_transform_edt(mask), distance_transform_edt(~mask)
        close = ((inside > 0) & (inside <= reach)) | (both & (outside > 0) & (outside <= reach))
        return float(close.sum() / {"object": mask.sum(), "photo": mask.size, "count": 1}[of])

    slips = [
        (lambda m, r: share(m, r, both=False), "Count the pixels outside the outline, too."),
        (
            lambda m, r: share(m, r, of="photo"),
            "Divide by the pixels of the object, not of the photo.",
        ),
        (
            lambda m, r: share(m, r, of="count"),
            "This is a number of pixels; divide it by the pixels of the object.",
        ),
    ]
    wide, thin = np.zeros((2, 80, 100), bool)
    wide[20:60, 25:75], thin[38:42, 10:90] = True, True
    cases = [
        ("a box of 40 x 50 pixels, reach 8", (wide, 8)),
        ("a bar of 4 x 80 pixels, reach 8", (thin, 8)),
    ]
    call = Called(answer, "near_outline")
    for example, arguments in cases:  # distances may be counted from pixel centres or from edges
        right, wrong = share(*arguments), [(slip(*arguments), said) for slip, said in slips]
        wrong = [(value, said) for value, said in wrong if abs(value - right) > 0.3 * right]
        found = call(*arguments, example=example)
        near(found, right, f"near_outline for {example}", 0.14 * right, wrong, slip_rtol=0.15)


@checks("06.3")
def judge_zero_twice(answer: Any) -> None:
    """Require which layer has a gradient, in five cases."""
    rights = {
        "step 1": (True, False),
        "step 2": (True, True),
        "both zero": (False, False),
        "second zero": (False, True),
        "first zero": (True, False),
    }
    for name, found in zip(rights, keyed(answer, list(rights)), strict=True):
        values = plain(found)
        good = values is not None and values.shape == (2,) and np.isin(values, (0, 1)).all()
        require(good, f"{name!r} is a pair of True or False, one for each layer.")
        if tuple(map(bool, values)) != rights[name]:
            require(
                tuple(map(bool, values))[::-1] != rights[name], f"{name!r}: the two are exchanged."
            )
            raise WrongAnswer(
                f"{name!r} is wrong; a layer's gradient contains its own input and the weights "
                "behind it."
            )


@checks("06.4")
def judge_skips_or_steps(answer: Any) -> None:
    """Require held-out IoUs of two trained networks."""
    rows = {}
    for stride, found in zip((32, 8), keyed(answer, (32, 8)), strict=True):
        values = plain(found)
        require(
            values is not None and values.ndim == 1,
            f"Stride {stride}: give the list of IoUs of the held-out scenes.",
        )
        require(
            values.size >= 12,
            f"Stride {stride}: {values.size} scenes are too few to compare; take at least 12.",
        )
        require(
            np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all(),
            f"Stride {stride}: an IoU is between 0 and 1.",
        )
        rows[stride] = values
    require(rows[32].size == rows[8].size, "Both networks have to answer the same scenes.")
    require(not np.array_equal(rows[32], rows[8]), "Both rows are the same; are they two networks?")
    require(
        rows[8].mean() > rows[32].mean(),
        "Stride 8 is not ahead; are the two exchanged, or trained for another number of steps?",
    )


# -- 07 --------------------------------------------------------------------------------------------


@checks("07.1")
def judge_how_much_trust(answer: Any) -> None:
    """Require curves over lambda, and the share of the photo at lambda 0."""
    curves, share = parts(answer, "curves", "share")
    names, rows = ("flower", "coffee", "chelsea", "china"), []
    for name, found in zip(names, keyed(curves, names, "curves"), strict=True):
        values = plain(found)
        require(
            values is not None and values.ndim == 1 and values.size >= 5,
            f"curves[{name!r}] is a list of IoUs, one for each λ.",
        )
        require(
            np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all(),
            f"curves[{name!r}]: an IoU is between 0 and 1.",
        )
        rows.append(values)
    require(len({row.size for row in rows}) == 1, "All four curves need the same values of λ.")
    falls = sum(row[0] < row.max() - 0.1 for row in rows)
    rises = sum(row[-1] < row.max() - 0.1 for row in rows)
    require(
        falls >= rises or rises < 3,
        "The curves begin with their largest λ; begin with the smallest.",
    )
    require(
        falls >= 2,
        "Too few curves fall at the smallest λ, where clicks and edges decide alone; "
        "does λ reach the cut?",
    )
    require(
        np.mean([row.max() for row in rows]) > 0.75,
        "The best λ should reach a higher IoU; are the clicks those of the robot?",
    )
    share = one_number(share, "share", 0, 1)
    require(
        share > 0.05,
        "share is nearly nothing; the clicked pixel is object, and a contour around it "
        "costs something.",
    )
    require(share > 0.95, "share is too small: is there a labelling without any contour?")


@checks("07.2")
def judge_network_and_colour(answer: Any) -> None:
    """Require two opinions, multiplied."""

    def right(Q: np.ndarray, colour: np.ndarray, w: float, clip: float = 0.01) -> np.ndarray:
        def odds(q: np.ndarray) -> np.ndarray:
            q = np.clip(q, clip, 1 - clip)
            return np.log(q) - np.log(1 - q)

        return 1 / (1 + np.exp(-odds(Q) - w * odds(colour)))

    slips = [
        (
            lambda Q, c, w: Q * c**w,
            "A product of probabilities is no probability; add log-odds and turn the sum back.",
        ),
        (lambda Q, c, w: (1 - w) * Q + w * c, "This is an average; add the log-odds instead."),
        (lambda Q, c, w: right(Q, c, 1.0), "w has no effect."),
        (
            lambda Q, c, w: 1 - right(Q, c, w),
            "The result is the probability of the background; check the sign.",
        ),
        (
            lambda Q, c, w: np.log(right(Q, c, w) / (1 - right(Q, c, w))),
            "These are log-odds; turn them back into a probability.",
        ),
        (lambda Q, c, w: right(c, Q, w), "Q and colour are exchanged: w weighs the colour."),
    ]
    rng = np.random.default_rng(0)
    Q, colour = rng.uniform(0.05, 0.95, (2, 5, 6))
    call = Called(answer, "add_opinions")
    cases = [(f"random maps, w = {w}", (Q, colour, w)) for w in (0, 0.3, 0.7)]
    on_examples(call, right, cases, atol=1e-4, slips=slips)
    sure = np.array([[0.0, 1.0, 0.5]])
    found = plain(call(sure, 1 - sure, 0.5, example="probabilities of 0 and 1"))
    finite = found is not None and np.isfinite(found).all()
    require(finite, "add_opinions is not finite for probabilities of 0 and 1; clip them first.")


@checks("07.3")
def judge_more_pixels(answer: Any) -> None:
    """Require the mean IoU after one and three clicks for four sizes."""
    sizes, rows = (256, 384, 512, 640), []
    for size, found in zip(sizes, keyed(answer, sizes), strict=True):
        pair = array(found, f"The entry for size {size}", (2,))
        require((pair >= 0).all() and (pair <= 1).all(), f"Size {size}: an IoU is between 0 and 1.")
        rows.append(pair)
    table = np.array(rows)
    require(
        (table[:, 1] > table[:, 0]).any(),
        "Each entry is (after one click, after three clicks); three clicks are never better here.",
    )
    require(np.ptp(table[:, 0]) > 0.005, "All sizes give the same IoU; pass size to get_segmenter.")
    require(
        (table[:, 1] > 0.5).all(),
        "After three clicks the mean over the eight photos is higher; does the robot make them?",
    )


@checks("07.4")
def judge_a_mirror(answer: Any) -> None:
    """Require mirrored clicks."""
    call, width = Called(answer, "mirrored"), 40
    clicks = Clicks([Click(3, 0), Click(10, 39, False), Click(7, 12)])
    found = call(clicks, width, example=f"three clicks, width {width}")
    if isinstance(found, list | tuple):
        found = Clicks(found)
    require(isinstance(found, Clicks), f"mirrored returns Clicks, not {type_in_words(found)}.")
    require(len(found) == 3, f"mirrored returns {len(found)} of 3 clicks.")
    for old, new in zip(clicks, found, strict=True):
        require(new.positive == old.positive, "A mirrored click keeps its kind.")
        require(new.row == old.row, "Left and right are exchanged, so the row stays.")
        require(
            new.col != width - old.col,
            f"Column {old.col} goes to {new.col}, which is one too many: columns begin at 0.",
        )
        require(
            new.col == width - 1 - old.col,
            f"Column {old.col} of {width} does not become {new.col}.",
        )

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.support import disc_mask, easy_scene
from tutorial_lib import registry
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.data.samples import load_sample
from tutorial_lib.metrics import clicks_to_reach, iou
from tutorial_lib.registry import MethodInfo, get_segmenter
from tutorial_lib.segmenter import MethodError, Segmentation
from tutorial_lib.users.human_clicks import HumanClicks, human
from tutorial_lib.users.region_depth import RECOVERABLE, depth
from tutorial_lib.users.robots import ROBOTS, center, geodesic
from tutorial_lib.users.simulation import Trajectory, simulate

NOTHING = np.zeros((7, 9), dtype=bool)
BLOCK = NOTHING.copy()
BLOCK[1:6, 2:7] = True
MASKS = hnp.arrays(bool, (5, 6))
ROBOT = pytest.mark.parametrize("robot", ROBOTS.values(), ids=ROBOTS)
# A person sometimes misses an error; without that, the robot obeys the same rules as the others.
NEVER_MISSES = partial(human, habits=HumanClicks(outside=0))
EXACT = pytest.mark.parametrize("robot", [center, geodesic, NEVER_MISSES], ids=ROBOTS)


def click(*place):
    return Clicks([Click(*place)])


def test_the_middle_of_a_block_is_clicked():
    assert center(NOTHING, BLOCK) == Click(3, 4, True)


def test_a_false_object_gets_a_negative_click():
    assert center(BLOCK, NOTHING) == Click(3, 4, False)


def test_the_image_border_counts_as_boundary():
    assert center(NOTHING, ~NOTHING) == Click(3, 3, True)


def test_the_deepest_error_wins_not_the_one_with_most_pixels():
    truth = NOTHING.copy()
    truth[0] = True  # nine pixels, one deep
    truth[2:5, 1:4] = True
    truth[6] = True
    assert center(NOTHING, truth) == Click(3, 2, True)


def test_missed_and_false_object_are_apart_even_where_they_touch():
    truth, mask = NOTHING.copy(), NOTHING.copy()
    truth[1:6, 0:4], mask[1:6, 4:9] = True, True
    assert center(mask, truth) == Click(3, 6, False)


def test_of_equally_deep_errors_the_uppermost_then_the_leftmost_is_clicked():
    truth = NOTHING.copy()
    truth[4, 0] = truth[2, 5] = truth[2, 8] = True
    assert center(NOTHING, truth) == Click(2, 5, True)


def test_a_clicked_pixel_is_passed_over_and_its_region_stays_as_deep():
    assert center(NOTHING, BLOCK, clicks=click(3, 4)) == Click(2, 3, True)


@ROBOT
def test_nothing_left_to_click(robot):
    assert robot(BLOCK, BLOCK, clicks=click(3, 4)) is None
    assert robot(NOTHING, NOTHING) is None
    assert robot(~BLOCK, BLOCK, NOTHING | True, click(0, 0)) is None
    one = NOTHING.copy()
    one[2, 2] = True
    assert robot(NOTHING, one) == Click(2, 2, True)
    assert robot(NOTHING, one, clicks=click(2, 2)) is None


@EXACT
@given(MASKS, MASKS, MASKS, st.integers(0, 9))
def test_only_errors_are_clicked_each_once_and_never_an_ignored_pixel(
    robot, mask, truth, ignore, seed
):
    errors = {tuple(map(int, place)) for place in np.argwhere((mask != truth) & ~ignore)}
    clicks = Clicks([Click(0, 0)])
    while (found := robot(mask, truth, ignore, clicks, seed)) is not None:
        assert found.positive == truth[found.row, found.col]
        clicks = clicks.add(found)
    places = [(c.row, c.col) for c in clicks]
    assert len(set(places)) == len(places)
    assert set(places) | {(0, 0)} == errors | {(0, 0)}


@given(MASKS)
def test_depth_is_the_distance_to_the_nearest_pixel_outside(region):
    outside = np.argwhere(~np.pad(region, 1)) - 1
    for place in np.ndindex(region.shape):
        away = np.sqrt(((outside - place) ** 2).sum(axis=1)).min()
        assert depth(region)[place] == pytest.approx(away)


@given(MASKS)
def test_without_a_border_only_the_pixels_of_the_image_are_outside(region):
    outside = np.argwhere(~region)
    found = depth(region, border=False)
    for place in np.ndindex(region.shape):
        away = np.sqrt(((outside - place) ** 2).sum(axis=1)).min(initial=np.inf)
        assert found[place] == away


@pytest.mark.parametrize("height", [RECOVERABLE // 2, RECOVERABLE + 9])
def test_depth_is_exact_at_any_size(height):
    region = np.ones((height, 3), dtype=bool)
    region[0, 1] = False
    rows, cols = np.indices(region.shape)
    assert np.array_equal(depth(region, border=False), np.hypot(rows, cols - 1))


def test_depth_agrees_with_paths_that_stay_in_the_region():
    from skimage.graph import MCP_Geometric

    region = disc_mask((40, 50), 18, 20, 14) & ~disc_mask((40, 50), 12, 26, 7)
    inside = np.where(region, 1.0, np.inf)
    for place in np.argwhere(region)[::7]:
        along, _ = MCP_Geometric(inside).find_costs([place])
        rows, cols = np.nonzero(np.isfinite(along))
        # The last step out of the region, to any of the 8 neighbours, is straight as well.
        steps = [
            along[r, c] + math.hypot(dr, dc)
            for r, c in zip(rows, cols, strict=True)
            for dr in (-1, 0, 1)
            for dc in (-1, 0, 1)
            if not region[r + dr, c + dc]
        ]
        exact = depth(region)[tuple(place)]
        assert exact - 1e-9 <= min(steps) <= 1.0824 * exact + 1e-9  # a grid path's worst detour


def test_the_geodesic_robot_starts_inside_the_object_whatever_the_mask():
    for seed in range(20):
        first = geodesic(~BLOCK, BLOCK, seed=seed)
        assert BLOCK[first.row, first.col]
        assert first.positive


def test_the_geodesic_robot_draws_in_proportion_to_depth():
    row = np.zeros((3, 5), dtype=bool)
    row[:] = True
    row[0, 0] = row[2, 0] = row[1, 0] = False  # three rows of four: depth 1 or 2
    draws = [geodesic(row & False, row, seed=seed) for seed in range(4000)]
    counts = np.zeros(row.shape)
    for drawn in draws:
        counts[drawn.row, drawn.col] += 1
    expected = depth(row) / depth(row).sum()
    assert np.abs(counts / 4000 - expected).max() < 4 * np.sqrt(expected.max() / 4000)
    assert expected[1, 2] == 2 / 14


@ROBOT
def test_the_same_arguments_give_the_same_click_and_nothing_is_changed(robot):
    mask, truth, ignore = ~BLOCK, BLOCK.copy(), BLOCK & False
    copies = mask.copy(), truth.copy(), ignore.copy()
    for clicks in (Clicks(), click(2, 2)):
        answers = {robot(mask, truth, ignore, clicks, 5) for _ in range(3)}
        assert len(answers) == 1
    for array, copy in zip((mask, truth, ignore), copies, strict=True):
        assert np.array_equal(array, copy)


class Repeat:
    """Show the discs of the positive clicks, until there is a negative one; then the truth."""

    def prepare(self, image):
        return np.asarray(image)[..., 0] > 100

    def segment(self, prepared, clicks):
        done = len(clicks.negatives)
        return Segmentation(
            (prepared if done else clicks.discs(prepared.shape, 0)[0]).astype(float)
        )


@pytest.fixture
def repeat(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    def add(needs_negative):
        registry.register(
            MethodInfo("repeat", "classical", needs_negative, "Repeats.", "this test", Repeat)
        )
        return Repeat()

    return add


PHOTO = np.where(BLOCK[..., None], 200, 50) * np.ones(3, dtype=np.uint8)


@ROBOT
def test_a_method_that_needs_both_kinds_gets_its_second_click_on_the_background(robot, repeat):
    done = simulate(repeat(True), PHOTO, BLOCK, robot=robot)
    assert [c.positive for c in done.clicks] == [True, False]
    assert done.ious == (1 / 25, 1)


def test_that_click_is_the_robots_own_for_an_answer_that_is_the_whole_image(repeat):
    done = simulate(repeat(True), PHOTO, BLOCK)
    assert done.clicks[1] == center(NOTHING | True, BLOCK, clicks=done.clicks[:1])


def test_other_methods_are_corrected_where_they_are_wrong(repeat):
    done = simulate(repeat(False), PHOTO, BLOCK, max_clicks=6)
    assert [c.positive for c in done.clicks] == [True] * 6


def test_a_robot_stops_at_the_target_after_the_smallest_number_of_clicks(repeat):
    steps = [
        len(simulate(repeat(False), PHOTO, BLOCK, target_iou=0.1, min_clicks=n).ious)
        for n in (0, 5)
    ]
    everything = simulate(repeat(False), PHOTO, BLOCK, max_clicks=6).ious
    first = next(count for count, value in enumerate(everything, 1) if value >= 0.1)
    assert steps == [first, 5]


def test_an_unregistered_method_counts_as_answering_from_the_first_click():
    assert all(c.positive for c in simulate(Repeat(), PHOTO, BLOCK, max_clicks=4).clicks)


@ROBOT
def test_a_trajectory_has_one_iou_and_one_time_a_click(robot):
    image, truth, _ = easy_scene()
    ignore = disc_mask(truth.shape, 24, 32, 13) & ~disc_mask(truth.shape, 24, 32, 11)
    method = get_segmenter("graph-cut")
    done = simulate(method, image, truth, ignore, robot, max_clicks=5, seed=3)
    assert isinstance(done, Trajectory)
    assert len(done.clicks) == len(done.ious) == len(done.ms_clicks) <= 5
    assert done.ms_prepare > 0
    assert min(done.ms_clicks) > 0
    assert not any(ignore[c.row, c.col] for c in done.clicks)
    prepared = method.prepare(image)
    for count, value in enumerate(done.ious, 1):
        assert value == iou(method.segment(prepared, done.clicks[:count]).mask, truth, ignore)
    again = simulate(method, image, truth, ignore, robot, max_clicks=5, seed=3)
    assert (again.clicks, again.ious) == (done.clicks, done.ious)


class Turned(Repeat):
    """Answers with rows and columns swapped."""

    def segment(self, prepared, clicks):
        return Segmentation(super().segment(prepared, clicks).probability.T)


def test_an_answer_of_another_shape_is_refused_with_the_methods_name():
    wide = np.zeros((5, 9), bool)
    wide[2, 3:5] = True
    with pytest.raises(MethodError, match="'Turned' .* 9x5 .* the photo has 5x9"):
        simulate(Turned(), np.where(wide[..., None], 200, 50) * np.ones(3, np.uint8), wide)


def test_an_empty_truth_gives_no_clicks():
    assert len(simulate(get_segmenter("graph-cut"), PHOTO, NOTHING).clicks) == 0


def test_an_unknown_robot_is_refused():
    with pytest.raises(
        ValueError, match="robots are center, geodesic and human; there is no 'r2d2'"
    ):
        simulate(get_segmenter("graph-cut"), PHOTO, BLOCK, robot="r2d2")


# ---- the same again, written a second time without looking: slow loops, no library ----


def slow_depth(row, col, kind, errors):
    """Squared distance to the nearest place that is not an error of this kind."""
    height, width = len(errors), len(errors[0])
    outside = [
        (r - row) ** 2 + (c - col) ** 2
        for r in range(-1, height + 1)
        for c in range(-1, width + 1)
        if not (0 <= r < height and 0 <= c < width) or errors[r][c] != kind
    ]
    return min(outside)


def slow_center(mask, truth, ignore, used):
    height, width = truth.shape
    errors = [
        [
            "ok"
            if ignore[r, c] or mask[r, c] == truth[r, c]
            else "missed"
            if truth[r, c]
            else "false"
            for c in range(width)
        ]
        for r in range(height)
    ]
    best, place = 0, None
    for r in range(height):
        for c in range(width):
            if errors[r][c] != "ok" and (r, c) not in used:
                away = slow_depth(r, c, errors[r][c], errors)
                if away > best:
                    best, place = away, (r, c)
    return place


def slow_evaluation(method, image, truth, ignore, maximum, threshold):
    prepared, clicks, reached = method.prepare(image), Clicks(), maximum
    mask = truth & False
    for count in range(1, maximum + 1):
        shown = truth | True if count == 2 else mask
        place = slow_center(shown, truth, ignore, {(c.row, c.col) for c in clicks})
        if place is None:
            break
        clicks = clicks.add(Click(*place, bool(truth[place])))
        mask = method.segment(prepared, clicks).mask
        both = either = 0
        for m, t, skip in zip(mask.flat, truth.flat, ignore.flat, strict=True):
            both, either = both + (m and t and not skip), either + ((m or t) and not skip)
        if both / either >= threshold and reached == maximum:
            reached = count
    return clicks, reached


def toy(seed):
    rng = np.random.default_rng(seed)
    truth = disc_mask((18, 24), *rng.integers(6, 12, 2), 5) | disc_mask((18, 24), 12, 18, 3)
    image = np.where(truth[..., None], (190, 120, 60), (60, 100, 150)) + rng.normal(
        0, 45, (18, 24, 3)
    )
    return np.clip(image, 0, 255).astype(np.uint8), truth, disc_mask((18, 24), 6, 17, 2)


def small_photo():
    flower = load_sample("flower")
    rows, cols = slice(None, None, 12), slice(None, None, 12)
    truth = flower.mask[rows, cols]
    return np.ascontiguousarray(flower.image[rows, cols]), truth, truth & False


@pytest.mark.parametrize(
    "scene", [*map(toy, range(4)), small_photo()], ids=["a", "b", "c", "d", "p"]
)
def test_a_second_implementation_places_the_same_clicks_and_counts_the_same(scene):
    image, truth, ignore = scene
    method = get_segmenter("graph-cut", radius=1, lam=0.2)
    quick = simulate(method, image, truth, ignore, max_clicks=8)
    for threshold in (0.85, 0.97):
        clicks, reached = slow_evaluation(method, image, truth, ignore, 8, threshold)
        assert clicks == quick.clicks
        assert reached == clicks_to_reach(quick.ious, threshold, 8)


def test_a_trajectory_ends_with_the_mask_that_was_shown_last():
    image, truth, _ = easy_scene()
    method = get_segmenter("geodesic-matting")
    found = simulate(method, image, truth, max_clicks=3)
    shown = method.segment(method.prepare(image), found.clicks).mask
    assert np.array_equal(found.mask, shown)
    assert iou(found.mask, truth) == found.ious[-1]

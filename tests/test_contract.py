"""What every registered method promises, whoever wrote it; new methods are picked up by name."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.support import easy_scene
from tutorial_lib.actions import Box, Stroke
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.metrics import iou
from tutorial_lib.registry import get_segmenter, methods
from tutorial_lib.segmenter import Segmenter

IMAGE, TRUTH, TWO = easy_scene()
SHAPE = IMAGE.shape[:2]
CLICKS = Clicks([*TWO, Click(24, 38), Click(40, 56, False), Click(18, 30), Click(24, 52, False)])
OTHERS = Clicks([Click(5, 5), Click(24, 32, False), Click(40, 8)])

# To these an orange disc is background: they know classes of garments, and nothing else.
KNOW_CLASSES = {"semantic-fcn", "semantic-crf-rnn"}
NAMES = [info.name for info in methods() if info.expected]
DEEP = {info.name for info in methods() if info.kind == "deep"}
#: What a method remembers does not depend on the processor: `make plain-tests` leaves it out.
bookkeeping = pytest.mark.slow
SMALL = 128  # what is promised holds at any size, and a small photo is answered twenty times sooner
find_anything = pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in KNOW_CLASSES], scope="module"
)


def small(name):
    """Return a new segmenter; its network, if it has one, sees photos at a small size."""
    return get_segmenter(name, **({"size": SMALL} if name in DEEP else {}))


@pytest.fixture(params=NAMES, scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def method(name):
    """Load each network once; what it remembers of photos must not matter to later tests."""
    return small(name)


@pytest.fixture(scope="module")
def at_own_size(name):
    return get_segmenter(name)


@pytest.fixture
def prepared(method):
    return method.prepare(IMAGE)


def same(first, second):
    def equal(a, b):
        return a is b is None or np.array_equal(a, b)

    fields = ("probability", "mask", "candidates", "scores", "selected")
    return all(equal(getattr(first, field), getattr(second, field)) for field in fields)


def test_keeps_the_protocol(method, prepared):
    assert isinstance(method, Segmenter)
    assert tuple(prepared.shape) == SHAPE


def test_answers_have_the_promised_form(method, prepared):
    for count in range(len(CLICKS) + 1):
        answer = method.segment(prepared, CLICKS[:count])
        assert answer.probability.shape == answer.mask.shape == SHAPE
        assert answer.probability.dtype == np.float32
        assert answer.mask.dtype == bool
        assert 0 <= answer.probability.min() <= answer.probability.max() <= 1
        if answer.candidates is not None:
            assert answer.candidates.shape == (len(answer.scores), *SHAPE)
            assert 0 <= answer.selected < len(answer.scores)


STROKES = Clicks([Stroke([(22, 29), (24, 32), (27, 34)]), Stroke([(4, 4), (4, 58)], False)])


@find_anything
def test_finds_an_easy_object_with_strokes_and_agrees_with_them(at_own_size):
    prepared = at_own_size.prepare(IMAGE)
    answer = at_own_size.segment(prepared, STROKES)
    assert iou(answer.mask, TRUTH) > 0.9
    assert answer.mask[tuple(STROKES.positives.T)].all()
    assert not answer.mask[tuple(STROKES.negatives.T)].any()


def test_strokes_and_clicks_are_answered_together_and_undone_one_by_one(method, prepared):
    said = Clicks([TWO[0], STROKES[1], CLICKS[2], STROKES[0]])
    forth = [method.segment(prepared, said[:count]) for count in range(len(said) + 1)]
    for expected in reversed(forth):
        assert same(method.segment(prepared, said), expected)
        said = said.undo()
    assert same(method.segment(method.prepare(IMAGE), STROKES), method.segment(prepared, STROKES))
    with pytest.raises(ValueError, match="row 48, column 3 lies outside"):
        method.segment(prepared, TWO.add(Stroke([(4, 3), (48, 3)])))


def test_a_box_confines_the_answer(name, method, prepared, at_own_size):
    info = {info.name: info for info in methods()}[name]
    assert info.box.endswith(".") and info.start.endswith(".")
    box = Box(8, 16, 40, 48)
    asked = Clicks([box, Click(24, 32)])
    assert not method.segment(prepared, asked).mask[~box.inside(SHAPE)].any()
    answer = at_own_size.segment(at_own_size.prepare(IMAGE), asked)
    assert name in KNOW_CLASSES or iou(answer.mask, TRUTH) > 0.9
    assert method.segment(prepared, Clicks([box])).mask.any() == (name == "grabcut")
    with pytest.raises(ValueError, match="box 8,16,49,48 lies outside the image of 48x64"):
        method.segment(prepared, Clicks([Box(8, 16, 49, 48)]))


def test_a_start_mask_is_shown_corrected_and_undone(name, method, prepared, at_own_size):
    start = TRUTH & (np.arange(64) < 36)  # a third of the object is missing
    begun = Clicks().starting_from(start)
    shown = method.segment(prepared, begun)
    assert np.array_equal(shown.mask, start)
    corrected = method.segment(prepared, begun.add(Click(24, 38)))
    assert not same(corrected, shown)
    better = at_own_size.segment(at_own_size.prepare(IMAGE), begun.add(Click(24, 38)))
    assert name in KNOW_CLASSES or iou(better.mask, TRUTH) > iou(start, TRUTH)
    assert same(method.segment(prepared, begun.add(Click(24, 38)).undo()), shown)
    fresh = method.segment(method.prepare(IMAGE), begun.add(Click(24, 38)))
    assert same(fresh, corrected)
    method.segment(prepared, begun.add(Click(6, 6, False)))  # a background click alone is enough
    with pytest.raises(ValueError, match="start mask has 2x2 pixels .* image has 48x64"):
        method.segment(prepared, Clicks().starting_from(np.eye(2, dtype=bool)))


@pytest.mark.parametrize("full", [False, True])
def test_a_start_mask_of_one_side_only(method, prepared, full):
    begun = Clicks().starting_from(np.full(SHAPE, full))
    for clicks in (begun, begun.add(Click(24, 32)), begun.add(Click(24, 32, False))):
        assert method.segment(prepared, clicks).mask.shape == SHAPE


@find_anything
def test_finds_an_easy_object_with_one_click_of_each_kind(at_own_size):
    prepared = at_own_size.prepare(IMAGE)
    assert iou(at_own_size.segment(prepared, TWO).mask, TRUTH) > 0.9


def test_no_clicks_give_an_empty_mask(method, prepared):
    assert not method.segment(prepared, Clicks()).mask.any()


def test_methods_that_need_both_kinds_show_the_positive_discs_until_then(name, method, prepared):
    needs_negative = {info.name: info.needs_negative for info in methods()}[name]
    for clicks in (Clicks([TWO[0]]), Clicks([TWO[1]]), Clicks([TWO[0], CLICKS[2]])):
        discs, _ = clicks.discs(SHAPE, getattr(method, "radius", 5))
        answered = np.array_equal(method.segment(prepared, clicks).mask, discs)
        assert answered == needs_negative or not discs.any()


def test_clicks_outside_are_refused(method, prepared):
    with pytest.raises(ValueError, match="row 48, column 3 lies outside"):
        method.segment(prepared, TWO.add(Click(48, 3)))


def test_a_refused_click_leaves_nothing_behind(method, prepared):
    before = method.segment(prepared, TWO)
    with pytest.raises(ValueError):
        method.segment(prepared, Clicks([Click(0, 64)]))
    assert same(method.segment(prepared, TWO), before)


def test_undo_is_segment_with_fewer_clicks(method, prepared):
    forth = [method.segment(prepared, CLICKS[:count]) for count in range(len(CLICKS) + 1)]
    clicks = CLICKS
    for expected in reversed(forth):
        assert same(method.segment(prepared, clicks), expected)
        clicks = clicks.undo()


@bookkeeping
def test_a_choice_among_candidates_is_an_input_like_a_click(method, prepared):
    first = method.segment(prepared, CLICKS[:1])
    if first.candidates is None:
        assert first.selected is None
        return
    for candidate in range(len(first.scores)):
        preferring = CLICKS[:1].prefer(candidate)
        shown = method.segment(prepared, preferring)
        assert shown.selected == candidate
        assert np.array_equal(shown.probability, first.candidates[candidate])
        following = method.segment(prepared, preferring.add(CLICKS[1]))
        fresh = method.segment(method.prepare(IMAGE), preferring.add(CLICKS[1]))
        assert same(following, fresh)
    assert same(method.segment(prepared, CLICKS[:1]), first)


@bookkeeping
def test_the_order_of_calls_does_not_matter(method, prepared):
    sequences = [CLICKS[:count] for count in range(1, len(CLICKS) + 1)] + [OTHERS, Clicks()]
    expected = [method.segment(method.prepare(IMAGE), clicks) for clicks in sequences]
    for index in np.random.default_rng(0).integers(0, len(sequences), 16):
        assert same(method.segment(prepared, sequences[index]), expected[index])


def test_two_fresh_segmenters_agree(name, method, prepared):
    twin = small(name)
    assert same(method.segment(prepared, CLICKS), twin.segment(twin.prepare(IMAGE), CLICKS))


@bookkeeping
def test_an_answer_is_not_touched_by_later_calls(method, prepared):
    answer = method.segment(prepared, CLICKS)
    mask, probability = answer.mask.copy(), answer.probability.copy()
    method.segment(prepared, OTHERS)
    assert np.array_equal(answer.mask, mask)
    assert np.array_equal(answer.probability, probability)


@bookkeeping
def test_changing_an_answer_does_not_change_the_next(method, prepared):
    answer = method.segment(prepared, CLICKS)
    expected = answer.mask.copy()
    answer.mask[:] = False
    answer.probability[:] = 0
    assert np.array_equal(method.segment(prepared, CLICKS).mask, expected)


@bookkeeping
def test_the_image_stays_as_it_was_and_may_change_afterwards(method):
    image = IMAGE.copy()
    prepared = method.prepare(image)
    before = method.segment(prepared, CLICKS)
    assert np.array_equal(image, IMAGE)
    image[:] = 0
    assert same(method.segment(prepared, CLICKS), before)


@bookkeeping
def test_two_photos_do_not_disturb_each_other(method, prepared):
    before = method.segment(prepared, CLICKS)
    other = method.prepare(255 - IMAGE[:30, :50])
    method.segment(other, Clicks([Click(15, 25), Click(2, 2, False)]))
    assert same(method.segment(prepared, CLICKS), before)


@pytest.fixture
def eager_threads():
    """Let threads take turns as often as Python can, so that a race has its chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@bookkeeping
def test_threads_may_share_what_was_prepared(method, prepared, eager_threads):
    sequences = [CLICKS[:count] for count in range(2, len(CLICKS) + 1)] + [OTHERS]
    expected = [method.segment(prepared, clicks) for clicks in sequences]
    jobs = [index for _ in range(8) for index in range(len(sequences))]
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda index: method.segment(prepared, sequences[index]), jobs)
        assert all(same(a, expected[index]) for a, index in zip(answers, jobs, strict=True))


@pytest.mark.parametrize(
    ("image", "colours"),
    [
        (IMAGE[..., 0], IMAGE[..., [0, 0, 0]]),
        (IMAGE[..., :1], IMAGE[..., [0, 0, 0]]),
        (IMAGE / 255, IMAGE),
        (np.dstack([IMAGE, np.full(SHAPE, 255, np.uint8)]), IMAGE),
    ],
    ids=["grey", "one-channel", "float", "rgba"],
)
def test_other_kinds_of_image_are_answered_like_their_colours(method, image, colours):
    answers = [method.segment(method.prepare(kind), TWO) for kind in (image, colours)]
    assert same(*answers)


@bookkeeping
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 40), (40, 1), (2, 2), (7, 13)])
def test_tiny_and_thin_images_of_one_colour(method, shape):
    prepared = method.prepare(np.full((*shape, 3), 90, np.uint8))
    last = (shape[0] - 1, shape[1] - 1)
    sequences = [[], [Click(0, 0)], [Click(0, 0, False)], [Click(0, 0), Click(*last, False)]]
    for clicks in map(Clicks, sequences):
        answer = method.segment(prepared, clicks)
        assert answer.mask.shape == shape


@bookkeeping
@pytest.mark.parametrize("seed", range(3))
def test_noise_and_tiny_random_images(method, seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(2, 12, 2)
    prepared = method.prepare(rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
    clicks = Clicks(Click(*rng.integers(0, shape), bool(k % 2)) for k in range(6))
    assert method.segment(prepared, clicks).mask.shape == tuple(shape)

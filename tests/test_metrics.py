import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.support import one_sentence
from tutorial_lib.metrics import (
    THRESHOLDS,
    area_under_curve,
    bootstrap_interval,
    clicks_and_curve,
    clicks_to_errors,
    clicks_to_reach,
    disagreement,
    iou,
    mean_iou_curve,
    noc,
)

MASKS = hnp.arrays(bool, (3, 4))
LEFT = np.array([[True, True, False, False]])
MIDDLE = np.array([[False, True, True, False]])


def test_one_pixel_of_three():
    assert iou(LEFT, MIDDLE) == 1 / 3


def test_two_empty_masks_agree():
    assert iou(~(LEFT | True), ~(LEFT | True)) == 1


def test_of_four_masks_a_quarter_a_half_or_all_say_object():
    masks = np.array([[[1, 1, 1, 0]], [[0, 1, 1, 0]], [[0, 0, 1, 0]], [[0, 0, 1, 0]]], dtype=bool)
    found = disagreement(masks)
    assert found.dtype == np.float32
    assert found.tolist() == [[0.75, 1, 0, 0]]  # 4 q (1 - q) with q = 1/4, 1/2, 1, 0


def test_who_is_unsure_together_agrees():
    assert disagreement(np.full((3, 1, 1), 0.5)).tolist() == [[0]]
    assert disagreement(np.array([[[0.25]], [[0.75]]])).tolist() == [[0.25]]
    assert disagreement(np.ones((1, 1, 1))).tolist() == [[0]]


@given(hnp.arrays(np.float32, (3, 2, 2), elements=st.floats(0, 1, width=32)))
def test_disagreement_is_a_share_and_forgets_the_order(candidates):
    found = disagreement(candidates)
    assert 0 <= found.min() <= found.max() <= 1
    assert disagreement(1 - candidates[::-1]) == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize("shape", [(0, 2, 2), (2, 2)])
def test_disagreement_needs_candidates(shape):
    with pytest.raises(ValueError, match="M at least 1") as caught:
        disagreement(np.zeros(shape))
    assert one_sentence(caught.value)


def test_an_empty_mask_misses_everything():
    assert iou(LEFT & False, LEFT) == 0


def test_ignored_pixels_do_not_count():
    assert iou(LEFT, MIDDLE, ignore=np.array([[True, False, False, False]])) == 1 / 2


def test_where_everything_is_ignored_there_is_nothing_to_miss():
    assert iou(LEFT, MIDDLE, ignore=LEFT | True) == 1


def test_255_counts_as_object():
    assert iou(LEFT.astype(np.uint8) * 255, LEFT) == 1


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"shape \(1, 4\), the known mask \(4, 1\)"):
        iou(LEFT, LEFT.T)


@given(MASKS, MASKS)
def test_symmetric_and_within_range(first, second):
    assert iou(first, second) == iou(second, first)
    assert 0 <= iou(first, second) <= 1


@given(MASKS, MASKS)
def test_one_exactly_for_equal_masks(first, second):
    assert (iou(first, second) == 1) == np.array_equal(first, second)


@given(MASKS, MASKS, MASKS)
def test_ignoring_equals_cutting_out(first, second, ignore):
    assert iou(first, second, ignore) == iou(first[~ignore][None], second[~ignore][None])


IOUS = [0.3, 0.85, 0.8, 0.9]


@pytest.mark.parametrize(
    ("ious", "threshold", "expected"),
    [
        (IOUS, 0.3, 1),
        (IOUS, 0.85, 2),  # reached counts, passed is not asked for; falling back does not matter
        (IOUS, 0.86, 4),
        (IOUS, 0.91, 20),
        ([], 0.5, 20),
        ([0.1] * 19 + [0.9], 0.9, 20),
        ([0.1] * 20 + [0.9], 0.9, 20),
    ],
)
def test_clicks_to_reach(ious, threshold, expected):
    assert clicks_to_reach(ious, threshold) == expected


def test_clicks_beyond_the_maximum_do_not_count():
    assert clicks_to_reach(IOUS, 0.9, maximum=3) == 3


@given(st.lists(st.floats(0, 1), max_size=25), st.floats(0, 1), st.integers(1, 25))
def test_clicks_to_reach_written_as_a_loop(ious, threshold, maximum):
    expected = maximum
    for index in range(min(maximum, len(ious)) - 1, -1, -1):
        if ious[index] >= threshold:
            expected = index + 1
    assert clicks_to_reach(ious, threshold, maximum) == expected


def test_noc_is_the_mean_over_samples():
    assert noc([[0.9], [0.1, 0.2, 0.9], [0.1]], 0.85) == (1 + 3 + 20) / 3
    assert noc(iter([[0.9], [0.1]]), 0.85, maximum=5) == 3


def test_a_sample_that_stopped_early_keeps_its_last_iou():
    curve = mean_iou_curve([[0.5, 1.0], [0.25, 0.5, 0.75, 0.0]], maximum=3)
    assert curve.tolist() == [0.375, 0.75, 0.875]


def test_a_curve_has_twenty_values():
    assert mean_iou_curve([[0.5]]).tolist() == [0.5] * 20


@pytest.mark.parametrize(
    ("curve", "area"), [([0, 1], 0.5), ([0.2, 0.2, 0.2], 0.2), ([0, 1, 1], 0.75), ([0.4], 0.4)]
)
def test_area_under_curve(curve, area):
    assert area_under_curve(curve) == pytest.approx(area)
    assert area_under_curve(np.array(curve)) == pytest.approx(area)


def test_clicks_are_averaged_at_each_error_and_those_who_never_reach_it_are_counted():
    samples = [(0.7, 0.85), (0.2, 0.6, 0.9), (0.5,)]
    easy, hard = clicks_to_errors(samples, (0.5, 0.15), maximum=10)
    assert (easy.clicks, easy.never, easy.samples) == (pytest.approx((1 + 2 + 1) / 3), 0, 3)
    # An IoU of exactly 0.85 reaches the error 0.15; the last sample counts as the maximum.
    assert (hard.clicks, hard.never) == (pytest.approx((2 + 3 + 10) / 3), 1)
    assert 2 <= hard.low < hard.clicks < hard.high <= 10
    assert clicks_to_errors([(0.2, 0.9)], [0.1], maximum=1)[0].never == 1  # reached too late


def test_the_two_averages_of_a_study_differ():
    samples = [(1.0,), (0.0,) * 9 + (1.0,)]  # one needs a click, one needs ten
    assert clicks_to_errors(samples, [0.5])[0].clicks == 5.5
    assert np.flatnonzero(mean_iou_curve(samples) >= 0.5)[0] + 1 == 1


def test_an_error_that_cannot_be_is_refused():
    for samples, errors, message in [
        ([], [0.1], "one sample"),
        ([[0.5]], [1.5], "between 0 and 1"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            clicks_to_errors(samples, errors)
        assert one_sentence(error.value)


def test_nothing_to_average_is_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        noc([], 0.85)
    for samples in ([], [[]], [[0.5], []]):
        with pytest.raises(ValueError, match="one click in each"):
            mean_iou_curve(samples)
    with pytest.raises(ValueError, match="empty curve"):
        area_under_curve([])


def test_the_interval_of_equal_values_is_that_value():
    assert bootstrap_interval([3, 3, 3]) == (3, 3)
    assert bootstrap_interval([7]) == (7, 7)


def test_the_interval_of_two_values_by_hand():
    # The mean of two draws from {0, 1} is 0, 1/2, 1 with probability 1/4, 1/2, 1/4.
    assert bootstrap_interval([0, 1], confidence=0.9) == (0, 1)
    assert bootstrap_interval([0, 1], confidence=0.3) == (0.5, 0.5)


def test_the_interval_is_close_to_the_normal_one():
    values = np.random.default_rng(1).normal(10, 2, 400)
    low, high = bootstrap_interval(values, 0.95, resamples=4000)
    spread = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - spread, abs=0.02)
    assert high == pytest.approx(values.mean() + spread, abs=0.02)


def test_the_interval_depends_on_its_seed_alone():
    values = [1, 2, 5, 20, 3, 4]
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values, resamples=50) != bootstrap_interval(
        values, resamples=50, seed=1
    )


@pytest.mark.parametrize("confidence", [0, 1, -0.5, float("nan")])
def test_impossible_confidence_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence lies between"):
        bootstrap_interval([1, 2], confidence)


@pytest.mark.parametrize(("values", "resamples"), [([], 10), ([1.0], 0)])
def test_an_interval_of_nothing_is_refused(values, resamples):
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval(values, resamples=resamples)


def test_thresholds_are_those_of_both_papers():
    assert THRESHOLDS == (85, 90)


def test_clicks_and_curve_of_two_objects():
    exact = clicks_and_curve([(0.5, 0.87), (0.9, 0.91, 0.95)], maximum=3)
    assert exact["noc"] == {"85": 1.5, "90": 2.0}  # (2 + 1) / 2 and (3 + 1) / 2
    assert exact["miou"] == pytest.approx([0.7, 0.89, 0.91])
    rounded = clicks_and_curve([(0.5, 0.87), (0.9, 0.91, 0.95)], maximum=3, digits=1)
    assert rounded == {"noc": {"85": 1.5, "90": 2.0}, "miou": [0.7, 0.89, 0.91]}

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from tutorial_lib.evaluation.metrics import iou

MASKS = hnp.arrays(bool, (3, 4))
LEFT = np.array([[True, True, False, False]])
MIDDLE = np.array([[False, True, True, False]])


def test_one_pixel_of_three():
    assert iou(LEFT, MIDDLE) == 1 / 3


def test_two_empty_masks_agree():
    assert iou(~(LEFT | True), ~(LEFT | True)) == 1


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

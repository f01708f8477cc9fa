"""Losses, on masks small enough to compute them by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support import one_sentence
from tutorial_lib.deep.losses import binary_cross_entropy, relaxed_jaccard

TARGET = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
SOFT = torch.tensor([[[0.5, 1.0], [0.25, 0.0]]])


def test_the_relaxed_jaccard_distance_by_hand():
    # minima 0.5 + 1 + 0 + 0, maxima 1 + 1 + 0.25 + 0
    assert relaxed_jaccard(SOFT, TARGET).tolist() == pytest.approx([1 - 1.5 / 2.25])


def test_it_is_one_minus_iou_of_binary_masks():
    answer = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    assert relaxed_jaccard(answer, TARGET.bool()).tolist() == pytest.approx([1 - 1 / 3])


def test_a_pixel_that_does_not_count_is_left_out():
    valid = torch.tensor([[[True, True], [False, True]]])
    assert relaxed_jaccard(SOFT, TARGET, valid).tolist() == pytest.approx([1 - 1.5 / 2])


def test_equal_masks_have_no_distance_even_if_they_are_empty():
    empty = torch.zeros(1, 2, 2)
    assert relaxed_jaccard(TARGET, TARGET).tolist() == [0]
    assert relaxed_jaccard(empty, empty).tolist() == [0]
    assert relaxed_jaccard(SOFT, TARGET, empty.bool()).tolist() == [0]


def test_an_empty_answer_is_as_far_as_can_be():
    assert relaxed_jaccard(torch.zeros(1, 2, 2), TARGET).tolist() == [1]


def test_every_image_has_its_own_distance():
    both = relaxed_jaccard(torch.cat([SOFT, TARGET]), torch.cat([TARGET, TARGET]))
    assert both.tolist() == pytest.approx([1 / 3, 0])


def test_empty_masks_give_no_infinite_gradient():
    answer = torch.zeros(1, 2, 2, requires_grad=True)
    relaxed_jaccard(answer, torch.zeros(1, 2, 2)).sum().backward()
    assert answer.grad.isfinite().all()


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_the_distance_lies_between_0_and_1_and_is_symmetric(values):
    first, second = torch.tensor(values, dtype=torch.float64).view(2, 1, 2, 2)
    distance = relaxed_jaccard(first, second)
    assert 0 <= distance.item() <= 1
    assert relaxed_jaccard(second, first).item() == pytest.approx(distance.item())


def test_cross_entropy_by_hand():
    logit = torch.tensor([[[0.0, math.log(3)], [0.0, math.log(3)]]])  # sure to 1/2 and 3/4
    expected = (math.log(2) + math.log(4 / 3) + math.log(2) + math.log(4)) / 4
    assert binary_cross_entropy(logit, TARGET).tolist() == pytest.approx([expected])


def test_cross_entropy_is_the_mean_over_the_pixels_that_count():
    logit = torch.tensor([[[0.0, math.log(3)], [50.0, 50.0]]])
    valid = torch.tensor([[[True, True], [False, False]]])
    expected = (math.log(2) + math.log(4 / 3)) / 2
    assert binary_cross_entropy(logit, TARGET, valid).tolist() == pytest.approx([expected])


def test_cross_entropy_of_no_pixel_is_0():
    nothing = torch.zeros(1, 2, 2, dtype=torch.bool)
    assert binary_cross_entropy(torch.ones(1, 2, 2), TARGET, nothing).tolist() == [0]


def test_the_mean_of_two_halves_of_a_batch_is_that_of_the_whole():
    generator = torch.Generator().manual_seed(0)
    logit = torch.randn(4, 3, 3, generator=generator)
    target = torch.rand(4, 3, 3, generator=generator) > 0.5
    valid = torch.rand(4, 3, 3, generator=generator) > 0.3
    whole = binary_cross_entropy(logit, target, valid).mean()
    halves = [binary_cross_entropy(logit[i], target[i], valid[i]).mean() for i in ([0, 1], [2, 3])]
    assert torch.stack(halves).mean().item() == pytest.approx(whole.item())


@pytest.mark.parametrize("loss", [relaxed_jaccard, binary_cross_entropy])
@pytest.mark.parametrize(
    ("answer", "target", "valid"),
    [((1, 2, 2), (1, 2, 3), None), ((2, 2), (2, 2), None), ((1, 2, 2), (1, 2, 2), (2, 2))],
)
def test_masks_of_different_shapes_are_refused(loss, answer, target, valid):
    with pytest.raises(ValueError, match=r"shape \(B, H, W\)") as error:
        loss(torch.zeros(answer), torch.zeros(target), None if valid is None else torch.ones(valid))
    assert one_sentence(error.value)

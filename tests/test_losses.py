"""Losses, on masks small enough to compute them by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support import one_sentence
from tutorial_lib.deep.losses import (
    binary_cross_entropy,
    click_constraint,
    l1,
    relaxed_jaccard,
)

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


def test_l1_by_hand():
    # differences 0.5 + 0 + 0.25 + 0, over four pixels or the three that count
    valid = torch.tensor([[[True, True], [False, True]]])
    assert l1(SOFT, TARGET).tolist() == pytest.approx([0.75 / 4])
    assert l1(SOFT, TARGET.bool(), valid).tolist() == pytest.approx([0.5 / 3])


def test_the_click_constraint_by_hand():
    positive = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])  # on 0.5 and 1: misses 0.5 and 0
    negative = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])  # on 0.25: too much by 0.25
    assert click_constraint(SOFT, positive, negative).tolist() == [0.75]
    assert click_constraint(SOFT, positive.bool(), negative.bool(), mean=True).tolist() == [0.25]


def test_the_click_constraint_is_equation_4_as_it_is_written():
    generator = torch.Generator().manual_seed(0)
    b = torch.rand(1, 5, 5, generator=generator)
    draw = torch.rand(1, 5, 5, generator=generator)
    sp, sn = (draw < 0.2).float(), (draw > 0.7).float()
    written = (sp * (sp - b)).abs().sum() + (sn * (sn - (1 - b))).abs().sum()
    assert click_constraint(b, sp, sn).item() == pytest.approx(written.item())


def test_without_clicks_there_is_no_constraint():
    nothing = torch.zeros(1, 2, 2)
    assert click_constraint(SOFT, nothing, nothing).tolist() == [0]
    assert click_constraint(SOFT, nothing, nothing, mean=True).tolist() == [0]


LOSSES = [relaxed_jaccard, binary_cross_entropy, l1, click_constraint]


@pytest.mark.parametrize("loss", LOSSES)
def test_candidates_have_the_losses_that_each_would_have_alone(loss):
    generator = torch.Generator().manual_seed(0)
    candidates = torch.rand(2, 3, 4, 5, generator=generator)
    target, other = torch.rand(2, 2, 4, 5, generator=generator) > 0.5
    together = loss(candidates, target, other)
    assert together.shape == (2, 3)
    alone = [loss(candidates[:, m], target, other) for m in range(3)]
    torch.testing.assert_close(together, torch.stack(alone, dim=1))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("candidates", [(), (3,)])
def test_gradients_are_those_of_the_formula(loss, candidates):
    generator = torch.Generator().manual_seed(1)
    shape = (2, *candidates, 2, 3)
    answer = torch.rand(shape, generator=generator, dtype=torch.float64) * 0.8 + 0.1
    masks = torch.rand(2, 2, 2, 3, generator=generator) > 0.4
    answer.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, *masks), answer)


@pytest.mark.parametrize("loss", LOSSES)
def test_sums_over_a_large_bfloat16_mask_are_float32(loss):
    answer = torch.full((1, 256, 256), 0.5, dtype=torch.bfloat16)
    target, other = torch.zeros(2, 1, 256, 256).bool()
    target[:, 0], other[:] = True, True
    value = loss(answer, target, other)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(answer.float(), target, other))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("answer", "target", "valid"),
    [
        ((1, 2, 2), (1, 2, 3), (1, 2, 2)),
        ((2, 2), (2, 2), (2, 2)),
        ((1, 2, 2), (1, 2, 2), (2, 2)),
        ((1, 6, 2, 2), (1, 6, 2, 2), (1, 2, 2)),
        ((2, 6, 2, 2), (1, 2, 2), (2, 2, 2)),
    ],
)
def test_masks_of_different_shapes_are_refused(loss, answer, target, valid):
    with pytest.raises(ValueError, match=r"masks \(B, H, W\)") as error:
        loss(torch.zeros(answer), torch.zeros(target), torch.ones(valid))
    assert one_sentence(error.value)

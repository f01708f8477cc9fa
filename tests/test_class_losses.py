"""Losses of several classes, on maps small enough to compute them by hand."""

import math

import pytest
import torch

from tests.support import one_sentence
from tutorial_lib.deep.losses import relaxed_jaccard
from tutorial_lib.deep.semantic.losses import UNLABELLED, class_entropy, class_jaccard

TARGET = torch.tensor([[[0, 2], [2, UNLABELLED]]], dtype=torch.uint8)
HALVES = torch.tensor([0.5, 0.25, 0.25]).view(1, 3, 1, 1).expand(1, 3, 2, 2)


def test_the_entropy_is_the_mean_over_the_pixels_that_count():
    expected = (math.log(2) + 2 * math.log(4)) / 3
    assert class_entropy(HALVES.log(), TARGET).tolist() == pytest.approx([expected])


def test_the_distance_is_the_mean_over_the_classes_shown():
    # class 0: 0.5 of 1 + 2 * 0.5; class 2: 2 * 0.25 of 2 + 0.25; class 1 is not there
    expected = ((1 - 0.5 / 2) + (1 - 0.5 / 2.25)) / 2
    assert class_jaccard(HALVES, TARGET).tolist() == pytest.approx([expected])


def test_each_class_has_the_relaxed_jaccard_distance_of_its_mask():
    chance = torch.Generator().manual_seed(0)
    answer = torch.randn(2, 3, 5, 6, generator=chance).softmax(dim=1)
    target = torch.randint(0, 3, (2, 5, 6), generator=chance)
    masks = [relaxed_jaccard(answer[:, k], target == k) for k in range(3)]
    expected = torch.stack(masks).mean(dim=0)
    assert torch.allclose(class_jaccard(answer, target), expected)


def test_right_answers_cost_nothing_and_wrong_ones_all():
    right = torch.nn.functional.one_hot(TARGET.long().clamp_max(2), 3).permute(0, 3, 1, 2).float()
    assert class_jaccard(right, TARGET).tolist() == [0]
    assert class_jaccard(right.roll(1, dims=1), TARGET).tolist() == [1]


def test_where_no_pixel_counts_nothing_is_lost():
    nothing = torch.full((1, 2, 2), UNLABELLED, dtype=torch.uint8)
    assert class_entropy(HALVES.log(), nothing).tolist() == [0]
    assert class_jaccard(HALVES, nothing).tolist() == [0]


@pytest.mark.parametrize("loss", [class_entropy, class_jaccard])
def test_shapes_have_to_fit(loss):
    with pytest.raises(ValueError, match=r"not \(1, 3, 2, 2\) and \(1, 4, 2\)") as error:
        loss(HALVES, torch.zeros(1, 4, 2, dtype=torch.long))
    assert one_sentence(error.value)

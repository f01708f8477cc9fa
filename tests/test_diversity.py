"""Losses of several candidates, with numbers small enough to compute them by hand."""

import math

import pytest
import torch

from tests.support import one_sentence
from tutorial_lib.deep.latent_diversity.losses import (
    PAPER_RANKING,
    RELEASED_RANKING,
    hindsight_loss,
    ranked_diversity_loss,
    selection_loss,
)
from tutorial_lib.deep.losses import click_constraint, relaxed_jaccard

LOSSES = torch.tensor([[0.5, 0.25, 1.0], [0.0, 2.0, 4.0]])


def test_hindsight_is_the_least_loss_of_each_image():
    assert hindsight_loss(LOSSES).tolist() == [0.25, 0]


def test_a_share_of_the_mean_is_added():
    assert hindsight_loss(LOSSES, share=0.5).tolist() == pytest.approx([0.25 + 0.875 / 3, 1])


def test_only_the_best_candidate_learns():
    losses = LOSSES.clone().requires_grad_()
    hindsight_loss(losses).sum().backward()
    assert losses.grad.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_of_equal_candidates_one_learns():
    losses = torch.ones(1, 3, requires_grad=True)
    hindsight_loss(losses).sum().backward()
    assert sorted(losses.grad.flatten().tolist()) == [0, 0, 1]


def test_equation_5_by_hand():
    door, house = [[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]
    candidates = torch.tensor([[door, house]])
    positive = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    negative = torch.tensor([[[0.0, 0.0], [0.0, 1.0]]])
    target = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])  # the house without its clicked corner
    distances = relaxed_jaccard(candidates, target)
    assert distances.tolist() == [[pytest.approx(2 / 3), pytest.approx(1 / 4)]]
    losses = distances + click_constraint(candidates, positive, negative)
    assert losses.tolist() == [[pytest.approx(2 / 3), pytest.approx(1 / 4 + 1)]]
    assert hindsight_loss(losses).tolist() == [pytest.approx(2 / 3)]  # the door obeys both clicks


def test_ranked_diversity_by_hand():
    losses = torch.tensor([[0.5, 0.3, 0.9]])
    distances = torch.tensor([[0.4, 0.2, 0.8]])
    expected = 0.3 + 0.01 * (4 * 0.4 + 2 * 0.2 + 1 * 0.8)
    assert ranked_diversity_loss(losses, distances).tolist() == pytest.approx([expected])


@pytest.mark.parametrize(
    ("scale", "weights"),
    [
        (PAPER_RANKING, [0.32, 0.16, 0.08, 0.04, 0.02, 0.01]),
        (RELEASED_RANKING, [0.0025 * weight for weight in (32, 16, 8, 4, 2, 1)]),
    ],
)
def test_lambda_as_the_paper_and_as_the_released_code_have_it(scale, weights):
    distances = torch.zeros(1, 6, requires_grad=True)
    ranked_diversity_loss(torch.zeros(1, 6), distances, scale).sum().backward()
    assert distances.grad[0].tolist() == pytest.approx(weights)


def test_selection_by_hand():
    scores = torch.tensor([[0.0, math.log(2), math.log(5)]])  # probabilities 1/8, 2/8 and 5/8
    distances = torch.tensor([[0.9, 0.1, 0.4]])
    assert selection_loss(scores, distances).tolist() == pytest.approx([math.log(4)])


def test_selection_is_equation_6_as_it_is_written():
    generator = torch.Generator().manual_seed(0)
    scores, distances = torch.randn(2, 4, 6, generator=generator)
    for value, g, distance in zip(
        selection_loss(scores, distances), scores, distances, strict=True
    ):
        written = -g[distance.argmin()] + g.exp().sum().log()
        assert value.item() == pytest.approx(written.item(), abs=1e-6)


def test_with_a_temperature_equal_candidates_share_the_target():
    scores = torch.tensor([[0.0, 0.0, math.log(2)]])  # probabilities 1/4, 1/4 and 2/4
    distances = torch.tensor([[0.1, 0.1, 0.9]])
    shared = selection_loss(scores, distances, temperature=0.01)
    assert shared.tolist() == pytest.approx([math.log(4)])
    distances = torch.tensor([[0.0, 1.0, 1.0]])  # softmax: e, 1, 1 over e + 2
    expected = (math.e * math.log(4) + math.log(4) + math.log(2)) / (math.e + 2)
    assert selection_loss(scores, distances, temperature=1).tolist() == pytest.approx([expected])


@pytest.mark.parametrize("temperature", [0, 0.1])
def test_selection_teaches_only_to_choose(temperature):
    scores = torch.zeros(1, 3, requires_grad=True)
    distances = torch.tensor([[0.3, 0.1, 0.5]], requires_grad=True)
    selection_loss(scores, distances, temperature).sum().backward()
    assert distances.grad is None
    assert scores.grad.argmin() == 1  # going down the gradient raises the best one's score


@pytest.mark.parametrize(
    "loss",
    [
        hindsight_loss,
        lambda x: hindsight_loss(x, share=0.1),
        lambda x: ranked_diversity_loss(x, 2 * x),
        lambda x: selection_loss(x, LOSSES.double()),
        lambda x: selection_loss(x, LOSSES.double(), temperature=0.5),
    ],
)
def test_gradients_are_those_of_the_formula(loss):
    assert torch.autograd.gradcheck(loss, LOSSES.double().requires_grad_())


def test_half_precision_is_computed_in_float32():
    half = LOSSES.bfloat16()
    for value in (
        hindsight_loss(half),
        ranked_diversity_loss(half, half),
        selection_loss(half, half),
    ):
        assert value.dtype == torch.float32


@pytest.mark.parametrize(
    ("loss", "shapes"),
    [
        (hindsight_loss, [(3,)]),
        (hindsight_loss, [(2, 0)]),
        (ranked_diversity_loss, [(2, 3), (2, 4)]),
        (selection_loss, [(2, 3), (3, 2)]),
    ],
)
def test_other_shapes_are_refused(loss, shapes):
    with pytest.raises(ValueError, match=r"of shape \(B, M\)") as error:
        loss(*map(torch.zeros, shapes))
    assert one_sentence(error.value)


def test_a_negative_temperature_is_refused():
    with pytest.raises(ValueError, match="0 or more, not -1") as error:
        selection_loss(LOSSES, LOSSES, temperature=-1)
    assert one_sentence(error.value)

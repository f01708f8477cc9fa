"""CRF as RNN: mean-field steps against sums written out by hand, and what they should do."""

import math

import numpy as np
import pytest
import torch

from tests.support import disc_mask, one_sentence
from tutorial_lib.deep.semantic.crf_rnn import MeanField


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def field(classes=2, steps=1, cell=1, **options):
    return MeanField(classes, steps, cell, **options).double()


def softmax(values):
    exponentials = [math.exp(value) for value in values]
    return [value / sum(exponentials) for value in exponentials]


def test_no_steps_leave_the_scores_as_they_are():
    scores, image = noise(1, 3, 4, 5), noise(1, 3, 4, 5)
    assert field(3, steps=0)(scores, image) is scores


def test_one_step_on_three_pixels_by_hand():
    layer = field(scales=(2.0, 10.0, 1.0), weights=(3.0, 0.5))
    scores = torch.tensor([[[[2.0, 0.0, -1.0]], [[0.0, 0.5, 0.0]]]], dtype=torch.float64)
    greys = [10.0, 14.0, 30.0]
    image = torch.tensor(greys, dtype=torch.float64).expand(1, 3, 1, 3)
    belief = [softmax([scores[0, label, 0, i].item() for label in (0, 1)]) for i in range(3)]

    def appearance(i, j):  # alpha = 2, beta = 10, the same difference in three channels
        return math.exp(-((i - j) ** 2) / 8 - 3 * (greys[i] - greys[j]) ** 2 / 200)

    def smoothness(i, j):  # gamma = 1
        return math.exp(-((i - j) ** 2) / 2)

    def normalised(kernel, i, j):
        sums = [sum(kernel(a, b) for b in range(3) if b != a) for a in (i, j)]
        return kernel(i, j) / math.sqrt(sums[0] * sums[1])

    refined = layer(scores, image)
    for i in range(3):
        for label in (0, 1):
            cost = sum(  # of two labels, only the other one costs anything
                (3 * normalised(appearance, i, j) + 0.5 * normalised(smoothness, i, j))
                * belief[j][1 - label]
                for j in range(3)
                if j != i
            )
            expected = scores[0, label, 0, i].item() - cost
            assert refined[0, label, 0, i].item() == pytest.approx(expected)


def test_two_pixels_settle_where_the_mean_field_equation_says():
    """Two pixels see nothing but each other, and each kernel is 1: q = sigmoid(s + w (2 q - 1))."""
    layer = field(steps=200, weights=(1.0, 0.5))
    scores = torch.zeros(1, 2, 1, 2, dtype=torch.float64)
    scores[:, 1] = 0.25
    q = layer(scores, torch.zeros(1, 3, 1, 2).double()).softmax(dim=1)[0, 1, 0, 0].item()
    assert q == pytest.approx(1 / (1 + math.exp(-(0.25 + 1.5 * (2 * q - 1)))))
    assert q > 0.65  # much surer together than the 0.56 of each alone


def test_a_pixel_without_company_keeps_its_scores():
    scores = noise(1, 3, 1, 1)
    assert torch.equal(field(3)(scores, noise(1, 3, 1, 1)), scores)


def test_every_step_is_the_same_layer_once_more():
    scores, image = noise(1, 3, 4, 4), noise(1, 3, 4, 4, seed=1) * 255
    layer = field(3, steps=3)
    kernels = layer.kernels(image)
    unary, pairwise = scores.flatten(2).mT, 0
    for _ in range(3):
        pairwise = layer.pairwise(kernels, (unary - pairwise).softmax(dim=2))
    expected = (unary - pairwise).mT.unflatten(2, (4, 4))
    assert torch.allclose(layer(scores, image), expected)


def test_kernels_are_symmetric_and_no_cell_hears_itself():
    for kernel in field().kernels(noise(2, 3, 3, 4) * 255):
        assert torch.allclose(kernel, kernel.mT)
        assert (kernel.diagonal(dim1=1, dim2=2) == 0).all()
        assert kernel.shape[1:] == (12, 12)


def test_labels_have_no_order():
    scores, image = noise(1, 4, 3, 5), noise(1, 3, 3, 5, seed=1) * 255
    order, layer = [2, 0, 3, 1], field(4, steps=3)
    assert torch.allclose(layer(scores[:, order], image), layer(scores, image)[:, order])


@pytest.mark.parametrize("turn", [lambda x: x.flip(3), lambda x: x.flip(2), lambda x: x.mT])
def test_a_mirrored_photo_gets_the_mirrored_answer(turn):
    scores, image = noise(1, 2, 8, 12), noise(1, 3, 8, 12, seed=1) * 255
    layer = field(steps=2, cell=4)
    assert torch.allclose(layer(turn(scores), turn(image)), turn(layer(scores, image)))


def test_without_colours_only_smoothness_is_left():
    scores, flat = noise(1, 3, 6, 6), torch.full((1, 3, 6, 6), 90.0).double()
    both = field(3, steps=4, scales=(2.0, 10.0, 2.0), weights=(1.5, 0.5))
    smooth = field(3, steps=4, scales=(7.0, 10.0, 2.0), weights=(0.0, 2.0))
    assert torch.allclose(both(scores, flat), smooth(scores, flat))


def test_cells_that_look_alike_listen_most_to_each_other():
    image = torch.zeros(1, 3, 1, 4, dtype=torch.float64)
    image[..., 2:] = 200
    appearance, _ = field().kernels(image)
    assert appearance[0, 1, 0] > 0.99
    assert appearance[0, 1, 2] < 1e-6


def test_odd_pixels_join_those_that_look_like_them():
    mask = disc_mask((48, 64), 24, 32, 14)
    image = torch.from_numpy(np.where(mask, 200.0, 60.0)).expand(1, 3, 48, 64)
    wrong = torch.from_numpy(np.random.default_rng(0).random(mask.shape) < 0.3)
    said = torch.from_numpy(mask) ^ wrong  # three of ten pixels say the opposite
    scores = torch.stack([(~said).double(), said.double()])[None]
    refined = field(steps=5, cell=4, weights=(6.0, 0.0))(scores, image)
    answer = (refined[0, 1] > refined[0, 0]).numpy()
    assert (answer == mask).mean() > 0.99


# -- from cells to pixels --------------------------------------------------------------------------


def test_cells_of_one_pixel_are_pixels():
    coarse, image = noise(1, 2, 3, 4), noise(1, 3, 3, 4, seed=1) * 255
    assert torch.allclose(field().to_pixels(coarse, image, image), coarse)


@pytest.mark.parametrize("cell", [2, 3, 4])
def test_without_colours_cells_are_interpolated(cell):
    coarse = noise(1, 2, 3, 4)
    flat = torch.zeros(1, 3, 3 * cell, 4 * cell).double()
    found = field(cell=cell).to_pixels(coarse, flat[..., :3, :4], flat)
    expected = torch.nn.functional.interpolate(coarse, scale_factor=cell, mode="bilinear")
    assert torch.allclose(found, expected)


def test_the_edge_of_the_photo_runs_on_pixels_not_on_cells():
    image = torch.zeros(1, 3, 4, 16, dtype=torch.float64)
    image[..., 6:] = 240  # within the second cell, of which half is dark
    colours = torch.nn.functional.avg_pool2d(image, 4)
    coarse = torch.tensor([[[[0.0, 0.0, 1.0, 1.0]]]]).double()
    row = field(cell=4).to_pixels(coarse, colours, image)[0, 0, 1]
    assert row[:6].max() < 0.05
    assert row[6:].min() > 0.3


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (9, 17)])
def test_any_size_will_do(shape):
    scores, image = noise(1, 2, *shape), noise(1, 3, *shape) * 255
    refined = field(cell=4)(scores, image)
    assert refined.shape == scores.shape
    assert refined.isfinite().all()


# -- learning --------------------------------------------------------------------------------------


def test_gradients_are_right():
    layer = field(2, steps=2, cell=2, scales=(3.0, 40.0, 2.0))
    names = [name for name, _ in layer.named_parameters()]
    assert names == ["log_scales", "weights", "compatibility"]

    def run(scores, image, *parameters):
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(layer, given, (scores, image))

    scores, image = noise(1, 2, 4, 4), noise(1, 3, 4, 4, seed=1) * 60
    inputs = [scores, image, *(p.detach().clone() for p in layer.parameters())]
    assert torch.autograd.gradcheck(run, [x.requires_grad_() for x in inputs])


def test_a_field_can_be_learned():
    mask = torch.from_numpy(disc_mask((24, 24), 12, 12, 7))
    image = (mask * 150.0).expand(1, 3, 24, 24)
    layer = MeanField(2, 3, 4, weights=(0.1, 3.0))
    target = mask.long()[None]
    scores = torch.nn.functional.one_hot(target, 2).permute(0, 3, 1, 2) + torch.randn(
        1, 2, 24, 24, generator=torch.Generator().manual_seed(0)
    )
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.1)
    losses = []
    for _ in range(20):
        loss = torch.nn.functional.cross_entropy(layer(scores, image), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    assert layer.weights[0].mean() > 0.5  # colours tell everything here, and had hardly a say


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"steps": -1}, "0 or more steps on cells of 1 or more pixels"),
        ({"cell": 0}, "0 or more steps on cells of 1 or more pixels"),
        ({"scales": (80, 0, 8)}, "must be positive, not \\(80, 0, 8\\)"),
    ],
)
def test_impossible_fields_are_refused(options, text):
    with pytest.raises(ValueError, match=text) as error:
        MeanField(2, **options)
    assert one_sentence(error.value)


def test_whole_numbers_will_do_for_widths_and_weights():
    layer = MeanField(2, scales=(80, 20, 8), weights=(3, 1))
    assert layer.log_scales.exp().tolist() == pytest.approx([80, 20, 8])

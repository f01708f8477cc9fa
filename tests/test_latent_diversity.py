"""Latent Diversity: what f and g read, what they are made of, and the method that couples them."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.support import disc_mask, easy_scene, one_sentence
from tutorial_lib.actions import Stroke
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep.backbones.by_name import backbone
from tutorial_lib.deep.backbones.levels import Level
from tutorial_lib.deep.latent_diversity.click_maps import ClickMaps
from tutorial_lib.deep.latent_diversity.intent import (
    distance_share,
    extra_pieces,
    intent_fit,
    refuted_share,
)
from tutorial_lib.deep.latent_diversity.networks import ProposeAndSelect, load_networks
from tutorial_lib.deep.latent_diversity.proposal import (
    Design,
    Encoder,
    make_encoder,
    proposal_network,
)
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.deep.latent_diversity.selection import (
    PaperSelection,
    averages,
    expected_overlap,
    overlap,
    selection_network,
)
from tutorial_lib.deep.latent_diversity.zoom_in import (
    CLOSER_SHARES,
    View,
    changed_region,
    crop_around,
)
from tutorial_lib.deep.networks.hypercolumn import Hypercolumn
from tutorial_lib.deep.networks.separable import SeparableHypercolumn, interpolation_matrix
from tutorial_lib.deep.photos import working_size
from tutorial_lib.deep.weights import save_weights
from tutorial_lib.segmenter import Segmenter
from tutorial_lib.users.robots import center

IMAGE, TRUTH, TWO = easy_scene(64, 96)
ONE = TWO[:1]
THREE = TWO.add(Click(20, 70, False))
SMALL = Design(heads=3)


# -- click maps ------------------------------------------------------------------------------------


def test_clicks_become_distances_discs_and_the_mask_before():
    click_maps = ClickMaps(previous=True, radius=1, stride=2)
    before = np.full((4, 6), 0.25, np.float32)
    maps = click_maps.maps(Clicks([Click(2, 4), Click(7, 0, positive=False)]), (8, 12), before)
    assert maps.shape == (click_maps.channels, 4, 6) == (5, 4, 6)
    assert maps[2].astype(int).tolist() == [
        [0, 0, 1, 0, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    assert maps[3].sum() == 3  # a disc in the corner
    assert (maps[4] == 0.25).all()


def test_distances_are_counted_in_pixels_from_the_clicked_pixel():
    maps = ClickMaps(clicks=False, stride=2).maps(Clicks([Click(0, 0)]), (2, 600))
    centres = np.arange(300) * 2 + 0.5  # cell i covers pixels 2 i and 2 i + 1
    expected = np.minimum(np.hypot(0.5, centres), 255) / 255
    assert maps[0, 0] == pytest.approx(expected, abs=1e-6)
    assert (maps[1] == 1).all()  # no negative click


def test_what_is_switched_off_is_not_drawn():
    assert ClickMaps().channels == 4
    assert ClickMaps(distances=False).maps(ONE, (64, 96)).shape == (2, 64, 96)
    assert ClickMaps(clicks=False, previous=True).channels == 3


def test_before_the_first_answer_nothing_was_shown():
    assert not ClickMaps(previous=True).maps(ONE, (64, 96))[4].any()


def test_a_network_that_sees_no_clicks_is_refused():
    with pytest.raises(ValueError, match="must see the clicks") as error:
        Design(distances=False, clicks=False)
    assert one_sentence(error.value)


# -- interpolation by matrices ---------------------------------------------------------------------


def test_a_matrix_interpolates_between_the_cells_where_they_lie():
    centred = interpolation_matrix(Level("any", 4, 1), 2, 4)
    assert centred.tolist() == [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    later = interpolation_matrix(Level("any", 4, 1, shift=1.5), 2, 4)
    assert later.tolist() == [[1, 0], [1, 0], [0.75, 0.25], [0.25, 0.75]]


LEVELS = (
    Level("image", 2, 3),
    Level("a", 2, 2, shift=0.5),
    Level("b", 4, 5, shift=1.5),
    Level("c", 16, 7),
)


@pytest.mark.parametrize("shape", [(32, 48), (37, 51)])
@pytest.mark.parametrize("normalise", [False, True])
def test_matrices_make_the_same_hypercolumn_and_the_same_gradients(shape, normalise):
    torch.manual_seed(0)
    ours = SeparableHypercolumn(LEVELS, 6, normalise, 2)
    plain = Hypercolumn(LEVELS, 6, normalise, 2)
    plain.load_state_dict(ours.state_dict())
    maps = [
        torch.randn(2, x.channels, -(-shape[0] // x.stride), -(-shape[1] // x.stride))
        for x in LEVELS
    ]
    size = (-(-shape[0] // 2), -(-shape[1] // 2))
    one, two = ours(maps, size), plain(maps, size)
    torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5)
    weight = torch.randn_like(one)
    (one * weight).sum().backward()
    (two * weight).sum().backward()
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-4, rtol=1e-4)


def test_what_inference_has_used_serves_training_too():
    hypercolumn = SeparableHypercolumn([Level("only", 4, 1)], 2, False, 2)
    maps = [torch.ones(1, 1, 9, 11)]
    with torch.inference_mode():
        hypercolumn(maps, (18, 22))
    hypercolumn(maps, (18, 22)).sum().backward()
    assert hypercolumn.bias.grad.tolist() == [18 * 22] * 2


def test_a_hypercolumn_may_have_no_level_as_fine_as_itself():
    hypercolumn = SeparableHypercolumn([Level("only", 4, 1)], 2, False, 2)
    assert hypercolumn([torch.ones(1, 1, 2, 3)], (4, 6)).shape == (1, 2, 4, 6)


# -- f ---------------------------------------------------------------------------------------------


def published_f():
    design = Design(preset="paper", previous=False)
    with torch.device("meta"):
        encoder = Encoder(backbone("vgg19", pretrained=False), design.numbers.stride)
        return proposal_network(design, encoder.levels), encoder


def test_the_paper_preset_is_table_1():
    f, encoder = published_f()
    channels = sum(level.channels for level in encoder.levels) + f.design.click_maps.channels
    assert channels == 1479  # the paper's text says 1,477; its own numbers sum to this
    projection = channels * 64 + 64
    layers = 9 * (64 * 64 * 9 + 64 + 2)  # weights, biases, and w0 and w1 of the normalisation
    output = 64 * 6 + 6
    assert sum(p.numel() for p in f.parameters()) == projection + layers + output
    assert f.body.receptive_field == 513


def test_f_proposes_m_masks_on_its_cells():
    encoder = make_encoder(SMALL)
    f = proposal_network(SMALL, encoder.levels).eval()
    maps = encoder(torch.zeros(2, 3, 64, 96, dtype=torch.uint8))
    assert [tuple(x.shape[2:]) for x in maps][:3] == [(32, 48), (32, 48), (16, 24)]
    click_maps = torch.zeros(2, SMALL.click_maps.channels, 32, 48)
    hidden, logits = f.answer(f.features(*maps), click_maps)
    assert (hidden.shape, logits.shape) == ((2, f.channels, 32, 48), (2, 3, 32, 48))
    torch.testing.assert_close(f(click_maps, *maps), logits)


@pytest.mark.parametrize(
    ("changes", "inputs"),
    [
        ({}, 5),
        ({"distances": False}, 3),
        ({"clicks": False}, 3),
        ({"previous": False}, 4),
        ({"architecture": "unet"}, 5),
    ],
)
def test_parts_can_be_switched_off_and_exchanged(changes, inputs):
    design = dataclasses.replace(SMALL, augmented=False, **changes)
    f = proposal_network(design, make_encoder(design).levels).eval()
    assert f.interaction.in_channels == inputs
    assert f(torch.zeros(1, inputs, 16, 16), torch.zeros(1, 3, 16, 16)).shape == (1, 3, 16, 16)


def test_without_augmented_input_f_sees_the_image_alone():
    encoder = make_encoder(dataclasses.replace(SMALL, augmented=False))
    (image,) = encoder(
        torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2).expand(1, 3, 2, 2)
    )
    assert [level.name for level in encoder.levels] == ["image"]
    assert image.flatten().tolist() == [0, 0, 0]  # the mean of black and white


def test_the_encoder_never_learns():
    encoder = make_encoder(SMALL).train()
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not any(m.training for m in encoder.modules() if isinstance(m, nn.BatchNorm2d))


def test_a_learned_encoder_keeps_its_first_layers_and_its_statistics():
    encoder = make_encoder(dataclasses.replace(SMALL, learned=True), pretrained=False)
    encoder.train()
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    sum(x.sum() for x in encoder(image)).backward()
    touched = {name.split(".")[2] for name, p in encoder.named_parameters() if p.grad is not None}
    assert touched == {f"block{number}" for number in range(3, 16)}
    assert not any(m.training for m in encoder.modules() if isinstance(m, nn.BatchNorm2d))
    with torch.no_grad():
        assert not any(x.requires_grad for x in encoder(image))


@pytest.mark.parametrize("shape", [(64, 96), (50, 71)])
def test_a_pyramid_proposes_masks_of_any_size_and_reads_every_grid(shape):
    torch.manual_seed(0)
    design = dataclasses.replace(SMALL, architecture="pyramid")
    encoder = make_encoder(design, pretrained=False)
    f = proposal_network(design, encoder.levels).eval()
    maps = encoder(torch.zeros(1, 3, *shape, dtype=torch.uint8))
    rows, cols = -(-shape[0] // 2), -(-shape[1] // 2)
    features = [x.detach().requires_grad_() for x in f.features(*maps)]
    clicks = torch.rand(1, 5, rows, cols)
    hidden, logits = f.answer(features, clicks)
    assert (f.channels, f.hidden_stride) == (96, 8)  # what g reads: coarse and wide
    assert hidden.shape == (1, f.channels, -(-rows // 4), -(-cols // 4))
    assert logits.shape == (1, design.heads, rows, cols)
    logits[0, 0, rows // 2, cols // 2].backward()
    assert all(x.grad.abs().sum() > 0 for x in features)
    torch.testing.assert_close(f(clicks, *maps), logits)
    g = selection_network("intent", f).eval()
    gathered = g.gather(maps[0], clicks, hidden, logits)
    assert gathered[0].shape[2:] == gathered[1].shape[2:]
    assert g(*gathered).shape == (1, design.heads)


def test_a_pyramid_is_several_times_lighter_than_one_grid():
    counted = {}
    for architecture in ("can", "pyramid"):
        design = Design(architecture=architecture)
        with torch.device("meta"):
            encoder = make_encoder(design, pretrained=False)
            f = proposal_network(design, encoder.levels).eval()
            features = f.features(*encoder(torch.zeros(1, 3, 352, 448)))
            with FlopCounterMode(display=False) as counter:
                f.answer(features, torch.zeros(1, 5, 176, 224))
        counted[architecture] = counter.get_total_flops()
    assert counted["pyramid"] < counted["can"] / 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "huge"}, "presets are paper, lite; there is no 'huge'"),
        ({"architecture": "mlp"}, "architectures are can, unet, pyramid; there is no 'mlp'"),
        ({"heads": 0}, "at least one mask"),
        ({"architecture": "pyramid", "augmented": False}, "pyramid reads the backbone"),
        ({"architecture": "pyramid", "preset": "paper"}, "pyramid reads the backbone"),
        ({"learned": True, "augmented": False}, "no encoder that could learn"),
    ],
)
def test_a_bad_design_ends_in_one_sentence(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        Design(**changes)
    assert one_sentence(error.value)


# -- g ---------------------------------------------------------------------------------------------


def answered(heads=3, seed=0):
    torch.manual_seed(seed)
    f = proposal_network(dataclasses.replace(SMALL, heads=heads), LEVELS[:1])
    image, click_maps = torch.rand(2, 3, 16, 24), torch.rand(2, 5, 16, 24)
    return f, (image, click_maps, torch.randn(2, f.channels, 16, 24), torch.randn(2, heads, 16, 24))


@pytest.mark.parametrize("name", ["shared", "intent", "views"])
def test_shuffled_candidates_get_the_same_scores_shuffled(name):
    f, (image, click_maps, hidden, logits) = answered()
    g = selection_network(name, f).eval()
    nn.init.normal_(g.norm.running_mean)
    order = torch.tensor([2, 0, 1])
    scores = g(*g.gather(image, click_maps, hidden, logits))
    shuffled = g(*g.gather(image, click_maps, hidden, logits[:, order]))
    torch.testing.assert_close(shuffled, scores[:, order], atol=1e-5, rtol=1e-5)
    assert scores.std() > 0


def test_the_prior_is_added_to_the_scores():
    f, answers = answered()
    g = selection_network("shared", f).eval()
    before = g(*g.gather(*answers))
    with torch.no_grad():
        g.prior[1] = 5
    after = g(*g.gather(*answers))
    torch.testing.assert_close(after - before, torch.tensor([0.0, 5, 0]).expand(2, 3))


def cells(*rows):
    return torch.tensor([[float(cell == "#") for cell in row] for row in rows])


BIG = cells("#####", "#####", "#####", "#####", "#####")
SMALL_MASK = cells("###..", "###..", "###..", ".....", ".....")
NOTHING = torch.zeros(1, 5, 5)


def clicked(row, col):
    where = torch.zeros(1, 5, 5)
    where[0, row, col] = 1
    return where


def test_a_first_click_fits_the_candidate_it_is_in_the_middle_of():
    # Depths of the large square are 3 in its middle, 2 around it, 1 at its rim; of the small one 2
    # in its middle and 1 around it.
    masks = torch.stack([BIG, SMALL_MASK])[None]
    middle = intent_fit(masks, clicked(2, 2), NOTHING, NOTHING)
    corner = intent_fit(masks, clicked(1, 1), NOTHING, NOTHING)
    torch.testing.assert_close(middle, torch.tensor([[1, 1 / 2]]))
    torch.testing.assert_close(corner, torch.tensor([[2 / 3, 1]]))


def test_a_click_refutes_the_disc_that_fits_into_the_mask():
    mask = disc_mask((60, 80), 30, 40, 20)
    middle = refuted_share(mask, Click(30, 40, False))
    assert middle == pytest.approx(1, abs=0.1)
    assert refuted_share(mask, Click(30, 22, False)) < 0.05
    assert refuted_share(mask, Click(5, 5, False)) == 0
    assert refuted_share(mask, Stroke([(5, 5), (30, 40)], False)) == middle
    assert refuted_share(np.zeros((4, 4), bool), Click(1, 1, False)) == 0


def test_a_click_far_outside_a_mask_is_told_from_one_beside_it():
    mask = disc_mask((90, 120), 20, 20, 5)
    assert distance_share(mask, Click(20, 22)) == 0
    beside, far = (distance_share(mask, Click(20, col)) for col in (30, 60))
    assert beside == pytest.approx(1, abs=0.3) and far == pytest.approx(49, rel=0.2)
    assert distance_share(mask, Click(89, 20)) > 100, "the border of the photo is no mask"
    assert distance_share(mask, Stroke([(20, 22), (20, 60)])) == far
    assert distance_share(np.zeros_like(mask), Click(1, 1)) == np.inf


def test_clicks_in_several_pieces_of_a_candidate_are_counted():
    two = disc_mask((30, 60), 10, 10, 4) | disc_mask((30, 60), 10, 40, 4)
    joined = two.copy()
    joined[10, 10:41] = True
    candidates = np.stack([two, joined, np.zeros_like(two), disc_mask((30, 60), 10, 10, 4)])
    clicks = Clicks([Click(20, 20), Click(21, 81), Click(2, 2, False), Click(59, 119)])
    assert extra_pieces(candidates, clicks, 2).tolist() == [1, 0, 0, 0]
    assert extra_pieces(candidates, clicks[:1], 2).tolist() == [0] * 4
    stroke = Clicks([Stroke([(20, 20), (20, 80)])])
    assert extra_pieces(candidates, stroke, 2).tolist() == [1, 0, 0, 0]
    assert extra_pieces(candidates, Clicks(), 2).tolist() == [0] * 4


def test_a_later_click_fits_the_candidate_that_differs_there():
    masks, shown = torch.stack([BIG, SMALL_MASK])[None], BIG[None]
    fit = intent_fit(masks, NOTHING, clicked(4, 4), shown)[0]
    assert fit[0] == 0  # nothing was wrong, if the large one is meant
    assert fit[1] > 0
    assert intent_fit(masks, clicked(1, 1), NOTHING, shown).max() == 0  # that was right already


def test_the_robots_click_fits_the_candidate_that_it_means():
    masks = np.stack([disc_mask((48, 64), *place) for place in ((20, 20, 9), (24, 36, 15))])
    shown = np.roll(masks[1], 3, axis=1)
    for meant in range(2):
        click = center(shown, masks[meant])
        where = np.zeros((2, 1, 48, 64), np.float32)
        where[int(not click.positive), 0, click.row, click.col] = 1
        maps = [torch.from_numpy(x) for x in (where[0], where[1], shown[None].astype(np.float32))]
        fit = intent_fit(torch.from_numpy(masks[None].astype(np.float32)), *maps)[0]
        assert fit.argmax() == meant
        assert fit[meant] == 1


def test_intent_is_the_shared_scorer_with_trust_in_the_click_and_no_more_weights():
    f, answers = answered()
    shared, intent = (selection_network(name, f).eval() for name in ("shared", "intent"))
    intent.load_state_dict(shared.state_dict())
    *seen, fit = intent.gather(*answers)
    pairs = overlap(seen[1], seen[1])
    belief = (2 * (shared(*seen) + 0.5 * fit)).softmax(dim=1)
    torch.testing.assert_close(intent(*seen, fit), 5 * torch.einsum("bmk,bk->bm", pairs, belief))


def test_the_overlap_to_be_expected_prefers_a_compromise():
    # Two masks that share nothing, and their union, which has an IoU of 1/2 with both.
    masks = torch.tensor([[[[1.0, 0]], [[0, 1]], [[1, 1]]]])
    even = torch.tensor([[0.4, 0.4, 0.2]]).log()
    found = expected_overlap(even, masks)
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.5, 0.6]]))
    sure = torch.tensor([[0.9, 0.05, 0.05]]).log()
    assert expected_overlap(sure, masks).argmax() == 0


@pytest.mark.parametrize("left_out", ["clicks", "previous", "distances"])
def test_g_does_without_what_f_is_not_told(left_out):
    design = dataclasses.replace(SMALL, **{left_out: False})
    f = proposal_network(design, LEVELS[:1])
    click_maps = torch.rand(2, design.click_maps.channels, 16, 24)
    inputs = torch.rand(2, 3, 16, 24), click_maps, torch.randn(2, f.channels, 16, 24)
    g = selection_network("intent", f).eval()
    scores = g(*g.gather(*inputs, torch.randn(2, 3, 16, 24)))
    assert scores.shape == (2, 3)
    assert scores.isfinite().all()
    assert (scores.min() >= 0) & (scores.max() <= 5)


class Copies(nn.Module):
    """Stands in for the paper's convolutions: hands on the candidates, the last channels."""

    def forward(self, x):
        return x[:, -3:]


def test_the_papers_g_averages_over_the_image_and_undoes_the_shuffling():
    f, (image, click_maps, hidden, logits) = answered()
    g = PaperSelection(f.design).train()
    g.body = Copies()
    expected = logits.sigmoid().mean(dim=(2, 3))
    for _ in range(5):
        torch.testing.assert_close(g(*g.gather(image, click_maps, hidden, logits)), expected)


def test_the_papers_g_is_shuffled_in_training_only():
    f, (image, click_maps, hidden, logits) = answered()
    g = selection_network("paper", f)
    seen = []
    g.body.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][0, -3:].clone()))
    for mode in (True, False):
        g.train(mode)
        for _ in range(8):
            g(*g.gather(image, click_maps, hidden, logits))
    assert len({tuple(x.mean(dim=(1, 2)).tolist()) for x in seen[:8]}) > 1
    assert len({tuple(x.mean(dim=(1, 2)).tolist()) for x in seen[8:]}) == 1


def test_an_unknown_g_is_refused():
    with pytest.raises(
        ValueError, match="shared, intent, views, paper; there is no 'dice'"
    ) as error:
        selection_network("dice", answered()[0])
    assert one_sentence(error.value)


def test_averages_over_masks():
    x = torch.tensor([[[[1.0, 2], [3, 4]]]])
    masks = torch.tensor([[[[1.0, 1], [0, 0]], [[0, 0], [0, 0]], [[1, 1], [1, 1]]]])
    assert averages(x, masks)[0, :, 0].tolist() == [1.5, 0, 2.5]
    assert averages(masks, masks[:, :1])[0].tolist() == [[1, 0, 1]]


def test_overlap_of_masks_pair_by_pair():
    masks = torch.tensor([[[[1.0, 1], [0, 0]], [[0, 0], [0, 0]], [[1, 1], [1, 1]]]])
    assert overlap(masks, masks[:, 1:])[0].tolist() == [[0, 0.5], [0, 0], [0, 1]]


def test_overlap_is_the_smaller_values_over_the_larger_ones():
    masks, others = torch.rand(2, 3, 5, 7), torch.rand(2, 4, 5, 7)
    pairs = masks[:, :, None], others[:, None]
    expected = torch.minimum(*pairs).sum((3, 4)) / torch.maximum(*pairs).sum((3, 4))
    torch.testing.assert_close(overlap(masks, others), expected)


# -- f and g together ------------------------------------------------------------------------------


@pytest.mark.parametrize("trained", ["f", "g"])
def test_only_one_of_them_learns(trained):
    f, _ = answered()
    networks = ProposeAndSelect(f, selection_network("shared", f), trained)
    trainable = {name[0] for name, p in networks.named_parameters() if p.requires_grad}
    assert trainable == {trained}
    assert {name for name in "fg" if getattr(networks, name).training} == {trained}
    networks.eval()
    assert not (networks.f.training or networks.g.training)


def test_without_g_the_first_candidate_is_shown():
    f, answers = answered()
    assert ProposeAndSelect(f).scores(*answers).argmax(dim=1).tolist() == [0, 0]


def saved(folder, heads=3, selector="shared", **changes):
    """Write random weights whose answers differ from candidate to candidate."""
    torch.manual_seed(3)
    design = dataclasses.replace(SMALL, heads=heads, augmented=False, **changes)
    f = proposal_network(design, make_encoder(design).levels)
    nn.init.normal_(f.heads.weight, std=0.5)
    networks = ProposeAndSelect(f, selection_network(selector, f) if selector else None)
    path = folder / "weights.safetensors"
    save_weights(networks.state_dict(), path, networks.metadata())
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def method(weights):
    return LatentDiversity(weights, size=96, device="cpu")


def test_it_is_a_segmenter_with_candidates_and_scores(method):
    assert isinstance(method, Segmenter)
    answer = method.segment(method.prepare(IMAGE), TWO)
    assert answer.candidates.shape == (3, 64, 96)
    assert answer.scores.sum() == pytest.approx(1)
    best = int(answer.scores.argmax())
    assert np.array_equal(answer.probability, answer.candidates[best])


def test_an_answer_depends_on_photo_and_clicks_alone(method):
    prepared = method.prepare(IMAGE)
    walked = [method.segment(prepared, THREE[:count]).probability for count in (1, 2, 3)]
    back = [method.segment(prepared, THREE[:count]).probability for count in (2, 1)]
    jumped = [
        method.segment(method.prepare(IMAGE), THREE[:count]).probability for count in (1, 2, 3)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(walked, jumped, strict=True))
    assert np.array_equal(back[0], walked[1])
    assert np.array_equal(back[1], walked[0])


def test_the_mask_before_counts(method, monkeypatch):
    """The second answer is given the first one, on f's cells."""
    click_maps = []
    plain = method.networks.answer
    monkeypatch.setattr(
        method.networks, "answer", lambda f, x: click_maps.append(x.clone()) or plain(f, x)
    )
    prepared = method.prepare(IMAGE)
    first = method.segment(prepared, ONE)
    method.segment(prepared, TWO)
    assert len(click_maps) == 2
    assert not click_maps[0][0, 4].any()
    shown = prepared.answers[ONE].shown
    assert np.array_equal(click_maps[1][0, 4].numpy(), shown)
    assert first.probability.mean() == pytest.approx(shown.mean(), abs=0.02)


def test_a_new_click_costs_one_pass_and_an_undo_none(method, monkeypatch):
    calls = []
    plain = method.networks.answer
    monkeypatch.setattr(method.networks, "answer", lambda f, x: calls.append(1) or plain(f, x))
    prepared = method.prepare(IMAGE)
    method.segment(prepared, THREE)
    assert len(calls) == 3
    method.segment(prepared, THREE.add(Click(1, 1, False)))
    assert len(calls) == 4
    method.segment(prepared, THREE)
    method.segment(prepared, ONE)
    assert len(calls) == 4


def test_what_was_forgotten_is_found_out_again(method, monkeypatch):
    monkeypatch.setattr("tutorial_lib.deep.latent_diversity.segmenter.MOST_ANSWERS", 1)
    prepared = method.prepare(IMAGE)
    before = method.segment(prepared, ONE).probability
    method.segment(prepared, THREE)
    assert len(prepared.answers) == 1
    assert np.array_equal(method.segment(prepared, ONE).probability, before)


# -- a human's choices -----------------------------------------------------------------------------


def preferring(clicks, preferences):
    """Return clicks with preferences: number of clicks before to candidate."""
    said = Clicks()
    for count, click in enumerate(clicks, start=1):
        said = said.add(click).prefer(preferences.get(count))
    return said


def test_the_chosen_candidate_is_shown_and_the_scores_are_still_those_of_g(method):
    prepared = method.prepare(IMAGE)
    plain = method.segment(prepared, ONE)
    other = (plain.selected + 1) % 3
    answer = method.segment(prepared, ONE.prefer(other))
    assert (plain.selected, answer.selected) == (int(plain.scores.argmax()), other)
    assert np.array_equal(answer.scores, plain.scores)
    assert np.array_equal(answer.candidates, plain.candidates)
    assert np.array_equal(answer.probability, plain.candidates[other])
    assert np.array_equal(answer.mask, plain.candidates[other] >= 0.5)


def test_the_next_click_is_told_the_chosen_candidate(method, monkeypatch):
    click_maps = []
    plain = method.networks.answer
    monkeypatch.setattr(
        method.networks, "answer", lambda f, x: click_maps.append(x.clone()) or plain(f, x)
    )
    prepared = method.prepare(IMAGE)
    first = method.segment(prepared, ONE)
    other = (first.selected + 1) % 3
    method.segment(prepared, ONE.prefer(other).add(TWO[1]))
    expected = prepared.answers[ONE].logits[other].sigmoid().numpy()
    assert np.array_equal(click_maps[1][0, 4].numpy(), expected)


def test_choices_are_an_input_like_any_other(method):
    ways = [{}, {1: 0}, {1: 1}, {1: 2}, {1: 2, 2: 0}]
    said, prepared = [preferring(THREE, way) for way in ways], method.prepare(IMAGE)
    together = [method.segment(prepared, clicks).probability for clicks in said]
    again = [method.segment(prepared, clicks).probability for clicks in said]
    alone = [method.segment(method.prepare(IMAGE), clicks).probability for clicks in said]
    assert all(np.array_equal(a, b) for a, b in zip(together, again, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))
    assert len({x.tobytes() for x in together[1:4]}) == 3


def test_only_choices_before_a_click_cost_another_pass(method, monkeypatch):
    calls = []
    plain = method.networks.answer
    monkeypatch.setattr(method.networks, "answer", lambda f, x: calls.append(1) or plain(f, x))
    prepared = method.prepare(IMAGE)
    before = method.segment(prepared, TWO)
    for later in (0, 1):
        method.segment(prepared, TWO.prefer(later))
    assert len(calls) == 2
    method.segment(prepared, preferring(TWO, {1: 0}))
    assert len(calls) == 3
    assert np.array_equal(method.segment(prepared, TWO).probability, before.probability)
    assert len(calls) == 3


def test_the_view_follows_the_chosen_candidate(weights, monkeypatch):
    method = LatentDiversity(weights, size=96, zoom=True, device="cpu")
    masks = []
    monkeypatch.setattr(
        "tutorial_lib.deep.latent_diversity.segmenter.crop_around",
        lambda mask, *rest: masks.append(mask.copy()) or crop_around(mask, *rest),
    )
    prepared = method.prepare(IMAGE)
    method.segment(prepared, preferring(TWO, {1: 2}))
    answer = dataclasses.replace(prepared.answers[ONE], preferred=2)
    assert np.array_equal(masks[0], answer.on_photo(prepared.shape) >= 0.5)


def test_a_choice_before_the_first_object_click_is_of_no_effect(method):
    clicks = Clicks([TWO[1], TWO[0]])
    prepared = method.prepare(IMAGE)
    assert method.segment(prepared, clicks[:1].prefer(2)).selected == 2
    chosen = method.segment(prepared, preferring(clicks, {1: 2}))
    assert np.array_equal(chosen.probability, method.segment(prepared, clicks).probability)


def test_a_candidate_that_is_not_there_is_refused_in_one_sentence(method):
    with pytest.raises(ValueError, match="numbered 0 to 2; none is 3") as caught:
        method.segment(method.prepare(IMAGE), ONE.prefer(3))
    assert one_sentence(caught.value)


def test_the_ranked_variant_takes_choices_too(tmp_path):
    method = LatentDiversity(saved(tmp_path, selector=None), size=96, device="cpu")
    answer = method.segment(method.prepare(IMAGE), ONE.prefer(1))
    assert (answer.selected, answer.scores.argmax()) == (1, 0)


# -- what is refused, and what can be set ----------------------------------------------------------


@pytest.mark.parametrize("clicks", [Clicks(), TWO[1:]])
def test_without_a_positive_click_the_answer_is_empty(method, clicks):
    answer = method.segment(method.prepare(IMAGE), clicks)
    assert not answer.mask.any()
    assert answer.scores.tolist() == pytest.approx([1 / 3] * 3)


def test_a_click_outside_the_photo_is_refused(method):
    with pytest.raises(ValueError, match="outside the image") as error:
        method.segment(method.prepare(IMAGE), Clicks([Click(64, 0)]))
    assert "row 64" in str(error.value)


@pytest.mark.parametrize("show", [0, 2])
def test_one_candidate_can_be_shown_always(weights, show):
    method = LatentDiversity(weights, size=96, show=show, device="cpu")
    answer = method.segment(method.prepare(IMAGE), TWO)
    assert answer.scores.argmax() == show
    assert np.array_equal(answer.probability, answer.candidates[show])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 100}, "multiple of 32"),
        ({"size": -32}, "multiple of 32"),
        ({"show": 3}, "candidates 0 to 2, not 3"),
    ],
)
def test_a_bad_option_ends_in_one_sentence(weights, options, message):
    with pytest.raises(ValueError, match=message) as error:
        LatentDiversity(weights, device="cpu", **options)
    assert one_sentence(error.value)


def test_the_mirrored_photo_has_the_mirrored_answer_if_flips_are_averaged(weights):
    method = LatentDiversity(weights, size=96, flip=True, device="cpu")
    answer = method.segment(method.prepare(IMAGE), THREE)
    clicks = Clicks(Click(c.row, 95 - c.col, c.positive) for c in THREE)
    other = method.segment(method.prepare(np.ascontiguousarray(IMAGE[:, ::-1])), clicks)
    assert other.candidates[..., ::-1] == pytest.approx(answer.candidates, abs=0.02)


def test_zooming_looks_at_the_mask_and_the_clicks_and_stays_a_function_of_them(
    weights, monkeypatch
):
    monkeypatch.setattr("tutorial_lib.deep.latent_diversity.segmenter.MAX_VIEW_FRACTION", 1)
    method = LatentDiversity(weights, size=96, zoom=True, device="cpu")
    prepared = method.prepare(IMAGE)
    first = prepared.whole
    walked = [method.segment(prepared, THREE[:count]).probability for count in (1, 2, 3)]
    assert prepared.answers[ONE].view == first
    fresh = method.segment(method.prepare(IMAGE), THREE).probability
    assert np.array_equal(walked[2], fresh)
    assert all(map(prepared.answers[THREE].view.holds, THREE))


@pytest.mark.parametrize("certain", [1.0, 0.5, 0.25])
def test_a_first_click_is_seen_in_three_views_and_g_chooses_one(tmp_path, monkeypatch, certain):
    method = LatentDiversity(saved(tmp_path, selector="views"), size=96, device="cpu")
    monkeypatch.setattr("tutorial_lib.deep.latent_diversity.segmenter.MIN_CROP_SIZE", 8)
    plain, asked = method.networks.scores_and_evidence, []

    def scored(*inputs):
        asked.extend(inputs[-2])
        scores, evidence = plain(*inputs)
        return scores, evidence + 100 * torch.tensor([share == certain for share in inputs[-2]])

    monkeypatch.setattr(method.networks, "scores_and_evidence", scored)
    prepared = method.prepare(IMAGE)
    method.segment(prepared, ONE)
    assert asked == [1.0, 0.5, 0.25]
    view = prepared.answers[ONE].view
    assert view.width == round(96 * certain)
    assert view.holds(ONE[0])
    method.segment(prepared, TWO)
    assert len(asked) == 4  # later clicks are seen in one view
    monkeypatch.undo()  # a photo as small as this one has no closer views
    whole = method.prepare(IMAGE)
    method.segment(whole, ONE)
    assert whole.answers[ONE].view == whole.whole
    alone = LatentDiversity(method.weights, size=96, zoom=False, device="cpu")
    walked = alone.prepare(IMAGE)
    alone.segment(walked, ONE)
    assert walked.answers[ONE].view == walked.whole


@pytest.mark.parametrize("positive, deep, looks", [(0, 1.0, 3), (0, 0.0, 1), (1, 1.0, 1)])
def test_a_negative_click_deep_in_the_mask_makes_f_look_closer(
    tmp_path, monkeypatch, positive, deep, looks
):
    home = "tutorial_lib.deep.latent_diversity.segmenter"
    method = LatentDiversity(saved(tmp_path, selector="views"), size=96, device="cpu")
    monkeypatch.setattr(f"{home}.MIN_CROP_SIZE", 8)
    monkeypatch.setattr(f"{home}.refuted_share", lambda *_: deep)
    monkeypatch.setattr(f"{home}.SMALLER_BONUS", 100)
    plain, asked = method.networks.scores_and_evidence, []
    monkeypatch.setattr(
        method.networks,
        "scores_and_evidence",
        lambda *inputs: asked.extend(inputs[-2]) or plain(*inputs),
    )
    prepared = method.prepare(IMAGE)
    method.segment(prepared, ONE)
    again = ONE.add(Click(2, 2, bool(positive)))
    method.segment(prepared, again)
    assert asked[3:] == [1.0, 0.5, 0.25][:looks]
    if looks > 1:
        assert prepared.answers[again].view.width < 96
        assert prepared.answers[again].view.holds(ONE[0])


@pytest.mark.parametrize("far", [True, False])
def test_after_a_click_far_outside_the_mask_several_pieces_cost(tmp_path, monkeypatch, far):
    home = "tutorial_lib.deep.latent_diversity.segmenter"
    method = LatentDiversity(saved(tmp_path, selector="views"), size=96, device="cpu")
    monkeypatch.setattr(f"{home}.distance_share", lambda *_: 99.0 if far else 1.0)
    pieces = np.arange(method.networks.f.design.heads)
    monkeypatch.setattr(f"{home}.extra_pieces", lambda *_: pieces)
    two = ONE.add(Click(60, 90))
    scores = []
    for cost in (0, 1e3):
        monkeypatch.setattr(f"{home}.PIECE_COST", cost)
        scores.append(method.segment(method.prepare(IMAGE), two).scores)
    changed = not np.allclose(*scores)
    assert changed == far
    if far:  # all belief is in the candidate without further pieces
        assert scores[1].argmax() == 0


def test_closer_views_that_are_read_together_are_read_as_if_alone(tmp_path, monkeypatch):
    home = "tutorial_lib.deep.latent_diversity.segmenter"
    method = LatentDiversity(saved(tmp_path, selector="views"), size=96, device="cpu")
    monkeypatch.setattr(f"{home}.MIN_CROP_SIZE", 8)
    plain, found = method._read, []
    monkeypatch.setattr(method, "_read", lambda *inputs: found.append(plain(*inputs)) or found[-1])
    for shares in (CLOSER_SHARES, CLOSER_SHARES[:1], CLOSER_SHARES[1:]):
        monkeypatch.setattr(f"{home}.CLOSER_SHARES", shares)
        method.segment(method.prepare(IMAGE), ONE)
    together, *alone = found[1::2]
    assert [len(answers) for answers in found] == [1, 2, 1, 1, 1, 1]
    for one, [other] in zip(together, alone, strict=True):
        assert one.view == other.view
        assert torch.allclose(one.logits, other.logits, atol=1e-4)
        assert torch.allclose(one.scores, other.scores, atol=1e-4)
        assert one.evidence == pytest.approx(other.evidence, abs=1e-4)


def test_what_a_later_click_changed_is_seen_again_in_finer_cells(tmp_path, monkeypatch):
    home = "tutorial_lib.deep.latent_diversity.segmenter"
    method = LatentDiversity(saved(tmp_path, selector="views"), size=96, device="cpu")
    monkeypatch.setattr(f"{home}.MIN_CROP_SIZE", 32)
    # Random weights change the whole mask.
    monkeypatch.setattr(f"{home}.changed_region", lambda *_: np.zeros((64, 96), bool))
    prepared = method.prepare(IMAGE)
    answers = [method.segment(prepared, THREE[:count]) for count in (1, 2, 3)]
    kept = [prepared.answers[THREE[:count]].patch for count in (1, 2, 3)]
    assert kept[:2] == [None, None]
    patch, last = kept[2], answers[2]
    assert patch.view.shape == (32, 32)
    assert patch.view.holds(THREE[2])
    monkeypatch.setattr(f"{home}.MAX_FOCUS_FRACTION", 0)  # no view is small enough
    plain = method.segment(method.prepare(IMAGE), THREE)
    different = np.abs(last.probability - plain.probability) > 1e-6
    assert different[patch.inner.slices].any()
    assert different.sum() == different[patch.inner.slices].sum()
    others = [number for number in range(3) if number != last.selected]
    assert np.array_equal(last.candidates[others], plain.candidates[others])
    assert np.array_equal(last.candidates[last.selected], last.probability)
    shown = prepared.answers[THREE].on_photo(prepared.shape)
    assert np.array_equal(shown[patch.inner.slices], last.probability[patch.inner.slices])
    monkeypatch.undo()
    alone = LatentDiversity(method.weights, size=96, zoom=False, device="cpu")
    walked = alone.prepare(IMAGE)
    alone.segment(walked, THREE)
    assert walked.answers[THREE].patch is None


def test_an_object_that_is_cut_off_covers_the_border():
    f, (image, click_maps, hidden, _) = answered()
    g = selection_network("views", f).eval()
    inside = torch.full((2, 3, 16, 24), -20.0)
    inside[:, 0, 4:12, 4:20] = 20
    inside[:, 1] = 20
    more = g.gather(image, click_maps, hidden, inside, 0.5)[2][0, :, -2:]
    assert more.numpy() == pytest.approx(np.array([[0, 0.5], [1, 0.5], [0, 0.5]]), abs=1e-6)


def test_looking_ahead_encodes_the_next_view_and_changes_no_answer(weights, monkeypatch):
    near, encoded = View(8, 8, 32, 48), []
    monkeypatch.setattr(
        "tutorial_lib.deep.latent_diversity.segmenter.crop_around", lambda *rest: near
    )
    method = LatentDiversity(weights, size=96, device="cpu")
    alone = method.segment(method.prepare(IMAGE), TWO).probability
    plain = method.encoder.forward
    monkeypatch.setattr(method.encoder, "forward", lambda x: encoded.append(1) or plain(x))
    prepared = method.prepare(IMAGE)
    assert method.look_ahead(prepared, Clicks()) is None
    method.segment(prepared, ONE)
    assert (len(encoded), (near, 96) in prepared.features) == (1, False)
    method.look_ahead(prepared, ONE)
    assert (len(encoded), (near, 96) in prepared.features) == (2, True)
    assert np.array_equal(method.segment(prepared, TWO).probability, alone)
    assert len(encoded) == 2  # nothing was left to encode when the click came


def test_looking_ahead_refuses_what_answering_refuses(method):
    with pytest.raises(ValueError, match="outside"):
        method.look_ahead(method.prepare(IMAGE), Clicks([Click(1000, 0)]))


@pytest.mark.parametrize(("side", "zoomed"), [(48, True), (64, False)])
def test_only_small_objects_are_zoomed_in_on(weights, monkeypatch, side, zoomed):
    near = View(8, 8, 32, side)
    monkeypatch.setattr(
        "tutorial_lib.deep.latent_diversity.segmenter.crop_around", lambda *rest: near
    )
    method = LatentDiversity(weights, size=96, device="cpu")
    prepared = method.prepare(IMAGE)
    method.segment(prepared, TWO)
    assert prepared.answers[TWO].view == (near if zoomed else prepared.whole)


def test_the_papers_networks_never_zoom_unless_told_to(tmp_path):
    weights = saved(tmp_path, preset="paper")
    assert not LatentDiversity(weights, device="cpu").zoom
    assert LatentDiversity(weights, zoom=True, device="cpu").zoom


def test_the_ranked_variant_shows_the_first_candidate(tmp_path):
    method = LatentDiversity(saved(tmp_path, selector=None), size=96, device="cpu")
    answer = method.segment(method.prepare(IMAGE), ONE)
    assert answer.scores.tolist() == sorted(answer.scores, reverse=True)
    assert np.array_equal(answer.probability, answer.candidates[0])


@pytest.mark.parametrize("changes", [{"previous": False}, {"heads": 1}, {"architecture": "unet"}])
def test_every_design_answers(tmp_path, changes):
    method = LatentDiversity(saved(tmp_path, **changes), size=64, device="cpu")
    assert method.segment(method.prepare(IMAGE), TWO).mask.shape == (64, 96)


def test_weights_say_which_networks_they_are_of(weights):
    _, networks, about = load_networks(weights)
    assert about["design"] == dataclasses.replace(SMALL, augmented=False).to_dict()
    assert networks.g.name == "shared"
    assert not networks.training


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "not those of Latent Diversity"),
        ({"design": SMALL.to_dict(), "selector": "shared"}, "do not fit"),
    ],
)
def test_other_weights_are_refused(tmp_path, metadata, message):
    path = tmp_path / "other.safetensors"
    save_weights({"a": torch.zeros(1)}, path, metadata)
    with pytest.raises(ValueError, match=message) as error:
        load_networks(path)
    assert one_sentence(error.value)


# -- views -----------------------------------------------------------------------------------------


def test_a_view_holds_the_mask_and_some_room():
    assert crop_around(disc_mask((100, 200), 50, 80, 10), Clicks(), 2.0, 8) == View(29, 59, 42, 42)


def test_a_view_reaches_to_every_click_and_not_beyond_the_photo():
    view = crop_around(disc_mask((100, 200), 50, 80, 10), Clicks([Click(0, 199, False)]), 1.0, 8)
    assert view == View(0, 70, 61, 130)


def test_a_view_is_no_smaller_than_allowed_unless_the_photo_is():
    assert crop_around(np.zeros((40, 200), bool), Clicks([Click(1, 100)]), 1.4, 64).shape == (
        40,
        64,
    )


@given(
    st.integers(0, 39), st.integers(0, 59), st.integers(0, 39), st.integers(0, 59), st.booleans()
)
def test_views_lie_within_the_photo_and_hold_their_clicks(row, col, row2, col2, filled):
    mask = np.full((40, 60), filled)
    clicks = Clicks([Click(row, col), Click(row2, col2)])
    view = crop_around(mask, clicks, 1.4, 16)
    assert view.top >= 0
    assert view.left >= 0
    assert view.top + view.height <= 40
    assert view.left + view.width <= 60
    assert all(map(view.holds, clicks))


def test_clicks_move_with_the_view():
    placed = View(10, 20, 40, 40).clicks(
        Clicks([Click(10, 20), Click(49, 59), Click(9, 20)]), (80, 20)
    )
    assert placed.to_list() == [[1, 0, True], [79, 19, True]]


def test_how_much_views_have_in_common():
    view = View(0, 0, 10, 10)
    assert view.overlap(view) == 1
    assert view.overlap(View(0, 5, 10, 10)) == pytest.approx(1 / 3)
    assert view.overlap(View(20, 0, 5, 5)) == 0


def test_a_view_has_no_margin_at_the_border_of_the_photo():
    assert View(0, 10, 24, 36).inside(1 / 12, (50, 46)) == View(0, 12, 22, 34)


def test_a_change_belongs_to_the_mark_that_lies_on_it():
    previous = np.zeros((6, 9), bool)
    mask = disc_mask((6, 9), 2, 1, 1) | disc_mask((6, 9), 2, 7, 1)
    assert np.array_equal(changed_region(mask, previous, Click(2, 7)), disc_mask((6, 9), 2, 7, 1))
    crossing = Stroke([(2, 1), (2, 7)])
    marked = changed_region(mask, previous, crossing)
    assert np.array_equal(marked, mask | changed_region(previous, previous, crossing))
    assert changed_region(previous, previous, Click(5, 8)).sum() == 1


def test_a_thin_photo_has_at_least_one_cell():
    assert working_size((5, 3000), 448) == (32, 448)

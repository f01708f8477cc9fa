"""Semantic segmentation with clicks: pieces of a known map of classes, and files of weights."""

import numpy as np
import pytest
import torch

from tests.support import BACKGROUND, OBJECT, disc_mask, one_sentence
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep.networks.fcn import fcn
from tutorial_lib.deep.semantic import segmenter as semantic
from tutorial_lib.deep.semantic.crf_rnn import MeanField
from tutorial_lib.deep.semantic.network import SemanticNetwork, load_semantic, semantic_network
from tutorial_lib.deep.semantic.segmenter import (
    SemanticCrfRnn,
    SemanticFCN,
    connected_components,
    likeliest,
)
from tutorial_lib.deep.weights import save_weights
from tutorial_lib.segmenter import Segmenter

SHAPE = (64, 96)
LEFT, RIGHT = disc_mask(SHAPE, 32, 20, 12), disc_mask(SHAPE, 32, 70, 16)
PHOTO = np.where((LEFT | RIGHT)[..., None], OBJECT, BACKGROUND).astype(np.uint8)
NAMES = ("background", "orange")
ON_LEFT, ON_RIGHT, BESIDE = Click(32, 20), Click(30, 70), Click(3, 3)


def against(click):
    return Click(click.row, click.col, False)


class Warmth(torch.nn.Module):
    """Score two classes: whatever is more red than blue is orange. Counts its calls."""

    crf = None

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, image):
        self.calls += 1
        warm = (image[:, :1] - image[:, 2:]) / 100
        return torch.cat([torch.zeros_like(warm), warm], dim=1)


@pytest.fixture
def orange(monkeypatch):
    """Return a method whose network is a :class:`Warmth`."""
    about = {"classes": NAMES}
    monkeypatch.setattr(semantic, "load_semantic", lambda weights: (Warmth(), about))
    return SemanticFCN(size=96, device="cpu")


def answer(method, *clicks):
    return method.segment(method.prepare(PHOTO), Clicks(clicks))


def weights_of(folder, crf_steps=0, **changes):
    """Return weights of a network that has learned nothing, and so finds all classes alike."""
    path = folder / f"nothing-{crf_steps}.safetensors"
    network = semantic_network(2, stride=32, crf_steps=crf_steps, pretrained=False)
    about = {"preset": "lite", "stride": 32, "classes": NAMES, "crf_steps": crf_steps}
    save_weights(network.state_dict(), path, {**about, **changes})
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return weights_of(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def crf_weights(tmp_path_factory):
    return weights_of(tmp_path_factory.mktemp("weights"), crf_steps=3)


# -- clicks ----------------------------------------------------------------------------------------


def test_a_click_picks_the_piece_it_hits(orange):
    assert isinstance(orange, Segmenter)
    assert np.array_equal(answer(orange, ON_LEFT).mask, LEFT)
    assert np.array_equal(answer(orange, ON_RIGHT).mask, RIGHT)


def test_several_clicks_pick_several_pieces(orange):
    assert np.array_equal(answer(orange, ON_LEFT, ON_RIGHT).mask, LEFT | RIGHT)


def test_what_has_no_class_is_picked_as_background(orange):
    assert np.array_equal(answer(orange, BESIDE).mask, ~(LEFT | RIGHT))


def test_of_several_clicks_on_one_piece_the_last_counts(orange):
    assert np.array_equal(answer(orange, ON_LEFT, ON_RIGHT, against(ON_LEFT)).mask, RIGHT)
    assert np.array_equal(answer(orange, against(Click(34, 21)), ON_LEFT).mask, LEFT)


def test_without_a_positive_click_nothing_is_picked(orange):
    for clicks in ((), (against(ON_LEFT),)):
        found = answer(orange, *clicks)
        assert not found.mask.any()
        assert not found.probability.any()


def test_the_probability_is_that_of_the_class_within_the_piece(orange):
    found = answer(orange, ON_RIGHT).probability
    warm = (OBJECT[0] - OBJECT[2]) / 100
    assert found[RIGHT] == pytest.approx(1 / (1 + np.exp(-warm)))
    assert not found[~RIGHT].any()


def test_clicks_cost_no_second_look_at_the_photo(orange):
    prepared = orange.prepare(PHOTO)
    for clicks in (Clicks([ON_LEFT]), Clicks([ON_LEFT, ON_RIGHT])):
        orange.segment(prepared, clicks)
    assert orange.network.calls == 1


@pytest.mark.parametrize("shape", [(1, 1), (31, 45), (200, 97), (5, 300)])
def test_answers_have_the_photos_size(orange, shape):
    prepared = orange.prepare(np.full((*shape, 3), OBJECT, np.uint8))
    found = orange.segment(prepared, Clicks([Click(0, 0)]))
    assert tuple(prepared.shape) == found.mask.shape == shape
    assert found.mask.all()


def test_clicks_outside_are_refused(orange):
    with pytest.raises(ValueError, match="row 64, column 3 lies outside"):
        answer(orange, ON_LEFT, Click(64, 3))


# -- the map of classes ----------------------------------------------------------------------------


def test_pieces_hang_together_across_corners():
    classes = np.array([[0, 1, 0], [1, 0, 2], [0, 0, 2]], dtype=np.uint8)
    components, count = connected_components(classes)
    assert count == 3
    assert components.dtype == np.int32
    assert components.tolist() == [[0, 1, 0], [1, 0, 2], [0, 0, 2]]


def test_pieces_of_one_class_have_numbers_of_their_own():
    components, count = connected_components(np.array([[3, 0, 3, 0, 5]], dtype=np.uint8))
    assert (count, components.tolist()) == (5, [[2, 0, 3, 1, 4]])


def test_the_likeliest_class_at_the_photos_size():
    probability = np.array([[[0.75, 0.25]], [[0.25, 0.75]]], dtype=np.float32)
    classes, confidence = likeliest(probability, (2, 8))
    assert classes[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert confidence[1, [0, 7]].tolist() == [0.75, 0.75]
    assert confidence[0, 3] == confidence[0, 4] == pytest.approx(0.5625)


def test_of_equally_likely_classes_the_first_is_taken():
    classes, confidence = likeliest(np.full((4, 2, 2), 0.25, np.float32), (3, 3))
    assert not classes.any()
    assert (confidence == 0.25).all()


# -- networks --------------------------------------------------------------------------------------


def test_a_network_without_a_crf_is_its_fcn():
    network = semantic_network(3, stride=16, pretrained=False).eval()
    torch.nn.init.normal_(network.fcn.score32.weight)
    image = torch.rand(1, 3, 32, 64) * 255
    assert torch.equal(network(image), network.fcn(image))
    assert (network.stride, network.crf) == (16, None)


def test_a_crf_comes_last():
    alone = semantic_network(3, stride=32, pretrained=False).eval()
    torch.nn.init.normal_(alone.fcn.score32.weight)
    both = SemanticNetwork(alone.fcn, MeanField(3, 2)).eval()
    image = torch.rand(1, 3, 64, 64) * 255
    assert torch.equal(both(image), both.crf(alone(image), image))
    assert not torch.equal(both(image), alone(image))


def test_a_finer_network_answers_the_same_and_keeps_its_crf():
    network = semantic_network(3, stride=32, crf_steps=2, pretrained=False).eval()
    torch.nn.init.normal_(network.fcn.score32.weight)
    finer = network.finer().eval()
    image = torch.rand(1, 3, 32, 32) * 255
    assert (network.stride, finer.stride, finer.crf.steps) == (32, 16, 2)
    assert torch.allclose(finer(image), network(image), atol=1e-4)


@pytest.mark.parametrize("steps", [0, 3])
def test_a_file_of_weights_knows_its_network(weights, crf_weights, steps):
    network, about = load_semantic(crf_weights if steps else weights)
    assert (network.stride, network.training, about["classes"]) == (32, False, list(NAMES))
    assert (network.crf.steps if steps else network.crf) == (steps or None)


def test_an_untrained_network_calls_everything_background(weights, crf_weights):
    for method in (SemanticFCN(weights, 96, "cpu"), SemanticCrfRnn(crf_weights, 96, device="cpu")):
        found = answer(method, ON_LEFT)
        assert found.mask.all()
        assert found.probability == pytest.approx(0.5)
        assert method.classes == NAMES


def test_the_crf_can_take_other_numbers_of_steps(crf_weights):
    assert SemanticCrfRnn(crf_weights, device="cpu").network.crf.steps == 3
    assert SemanticCrfRnn(crf_weights, steps=0, device="cpu").network.crf.steps == 0


# -- what is refused -------------------------------------------------------------------------------


def test_weights_without_a_crf_are_not_a_crfs(weights):
    with pytest.raises(ValueError, match="have no CRF: use the method semantic-fcn") as error:
        SemanticCrfRnn(weights)
    assert one_sentence(error.value)


def test_less_than_no_steps_are_refused(crf_weights):
    with pytest.raises(ValueError, match="0 or more steps, not -1") as error:
        SemanticCrfRnn(crf_weights, steps=-1)
    assert one_sentence(error.value)


def test_weights_of_a_clicked_network_are_refused(tmp_path):
    path = tmp_path / "dos.safetensors"
    network = fcn("lite", 32, pretrained=False)
    save_weights(network.state_dict(), path, {"preset": "lite", "stride": 32})
    with pytest.raises(ValueError, match="do not say which classes") as error:
        SemanticFCN(path)
    assert one_sentence(error.value)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    path = weights_of(tmp_path, classes=("one", "two", "three"))
    with pytest.raises(ValueError, match="do not fit .* with 3 classes") as error:
        SemanticFCN(path)
    assert one_sentence(error.value)


def test_weights_and_sizes_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of weights at"):
        SemanticFCN(tmp_path / "gone.safetensors")
    with pytest.raises(ValueError, match="no weights 'nonsense'"):
        SemanticFCN("nonsense")
    with pytest.raises(ValueError, match="positive multiple of 32"):
        SemanticFCN(size=100)

"""Deep Object Selection as a method, with networks whose answers are known."""

import numpy as np
import pytest
import torch

from tests.support import easy_scene, one_sentence
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep import object_selection
from tutorial_lib.deep.networks.fcn import fcn
from tutorial_lib.deep.object_selection import (
    DeepObjectSelection,
    RefinedObjectSelection,
    load_network,
    network_input,
)
from tutorial_lib.deep.photos import working_size
from tutorial_lib.deep.weights import save_weights
from tutorial_lib.metrics import iou
from tutorial_lib.segmenter import Segmenter

IMAGE, TRUTH, TWO = easy_scene()
ONE = Clicks([TWO[0]])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Return weights of an FCN-32s that has learned nothing, and so says one half everywhere."""
    path = tmp_path_factory.mktemp("weights") / "nothing.safetensors"
    network = fcn("lite", 32, pretrained=False)
    save_weights(network.state_dict(), path, {"preset": "lite", "stride": 32})
    return path


class Near(torch.nn.Module):
    """Call object whatever is nearer to a positive click than a given distance, and record."""

    def __init__(self, distance):
        super().__init__()
        self.distance, self.seen = distance, []

    def forward(self, inputs):
        self.seen.append(inputs.clone())
        pixels = (inputs[:, 3:4] + 1) * 127.5
        return self.distance - pixels


@pytest.fixture
def near(weights, monkeypatch):
    """Return a function that makes a method whose network is a :class:`Near`."""

    def make(kind=DeepObjectSelection, distance=12.0, **options):
        network = Near(distance)
        monkeypatch.setattr(object_selection, "load_network", lambda name: (network, "lite"))
        return kind(device="cpu", **options), network

    return make


def test_the_input_is_colours_and_distances_centred_on_zero():
    image = torch.full((1, 3, 2, 2), 200, dtype=torch.uint8)
    maps = torch.tensor([0.0, 255.0]).view(1, 2, 1, 1).expand(1, 2, 2, 2)
    assert network_input(image, maps)[0, :, 1, 0].tolist() == [200, 200, 200, -1, 1]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((480, 640), (352, 448)),
        ((640, 480), (448, 352)),
        ((48, 64), (352, 448)),  # enlarged
        ((5, 3000), (32, 448)),
        ((448, 448), (448, 448)),
    ],
)
def test_photos_go_through_the_network_in_multiples_of_32(shape, expected):
    assert working_size(shape, 448) == expected


def test_both_are_segmenters(near):
    assert isinstance(near()[0], Segmenter)
    assert isinstance(near(RefinedObjectSelection)[0], Segmenter)


def test_the_network_sees_single_clicks_at_its_own_size(near):
    method, network = near(size=64)
    image = np.zeros((128, 128, 3), np.uint8)
    method.segment(method.prepare(image), Clicks([Click(21, 41), Click(127, 0, False)]))
    (seen,) = network.seen
    assert seen.shape == (1, 5, 64, 64)
    assert np.argwhere(seen[0, 3].numpy() == -1).tolist() == [[10, 20]]
    assert np.argwhere(seen[0, 4].numpy() == -1).tolist() == [[63, 0]]


@pytest.mark.parametrize("shape", [(48, 64), (31, 45), (200, 97), (1, 1)])
def test_answers_have_the_photos_size(near, shape):
    method, _ = near(size=96)
    prepared = method.prepare(np.zeros((*shape, 3), np.uint8))
    answer = method.segment(prepared, Clicks([Click(0, 0)]))
    assert tuple(prepared.shape) == answer.probability.shape == answer.mask.shape == shape
    assert answer.mask[0, 0]


def test_without_a_positive_click_the_answer_is_empty(near):
    for kind in (DeepObjectSelection, RefinedObjectSelection):
        method, network = near(kind)
        prepared = method.prepare(IMAGE)
        for clicks in (Clicks(), Clicks([Click(1, 1, False)])):
            assert not method.segment(prepared, clicks).mask.any()
        assert network.seen == []


def test_one_positive_click_is_enough(near):
    method, _ = near(distance=14, size=64)
    assert iou(method.segment(method.prepare(IMAGE), ONE).mask, TRUTH) > 0.6


def test_the_cut_pulls_the_mask_to_the_edges_of_the_photo(near):
    rough, _ = near(distance=14, size=64)
    fine, _ = near(RefinedObjectSelection, distance=14, size=64)
    before = iou(rough.segment(rough.prepare(IMAGE), ONE).mask, TRUTH)
    after = iou(fine.segment(fine.prepare(IMAGE), ONE).mask, TRUTH)
    assert after > max(before + 0.1, 0.95)


def test_the_cut_keeps_discs_where_the_user_clicked(near):
    method, _ = near(RefinedObjectSelection)
    clicks = Clicks([*TWO, Click(24, 50, False), Click(40, 10)])
    answer = method.segment(method.prepare(IMAGE), clicks)
    positive, negative = clicks.discs(IMAGE.shape, 5)
    assert answer.mask[positive].all()
    assert not answer.mask[negative].any()


def test_clicks_outside_are_refused(near):
    for kind in (DeepObjectSelection, RefinedObjectSelection):
        method, _ = near(kind)
        with pytest.raises(ValueError, match="row 48, column 3 lies outside"):
            method.segment(method.prepare(IMAGE), ONE.add(Click(48, 3)))


def test_a_file_of_weights_knows_its_network(weights):
    network, preset = load_network(weights)
    assert (network.stride, preset, network.training) == (32, "lite", False)


def test_an_untrained_network_answers_one_half(weights):
    method = DeepObjectSelection(weights, size=32, device="cpu")
    answer = method.segment(method.prepare(IMAGE), TWO)
    assert answer.probability == pytest.approx(0.5)


def test_weights_that_fit_no_network_are_refused(tmp_path):
    state = {"a": torch.zeros(1)}
    save_weights(state, tmp_path / "unknown.safetensors")
    save_weights(state, tmp_path / "other.safetensors", {"preset": "lite", "stride": 8})
    for name, text in (("unknown", "do not say which FCN"), ("other", "do not fit an FCN-8s")):
        with pytest.raises(ValueError, match=text) as error:
            load_network(tmp_path / f"{name}.safetensors")
        assert one_sentence(error.value)


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of weights at"):
        DeepObjectSelection(tmp_path / "gone.safetensors")
    with pytest.raises(ValueError, match="no weights 'nonsense'"):
        DeepObjectSelection("nonsense")


@pytest.mark.parametrize("size", [0, 100, -32])
def test_a_size_that_is_no_multiple_of_32_is_refused(size):
    with pytest.raises(ValueError, match="positive multiple of 32") as error:
        DeepObjectSelection(size=size)
    assert one_sentence(error.value)

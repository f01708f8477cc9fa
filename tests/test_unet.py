"""The U-Net: the published layers, sizes of every kind, maps joined where they belong."""

import pytest
import torch
from torch import nn

from tests.support import one_sentence
from tutorial_lib.deep.networks.unet import UNET_PRESETS, UNet, unet


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_the_papers_unet_has_the_published_layers():
    with torch.device("meta"):
        network = unet("paper", 1, 2)
    convolutions = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    shapes = [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in convolutions]
    down = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512),
            (512, 512), (512, 1024), (1024, 1024)]  # fmt: skip
    up = [(1024, 512), (512, 256), (256, 128), (128, 64)]
    joined = [pair for wide, out in up for pair in ((wide, out), (out, out))]
    assert shapes == [
        *((*pair, 3) for pair in down),
        *((*pair, 2) for pair in up),
        *((*pair, 3) for pair in joined),
        (64, 2, 1),
    ]
    published = sum(wide * out * kernel**2 + out for wide, out, kernel in shapes)
    assert sum(p.numel() for p in network.parameters()) == published


@pytest.mark.parametrize("preset", UNET_PRESETS)
@pytest.mark.parametrize("size", [(1, 1), (7, 33), (32, 16)])
def test_it_keeps_any_size(preset, size):
    network = unet(preset, 5, 6, width=4).eval()
    assert network(noise(2, 5, *size)).shape == (2, 6, *size)


def test_channels_double_up_to_the_widest():
    network = UNet(3, 1, width=4, depth=3, widest=10)
    assert [layers[0].conv.out_channels for layers in network.down] == [4, 8, 10, 10]


def test_moving_the_input_by_whole_coarsest_cells_moves_the_output():
    torch.manual_seed(0)
    network = UNet(1, 1, width=4, depth=2).eval()
    x = torch.zeros(1, 1, 96, 96)
    x[..., 40:44, 41:46] = noise(4, 5)
    moved = network(x.roll((4, 8), dims=(-2, -1)))
    expected = network(x).roll((4, 8), dims=(-2, -1))
    inside = (..., slice(30, 70), slice(30, 70))  # the padding at the border stays where it is
    torch.testing.assert_close(moved[inside], expected[inside])


def test_an_odd_size_does_not_move_what_lies_left_and_above():
    torch.manual_seed(0)
    network = UNet(1, 1, width=4, depth=2).eval()
    x = noise(1, 1, 96, 96)
    cut = network(x[..., :93, :95])
    torch.testing.assert_close(cut[..., :64, :64], network(x)[..., :64, :64])


def test_skips_hand_over_what_pooling_loses():
    torch.manual_seed(0)
    network = UNet(1, 1, width=8, depth=1).eval()
    for join in network.join:  # only what comes from below
        nn.init.zeros_(join[0].conv.weight[:, :8])
    checkers = torch.ones(1, 1, 8, 8)
    checkers[..., ::2, ::2] = checkers[..., 1::2, 1::2] = -1
    without = network(checkers)
    for join in network.join:
        nn.init.normal_(join[0].conv.weight[:, :8])
    assert (network(checkers) - without).abs().max() > 1e-3


def test_it_learns():
    network = unet("lite", 3, 2, width=4)
    network(noise(2, 3, 20, 20)).square().sum().backward()
    still = [name for name, p in network.named_parameters() if p.grad.abs().sum() == 0]
    assert still == []


def test_an_unknown_preset_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="paper, lite; there is no 'large'") as error:
        unet("large", 64, 6)
    assert one_sentence(error.value)


def test_a_negative_depth_is_refused():
    with pytest.raises(ValueError, match="0 or more, not -1") as error:
        UNet(3, 1, depth=-1)
    assert one_sentence(error.value)

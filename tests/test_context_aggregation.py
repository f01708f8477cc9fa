"""The context aggregation network: Table 1 layer by layer, and what normalisation does."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.support import one_sentence
from tutorial_lib.deep.networks.context_aggregation import (
    CAN_PRESETS,
    AdaptiveNorm,
    ContextAggregation,
    ConvLayer,
    context_aggregation,
)

# Layers 2 to 10 of Table 1: (dilation, receptive field). Layer 11 is 1x1 and sees 513 too.
TABLE_1 = [(1, 3), (2, 7), (4, 15), (8, 31), (16, 63), (32, 127), (64, 255), (128, 511), (1, 513)]


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def seen_by_the_middle(network, size):
    """Return height and width of what the middle of the output depends on."""
    x = torch.ones(1, 1, size, size, requires_grad=True)
    network(x)[0, 0, size // 2, size // 2].backward()
    rows, cols = x.grad[0, 0].nonzero().unbind(1)
    return (rows.max() - rows.min() + 1).item(), (cols.max() - cols.min() + 1).item()


def test_every_layer_sees_as_far_as_table_1_says():
    network = context_aggregation("paper", 1, 1, width=1)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):  # averages, so that no two ways cancel out
            nn.init.constant_(module.weight, 1 / module.weight.numel())
    for count, (dilation, field) in enumerate(TABLE_1, 1):
        layers = network.layers[:count]
        assert layers[-1].conv.dilation == (dilation, dilation)
        assert seen_by_the_middle(layers, field + 2) == (field, field)
    assert seen_by_the_middle(network, 515) == (513, 513)
    assert network.receptive_field == 513


def test_the_papers_layers_have_as_many_parameters_as_table_1_says():
    with torch.device("meta"):
        network = context_aggregation("paper", 64, 6)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    counts = [sum(p.numel() for p in convolution.parameters()) for convolution in convolutions]
    assert counts == [64 * 64 * 9 + 64] * 9 + [64 * 6 + 6]
    # and two numbers in each normalisation, of which Table 1 does not speak
    assert sum(p.numel() for p in network.parameters()) == sum(counts) + 9 * 2


def test_at_half_resolution_the_lite_network_sees_as_far():
    assert 2 * context_aggregation("lite", 64, 6).receptive_field - 1 == 513


def test_it_starts_as_the_identity():
    network = context_aggregation("paper", 64, 6)
    x = noise(1, 64, 20, 20).abs()  # the leaky ReLU lets it pass
    torch.testing.assert_close(network.layers(x), x)


def test_with_more_channels_in_than_wide_the_first_ones_pass():
    network = ContextAggregation(5, 2, width=3, dilations=(1,), normalisation="none")
    x = noise(1, 5, 4, 4).abs()
    torch.testing.assert_close(network.layers(x), x[:, :3])


def test_heads_start_different():
    answers = context_aggregation("paper", 8, 3)(noise(1, 8, 5, 5))
    assert (answers[:, 0] - answers[:, 1]).abs().max() > 1e-3


@pytest.mark.parametrize("preset", CAN_PRESETS)
@pytest.mark.parametrize("size", [(1, 1), (5, 40)])
def test_it_keeps_any_size(preset, size):
    network = context_aggregation(preset, 13, 6, width=8).eval()
    assert network(noise(2, 13, *size)).shape == (2, 6, *size)


def test_adaptive_normalisation_by_hand():
    norm = AdaptiveNorm(eps=0)
    norm.w0.data.fill_(0.5)
    norm.w1.data.fill_(2.0)
    x = torch.tensor([[[[1.0, 3.0]]]])  # mean 2, deviation 1
    assert norm(x).flatten().tolist() == [0.5 * 1 + 2 * -1, 0.5 * 3 + 2 * 1]


def test_adaptive_normalisation_is_batch_norm_of_a_single_image():
    norm, x = AdaptiveNorm(), noise(1, 3, 4, 5)
    norm.w0.data.fill_(0.3)
    norm.w1.data.fill_(0.7)
    expected = 0.3 * x + 0.7 * F.batch_norm(x, None, None, training=True, eps=norm.eps)
    torch.testing.assert_close(norm(x), expected)


def test_it_starts_by_changing_nothing():
    x = noise(2, 3, 4, 5)
    assert AdaptiveNorm()(x).equal(x)


def test_images_of_a_batch_do_not_touch_each_other():
    network = context_aggregation("paper", 3, 2, width=4)
    for layer in network.layers:
        layer.norm.w1.data.fill_(0.5)
    x = noise(2, 3, 9, 9)
    torch.testing.assert_close(network(x)[:1], network(x[:1]))


def test_in_bfloat16_the_maps_stay_in_bfloat16():
    norm, x = AdaptiveNorm(), noise(1, 3, 4, 5).bfloat16()
    norm.w1.data.fill_(0.5)
    assert norm(x).dtype == torch.bfloat16
    torch.testing.assert_close(norm(x).float(), norm(x.float()), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("residual", [False, True])
def test_a_trained_batch_norm_folds_into_the_filters(residual):
    layer = ConvLayer(4, 4, dilation=2, residual=residual)
    nn.init.normal_(layer.norm.weight)
    nn.init.normal_(layer.norm.bias)
    for seed in range(3):  # in training mode statistics follow the batches
        layer(3 * noise(2, 4, 9, 9, seed=seed) + 1)
    layer.eval()
    x = noise(1, 4, 9, 9)
    expected = F.leaky_relu(layer.norm(layer.conv(x)), 0.2) + (x if residual else 0)
    torch.testing.assert_close(layer(x), expected)


def test_a_folded_layer_still_learns():
    layer = ConvLayer(2, 2).eval()
    layer(noise(1, 2, 5, 5)).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in layer.parameters())


def test_a_residual_layer_adds_to_its_input():
    layer = ConvLayer(3, 3, normalisation="none", residual=True)
    nn.init.zeros_(layer.conv.weight)
    x = noise(1, 3, 4, 4)
    assert layer(x).equal(x)


def test_it_keeps_the_channels_last():
    for preset in CAN_PRESETS:
        network = context_aggregation(preset, 8, 6, width=8).eval()
        network = network.to(memory_format=torch.channels_last)
        x = noise(1, 8, 6, 6).contiguous(memory_format=torch.channels_last)
        assert network.layers(x).is_contiguous(memory_format=torch.channels_last)


def test_an_unknown_preset_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="paper, lite; there is no 'large'") as error:
        context_aggregation("large", 64, 6)
    assert one_sentence(error.value)


def test_an_unknown_normalisation_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="adaptive, batch, none; there is no 'group'") as error:
        ConvLayer(3, 3, normalisation="group")
    assert one_sentence(error.value)


def test_no_dilations_are_refused():
    with pytest.raises(ValueError, match="at least one dilation") as error:
        ContextAggregation(3, 2, dilations=())
    assert one_sentence(error.value)

"""Batch norm as part of the filters before it: the same answers, computed once."""

import pytest
import torch
from torch import nn

from tutorial_lib.deep.backbones.efficientnet_lite import ConvNorm, InvertedResidual
from tutorial_lib.deep.folding import fold_norms
from tutorial_lib.deep.networks.context_aggregation import ContextAggregation, ConvLayer


def lived_in(network):
    """Give batch norms statistics and weights that differ from their first ones."""
    for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.uniform_(norm.running_mean, -1, 1)
        nn.init.uniform_(norm.running_var, 0.5, 2)
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.uniform_(norm.bias, -1, 1)
    return network.eval()


NETWORKS = {
    "layer": lambda: ConvLayer(4, 4, 2, "batch", residual=True),
    "layers": lambda: ContextAggregation(4, 3, 8, (1, 2, 4), "batch", residual=True),
    "adaptive": lambda: ContextAggregation(4, 3, 8, (1, 2), "adaptive"),
    "backbone": lambda: ConvNorm(4, 6, 3, stride=2),
    "residual": lambda: InvertedResidual(4, 4, 3, 1, 6),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_folded_network_gives_the_same_bits(name):
    torch.manual_seed(0)
    network = lived_in(NETWORKS[name]())
    x = torch.randn(2, 4, 9, 7)
    with torch.no_grad():
        before = network(x)
        assert fold_norms(network) is network
        assert torch.equal(network(x), before)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("name", NETWORKS)
def test_an_answer_without_gradients_leaves_its_input_alone(name):
    torch.manual_seed(0)
    network, x = lived_in(NETWORKS[name]()), torch.randn(2, 4, 9, 7)
    before = x.clone()
    with torch.inference_mode():
        answered = network(x)
    assert torch.equal(x, before)
    torch.testing.assert_close(answered, network(x).detach(), rtol=0, atol=0)

"""Folding: batch norm with fixed statistics becomes part of the convolution before it."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def folded(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return filters and bias that replace a convolution and the batch norm after it.

    With fixed statistics, a batch norm scales and shifts each channel. Filters and bias can do the
    same at no cost. Gradients still reach the filters and the parameters of the norm.

    Parameters
    ----------
    weight : Tensor
        ``(out, in, kernel, kernel)``: filters of a convolution without bias.
    norm : nn.BatchNorm2d
        The batch norm after it, for ``out`` channels. Its running statistics are used.

    Returns
    -------
    weight : Tensor
        ``(out, in, kernel, kernel)``: the new filters.
    bias : Tensor
        ``(out,)``: the new bias.
    """
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale


def joined(y: Tensor, x: Tensor) -> Tensor:
    """Return ``x + y``. Without gradients, ``y`` is overwritten, which saves a new map.

    Parameters
    ----------
    y : Tensor
        The output of a layer for ``x``. Nothing else may use it.
    x : Tensor
        A tensor of the same shape. It does not change.

    Returns
    -------
    Tensor
        The sum, of the same shape.
    """
    return x + y if torch.is_grad_enabled() else y.add_(x)


@runtime_checkable
class Foldable(Protocol):
    """A layer with a convolution ``conv`` and a batch norm ``norm`` after it."""

    conv: nn.Conv2d
    norm: nn.Module


def fold_norms(network: Network) -> Network:
    """Fold every batch norm into the convolution before it, in place.

    The filters are then computed once instead of once for each answer. The output is identical to
    the last bit.

    Parameters
    ----------
    network : nn.Module
        A network in evaluation mode.

    Returns
    -------
    nn.Module
        The same network. It can no longer be trained, and it can no longer load trained weights.
    """
    for layer in network.modules():
        if isinstance(layer, Foldable) and isinstance(layer.norm, nn.BatchNorm2d):
            with torch.no_grad():
                weight, bias = folded(layer.conv.weight, layer.norm)
            layer.conv.weight = nn.Parameter(weight, requires_grad=False)
            layer.conv.bias = nn.Parameter(bias, requires_grad=False)
            layer.norm = nn.Identity()
    return network

"""Batch norm with fixed statistics, as part of the filters before it."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def folded(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return the filters and bias that do what a convolution and its batch norm do together.

    With its statistics fixed, the norm multiplies and shifts each channel. So do filters and bias,
    at no cost; gradients reach the filters and the norm's own weights as before.

    Parameters
    ----------
    weight : Tensor
        ``(out, in, kernel, kernel)``: filters of a convolution without bias.
    norm : nn.BatchNorm2d
        What follows it, for ``out`` channels; its running statistics are used.

    Returns
    -------
    weight : Tensor
        Of the same shape.
    bias : Tensor
        ``(out,)``.
    """
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale


def joined(y: Tensor, x: Tensor) -> Tensor:
    """Return ``x + y``, in place of ``y`` where no gradient needs it: new maps cost more than sums.

    Parameters
    ----------
    y : Tensor
        What a layer has made of ``x``; nobody else may hold it.
    x : Tensor
        Of the same shape; it stays as it is.

    Returns
    -------
    Tensor
        The sum, of the same shape.
    """
    return x + y if torch.is_grad_enabled() else y.add_(x)


@runtime_checkable
class Foldable(Protocol):
    """A layer of a convolution ``conv`` and a batch norm ``norm`` behind it."""

    conv: nn.Conv2d
    norm: nn.Module


def fold_norms(network: Network) -> Network:
    """Make every batch norm part of the filters before it, in place.

    For a network that only answers from now on: the filters are then not computed anew for each
    answer. The answers stay the same, to the last bit.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.

    Returns
    -------
    nn.Module
        The same one. It can no longer be trained, nor take weights that were trained.
    """
    for layer in network.modules():
        if isinstance(layer, Foldable) and isinstance(layer.norm, nn.BatchNorm2d):
            with torch.no_grad():
                weight, bias = folded(layer.conv.weight, layer.norm)
            layer.conv.weight = nn.Parameter(weight, requires_grad=False)
            layer.conv.bias = nn.Parameter(bias, requires_grad=False)
            layer.norm = nn.Identity()
    return network

"""Batch norm with fixed statistics, as part of the filters before it."""

from __future__ import annotations

from torch import Tensor, nn


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

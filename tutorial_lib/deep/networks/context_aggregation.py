"""The context aggregation network: every pixel sees far, and no resolution is lost.

Yu and Koltun (Multi-Scale Context Aggregation by Dilated Convolutions, ICLR 2016) stack 3x3
convolutions whose nine taps stand ever farther apart. Each layer adds twice its dilation to what a
pixel sees, so dilations that double make the receptive field grow exponentially with depth, while
nothing is pooled. Latent Diversity uses it for f, and for g with an average over the image behind
it (Li et al., section 3, 4 and Table 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.folding import folded, joined

SLOPE = 0.2  # of the leaky ReLU, left of zero
NORMALISATIONS = ("adaptive", "batch", "none")


class AdaptiveNorm(nn.Module):
    """``w0 x + w1 norm(x)``: the layer learns how much it wants to be normalised.

    It starts as ``w0 = 1, w1 = 0``, which changes nothing. ``norm`` is batch norm with the
    statistics of a single image, as Latent Diversity trains on batches of one; each image of a
    larger batch has its own. They are those of the image at hand in use, too.

    References
    ----------
    Chen, Xu and Koltun, Fast Image Processing with Fully-Convolutional Networks, ICCV 2017,
    section 3: lambda and mu there are w0 and w1 here.
    """

    def __init__(self, eps: float = 1e-3) -> None:
        super().__init__()
        self.w0 = nn.Parameter(torch.tensor(1.0))
        self.w1 = nn.Parameter(torch.tensor(0.0))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape, in the same precision."""
        variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
        per_deviation = self.w1 * (variance + self.eps).rsqrt()
        # w0 x + w1 (x - mean) / deviation = scale x + shift: two numbers a channel, so that the
        # large map is gone through once, and never turned from bfloat16 into float32.
        scale, shift = self.w0 + per_deviation, -mean * per_deviation
        return torch.addcmul(shift.to(x.dtype), scale.to(x.dtype), x)


class ConvLayer(nn.Module):
    """A 3x3 convolution that keeps the size, a normalisation and a leaky ReLU.

    Parameters
    ----------
    channels, out : int
        Channels in and out.
    dilation : int
        Cells from one tap to the next.
    normalisation : str
        ``"adaptive"``, ``"batch"`` or ``"none"``.
    slope : float
        Of the leaky ReLU; 0 makes it a plain one.
    residual : bool
        Add the input to the output, if they have the same channels.

    Raises
    ------
    ValueError
        If there is no such normalisation.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        dilation: int = 1,
        normalisation: str = "batch",
        slope: float = SLOPE,
        residual: bool = False,
    ) -> None:
        super().__init__()
        if normalisation not in NORMALISATIONS:
            raise ValueError(
                f"The normalisations are {', '.join(NORMALISATIONS)}; there is no "
                f"{normalisation!r}."
            )
        batch = normalisation == "batch"
        self.conv = nn.Conv2d(
            channels, out, 3, padding=dilation, dilation=dilation, bias=not batch
        )  # batch norm would subtract a bias again, and has its own
        self.norm = nn.Identity()
        if batch:
            self.norm = nn.BatchNorm2d(out)
        elif normalisation == "adaptive":
            self.norm = AdaptiveNorm()
        self.slope, self.residual = slope, residual and channels == out
        nn.init.kaiming_normal_(self.conv.weight, a=slope)
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels, H, W)`` to ``(B, out, H, W)``."""
        y = F.leaky_relu(self._linear(x), self.slope, inplace=not torch.is_grad_enabled())
        return joined(y, x) if self.residual else y

    def _linear(self, x: Tensor) -> Tensor:
        if not isinstance(self.norm, nn.BatchNorm2d) or self.norm.training:
            return self.norm(self.conv(x))
        weight, bias = folded(self.conv.weight, self.norm)
        return F.conv2d(x, weight, bias, padding=self.conv.padding, dilation=self.conv.dilation)


class ContextAggregation(nn.Module):
    """Layers 2 to 11 of Table 1: dilated convolutions, and a 1x1 convolution to the outputs.

    Layer 1, the affine projection to ``width`` channels, stands before it:
    :class:`tutorial_lib.deep.networks.hypercolumn.Hypercolumn` and the projection of the clicks.
    The selection network does without (section 4).

    Parameters
    ----------
    channels_in : int
        Channels of the input: 64 for the segmentation network f; image, clicks, distance
        transforms and candidates for the selection network g.
    outputs : int
        Channels of the output, M.
    width : int
        Channels in between.
    dilations : tuple of int
        One for each 3x3 convolution.
    normalisation : str
        ``"adaptive"`` (the paper's released code), ``"batch"`` (is folded into the filters once it
        is trained, and then costs nothing) or ``"none"``.
    residual : bool
        Each layer adds to its input instead of replacing it.

    Raises
    ------
    ValueError
        If there are no layers, or there is no such normalisation.

    Notes
    -----
    Without residual connections, kernels start as the identity, so that at first even the deepest
    layer hears of the input (Yu and Koltun, section 3). A residual connection *is* that identity;
    kernels beside it start at random (He et al., ICCV 2015).

    Batch norm normalises small batches of large images; call ``eval()`` for single images.
    """

    def __init__(
        self,
        channels_in: int,
        outputs: int,
        width: int = 64,
        dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 1),
        normalisation: str = "adaptive",
        residual: bool = False,
    ) -> None:
        super().__init__()
        if not dilations:
            raise ValueError("A context aggregation network has at least one dilation.")
        self.dilations = tuple(dilations)
        channels = [channels_in] + [width] * len(dilations)
        self.layers = nn.Sequential(
            *(
                ConvLayer(before, width, dilation, normalisation, SLOPE, residual)
                for before, dilation in zip(channels[:-1], dilations, strict=True)
            )
        )
        self.output = nn.Conv2d(width, outputs, 1)
        if not residual:
            for layer in self.layers:
                nn.init.dirac_(layer.conv.weight)  # one at the middle tap of channel i to i

    @property
    def receptive_field(self) -> int:
        """Side of the square of cells that one cell of the output depends on."""
        return 1 + 2 * sum(self.dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels_in, H, W)`` to ``(B, outputs, H, W)``, of any size.

        The outputs are not squashed: a sigmoid makes probabilities of them.
        """
        return self.output(self.layers(x))


@dataclass(frozen=True)
class CANPreset:
    """The numbers in which two context aggregation networks differ; see the class."""

    width: int
    dilations: tuple[int, ...]
    normalisation: str
    residual: bool


# "paper" is Table 1. "lite" is for two CPU cores: at stride 2, 257 cells are 513 pixels.
CAN_PRESETS = {
    "paper": CANPreset(64, (1, 2, 4, 8, 16, 32, 64, 128, 1), "adaptive", residual=False),
    "lite": CANPreset(64, (1, 2, 4, 8, 16, 32, 64, 1), "batch", residual=True),
}


def context_aggregation(
    preset: str, channels_in: int, outputs: int, **changes: Any
) -> ContextAggregation:
    """Build a context aggregation network from a preset.

    Parameters
    ----------
    preset : str
        ``"paper"``: Table 1, dilations up to 128 at full resolution, adaptive normalisation.
        ``"lite"``: dilations up to 64, batch norm, residual connections; meant for half
        resolution, where it sees as far.
    channels_in, outputs : int
        Channels of the input and the output.
    **changes
        What is to differ from the preset: ``width``, ``dilations``, ``normalisation``,
        ``residual``.

    Returns
    -------
    ContextAggregation
        In training mode.

    Raises
    ------
    ValueError
        If there is no such preset.

    Examples
    --------
    >>> context_aggregation("paper", 64, 6).receptive_field
    513
    """
    if preset not in CAN_PRESETS:
        raise ValueError(f"The presets are {', '.join(CAN_PRESETS)}; there is no {preset!r}.")
    return ContextAggregation(channels_in, outputs, **vars(replace(CAN_PRESETS[preset], **changes)))

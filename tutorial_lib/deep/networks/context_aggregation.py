"""The context aggregation network: a large receptive field at full resolution.

Yu and Koltun (Multi-Scale Context Aggregation by Dilated Convolutions, ICLR 2016) stack 3x3
convolutions with increasing dilation. Each layer enlarges the receptive field by twice its
dilation. The dilations double, so the receptive field grows exponentially with depth, without
pooling. Latent Diversity uses this network for f. For g it adds an average over the image (Li et
al., sections 3 and 4, Table 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.folding import folded, joined

SLOPE = 0.2  # slope of the leaky ReLU for negative inputs
NORMALISATIONS = ("adaptive", "batch", "none")


class AdaptiveNorm(nn.Module):
    """Adaptive normalisation: ``w0 x + w1 norm(x)`` with learned weights w0 and w1.

    It starts as the identity: ``w0 = 1, w1 = 0``. ``norm`` is batch norm with the statistics of
    each single image, because Latent Diversity trains on batches of one. Inference also uses the
    statistics of the image.

    Parameters
    ----------
    eps : float
        Added to the variance.

    References
    ----------
    Chen, Xu and Koltun, Fast Image Processing with Fully-Convolutional Networks, ICCV 2017,
    section 3. They write lambda and mu for w0 and w1.
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
        # w0 x + w1 (x - mean) / deviation = scale x + shift: two numbers for each channel. The
        # large map is read only once and stays in bfloat16.
        scale, shift = self.w0 + per_deviation, -mean * per_deviation
        return torch.addcmul(shift.to(x.dtype), scale.to(x.dtype), x)


class ConvLayer(nn.Module):
    """A padded 3x3 convolution, a normalisation and a leaky ReLU.

    Parameters
    ----------
    channels, out : int
        Channels in and out.
    dilation : int
        Distance between the taps of the convolution, in cells.
    normalisation : str
        ``"adaptive"``, ``"batch"`` or ``"none"``.
    slope : float
        Slope of the leaky ReLU for negative inputs. 0 gives a ReLU.
    residual : bool
        True adds the input to the output if both have the same number of channels.

    Raises
    ------
    ValueError
        If the normalisation is unknown.
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
        )  # batch norm removes a bias before it, and has its own
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
    """Layers 2 to 11 of Table 1: dilated convolutions, then a 1x1 convolution to the outputs.

    Layer 1 is the affine projection to ``width`` channels. It is a module of its own:
    :class:`tutorial_lib.deep.networks.hypercolumn.Hypercolumn` and the projection of the clicks.
    The selection network has no layer 1 (section 4).

    Parameters
    ----------
    channels_in : int
        Channels of the input. For the segmentation network f: 64. For the selection network g:
        image, clicks, distance transforms and candidates.
    outputs : int
        Channels of the output, M.
    width : int
        Channels of all maps between input and output.
    dilations : tuple of int
        Dilation of each 3x3 convolution, in cells.
    normalisation : str
        ``"adaptive"`` as in the paper's released code, ``"batch"`` (after training it is folded
        into the filters and costs nothing) or ``"none"``.
    residual : bool
        True gives each layer a residual connection.

    Raises
    ------
    ValueError
        If there are no dilations, or the normalisation is unknown.

    Notes
    -----
    Without residual connections, kernels are initialised to the identity, so that the input
    reaches even the deepest layer (Yu and Koltun, section 3). A residual connection *is* this
    identity. Kernels with a residual connection are initialised at random (He et al., ICCV 2015).

    Batch norm is meant for small batches of large images. Call ``eval()`` for single images.
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
                nn.init.dirac_(layer.conv.weight)  # 1 at the middle tap from channel i to i

    @property
    def receptive_field(self) -> int:
        """Side of the receptive field, in cells."""
        return 1 + 2 * sum(self.dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels_in, H, W)`` to logits ``(B, outputs, H, W)``, for any size."""
        return self.output(self.layers(x))


@dataclass(frozen=True)
class CANPreset:
    """The constants of a context aggregation network.

    Parameters
    ----------
    width, dilations, normalisation, residual
        See :class:`ContextAggregation`.
    """

    width: int
    dilations: tuple[int, ...]
    normalisation: str
    residual: bool


# "paper" is Table 1. "lite" is for two CPU cores: at stride 2, 257 cells span 513 pixels.
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
        ``"lite"``: dilations up to 64, batch norm, residual connections. At half resolution its
        receptive field covers as many pixels.
    channels_in, outputs : int
        Channels of the input and the output.
    **changes
        Replacements for values of the preset: ``width``, ``dilations``, ``normalisation``,
        ``residual``.

    Returns
    -------
    ContextAggregation
        In training mode.

    Raises
    ------
    ValueError
        If the preset is unknown.

    Examples
    --------
    >>> context_aggregation("paper", 64, 6).receptive_field
    513
    """
    if preset not in CAN_PRESETS:
        raise ValueError(f"The presets are {', '.join(CAN_PRESETS)}; there is no {preset!r}.")
    return ContextAggregation(channels_in, outputs, **vars(replace(CAN_PRESETS[preset], **changes)))

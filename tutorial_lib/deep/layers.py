"""Upsampling: bilinear interpolation, and transposed convolutions that start as such."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.levels import Level


def bilinear_kernel(factor: int) -> Tensor:
    """Return the kernel with which a transposed convolution interpolates linearly.

    Parameters
    ----------
    factor : int
        How many pixels a cell becomes, in each direction.

    Returns
    -------
    Tensor
        ``(2 factor, 2 factor)`` float32: the outer product of two triangles.

    References
    ----------
    Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015, section 3.3.

    Examples
    --------
    >>> bilinear_kernel(2)[1].tolist()
    [0.1875, 0.5625, 0.5625, 0.1875]
    """
    offsets = torch.arange(2 * factor, device="cpu") - (factor - 0.5)
    triangle = 1 - offsets.abs() / factor
    return torch.outer(triangle, triangle)


class Upsampling(nn.ConvTranspose2d):
    """A transposed convolution that starts as bilinear interpolation.

    At the image's edge the last cells are repeated, so that it *is* bilinear interpolation
    everywhere; zeros beyond the edge would pull the scores there towards "undecided".

    Parameters
    ----------
    channels : int
        Channels in and out; each starts by depending on itself alone.
    factor : int
        How many pixels a cell becomes, in each direction; even.
    learned : bool
        Whether training may change it.
    """

    def __init__(self, channels: int, factor: int, learned: bool) -> None:
        # One cell more on each side makes `factor` pixels more, and the kernel reaches another
        # `factor / 2` beyond them: that much is cut off again.
        super().__init__(
            channels, channels, 2 * factor, factor, padding=factor + factor // 2, bias=False
        )
        self.weight.requires_grad_(learned)

    def reset_parameters(self) -> None:
        """Set the weights to bilinear interpolation of each channel."""
        kernel = bilinear_kernel(self.stride[0])
        with torch.no_grad():
            self.weight.zero_()
            for channel in range(self.in_channels):
                self.weight[channel, channel] = kernel.to(self.weight)

    def forward(self, scores: Tensor) -> Tensor:
        """Map ``(B, channels, H, W)`` to ``(B, channels, factor H, factor W)``, never in bfloat16.

        Scores rounded to 8 bits would show as steps, and with so few channels a CPU computes this
        layer many times slower in bfloat16 than in float32.
        """
        padded = F.pad(scores.to(self.weight.dtype), (1, 1, 1, 1), mode="replicate")
        with _no_autocast(scores.device):
            return super().forward(padded)


def upsample_level(x: Tensor, level: Level, stride: int, size: tuple[int, int]) -> Tensor:
    """Interpolate a level's map bilinearly on the grid of a finer stride.

    Parameters
    ----------
    x : Tensor
        ``(B, C, rows, cols)``, cells of ``level.stride`` pixels.
    level : Level
        Says where these cells lie.
    stride : int
        Stride of the result, a divisor of the level's.
    size : tuple of int
        Rows and columns of the result, no more than the cells cover.

    Returns
    -------
    Tensor
        ``(B, C, *size)``.
    """
    factor, start = level.stride // stride, 0
    if factor > 1:
        if later := int(level.shift / stride + 0.5):  # as many cells further right and down
            x, start = F.pad(x, (1, 0, 1, 0), mode="replicate"), factor - later
        x = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    return x[..., start : start + size[0], start : start + size[1]]


def _no_autocast(device: torch.device) -> AbstractContextManager:
    if torch.amp.is_autocast_available(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()  # such as the meta device, on which networks only have shapes

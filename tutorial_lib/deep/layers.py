"""Upsampling: bilinear interpolation, and transposed convolutions initialised to it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.levels import Level


def bilinear_kernel(factor: int) -> Tensor:
    """Return the kernel of a transposed convolution that interpolates bilinearly.

    Parameters
    ----------
    factor : int
        Upsampling factor in each direction.

    Returns
    -------
    Tensor
        ``(2 factor, 2 factor) float32``: the outer product of two triangles.

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
    """A transposed convolution, initialised to bilinear interpolation.

    The edge cells are repeated beyond the image. Zero padding would move the scores at the edge
    towards 0, which means "undecided".

    Parameters
    ----------
    channels : int
        Channels in and out. At initialisation each output channel depends on one input channel.
    factor : int
        Upsampling factor in each direction; even.
    learned : bool
        Whether training changes the weights.
    """

    def __init__(self, channels: int, factor: int, learned: bool) -> None:
        # One extra cell on each side gives `factor` extra pixels, and the kernel reaches
        # `factor / 2` beyond them. The padding removes both.
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

        With only 8 bits of precision, scores would show steps. With so few channels, bfloat16 is
        also many times slower than float32 on a CPU.
        """
        padded = F.pad(scores.to(self.weight.dtype), (1, 1, 1, 1), mode="replicate")
        with _no_autocast(scores.device):
            return super().forward(padded)


def upsample_level(x: Tensor, level: Level, stride: int, size: tuple[int, int]) -> Tensor:
    """Upsample the map of a level bilinearly to a finer stride.

    Parameters
    ----------
    x : Tensor
        ``(B, C, rows, cols)``, with cells of ``level.stride`` pixels.
    level : Level
        Stride and shift of these cells.
    stride : int
        Stride of the result, in pixels; a divisor of ``level.stride``.
    size : tuple of int
        Rows and columns of the result. The cells must cover them.

    Returns
    -------
    Tensor
        ``(B, C, *size)``.
    """
    factor, start = level.stride // stride, 0
    if factor > 1:
        if later := int(level.shift / stride + 0.5):  # shift to the right and down, in cells
            x, start = F.pad(x, (1, 0, 1, 0), mode="replicate"), factor - later
        x = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    return x[..., start : start + size[0], start : start + size[1]]


def _no_autocast(device: torch.device) -> AbstractContextManager:
    if torch.amp.is_autocast_available(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()  # for example the meta device, where tensors have only shapes

"""The U-Net: the alternative architecture of f in Latent Diversity (Li et al., Table 4).

The U-Net (Ronneberger et al., MICCAI 2015) has an encoder and a decoder. The encoder reduces the
resolution, which gives a large receptive field. Each step of the decoder doubles the resolution and
concatenates the encoder's map of the same size, in which boundaries are sharp. The context
aggregation network uses its arithmetic for full resolution, the U-Net for channels.

    x -> two 3x3 ---------------------------> concatenate -> two 3x3 -> 1x1
              `-> pool -> two 3x3 -> ... -> up --'
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep.networks.context_aggregation import ConvLayer


class UNet(nn.Module):
    """A U-Net whose output has the size of its input, for any size.

    Parameters
    ----------
    channels_in : int
        Channels of the input.
    outputs : int
        Channels of the output, M.
    width : int
        Channels at full resolution. They double with every step of the encoder.
    depth : int
        Number of encoder steps. Each one halves the resolution.
    widest : int
        Maximum number of channels of a map.
    normalisation : str
        ``"none"`` as in the original, ``"batch"`` or ``"adaptive"``; see
        :class:`tutorial_lib.deep.networks.context_aggregation.ConvLayer`.

    Raises
    ------
    ValueError
        If the depth is negative, or the normalisation is unknown.

    Notes
    -----
    There are two differences from the original. First, its convolutions are not padded: a map of
    572 cells becomes a map of 388. Ours are padded. Second, its sides must be divisible by 16. Ours
    may have any length: pooling keeps the incomplete cells at the right and lower edge, and
    upsampling crops them.
    """

    def __init__(
        self,
        channels_in: int,
        outputs: int,
        width: int = 64,
        depth: int = 4,
        widest: int = 1024,
        normalisation: str = "none",
    ) -> None:
        super().__init__()
        if depth < 0:
            raise ValueError(f"The depth of a U-Net must be 0 or more, not {depth}.")
        widths = [min(width * 2**step, widest) for step in range(depth + 1)]
        befores = [channels_in, *widths]
        self.down = nn.ModuleList(
            _pair(before, after, normalisation)
            for before, after in zip(befores[:-1], widths, strict=True)
        )
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        steps = list(zip(widths[1:], widths[:-1], strict=True))[::-1]  # the coarsest comes first
        self.up = nn.ModuleList(nn.ConvTranspose2d(below, out, 2, stride=2) for below, out in steps)
        self.join = nn.ModuleList(_pair(2 * out, out, normalisation) for _, out in steps)
        self.output = nn.Conv2d(width, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels_in, H, W)`` to logits ``(B, outputs, H, W)``, for any size."""
        passed = []
        for step, layers in enumerate(self.down):
            x = layers(self.pool(x) if step else x)
            passed.append(x)
        for finer, up, join in zip(passed[-2::-1], self.up, self.join, strict=True):
            rows, cols = finer.shape[-2:]
            x = join(torch.cat([finer, up(x)[..., :rows, :cols]], dim=1))
        return self.output(x)


def _pair(channels: int, out: int, normalisation: str) -> nn.Sequential:
    return nn.Sequential(
        ConvLayer(channels, out, normalisation=normalisation, slope=0),
        ConvLayer(out, out, normalisation=normalisation, slope=0),
    )


@dataclass(frozen=True)
class UNetPreset:
    """The constants of a U-Net.

    Parameters
    ----------
    width, depth, widest, normalisation
        See :class:`UNet`.
    """

    width: int
    depth: int
    widest: int
    normalisation: str


# Li et al. do not say which U-Net they use. "paper" is the one in Figure 1 of Ronneberger et al.
# "lite" needs about as much arithmetic as the lite context aggregation network.
UNET_PRESETS = {
    "paper": UNetPreset(width=64, depth=4, widest=1024, normalisation="none"),
    "lite": UNetPreset(width=48, depth=4, widest=128, normalisation="batch"),
}


def unet(preset: str, channels_in: int, outputs: int, **changes: Any) -> UNet:
    """Build a U-Net from a preset.

    Parameters
    ----------
    preset : str
        ``"paper"``: 64 channels, doubled four times, 31 million parameters. ``"lite"``: 48
        channels, at most 128, with batch norm. It can be trained on two CPU cores.
    channels_in, outputs : int
        Channels of the input and the output.
    **changes
        Replacements for values of the preset: ``width``, ``depth``, ``widest``,
        ``normalisation``.

    Returns
    -------
    UNet
        In training mode.

    Raises
    ------
    ValueError
        If the preset is unknown.

    Examples
    --------
    >>> unet("lite", 64, 6).output.out_channels
    6
    """
    if preset not in UNET_PRESETS:
        raise ValueError(f"The presets are {', '.join(UNET_PRESETS)}; there is no {preset!r}.")
    return UNet(channels_in, outputs, **vars(replace(UNET_PRESETS[preset], **changes)))

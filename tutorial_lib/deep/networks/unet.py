"""The U-Net: the other architecture that Latent Diversity tries for f (Li et al., Table 4).

Ronneberger et al. (MICCAI 2015) go down to a coarse map that sees far, and up again; on the way up,
each step is handed the map of the same size from the way down, in which boundaries are still sharp.
Where the context aggregation network spends its arithmetic on full resolution, this one spends it
on channels.

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
    """A U-Net that keeps the size, whatever it is.

    Parameters
    ----------
    channels_in : int
        Channels of the input.
    outputs : int
        Channels of the output, M.
    width : int
        Channels at full resolution; they double with every step down.
    depth : int
        Steps down, each to half the size.
    widest : int
        No map has more channels than this.
    normalisation : str
        ``"none"`` as in the original, ``"batch"`` or ``"adaptive"``; see
        :class:`tutorial_lib.deep.networks.context_aggregation.ConvLayer`.

    Raises
    ------
    ValueError
        If the depth is negative, or there is no such normalisation.

    Notes
    -----
    Two things differ from the original. Its convolutions are not padded, so that a map of 572 cells
    gives one of 388; ours are. And its sides must be divisible by 16; ours need not be, as pooling
    keeps the incomplete cells at the right and lower edge, and upsampling cuts them again.
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
            raise ValueError(f"A U-Net's depth is 0 or more, not {depth}.")
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
        """Map ``(B, channels_in, H, W)`` to ``(B, outputs, H, W)``, of any size.

        The outputs are not squashed: a sigmoid makes probabilities of them.
        """
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
    """The numbers in which two U-Nets differ; see the class."""

    width: int
    depth: int
    widest: int
    normalisation: str


# Li et al. do not say which U-Net they took; "paper" is that of Ronneberger et al., Figure 1.
# "lite" takes about as much arithmetic as the lite context aggregation network.
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
        channels, never more than 128, with batch norm; trains on two CPU cores.
    channels_in, outputs : int
        Channels of the input and the output.
    **changes
        What is to differ from the preset: ``width``, ``depth``, ``widest``, ``normalisation``.

    Returns
    -------
    UNet
        In training mode.

    Raises
    ------
    ValueError
        If there is no such preset.

    Examples
    --------
    >>> unet("lite", 64, 6).output.out_channels
    6
    """
    if preset not in UNET_PRESETS:
        raise ValueError(f"The presets are {', '.join(UNET_PRESETS)}; there is no {preset!r}.")
    return UNet(channels_in, outputs, **vars(replace(UNET_PRESETS[preset], **changes)))

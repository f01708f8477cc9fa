"""A context aggregation network on four grids: wide where it is coarse, narrow where it is fine.

The context aggregation network of the paper has 64 channels in every cell of a fine grid, also
where nothing changes for a hundred pixels. Its time is arithmetic: at half resolution, eight layers
of 64 channels need 23 billion operations for a photo of 448 x 352 pixels. This network needs an
eighth of them. It decides on coarse grids which object is meant, and draws it on finer ones:

    stride 16, 128 channels:  the backbone's two deepest maps, all clicks
    stride  8,  96 channels:  its map of this stride, all clicks, the grid above
    stride  4,  48 channels:  the same, finer
    stride  2,  16 channels:  the image and the backbone's first map, all clicks, the grid above

On every grid the maps of the photo and of the clicks are projected and added, as in layer 1 of the
paper. The projection of the photo does not depend on the clicks and is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.levels import Level
from tutorial_lib.deep.networks.context_aggregation import ConvLayer
from tutorial_lib.deep.networks.separable import SeparableHypercolumn


@dataclass(frozen=True)
class Grid:
    """One grid of the pyramid.

    Parameters
    ----------
    stride : int
        Pixels of the image from one cell to the next.
    width : int
        Channels.
    dilations : tuple of int
        Dilation of each 3x3 convolution, in cells.
    """

    stride: int
    width: int
    dilations: tuple[int, ...]


READ_BY_G = 8  # stride of the grid that the selection network reads: it says what is where
#: From coarse to fine. The first grid alone sees 240 pixels, and its inputs see further.
GRIDS = (Grid(16, 128, (1, 2, 4)), Grid(8, 96, (1, 2, 4)), Grid(4, 48, (1, 2)), Grid(2, 16, (1,)))


class ContextPyramid(nn.Module):
    """Layers on several grids, each with residual connections and batch norm.

    Parameters
    ----------
    levels : sequence of Level
        The encoder's maps. Each is read on the finest grid that is not finer than the map.
    click_channels : int
        Number of click maps, on the finest grid.
    outputs : int
        Channels of the output, M.
    grids : sequence of Grid
        From coarse to fine; each stride is a multiple of the next.

    Raises
    ------
    ValueError
        If a grid has no map of the photo to read.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        click_channels: int,
        outputs: int,
        grids: Sequence[Grid] = GRIDS,
    ) -> None:
        super().__init__()
        self.grids = tuple(grids)
        self.count = len(levels)
        self.read = [
            [i for i, level in enumerate(levels) if low <= level.stride < high]
            for low, high in zip(
                [grid.stride for grid in grids],
                [1 << 30, *(grid.stride for grid in grids[:-1])],
                strict=True,
            )
        ]
        if not all(self.read):
            raise ValueError(
                "A context pyramid needs maps of the backbone on each of its grids, of strides "
                f"{', '.join(str(grid.stride) for grid in grids)}."
            )
        self.photo = nn.ModuleList(
            SeparableHypercolumn([levels[i] for i in read], grid.width, True, grid.stride)
            for read, grid in zip(self.read, grids, strict=True)
        )
        self.clicks = nn.ModuleList(
            nn.Conv2d(click_channels, grid.width, 1, bias=False) for grid in grids
        )
        self.layers = nn.ModuleList(
            nn.Sequential(
                *(
                    ConvLayer(grid.width, grid.width, dilation, "batch", residual=True)
                    for dilation in grid.dilations
                )
            )
            for grid in grids
        )
        self.down = nn.ModuleList(
            nn.Conv2d(coarse.width, fine.width, 1, bias=False)
            for coarse, fine in zip(grids[:-1], grids[1:], strict=True)
        )
        self.output = nn.Conv2d(grids[-1].width, outputs, 1)

    @property
    def hidden_grid(self) -> int:
        """Number of the grid that the selection network reads: the finest coarse one."""
        return max(i for i, grid in enumerate(self.grids) if i == 0 or grid.stride >= READ_BY_G)

    @property
    def channels(self) -> int:
        """Channels of the grid that the selection network reads."""
        return self.grids[self.hidden_grid].width

    @property
    def hidden_stride(self) -> int:
        """Stride of the grid that the selection network reads, in pixels."""
        return self.grids[self.hidden_grid].stride

    def features(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Project the maps of the photo on every grid.

        Parameters
        ----------
        maps : sequence of Tensor
            ``(B, C, h, w)`` for each level; the first one lies on the finest grid.

        Returns
        -------
        tuple of Tensor
            ``(B, width, h, w)`` for each grid, from coarse to fine.
        """
        sizes = _sizes(tuple(maps[0].shape[-2:]), self.grids)
        return tuple(
            photo([maps[i] for i in read], size)
            for photo, read, size in zip(self.photo, self.read, sizes, strict=True)
        )

    def answer(self, features: Sequence[Tensor], interaction: Tensor) -> tuple[Tensor, Tensor]:
        """Answer some clicks.

        Parameters
        ----------
        features : sequence of Tensor
            From :meth:`features`.
        interaction : Tensor
            ``(B, C, h, w)``: click maps on the finest grid.

        Returns
        -------
        hidden : Tensor
            ``(B, channels, h', w')``: the map on the grid that the selection network reads.
        logits : Tensor
            ``(B, M, h, w)``.
        """
        finest, below, found = self.grids[-1].stride, None, []
        for index, (grid, photo) in enumerate(zip(self.grids, features, strict=True)):
            side = grid.stride // finest
            seen = F.avg_pool2d(interaction, side, ceil_mode=True) if side > 1 else interaction
            clicks = self.clicks[index](seen)
            x = photo.to(clicks.dtype) + clicks
            if below is not None:
                factor = self.grids[index - 1].stride // grid.stride
                x = x + _upsampled(self.down[index - 1](below), factor, tuple(x.shape[-2:]))
            below = self.layers[index](x)
            found.append(below)
        return found[self.hidden_grid], self.output(below)


def _sizes(size: tuple[int, int], grids: Sequence[Grid]) -> list[tuple[int, int]]:
    """Return rows and columns of each grid; ``size`` is that of the finest."""
    finest = grids[-1].stride
    return [(-(-size[0] * finest // g.stride), -(-size[1] * finest // g.stride)) for g in grids]


def _upsampled(x: Tensor, factor: int, size: tuple[int, int]) -> Tensor:
    larger = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    return larger[..., : size[0], : size[1]].contiguous(memory_format=torch.channels_last)

"""Bilinear interpolation as two matrix products, and the hypercolumn that is computed by them.

Interpolating a map bilinearly means interpolating every row linearly, then every column: once from
the left and once from the right with a matrix of weights. Several maps that are to be added are
one product: their columns are laid end to end, and so are their matrices. A processor multiplies
matrices faster than anything else, and most of all in training, where the way back is the same two
products with the matrices turned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from tutorial_lib.deep.backbones.levels import Level
from tutorial_lib.deep.layers import upsample_level
from tutorial_lib.deep.networks.hypercolumn import Hypercolumn


@lru_cache(maxsize=256)
def interpolation_matrix(level: Level, stride: int, size: int) -> Tensor:
    """Return the weights with which a level's cells make the cells of a finer grid, on one axis.

    Parameters
    ----------
    level : Level
        Says where the level's cells lie.
    stride : int
        Stride of the finer grid, a divisor of the level's.
    size : int
        Cells of the finer grid.

    Returns
    -------
    Tensor
        ``(size, cells) float32``; every row sums to 1. Do not change it: it is kept.

    Examples
    --------
    >>> interpolation_matrix(Level("any", stride=2, channels=1), 1, 4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    cells = math.ceil(size * stride / level.stride)
    # What is kept must serve training, too, even if inference asks for it first.
    with torch.inference_mode(False), torch.no_grad():
        each = torch.eye(cells, device="cpu").view(1, cells, cells, 1)  # channel i: 1 in row i only
        return upsample_level(each, level, stride, (size, 1))[0, :, :, 0].T.contiguous()


class SeparableHypercolumn(Hypercolumn):
    """A hypercolumn computed by matrix products: the same function, with the same weights."""

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Compute the hypercolumns of a batch of images, as :meth:`Hypercolumn.forward` does.

        Parameters
        ----------
        maps : sequence of Tensor
            One map ``(B, channels, ceil(H / level.stride), ceil(W / level.stride))`` a level.
        size : tuple of int
            Rows and columns of the result, ``(h, w)``: ``ceil(H / stride), ceil(W / stride)``.

        Returns
        -------
        Tensor
            ``(B, width, h, w)``, channels last in memory; in bfloat16 under autocast.

        Raises
        ------
        ValueError
            If a map's shape is not that of its level.
        """
        self._check(maps, size)
        if self.training and self.norms:
            for norm, x in zip(self.norms, maps, strict=True):
                norm.observe(x)
        weights, bias = self.folded()
        fine, coarse, down = [], [], []
        for level, x, weight in zip(self.levels, maps, weights, strict=True):
            columns, matrix = x.permute(0, 2, 3, 1), weight.flatten(1).T
            if level.stride == self.stride:
                fine.append((columns, matrix))
            else:
                across = interpolation_matrix(level, self.stride, size[1]).to(x.device)
                coarse.append(torch.matmul(across, columns @ matrix).flatten(2))
                down.append(interpolation_matrix(level, self.stride, size[0]).to(x.device))
        total = bias
        if fine:
            columns = torch.cat([columns.to(fine[0][0].dtype) for columns, _ in fine], dim=-1)
            total = columns @ torch.cat([matrix for _, matrix in fine]) + bias.to(columns.dtype)
        if coarse:
            spread = torch.matmul(torch.cat(down, dim=1), torch.cat(coarse, dim=1))
            total = spread.unflatten(2, (size[1], self.width)) + total.to(spread.dtype)
        return total.permute(0, 3, 1, 2)

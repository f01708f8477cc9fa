"""A hypercolumn computed with matrix products instead of interpolation.

Bilinear interpolation is separable: it interpolates every row, then every column. Each step is a
product with a matrix of weights. Adding several upsampled maps is one product of concatenated
matrices. Matrix products are the fastest operation of a processor. This helps most in training,
because the backward pass consists of the same products with transposed matrices.
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
    """Return the matrix that interpolates a level linearly to a finer grid, along one axis.

    Parameters
    ----------
    level : Level
        Stride and shift of the level's cells.
    stride : int
        Stride of the finer grid, in pixels; a divisor of ``level.stride``.
    size : int
        Number of cells of the finer grid.

    Returns
    -------
    Tensor
        ``(size, cells) float32``; every row sums to 1. Do not change it in place: it is cached.

    Examples
    --------
    >>> interpolation_matrix(Level("any", stride=2, channels=1), 1, 4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    cells = math.ceil(size * stride / level.stride)
    # The cached tensor must also work in training, even if inference creates it.
    with torch.inference_mode(False), torch.no_grad():
        each = torch.eye(cells, device="cpu").view(1, cells, cells, 1)  # channel i: 1 in row i only
        return upsample_level(each, level, stride, (size, 1))[0, :, :, 0].T.contiguous()


class SeparableHypercolumn(Hypercolumn):
    """A hypercolumn computed with matrix products: the same function, with the same weights."""

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Compute the hypercolumns of a batch of images, as :meth:`Hypercolumn.forward` does.

        Parameters
        ----------
        maps : sequence of Tensor
            ``(B, channels, ceil(H / level.stride), ceil(W / level.stride))`` for each level.
        size : tuple of int
            Rows and columns of the result, ``(h, w)``: ``ceil(H / stride), ceil(W / stride)``.

        Returns
        -------
        Tensor
            ``(B, width, h, w)`` in channels-last memory format; bfloat16 under autocast.

        Raises
        ------
        ValueError
            If the shape of a map does not match its level.
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

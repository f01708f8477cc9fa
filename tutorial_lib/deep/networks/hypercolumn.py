"""Hypercolumns: all that a pretrained network says about a pixel, in a few numbers.

Latent Diversity upsamples five maps of VGG-19 to the image's size, concatenates their 1,472
channels and reduces each pixel's column to 64 numbers by an affine projection (Li et al., section
3). Projection mixes channels within a pixel, upsampling mixes pixels within a channel, and both are
linear: so their order does not matter. Projecting each map at its own size, where it is small, and
adding up the upsampled results is the same function, at a fraction of the memory:

    paper:  maps -> upsample -> concatenate (1,472 channels a pixel) -> project -> 64
    here:   maps -> project -> upsample -> add (64 channels a pixel)     the same 64

Nothing of this depends on clicks, so it is computed once a photo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.backbones.levels import Level
from tutorial_lib.deep.layers import upsample_level


class FixedNorm(nn.Module):
    """Bring every channel to mean 0 and variance 1, by statistics that are measured once.

    Maps of one backbone differ in scale by an order of magnitude; under one learning rate the large
    ones would drown the others. Batch norm's own statistics change with every batch; those of a
    frozen backbone need not. So the first batches of training are averaged, and then they stand.
    Training and use follow the same formula.

    Parameters
    ----------
    channels : int
        Channels of the map.
    batches : int
        Batches of training after which the statistics stand.
    eps : float
        Added to the variance, so that a channel that was always silent is not blown up.
    """

    def __init__(self, channels: int, batches: int = 100, eps: float = 1e-3) -> None:
        super().__init__()
        self.batches, self.eps = batches, eps
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("seen", torch.tensor(0))

    @torch.no_grad()
    def observe(self, x: Tensor) -> None:
        """Average the statistics of ``(B, channels, H, W)`` in, unless they stand already."""
        if self.seen >= self.batches:
            return
        self.seen += 1
        mean, square = self.measure(x.detach().float())
        part = 1 / self.seen.item()  # the first batch replaces what a new norm starts with
        square = (self.variance + self.mean.square()).lerp(square, part)
        self.mean.lerp_(mean, part)
        self.variance.copy_((square - self.mean.square()).clamp_min(0))

    def measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return every channel's mean and mean square in a batch, ``(channels,)`` each."""
        return x.mean(dim=(0, 2, 3)), x.square().mean(dim=(0, 2, 3))

    @property
    def scale(self) -> Tensor:
        """What each channel is multiplied by, ``(channels,)``."""
        return (self.variance + self.eps).rsqrt()

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(B, channels, H, W)``."""
        shape = (1, -1, 1, 1)
        return (x - self.mean.view(shape)) * self.scale.view(shape)


class Hypercolumn(nn.Module):
    """Project each level to ``width`` channels at its own size, then upsample and add.

    Parameters
    ----------
    levels : sequence of Level
        What the backbone yields. The image itself may be one of them, of stride 1.
    width : int
        Channels of the result; 64 in the paper.
    normalise : bool
        Bring every channel to unit variance first; see :class:`FixedNorm`. The paper does not.
    stride : int
        Pixels of the image from one cell of the result to the next: 1 in the paper; 2 takes a
        quarter of the time. No level may be finer.

    Raises
    ------
    ValueError
        If there are no levels, or one's stride is no multiple of the result's.

    Notes
    -----
    Cells stay where they are in the image. Upsampling goes by the ratio of the strides, never by
    the ratio of the sizes, which would squeeze the incomplete cells at the right and lower edge.
    Cells that a backbone centres elsewhere than on the middle of their pixels
    (:attr:`Level.shift`; half a cell in EfficientNet-Lite0) are moved there, by whole cells of the
    result: half of one is the most that they can still be off.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        width: int = 64,
        normalise: bool = True,
        stride: int = 1,
    ) -> None:
        super().__init__()
        if not levels:
            raise ValueError("A hypercolumn needs at least one level.")
        for level in levels:
            if level.stride % stride:
                raise ValueError(
                    f"A hypercolumn of stride {stride} reads levels at multiples of it; "
                    f"{level.name} has stride {level.stride}."
                )
        self.levels, self.width, self.stride = tuple(levels), width, stride
        # The affine projection of the paper, cut into one part for each level. Its one bias is
        # kept apart: upsampling does not change a constant.
        self.projections = nn.ModuleList(
            nn.Conv2d(level.channels, width, 1, bias=False) for level in levels
        )
        self.bias = nn.Parameter(torch.zeros(width))
        self.norms = nn.ModuleList(FixedNorm(level.channels) for level in levels if normalise)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parts as the one layer they are: unit variance in, unit variance out."""
        bound = math.sqrt(3 / sum(level.channels for level in self.levels))
        for projection in self.projections:
            nn.init.uniform_(projection.weight, -bound, bound)
        nn.init.zeros_(self.bias)

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Compute the hypercolumns of a batch of images.

        Parameters
        ----------
        maps : sequence of Tensor
            One map ``(B, channels, ceil(H / level.stride), ceil(W / level.stride))`` a level.
        size : tuple of int
            Rows and columns of the result, ``(h, w)``: ``ceil(H / stride), ceil(W / stride)``.

        Returns
        -------
        Tensor
            ``(B, width, h, w)``.

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
        total: Tensor | None = None
        for level, x, weight in zip(self.levels, maps, weights, strict=True):
            projected = F.conv2d(x, weight, bias if total is None else None)
            spread = upsample_level(projected, level, self.stride, size)
            total = spread if total is None else total + spread
        return total

    def folded(self) -> tuple[list[Tensor], Tensor]:
        """Return the projection that does what norms and projection do together.

        ``W (x - mean) scale + b  =  (W scale) x + (b - (W scale) mean)``

        Returns
        -------
        weights : list of Tensor
            ``(width, channels, 1, 1)`` for each level.
        bias : Tensor
            ``(width,)``.
        """
        weights, bias = [projection.weight for projection in self.projections], self.bias
        for index, norm in enumerate(self.norms):
            weights[index] = weights[index] * norm.scale.view(1, -1, 1, 1)
            bias = bias - weights[index].flatten(1) @ norm.mean
        return weights, bias

    def _check(self, maps: Sequence[Tensor], size: tuple[int, int]) -> None:
        if len(maps) != len(self.levels):
            raise ValueError(
                f"Give one map for each of {len(self.levels)} levels, not {len(maps)}."
            )
        for level, x in zip(self.levels, maps, strict=True):
            cells = tuple(math.ceil(side * self.stride / level.stride) for side in size)
            if tuple(x.shape[1:]) != (level.channels, *cells):
                raise ValueError(
                    f"For {size[0]} x {size[1]} cells of stride {self.stride}, {level.name} is a "
                    f"map of shape (B, {level.channels}, {cells[0]}, {cells[1]}), not "
                    f"{tuple(x.shape)}."
                )


def upsample_concatenate_project(
    hypercolumn: Hypercolumn, maps: Sequence[Tensor], size: tuple[int, int]
) -> Tensor:
    """Do what a hypercolumn does in the order in which the paper writes it.

    Here to be read, tested and measured beside :class:`Hypercolumn`; with VGG-19 it holds 1,472
    numbers for every pixel.

    Parameters
    ----------
    hypercolumn : Hypercolumn
        Its weights and statistics are used.
    maps, size
        As :meth:`Hypercolumn.forward` takes them.

    Returns
    -------
    Tensor
        ``(B, width, h, w)``: equal to ``hypercolumn(maps, size)``, but for rounding.
    """
    if hypercolumn.norms:
        maps = [norm(x) for norm, x in zip(hypercolumn.norms, maps, strict=True)]
    columns = torch.cat(
        [
            upsample_level(x, level, hypercolumn.stride, size)
            for level, x in zip(hypercolumn.levels, maps, strict=True)
        ],
        dim=1,
    )
    weight = torch.cat([projection.weight for projection in hypercolumn.projections], dim=1)
    return F.conv2d(columns, weight, hypercolumn.bias)

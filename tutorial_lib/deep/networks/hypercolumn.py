"""Hypercolumns: the features of a pretrained network at each pixel, projected to a few channels.

Latent Diversity upsamples five maps of VGG-19 to the size of the image and concatenates their 1,472
channels. An affine projection reduces them to 64 for each pixel (Li et al., section 3). The
projection mixes channels within a pixel. Upsampling mixes pixels within a channel. Both are linear,
so their order does not matter. We project each map at its own small size, then upsample and add.
This is the same function and needs a fraction of the memory:

    paper:  maps -> upsample -> concatenate (1,472 channels a pixel) -> project -> 64
    here:   maps -> project -> upsample -> add (64 channels a pixel)     the same 64

Hypercolumns do not depend on clicks, so they are computed once for each photo.
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
    """Normalise every channel to mean 0 and variance 1, with statistics that are measured once.

    The maps of a backbone differ in scale by an order of magnitude. With one learning rate, the
    large maps would dominate. Batch norm updates its statistics with every batch, which a frozen
    backbone does not need. This layer averages over the first batches of training and then keeps
    the statistics. Training and inference use the same formula.

    Parameters
    ----------
    channels : int
        Channels of the map.
    batches : int
        Number of training batches that are averaged.
    eps : float
        Added to the variance, so that a constant channel is not amplified.
    """

    def __init__(self, channels: int, batches: int = 100, eps: float = 1e-3) -> None:
        super().__init__()
        self.batches, self.eps = batches, eps
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("seen", torch.tensor(0))

    @torch.no_grad()
    def observe(self, x: Tensor) -> None:
        """Include a batch in the statistics, unless ``batches`` batches are already included.

        Parameters
        ----------
        x : Tensor
            ``(B, channels, H, W)``.
        """
        if self.seen >= self.batches:
            return
        self.seen += 1
        mean, square = self.measure(x.detach().float())
        part = 1 / self.seen.item()  # 1 for the first batch, which replaces the initial values
        square = (self.variance + self.mean.square()).lerp(square, part)
        self.mean.lerp_(mean, part)
        self.variance.copy_((square - self.mean.square()).clamp_min(0))

    def measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the mean square of each channel of a batch.

        Parameters
        ----------
        x : Tensor
            ``(B, channels, H, W)``.

        Returns
        -------
        mean, square : Tensor
            ``(channels,)`` each.
        """
        return x.mean(dim=(0, 2, 3)), x.square().mean(dim=(0, 2, 3))

    @property
    def scale(self) -> Tensor:
        """Factor of each channel, ``(channels,)``."""
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
        The levels of the backbone. The image itself may be one of them, with stride 1.
    width : int
        Channels of the result; 64 in the paper.
    normalise : bool
        True normalises every channel first, see :class:`FixedNorm`. The paper does not.
    stride : int
        Stride of the result, in pixels: 1 in the paper. 2 needs a quarter of the time. No level
        may have a smaller stride.

    Raises
    ------
    ValueError
        If there are no levels, or the stride of a level is not a multiple of ``stride``.

    Notes
    -----
    Every cell keeps its position in the image. The upsampling factor is the ratio of the strides.
    The ratio of the sizes would distort the map, because cells at the right and lower edge are
    incomplete. A backbone may place a cell off the centre of its pixels (:attr:`Level.shift`; half
    a cell in EfficientNet-Lite0). This is corrected by whole cells of the result, which leaves an
    error of at most half a cell.
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
                    f"A hypercolumn of stride {stride} needs levels whose strides are multiples "
                    f"of it; {level.name} has stride {level.stride}."
                )
        self.levels, self.width, self.stride = tuple(levels), width, stride
        # The affine projection of the paper, split into one part for each level. There is one
        # bias, added once, since upsampling does not change a constant.
        self.projections = nn.ModuleList(
            nn.Conv2d(level.channels, width, 1, bias=False) for level in levels
        )
        self.bias = nn.Parameter(torch.zeros(width))
        self.norms = nn.ModuleList(FixedNorm(level.channels) for level in levels if normalise)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all parts as one layer that keeps the variance of its input."""
        bound = math.sqrt(3 / sum(level.channels for level in self.levels))
        for projection in self.projections:
            nn.init.uniform_(projection.weight, -bound, bound)
        nn.init.zeros_(self.bias)

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Compute the hypercolumns of a batch of images.

        Parameters
        ----------
        maps : sequence of Tensor
            ``(B, channels, ceil(H / level.stride), ceil(W / level.stride))`` for each level.
        size : tuple of int
            Rows and columns of the result, ``(h, w)``: ``ceil(H / stride), ceil(W / stride)``.

        Returns
        -------
        Tensor
            ``(B, width, h, w)``.

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
        total: Tensor | None = None
        for level, x, weight in zip(self.levels, maps, weights, strict=True):
            projected = F.conv2d(x, weight, bias if total is None else None)
            spread = upsample_level(projected, level, self.stride, size)
            total = spread if total is None else total + spread
        return total

    def folded(self) -> tuple[list[Tensor], Tensor]:
        """Return one projection that replaces the norms and the projection.

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
                f"There must be one map for each of {len(self.levels)} levels, not {len(maps)}."
            )
        for level, x in zip(self.levels, maps, strict=True):
            cells = tuple(math.ceil(side * self.stride / level.stride) for side in size)
            if tuple(x.shape[1:]) != (level.channels, *cells):
                raise ValueError(
                    f"For {size[0]} x {size[1]} cells of stride {self.stride}, {level.name} must "
                    f"have shape (B, {level.channels}, {cells[0]}, {cells[1]}), not "
                    f"{tuple(x.shape)}."
                )


def upsample_concatenate_project(
    hypercolumn: Hypercolumn, maps: Sequence[Tensor], size: tuple[int, int]
) -> Tensor:
    """Compute a hypercolumn in the order of the paper: upsample, concatenate, project.

    This is the reference for reading, tests and measurements. With VGG-19 it needs 1,472 numbers
    for each pixel.

    Parameters
    ----------
    hypercolumn : Hypercolumn
        The hypercolumn whose weights and statistics are used.
    maps, size
        As for :meth:`Hypercolumn.forward`.

    Returns
    -------
    Tensor
        ``(B, width, h, w)``: equal to ``hypercolumn(maps, size)``, apart from rounding errors.
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

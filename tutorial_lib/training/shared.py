"""Layers that look at a whole batch, or draw for it, although several devices share it.

Batch norm measures a batch's mean and variance; a device alone would measure only its own part.
Dropout draws for a batch; devices with the same seed would draw the same for their parts. Both are
made to act as on one device. ``torch.nn.SyncBatchNorm`` does so for batch norm too, but on GPUs
only, and networks that fold or freeze a ``BatchNorm2d`` would not know it for one.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib.deep.networks.hypercolumn import FixedNorm


def share_layers(network: nn.Module, rank: int, world: int) -> None:
    """Let a network's layers act on the whole batch, of which a device has a part; in place.

    Parameters
    ----------
    network : nn.Module
        Its parameters, buffers and their names stay as they are.
    rank, world : int
        Which of how many devices this is.
    """
    for module in network.modules():
        # The same object gets another forward, so that whoever holds it or a weight of it still
        # does: a new layer in its place would have to be told to all of them.
        if type(module) in _SHARED and (world > 1 or type(module) is nn.Dropout):
            module.__class__ = _SHARED[type(module)]
        if isinstance(module, SharedDropout):
            module.rank, module.world = rank, world


def total(fabric: Fabric, number: float) -> float:
    """Return the sum of a number over all devices.

    Parameters
    ----------
    fabric : Fabric
        The devices.
    number : float
        This device's.

    Returns
    -------
    float
        The same on all of them.
    """
    if fabric.world_size == 1:
        return number
    own = torch.tensor(float(number), dtype=torch.float64, device=fabric.device)
    dist.all_reduce(own)
    return float(own)


class _SharedNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm with the mean and variance of all devices' parts."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(b, C, ...)``, this device's part of a batch."""
        if not self.training:
            return super().forward(x)
        values, axes = x.float(), [0, *range(2, x.ndim)]
        wide = (1, -1, *(1 for _ in axes[1:]))
        own = torch.tensor([values.numel() / values.shape[1]], device=x.device)
        *sums, count = _Sum.apply(torch.cat([values.sum(axes), own])).split([x.shape[1], 1])
        mean = sums[0] / count
        centred = values - mean.view(wide)
        variance = _Sum.apply(centred.square().sum(axes)) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(wide) + self.bias.view(wide)).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


class SharedNorm1d(_SharedNorm, nn.BatchNorm1d):
    """:class:`torch.nn.BatchNorm1d` over the parts of all devices."""


class SharedNorm2d(_SharedNorm, nn.BatchNorm2d):
    """:class:`torch.nn.BatchNorm2d` over the parts of all devices."""


class SharedFixedNorm(FixedNorm):
    """A :class:`~tutorial_lib.deep.networks.hypercolumn.FixedNorm`, measured on all devices."""

    def measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return every channel's mean and mean square in the whole batch."""
        mean, square = _Sum.apply(torch.stack(super().measure(x))) / dist.get_world_size()
        return mean, square


class SharedDropout(nn.Dropout):
    """:class:`torch.nn.Dropout` that draws for the whole batch, and takes this device's part."""

    rank, world = 0, 1

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of ``(b, ...)``, this device's part of a batch."""
        if not self.training or not self.p:
            return x
        whole = torch.empty((self.world * len(x), *x.shape[1:]), device=x.device)
        kept = whole.bernoulli_(1 - self.p)[self.rank * len(x) :][: len(x)]
        return x * (kept / (1 - self.p)).to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all devices; its gradient is the sum of all their gradients."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, grad: Tensor) -> Tensor:
        total = grad.clone()
        dist.all_reduce(total)
        return total


_SHARED = {
    nn.BatchNorm1d: SharedNorm1d,
    nn.BatchNorm2d: SharedNorm2d,
    nn.Dropout: SharedDropout,
    FixedNorm: SharedFixedNorm,
}

"""Layers that act on a whole batch although several devices share it.

Batch norm measures mean and variance of a batch; one device alone would measure only its own part.
Dropout draws for a batch; devices with the same seed would draw the same for each part. Here both
act as on one device. ``torch.nn.SyncBatchNorm`` works on GPUs only, and it is no ``BatchNorm2d``,
so networks could not fold or freeze it.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib.deep.networks.hypercolumn import FixedNorm


def synchronise_layers(network: nn.Module, rank: int, world: int) -> None:
    """Let the layers of a network act on the whole batch; in place.

    Parameters
    ----------
    network : nn.Module
        Its parameters, its buffers and their names stay the same.
    rank, world : int
        This is device number ``rank`` of ``world`` devices.
    """
    for module in network.modules():
        # The object gets another class and stays the same object: references to it, and to its
        # parameters, stay valid.
        if type(module) in _SYNCHRONISED and (world > 1 or type(module) is nn.Dropout):
            module.__class__ = _SYNCHRONISED[type(module)]
        if isinstance(module, SynchronisedDropout):
            module.rank, module.world = rank, world


def sum_over_devices(fabric: Fabric, number: float) -> float:
    """Return the sum of a number over all devices.

    Parameters
    ----------
    fabric : Fabric
        The devices.
    number : float
        The number of this device.

    Returns
    -------
    float
        The same on all devices.
    """
    if fabric.world_size == 1:
        return number
    own = torch.tensor(float(number), dtype=torch.float64, device=fabric.device)
    dist.all_reduce(own)
    return float(own)


class _SynchronisedNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm with the mean and variance of all devices' parts."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(b, C, ...)``, this device's part of the batch."""
        if not self.training:
            return super().forward(x)
        values, axes = x.float(), [0, *range(2, x.ndim)]
        wide = (1, -1, *(1 for _ in axes[1:]))
        own = torch.tensor([values.numel() / values.shape[1]], device=x.device)
        *sums, count = _Sum.apply(torch.cat([values.sum(axes), own])).split([x.shape[1], 1])
        mean = sums[0] / count
        centred = values - mean.view(wide)
        variance = _Sum.apply(centred.square().sum(axes)) / count
        self._update_statistics(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(wide) + self.bias.view(wide)).to(x.dtype)

    @torch.no_grad()
    def _update_statistics(self, mean: Tensor, variance: Tensor) -> None:
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


class SynchronisedNorm1d(_SynchronisedNorm, nn.BatchNorm1d):
    """:class:`torch.nn.BatchNorm1d` over the parts of all devices."""


class SynchronisedNorm2d(_SynchronisedNorm, nn.BatchNorm2d):
    """:class:`torch.nn.BatchNorm2d` over the parts of all devices."""


class SynchronisedFixedNorm(FixedNorm):
    """A ``FixedNorm`` over the parts of all devices."""

    def measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and mean square of every channel in the whole batch."""
        mean, square = _Sum.apply(torch.stack(super().measure(x))) / dist.get_world_size()
        return mean, square


class SynchronisedDropout(nn.Dropout):
    """:class:`torch.nn.Dropout` that draws for the whole batch and uses this device's part."""

    rank, world = 0, 1

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of ``(b, ...)``, this device's part of the batch."""
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


_SYNCHRONISED = {
    nn.BatchNorm1d: SynchronisedNorm1d,
    nn.BatchNorm2d: SynchronisedNorm2d,
    nn.Dropout: SynchronisedDropout,
    FixedNorm: SynchronisedFixedNorm,
}

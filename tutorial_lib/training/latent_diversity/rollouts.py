"""Rollouts: simulated interactions, which f and g are trained on.

Photos are encoded once. Then simulated users see a mask, click where it is wrong, see the next
mask, and so on. Each time they have clicked, a click round is over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.clicks import Click
from tutorial_lib.deep.latent_diversity.click_maps import ClickMaps
from tutorial_lib.deep.latent_diversity.proposal import Design, make_encoder
from tutorial_lib.guidance import click_masks
from tutorial_lib.training.latent_diversity.recipes import RolloutRecipe
from tutorial_lib.training.samples import ClickBatch, SampleStream, batches
from tutorial_lib.training.seeds import user_rng
from tutorial_lib.training.task import TrainingTask
from tutorial_lib.users.corrections import GRID, click_on_grid
from tutorial_lib.users.robots import center, geodesic


@dataclass(eq=False)
class Rollout:
    """A batch of interactions, at one moment.

    Parameters
    ----------
    batch : ClickBatch
        Photos, masks and clicks.
    maps : list of Tensor
        The encoder's maps of the photos, on the networks' device; the image comes first.
    interaction : Tensor
        ``(B, C, h, w) float32``: the click maps, on the CPU.
    target, valid : Tensor
        ``(B, h, w)``: the object's share of each cell, float32, and the cells that count, bool;
        on the networks' device.
    users : list of np.random.Generator
        The random generator of each user.
    """

    batch: ClickBatch
    maps: list[Tensor]
    interaction: Tensor
    target: Tensor
    valid: Tensor
    users: list[np.random.Generator]

    def __len__(self) -> int:
        return len(self.batch)


class RolloutTask(TrainingTask):
    """The common part of the tasks for f and g: samples, encoder and simulated users.

    Parameters
    ----------
    recipe : RolloutRecipe
        All settings.
    data : str or Path or None
        Folder of the datasets; the toy world needs none.
    design : Design
        The network f.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        If the mixture cannot be opened, or if the backbone's weights are neither here nor can be
        downloaded.
    """

    recipe: RolloutRecipe

    def __init__(self, recipe: RolloutRecipe, data: str | Path | None, design: Design) -> None:
        super().__init__(recipe)
        self.design, self.click_maps = design, design.click_maps
        self.stream = SampleStream(recipe, data)
        self.unreadable = self.stream.unreadable
        self.encoder = make_encoder(design, pretrained=recipe.backbone or True)
        self.place(torch.device("cpu"))

    def place(self, device: torch.device) -> None:
        """Move the encoder to a device."""
        super().place(device)
        self.encoder = self.encoder.to(device, memory_format=torch.channels_last)

    def stage(self, network: nn.Module) -> int:
        """Return the stride of f; there is only one stage."""
        return self.click_maps.stride

    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """Return the parameter groups: filters, with weight decay, and others, for each lr."""
        return [
            {"params": found, "share": share, "weight_decay": decay}
            for encoder, share in ((False, 1.0), (True, self.recipe.encoder_lr))
            for filters, decay in ((True, self.recipe.weight_decay), (False, 0.0))
            if (
                found := [
                    p
                    for name, p in network.named_parameters()
                    if p.requires_grad
                    and name.startswith("encoder.") == encoder
                    and (p.ndim > 1) == filters
                ]
            )
        ]

    def batches(self, step: int, rank: int, world: int) -> Iterator[ClickBatch]:
        """Yield the batches from a step on; see :meth:`TrainingTask.batches`."""
        return batches(self.stream, step, rank, world)

    def begin_rollout(self, batch: ClickBatch) -> Rollout:
        """Encode the photos of a batch, and draw the maps of its first clicks."""
        # Photos are encoded once, before all rounds: a learned encoder needs its gradients later.
        with torch.set_grad_enabled(self.recipe.trains_encoder):
            maps = self.encoder(batch.image.to(self.device, memory_format=torch.channels_last))
        shape = tuple(batch.target.shape[1:])
        drawn = np.stack([self.click_maps.maps(clicks, shape) for clicks in batch.clicks])
        target, valid = on_cells(batch, self.click_maps.stride)
        return Rollout(
            batch, maps, torch.from_numpy(drawn), target.to(self.device), valid.to(self.device),
            [user_rng(self.recipe.seed, number) for number in batch.numbers],
        )  # fmt: skip

    def placed(self, *tensors: Tensor) -> list[Tensor]:
        """Move tensors to the networks' device; maps ``(B, C, h, w)`` become channels-last."""
        formats = (torch.channels_last if x.ndim == 4 else torch.preserve_format for x in tensors)
        return [
            x.to(self.device, memory_format=each) for x, each in zip(tensors, formats, strict=True)
        ]

    def some(self, features: Sequence[Tensor], rows: list[int]) -> tuple[Tensor, ...]:
        """Return the features of some samples of a batch, on the networks' device."""
        return tuple(self.placed(*(x[rows] for x in features)))

    def click_round(
        self, rollout: Rollout, waiting: list[int], shown: Tensor, rounds_before: int
    ) -> None:
        """Let users correct the masks that they see, in place.

        The corrections that a sample still lacks are spread evenly over the rounds that are left.

        Parameters
        ----------
        rollout : Rollout
            Its clicks and click maps change; its corrections are counted down.
        waiting : list of int
            The samples to correct.
        shown : Tensor
            ``(len(waiting), h, w)``: the probabilities that the users see.
        rounds_before : int
            Number of rounds before this one.
        """
        batch, left = rollout.batch, max(1, self.recipe.rounds - rounds_before)
        for index, mask in zip(waiting, shown.float().cpu().numpy(), strict=True):
            before = len(batch.clicks[index])
            for extra in range(math.ceil(batch.corrections[index] / left)):
                click = self._correction(mask > 0.5, rollout, index, extra > 0)
                batch.corrections[index] = 0 if click is None else batch.corrections[index] - 1
                if click is None:
                    break
                batch.clicks[index] = batch.clicks[index].add(click)
            if len(batch.clicks[index]) > before:
                drawn = self.click_maps.maps(batch.clicks[index], batch.target.shape[1:], mask)
                rollout.interaction[index] = torch.from_numpy(drawn)

    def _correction(
        self, mask: np.ndarray, rollout: Rollout, index: int, extra: bool
    ) -> Click | None:
        """Return a click on an error, often the deepest one; None if nothing is wrong.

        Extra clicks on the same mask are random: where the error is deepest there is one already.
        """
        batch, user = rollout.batch, rollout.users[index]
        robot = geodesic if extra or user.random() < self.recipe.random_clicks else center
        seed = int(user.integers(2**31))
        step = max(1, GRID // self.click_maps.stride)
        target, valid = batch.target[index].numpy(), batch.valid[index].numpy()
        clicks, stride = batch.clicks[index], self.click_maps.stride * step
        return click_on_grid(mask[::step, ::step], target, valid, clicks, stride, robot, seed)

    def explore(self, rollout: Rollout, waiting: list[int], selected: Tensor, heads: int) -> Tensor:
        """Replace some selected candidates by random ones, with the recipe's probability.

        Parameters
        ----------
        rollout : Rollout
            The interactions.
        waiting : list of int
            The samples for which candidates are selected.
        selected : Tensor
            ``(len(waiting),)``: numbers of the selected candidates.
        heads : int
            Number of candidates.

        Returns
        -------
        Tensor
            ``(len(waiting),)``, on the CPU.
        """
        selected = selected.cpu().clone()
        for row, index in enumerate(waiting):
            user = rollout.users[index]
            if user.random() < self.recipe.exploration:
                selected[row] = int(user.integers(heads))
        return selected


def on_cells(batch: ClickBatch, stride: int) -> tuple[Tensor, Tensor]:
    """Return the masks of a batch on the cells of a network.

    Parameters
    ----------
    batch : ClickBatch
        Samples.
    stride : int
        Pixels from one cell to the next.

    Returns
    -------
    target : Tensor
        ``(B, h, w) float32``: the object's share of each cell.
    valid : Tensor
        ``(B, h, w) bool``: the cells in which all pixels count.
    """
    if stride == 1:
        return batch.target.float(), batch.valid
    target = F.avg_pool2d(batch.target.float(), stride, ceil_mode=True)
    ignored = F.max_pool2d((~batch.valid).float(), stride, ceil_mode=True)
    return target, ignored == 0


def clicked_cells(batch: ClickBatch, click_maps: ClickMaps) -> tuple[Tensor, Tensor]:
    """Return the cells with positive and with negative clicks, ``(B, h, w) float32`` each."""
    size = click_maps.cells(tuple(batch.target.shape[1:]))
    masks = np.stack([click_masks(click_maps.on_cells(clicks), size) for clicks in batch.clicks])
    both = torch.from_numpy(masks)
    return both[:, 0], both[:, 1]

"""What training f and training g have in common: photos, users, and what a network is told of them.

A *turn* is a batch as the networks meet it: encoded photos, and users who have clicked. Users look
at a mask, click where it is wrong, and the turn goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.deep.device import autocast
from tutorial_lib.deep.latent_diversity.click_maps import Interaction
from tutorial_lib.deep.latent_diversity.proposal import Design, encoder
from tutorial_lib.guidance import click_masks
from tutorial_lib.training import chance
from tutorial_lib.training.corrections import GRID, click_on_grid
from tutorial_lib.training.data import Batch, SampleStream, batches
from tutorial_lib.training.latent_diversity.settings import Turning
from tutorial_lib.training.setup import answering_precision
from tutorial_lib.training.task import Task
from tutorial_lib.users.robots import center, geodesic


@dataclass(eq=False)
class Turn:
    """A batch as the networks meet it.

    Parameters
    ----------
    batch : Batch
        Photos, masks and clicks.
    maps : list of Tensor
        What the encoder says of the photos, on the networks' device; the image comes first.
    interaction : Tensor
        ``(B, C, h, w) float32``: what the networks are told of the users.
    target, valid : Tensor
        ``(B, h, w)``: the object's share of each cell, float32, and the cells that count, bool;
        on the networks' device.
    chance : list of np.random.Generator
        Each user's own.
    """

    batch: Batch
    maps: list[Tensor]
    interaction: Tensor
    target: Tensor
    valid: Tensor
    chance: list[np.random.Generator]

    def __len__(self) -> int:
        return len(self.batch)

    @property
    def waiting(self) -> list[int]:
        """Numbers of the samples that are still to be corrected."""
        return [i for i, left in enumerate(self.batch.corrections) if left > 0]


class Turns(Task):
    """A task whose network answers users, turn by turn.

    Parameters
    ----------
    recipe : Turning
        All settings.
    data : str or Path or None
        The folder the datasets lie in; not needed for the toy world.
    design : Design
        The network f.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        If the mixture cannot be opened, or the backbone's weights cannot be had.
    """

    def __init__(self, recipe: Turning, data: str | Path | None, design: Design) -> None:
        super().__init__(recipe)
        self.design, self.told = design, design.interaction
        self.stream = SampleStream(recipe, data)
        self.unreadable = self.stream.unreadable
        self.encoder = encoder(design, pretrained=recipe.backbone or True)
        self.place(torch.device("cpu"))

    def place(self, device: torch.device) -> None:
        """Put the encoder on a device."""
        super().place(device)
        self.encoder = self.encoder.to(device, memory_format=torch.channels_last)

    def stage(self, network: nn.Module) -> int:
        """Return the stride of f's cells: there is a single stage."""
        return self.told.stride

    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """Return two parameter groups: filters, which are decayed, and all other numbers."""
        learning = [p for p in network.parameters() if p.requires_grad]
        decay = self.recipe.weight_decay
        return [
            {"params": [p for p in learning if p.ndim > 1], "share": 1.0, "weight_decay": decay},
            {"params": [p for p in learning if p.ndim <= 1], "share": 1.0, "weight_decay": 0.0},
        ]

    def batches(self, step: int, rank: int, world: int) -> Iterator[Batch]:
        """Yield batches from a step on, the part of one of several devices."""
        return batches(self.stream, step, rank, world)

    def turn(self, batch: Batch) -> Turn:
        """Encode a batch's photos, and draw its first clicks."""
        image = batch.image.to(self.device, memory_format=torch.channels_last)
        with autocast(self.device, answering_precision(self.recipe)):
            maps = self.encoder(image)
        shape = tuple(batch.target.shape[1:])
        drawn = np.stack([self.told.maps(clicks, shape) for clicks in batch.clicks])
        target, valid = on_cells(batch, self.told.stride)
        return Turn(
            batch, maps, torch.from_numpy(drawn), target.to(self.device), valid.to(self.device),
            [chance.of_user(self.recipe.seed, number) for number in batch.numbers],
        )  # fmt: skip

    def click(self, turn: Turn, waiting: list[int], shown: Tensor, done: int) -> None:
        """Let users correct what they are shown, in place.

        The corrections that a sample still lacks are spread over the rounds that are left.

        Parameters
        ----------
        turn : Turn
            Clicks and interaction maps are changed; corrections are counted down.
        waiting : list of int
            The samples that are corrected.
        shown : Tensor
            ``(len(waiting), h, w)``: the probabilities that their users see.
        done : int
            How many rounds there were before.
        """
        batch, left = turn.batch, max(1, self.recipe.rounds - done)
        for index, mask in zip(waiting, shown.float().cpu().numpy(), strict=True):
            before = len(batch.clicks[index])
            for extra in range(math.ceil(batch.corrections[index] / left)):
                click = self._correction(mask > 0.5, turn, index, extra > 0)
                batch.corrections[index] = 0 if click is None else batch.corrections[index] - 1
                if click is None:
                    break
                batch.clicks[index] = batch.clicks[index].add(click)
            if len(batch.clicks[index]) > before:
                drawn = self.told.maps(batch.clicks[index], batch.target.shape[1:], mask)
                turn.interaction[index] = torch.from_numpy(drawn)

    def _correction(self, mask: np.ndarray, turn: Turn, index: int, extra: bool) -> Any:
        """Return a click on an error, mostly where it is deepest; None if nothing is wrong.

        Further clicks on the same mask are drawn: where the error is deepest there is one already.
        """
        batch, user = turn.batch, turn.chance[index]
        robot = geodesic if extra or user.random() < self.recipe.scatter else center
        seed = int(user.integers(2**31))
        step = max(1, GRID // self.told.stride)
        target, valid = batch.target[index].numpy(), batch.valid[index].numpy()
        clicks, stride = batch.clicks[index], self.told.stride * step
        return click_on_grid(mask[::step, ::step], target, valid, clicks, stride, robot, seed)

    def strayed(self, turn: Turn, waiting: list[int], chosen: Tensor, heads: int) -> Tensor:
        """Return candidates' numbers of which a few are others: no choice is perfect.

        Parameters
        ----------
        turn : Turn
            The batch.
        waiting : list of int
            The samples whose candidates are chosen.
        chosen : Tensor
            ``(len(waiting),)``: the candidates that are best, or chosen by g.
        heads : int
            How many candidates there are.

        Returns
        -------
        Tensor
            ``(len(waiting),)``, on the CPU.
        """
        chosen = chosen.cpu().clone()
        for row, index in enumerate(waiting):
            user = turn.chance[index]
            if user.random() < self.recipe.stray:
                chosen[row] = int(user.integers(heads))
        return chosen


def on_cells(batch: Batch, stride: int) -> tuple[Tensor, Tensor]:
    """Return a batch's masks on a network's cells.

    Parameters
    ----------
    batch : Batch
        Samples.
    stride : int
        Pixels from one cell to the next.

    Returns
    -------
    target : Tensor
        ``(B, h, w) float32``: the object's share of each cell.
    valid : Tensor
        ``(B, h, w) bool``: the cells all of whose pixels count.
    """
    if stride == 1:
        return batch.target.float(), batch.valid
    target = F.avg_pool2d(batch.target.float(), stride, ceil_mode=True)
    ignored = F.max_pool2d((~batch.valid).float(), stride, ceil_mode=True)
    return target, ignored == 0


def clicked_cells(batch: Batch, told: Interaction) -> tuple[Tensor, Tensor]:
    """Return the cells that were clicked, as ``(B, h, w) float32`` of either kind."""
    size = told.cells(tuple(batch.target.shape[1:]))
    masks = np.stack([click_masks(told.on_cells(clicks), size) for clicks in batch.clicks])
    both = torch.from_numpy(masks)
    return both[:, 0], both[:, 1]

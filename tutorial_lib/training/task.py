"""What the loop is told, and what it tells: the task, each step, the result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.training.settings import Recipe


class Task(ABC):
    """What is trained.

    Parameters
    ----------
    recipe : Recipe
        All settings.

    Attributes
    ----------
    unreadable : sequence of str
        What could not be read as the data was opened, one sentence an object.
    """

    unreadable: Sequence[str] = ()

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    @abstractmethod
    def build(self, stage: int | None = None) -> nn.Module:
        """Return the network a run begins with, or a bare one of a stage, to load a state into."""

    def place(self, device: torch.device) -> None:
        """Put what stands beside the network on the device of this process, before any step."""
        self.device = device

    @abstractmethod
    def stage(self, network: nn.Module) -> int:
        """Return the number of the stage a network is at."""

    def grow(self, network: nn.Module, progress: float) -> nn.Module:
        """Return the network of the stage due at ``progress`` in [0, 1]; often the same one."""
        return network

    @abstractmethod
    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """Return parameter groups: ``params``, ``weight_decay``, and ``share`` of the rate."""

    @abstractmethod
    def batches(self, step: int, rank: int, world: int) -> Iterator[Any]:
        """Yield batches from a step on, each with a ``len``: the part of one of several devices.

        A batch may have a list ``unreadable`` of sentences on what could not be read for it.
        """

    def count(self, batch: Sized) -> int:
        """Return of how many numbers a batch's loss is the mean, so that devices can share them."""
        return len(batch)

    @abstractmethod
    def loss(self, model: nn.Module, batch: Any, device: torch.device) -> Tensor:
        """Return the batch's mean loss, a tensor of no dimensions."""

    def amend(self, batch: Any, predict: Callable[..., Any]) -> Any:
        """Change a batch in the light of what the network answers now; hook before each step.

        ``predict(*inputs, call="forward")`` calls the network, or one of its methods by name, in
        evaluation mode and without gradients.
        """
        return batch

    @abstractmethod
    def metadata(self, network: nn.Module) -> dict[str, Any]:
        """Return what is stored with exported weights; nothing about this machine."""


@dataclass(frozen=True)
class Step:
    """What a step came to; handed to the hook ``on_step``.

    Parameters
    ----------
    step : int
        Steps so far.
    loss : float
        This step's loss; NaN if the step was skipped.
    lr : float
        Learning rate.
    minutes : float
        Minutes trained, those before an interruption included.
    progress : float
        Share of the run that is over.
    stage : int
        The stage; for an FCN its stride.
    images_per_second : float
        Samples of this step by its seconds, waiting for them included.
    """

    step: int
    loss: float
    lr: float
    minutes: float
    progress: float
    stage: int
    images_per_second: float


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Parameters
    ----------
    step : int
        Steps trained.
    minutes : float
        Minutes trained.
    loss : float
        Mean of the last line of the log.
    weights : Path
        The file of exported weights.
    sha256 : str
        Its SHA-256; empty on all but the first of several devices.
    finished : bool
        False if the run was stopped before its end.
    """

    step: int
    minutes: float
    loss: float
    weights: Path
    sha256: str
    finished: bool

"""What the loop trains, and what it reports: the task, each step, the result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.training.settings import Recipe


class TrainingTask(ABC):
    """A network, its samples and its loss. The loop does the rest.

    Parameters
    ----------
    recipe : Recipe
        All settings.

    Attributes
    ----------
    unreadable : sequence of str
        One sentence for each object that could not be read when the data was opened.
    """

    unreadable: Sequence[str] = ()

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.device = recipe, torch.device("cpu")

    @abstractmethod
    def build(self, stage: int | None = None) -> nn.Module:
        """Return the network that a run begins with.

        Parameters
        ----------
        stage : int, optional
            Given when a run is resumed: return a network of this stage. The loop loads its weights
            from the checkpoint.

        Returns
        -------
        nn.Module
            On the CPU, in training mode.
        """

    def place(self, device: torch.device) -> None:
        """Move everything beside the network to the device of this process; called once.

        Parameters
        ----------
        device : torch.device
            The network's device.
        """
        self.device = device

    @abstractmethod
    def stage(self, network: nn.Module) -> int:
        """Return the number of a network's stage.

        Parameters
        ----------
        network : nn.Module
            From :meth:`build` or :meth:`grow`.

        Returns
        -------
        int
            For example the stride of an FCN.
        """

    def grow(self, network: nn.Module, progress: float) -> nn.Module:
        """Return the network of the stage that is due; by default the same network.

        Parameters
        ----------
        network : nn.Module
            The present network.
        progress : float
            Share of the run that is over, in [0, 1].

        Returns
        -------
        nn.Module
            Another one if a new stage begins.
        """
        return network

    @abstractmethod
    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """Return parameter groups for the optimiser.

        Parameters
        ----------
        network : nn.Module
            The network.

        Returns
        -------
        list of dict
            Each with ``params``, ``weight_decay``, and ``share``, a factor of the learning rate.
        """

    @abstractmethod
    def batches(self, step: int, rank: int, world: int) -> Iterator[Any]:
        """Yield the batches from a step on.

        Parameters
        ----------
        step : int
            Number of the first step, from 0.
        rank, world : int
            Device number ``rank`` of ``world`` devices: the batches hold its part of the samples.

        Yields
        ------
        Any
            An object with a ``len``. It may have a list ``unreadable`` with one sentence for each
            photo that could not be read.
        """

    def simulate_corrections(self, batch: Any, network: nn.Module) -> Any:
        """Let simulated users correct the network's present answers; called before each step.

        Parameters
        ----------
        batch : Any
            From :meth:`batches`.
        network : nn.Module
            The network, in evaluation mode. Gradients are off, and autocast is on.

        Returns
        -------
        Any
            The batch for :meth:`loss`; by default the same.
        """
        return batch

    def count(self, batch: Sized) -> int:
        """Return the number of terms of which a batch's loss is the mean.

        Parameters
        ----------
        batch : Sized
            From :meth:`batches`.

        Returns
        -------
        int
            By default the number of samples. Devices weigh their gradients by it.
        """
        return len(batch)

    @abstractmethod
    def loss(self, model: nn.Module, batch: Any, device: torch.device) -> Tensor:
        """Return the mean loss of a batch.

        Parameters
        ----------
        model : nn.Module
            The network, perhaps wrapped for several devices.
        batch : Any
            From :meth:`simulate_corrections`.
        device : torch.device
            The network's device.

        Returns
        -------
        Tensor
            Without dimensions.
        """

    @abstractmethod
    def metadata(self, network: nn.Module) -> dict[str, Any]:
        """Return what is stored with exported weights; nothing about this machine.

        Parameters
        ----------
        network : nn.Module
            The network that is exported.

        Returns
        -------
        dict
            Ready for JSON.
        """


@dataclass(frozen=True)
class TrainingStep:
    """The outcome of one step; the loop passes it to ``on_step``.

    Parameters
    ----------
    step : int
        Steps so far.
    loss : float
        This step's loss; NaN if the step was skipped.
    lr : float
        Learning rate.
    minutes : float
        Minutes of training so far, with those before an interruption.
    progress : float
        Share of the run that is over, in [0, 1].
    stage : int
        The stage; for an FCN its stride.
    images_per_second : float
        Samples of this step, divided by its seconds. The time spent waiting for samples counts.
    """

    step: int
    loss: float
    lr: float
    minutes: float
    progress: float
    stage: int
    images_per_second: float


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of a run.

    Parameters
    ----------
    step : int
        Steps of training.
    minutes : float
        Minutes of training.
    loss : float
        Mean loss in the last line of the log.
    weights : Path
        The file of exported weights.
    sha256 : str
        Its SHA-256. Empty on all but the first of several devices.
    finished : bool
        False if the run was stopped before its end.
    """

    step: int
    minutes: float
    loss: float
    weights: Path
    sha256: str
    finished: bool

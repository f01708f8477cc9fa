"""One loop for every task: schedule, log, checkpoints, exact resumption.

A :class:`~tutorial_lib.training.task.TrainingTask` brings network, samples and loss. The loop
decides when to stop, and saves everything that a resumed run needs. Lightning Fabric moves tensors
to devices and averages gradients over them.
"""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from tutorial_lib.deep.device import autocast, resolve_precision
from tutorial_lib.deep.weights import save_weights
from tutorial_lib.evaluation.machine import machine
from tutorial_lib.training.checkpoints import (
    TrainingLog,
    changed_settings,
    explained_write_errors,
    read_checkpoint,
    restore,
    write_checkpoint,
)
from tutorial_lib.training.distributed import sum_over_devices, synchronise_layers
from tutorial_lib.training.folder import CHECKPOINT, WEIGHTS_FILE, claimed, remove_run
from tutorial_lib.training.seeds import seed_step
from tutorial_lib.training.setup import (
    answering_precision,
    explained,
    lr_factor,
    make_fabric,
    make_optimiser,
    polite_stop,
    training_precision,
)
from tutorial_lib.training.skipped import SkippedFiles
from tutorial_lib.training.task import TrainingResult, TrainingStep, TrainingTask

MAX_SKIPPED_STEPS = 20  # after so many steps in a row without a finite gradient, a run is lost


class Loop:
    """A run of a task.

    Parameters
    ----------
    task : TrainingTask
        Network, samples and loss.
    out : Path
        Folder for ``log.jsonl``, ``checkpoint.pt`` and ``weights.safetensors``.
    on_step : callable, optional
        Called with a :class:`TrainingStep` after each step, for example to draw a live curve. The
        loop waits for it.
    clock : callable
        Returns seconds that never decrease.
    """

    def __init__(
        self,
        task: TrainingTask,
        out: str | Path,
        on_step: Callable[[TrainingStep], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.task, self.recipe, self.out = task, task.recipe, Path(out).expanduser()
        self.on_step, self.clock = on_step, clock
        self.step, self._minutes_before, self._skipped_steps, self._began = 0, 0.0, 0, clock()
        self._losses: list[float] = []
        self._loss = math.nan

    @property
    def minutes(self) -> float:
        """Minutes of training so far, with those before an interruption."""
        return self._minutes_before + (self.clock() - self._began) / 60

    @property
    def progress(self) -> float:
        """Share of the run that is over, in [0, 1]: of its steps or minutes, whichever is more."""
        recipe = self.recipe
        by_steps = self.step / recipe.steps if recipe.steps else 0.0
        by_time = self.minutes / recipe.minutes if recipe.minutes else 0.0
        return min(max(by_steps, by_time), 1.0)

    def run(self, resume: bool = False, force: bool = False) -> TrainingResult:
        """Train to the end of the run, or until Ctrl-C.

        Parameters
        ----------
        resume : bool
            Resume the run in ``out``.
        force : bool
            Give up the run in ``out``, if there is one.

        Returns
        -------
        TrainingResult
            Weights and checkpoint are written, also if the run was stopped.

        Raises
        ------
        FileExistsError
            If ``out`` holds a run that is neither resumed nor given up.
        FileNotFoundError
            If there is no run to resume.
        ValueError
            If the run to resume is damaged or has another recipe, if no gradient is finite any
            more, or if memory does not suffice.
        OSError
            If files cannot be written, another process trains in ``out``, most photos cannot be
            read, or a process of the run was killed.
        """
        with claimed(self.out, resume, force):
            return self.go(resume)

    def go(self, resume: bool) -> TrainingResult:
        """Do the same as :meth:`run`, in a folder that is :func:`claimed` already.

        Parameters
        ----------
        resume : bool
            Whether to continue the run in the folder.

        Returns
        -------
        TrainingResult
            How the run ended.
        """
        saved = self._saved(resume)
        self.fabric = make_fabric(self.recipe)
        self.fabric.launch()
        self.task.place(self.fabric.device)
        torch.manual_seed(self.recipe.seed)
        self._set_up(self.task.build(saved["stage"] if saved else None))
        self._restore(saved or {})
        first = self.fabric.is_global_zero
        if first and not saved:
            remove_run(self.out)
        self._log = TrainingLog(self.out, self.step, first, self._about())
        self._began = self._last_save = self._last_export = self._last_step = self.clock()
        with polite_stop() as stop, self._bar() as bar:
            try:
                self._train(stop, bar)
            except RuntimeError as error:
                raise explained(error, self.recipe) from error
        self._save()
        return TrainingResult(
            self.step, self.minutes, self._loss, self.out / WEIGHTS_FILE, self._export(),
            finished=self.progress >= 1,
        )  # fmt: skip

    def _saved(self, resume: bool) -> dict[str, Any] | None:
        if not resume:
            return None
        saved = read_checkpoint(self.out / CHECKPOINT)
        names = changed_settings(saved["recipe"], self.recipe)
        if "name" in names:
            raise ValueError(
                f"The run in {self.out} has the recipe {saved['recipe'].get('name')!r}, not "
                f"{self.recipe.name!r}; resume it with the recipe and settings that it had."
            )
        if names:
            raise ValueError(
                f"The run in {self.out} began with another {' and '.join(names)}; resume it "
                "with the recipe and settings that it had."
            )
        return saved

    def _set_up(self, network: nn.Module) -> None:
        """Move a network to its device, and make its optimiser."""
        network = network.to(memory_format=torch.channels_last).train()
        synchronise_layers(network, self.fabric.global_rank, self.fabric.world_size)
        optimiser = make_optimiser(self.task.groups(network), self.recipe)
        self.network = network
        self.model, self.optimiser = self.fabric.setup(network, optimiser)

    def _restore(self, saved: dict[str, Any]) -> None:
        """Restore a checkpoint, if there is one."""
        self._skipped_files = SkippedFiles(
            self.fabric, self.task.unreadable, saved.get("unreadable")
        )
        self._precision = training_precision(self.recipe, self.fabric.device)
        if not saved:
            return
        if saved.get("precision") == "bfloat16":
            self._precision = "bfloat16"  # in part, which the metadata must say
        restore(saved, self.out / CHECKPOINT, self.network, self.optimiser.optimizer)
        self.step, self._minutes_before, self._loss = saved["step"], saved["minutes"], saved["loss"]
        self._losses, self._skipped_steps = list(saved["losses"]), saved["skipped"]

    def _train(self, stop: threading.Event, bar: tqdm) -> None:
        fabric = self.fabric
        if self.progress >= 1:
            return
        for batch in self.task.batches(self.step, fabric.global_rank, fabric.world_size):
            progress, stopped = self.progress, stop.is_set()
            if fabric.world_size > 1:  # clocks differ; all must stop at the same step
                progress, stopped = fabric.broadcast((progress, stopped))
            if progress >= 1 or stopped:
                return
            seed_step(self.recipe.seed, self.step)
            self._skipped_files.note(len(batch), getattr(batch, "unreadable", ()))
            self._grow(progress)
            self._report(self._one_step(batch, progress), bar)
            self._save_when_due()

    def _grow(self, progress: float) -> None:
        """Change to the next stage. Parameters that stay keep their optimiser state."""
        grown = self.task.grow(self.network, progress)
        if grown is self.network:
            return
        old = dict(self.network.named_parameters())
        state = self.optimiser.optimizer.state
        self._set_up(grown)
        for name, parameter in grown.named_parameters():
            if name in old and old[name] in state:
                self.optimiser.optimizer.state[parameter] = state[old[name]]

    def _one_step(self, batch: Any, progress: float) -> TrainingStep:
        lr = self.recipe.lr * lr_factor(self.recipe, progress)
        for group in self.optimiser.optimizer.param_groups:
            group["lr"] = lr * group["share"]
        with self._evaluating():
            batch = self.task.simulate_corrections(batch, self.network)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.task.loss(self.model, batch, self.fabric.device) * self._weight(batch)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(
            self.model,
            self.optimiser,
            max_norm=self.recipe.clip_norm or math.inf,
            error_if_nonfinite=False,
        )
        value = math.nan
        if self._guard(float(norm)):
            self.optimiser.step()
            value = float(self.fabric.all_reduce(loss.detach(), reduce_op="mean"))
        self.step += 1
        now = self.clock()
        seconds, self._last_step = max(now - self._last_step, 1e-9), now
        speed = len(batch) * self.fabric.world_size / seconds
        stage = self.task.stage(self.network)
        return TrainingStep(self.step, value, lr, self.minutes, self.progress, stage, speed)

    def _weight(self, batch: Any) -> float:
        """Return the weight of this device's loss in the mean over all devices."""
        count = self.task.count(batch)
        return count * self.fabric.world_size / sum_over_devices(self.fabric, count)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Switch the network to evaluation mode, without gradients, in its answering precision."""
        self.network.eval()
        with torch.no_grad(), autocast(self.fabric.device, answering_precision(self.recipe)):
            yield
        self.network.train()

    def _guard(self, norm: float) -> bool:
        """Return whether a gradient is finite; other steps are skipped, and counted."""
        if math.isfinite(norm):
            self._skipped_steps = 0
            return True
        self._skipped_steps += 1
        if self._skipped_steps >= MAX_SKIPPED_STEPS:
            raise ValueError(
                f"No gradient was finite in {MAX_SKIPPED_STEPS} steps in a row: train again with a "
                f"lower learning rate than --set lr={self.recipe.lr:g}."
            )
        message = f"Step {self.step + 1} had no finite gradient and was skipped."
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        return False

    def _report(self, step: TrainingStep, bar: tqdm) -> None:
        if math.isfinite(step.loss):
            self._losses.append(step.loss)
        if self.step == 1 or self.step % self.recipe.log_steps == 0:
            self._loss = sum(self._losses) / len(self._losses) if self._losses else math.nan
            self._losses = []
            self._log.add(step, self._loss, len(self._skipped_files))
        bar.n = round(100 * step.progress, 1)
        bar.set_postfix_str(f"step {step.step}, loss {self._loss:.3f}, stage {step.stage}")
        if self.on_step is not None:
            self.on_step(step)

    def _bar(self) -> tqdm:
        quiet = None if self.fabric.is_global_zero else True  # None: only in a terminal
        form = "{l_bar}{bar}| {elapsed}{postfix}"
        return tqdm(total=100, desc=self.recipe.name, bar_format=form, disable=quiet)

    def _save_when_due(self) -> None:
        """Write a checkpoint and the weights so far, when they are due."""
        now, recipe = self.clock(), self.recipe
        if now - self._last_save >= 60 * recipe.save_minutes:
            self._save()
            self._last_save = self.clock()
        if now - self._last_export >= 60 * recipe.export_minutes:
            self._export()
            self._last_export = self.clock()

    def _save(self) -> None:
        if not self.fabric.is_global_zero:
            return
        state = {
            "recipe": self.recipe.to_dict(),
            "stage": self.task.stage(self.network),
            "step": self.step,
            "minutes": self.minutes,
            "loss": self._loss,
            "losses": self._losses,
            "skipped": self._skipped_steps,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.optimizer.state_dict(),
            "precision": self._precision,
            "unreadable": self._skipped_files.state(),
        }
        write_checkpoint(state, self.out / CHECKPOINT)

    def _about(self) -> dict[str, Any]:
        """Return the machine and the precision of this run."""
        device = self.fabric.device
        gpu = device.type == "cuda"
        return {
            "precision": training_precision(self.recipe, device),
            "answering_precision": resolve_precision(answering_precision(self.recipe), device),
            "device": torch.cuda.get_device_name(device) if gpu else device.type,
            "devices": self.fabric.world_size,
            "machine": machine(),
        }

    def _export(self) -> str:
        """Write the weights; return their SHA-256."""
        if not self.fabric.is_global_zero:
            return ""
        metadata = self.task.metadata(self.network)
        metadata |= self._about() | {"precision": self._precision}
        metadata |= {"step": self.step, "minutes": round(self.minutes, 2)}
        metadata |= {"unreadable": len(self._skipped_files)}
        path = self.out / WEIGHTS_FILE
        with explained_write_errors(path):
            return save_weights(self.network.state_dict(), path, metadata)

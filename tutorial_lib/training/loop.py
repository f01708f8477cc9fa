"""One loop for every task: schedule, log, checkpoints, exact resumption.

What is trained is a :class:`~tutorial_lib.training.task.Task`; for how long, and what happens when
the power fails, is the loop's business. Lightning Fabric moves things to devices and shares
batches among them.
"""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from tutorial_lib.deep.device import autocast, resolve_precision
from tutorial_lib.deep.weights import save_weights
from tutorial_lib.evaluation.machine import machine
from tutorial_lib.training import chance
from tutorial_lib.training.checkpoints import Log, differing, read, restore, write, written
from tutorial_lib.training.folder import CHECKPOINT, WEIGHTS_FILE, begin_anew, claimed
from tutorial_lib.training.setup import (
    answering_precision,
    make_fabric,
    make_optimiser,
    plain,
    polite_stop,
    precision,
    rate,
)
from tutorial_lib.training.shared import share_layers, total
from tutorial_lib.training.skipped import Skipped
from tutorial_lib.training.task import Result, Step, Task

MOST_SKIPPED = 20  # steps in a row without a finite gradient: it will not come back


class Loop:
    """A run of a task.

    Parameters
    ----------
    task : Task
        What is trained.
    out : Path
        Folder for ``log.jsonl``, ``checkpoint.pt`` and ``weights.safetensors``.
    on_step : callable, optional
        Called with a :class:`Step` after each step, for a live curve. It runs in the loop: keep it
        quick.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(
        self,
        task: Task,
        out: str | Path,
        on_step: Callable[[Step], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.task, self.recipe, self.out = task, task.recipe, Path(out).expanduser()
        self.on_step, self.clock = on_step, clock
        self.step, self._before, self._skipped, self._began = 0, 0.0, 0, clock()
        self._losses: list[float] = []
        self._loss = math.nan

    @property
    def minutes(self) -> float:
        """Minutes trained, those before an interruption included."""
        return self._before + (self.clock() - self._began) / 60

    @property
    def progress(self) -> float:
        """Share of the run that is over, from 0 to 1: of its steps or its minutes, if more."""
        recipe = self.recipe
        by_steps = self.step / recipe.steps if recipe.steps else 0.0
        by_time = self.minutes / recipe.minutes if recipe.minutes else 0.0
        return min(max(by_steps, by_time), 1.0)

    def run(self, resume: bool = False, force: bool = False) -> Result:
        """Train to the end of the run, or until Ctrl-C.

        Parameters
        ----------
        resume : bool
            Go on with the run in ``out``.
        force : bool
            Give up the run in ``out``, if there is one.

        Returns
        -------
        Result
            Weights and checkpoint are written, however the run ended.

        Raises
        ------
        FileExistsError
            If there is a run in ``out`` already that is neither to be resumed nor given up.
        FileNotFoundError
            If there is no run to resume.
        ValueError
            If the run to resume is damaged or has another recipe, the loss stays without a finite
            gradient, or memory does not suffice.
        OSError
            If files cannot be written, another process trains in ``out``, most photos cannot be
            read, or a process that takes part in the run was killed.
        """
        with claimed(self.out, resume, force):
            return self.go(resume)

    def go(self, resume: bool) -> Result:
        """Do the same in a folder that is :func:`claimed` already."""
        saved = self._saved(resume)
        self.fabric = make_fabric(self.recipe)
        self.fabric.launch()
        self.task.place(self.fabric.device)
        torch.manual_seed(self.recipe.seed)
        self._set_up(self.task.build(saved["stage"] if saved else None))
        self._restore(saved or {})
        first = self.fabric.is_global_zero
        if first and not saved:
            begin_anew(self.out)
        self._log = Log(self.out, self.step, first, self._about())
        self._began = self._last_save = self._last_export = self._last_step = self.clock()
        with polite_stop() as stop, self._bar() as bar:
            try:
                self._train(stop, bar)
            except RuntimeError as error:
                raise plain(error, self.recipe) from error
        self._save()
        return Result(
            self.step, self.minutes, self._loss, self.out / WEIGHTS_FILE, self._export(),
            finished=self.progress >= 1,
        )  # fmt: skip

    def _saved(self, resume: bool) -> dict[str, Any] | None:
        if not resume:
            return None
        saved = read(self.out / CHECKPOINT)
        names = differing(saved["recipe"], self.recipe)
        if "name" in names:
            raise ValueError(
                f"The run in {self.out} is one of the recipe {saved['recipe'].get('name')!r}, not "
                f"of {self.recipe.name!r}; resume it with the recipe and settings it had."
            )
        if names:
            raise ValueError(
                f"The run in {self.out} was begun with another {' and '.join(names)}; resume it "
                "with the recipe and settings it had."
            )
        return saved

    def _set_up(self, network: nn.Module) -> None:
        """Make a network the one that is trained, on its device, with an optimiser."""
        network = network.to(memory_format=torch.channels_last).train()
        share_layers(network, self.fabric.global_rank, self.fabric.world_size)
        optimiser = make_optimiser(self.task.groups(network), self.recipe)
        self.network = network
        self.model, self.optimiser = self.fabric.setup(network, optimiser)

    def _restore(self, saved: dict[str, Any]) -> None:
        """Go on where a checkpoint was, if there is one."""
        self._skips = Skipped(self.fabric, self.task.unreadable, saved.get("unreadable"))
        self._precision = precision(self.recipe, self.fabric.device)
        if not saved:
            return
        if saved.get("precision") == "bfloat16":
            self._precision = "bfloat16"  # in part, which the weights do not hide
        restore(saved, self.out / CHECKPOINT, self.network, self.optimiser.optimizer)
        self.step, self._before, self._loss = saved["step"], saved["minutes"], saved["loss"]
        self._losses, self._skipped = list(saved["losses"]), saved["skipped"]

    def _train(self, stop: threading.Event, bar: tqdm) -> None:
        fabric = self.fabric
        if self.progress >= 1:
            return
        for batch in self.task.batches(self.step, fabric.global_rank, fabric.world_size):
            progress, stopped = self.progress, stop.is_set()
            if fabric.world_size > 1:  # clocks differ; all must grow and stop at the same step
                progress, stopped = fabric.broadcast((progress, stopped))
            if progress >= 1 or stopped:
                return
            chance.begin_step(self.recipe.seed, self.step)
            self._skips.note(len(batch), getattr(batch, "unreadable", ()))
            self._grow(progress)
            self._report(self._one_step(batch, progress), bar)
            self._keep()

    def _grow(self, progress: float) -> None:
        """Go on to the next stage, with the optimiser's memory of every weight that stays."""
        grown = self.task.grow(self.network, progress)
        if grown is self.network:
            return
        old = dict(self.network.named_parameters())
        memory = self.optimiser.optimizer.state
        self._set_up(grown)
        for name, parameter in grown.named_parameters():
            if name in old and old[name] in memory:
                self.optimiser.optimizer.state[parameter] = memory[old[name]]

    def _one_step(self, batch: Any, progress: float) -> Step:
        lr = self.recipe.lr * rate(self.recipe, progress)
        for group in self.optimiser.optimizer.param_groups:
            group["lr"] = lr * group["share"]
        batch = self.task.amend(batch, self._predict)
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
        return Step(self.step, value, lr, self.minutes, self.progress, stage, speed)

    def _weight(self, batch: Any) -> float:
        """Return what this device's loss counts in the mean over all devices."""
        count = self.task.count(batch)
        return count * self.fabric.world_size / total(self.fabric, count)

    def _predict(self, *inputs: Tensor, call: str = "forward") -> Any:
        """Return what the network, or one of its methods, answers now, without training on it."""
        self.network.eval()
        placed = [_placed(x, self.fabric.device) for x in inputs]
        with torch.no_grad(), autocast(self.fabric.device, answering_precision(self.recipe)):
            answer = getattr(self.network, call)(*placed)
        self.network.train()
        return answer

    def _guard(self, norm: float) -> bool:
        """Whether a gradient is finite; steps whose is not are skipped, and counted."""
        if math.isfinite(norm):
            self._skipped = 0
            return True
        self._skipped += 1
        if self._skipped >= MOST_SKIPPED:
            raise ValueError(
                f"No gradient was finite in {MOST_SKIPPED} steps in a row: train again with a "
                f"learning rate lower than --set lr={self.recipe.lr:g}."
            )
        message = f"Step {self.step + 1} had no finite gradient and was skipped."
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        return False

    def _report(self, step: Step, bar: tqdm) -> None:
        if math.isfinite(step.loss):
            self._losses.append(step.loss)
        if self.step == 1 or self.step % self.recipe.log_steps == 0:
            self._loss = sum(self._losses) / len(self._losses) if self._losses else math.nan
            self._losses = []
            self._log.add(step, self._loss, len(self._skips))
        bar.n = round(100 * step.progress, 1)
        bar.set_postfix_str(f"step {step.step}, loss {self._loss:.3f}, stage {step.stage}")
        if self.on_step is not None:
            self.on_step(step)

    def _bar(self) -> tqdm:
        quiet = None if self.fabric.is_global_zero else True  # None: only in a terminal
        form = "{l_bar}{bar}| {elapsed}{postfix}"
        return tqdm(total=100, desc=self.recipe.name, bar_format=form, disable=quiet)

    def _keep(self) -> None:
        """Write a checkpoint and the weights so far, when it is time."""
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
            "skipped": self._skipped,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.optimizer.state_dict(),
            "precision": self._precision,
            "unreadable": self._skips.state(),
        }
        write(state, self.out / CHECKPOINT)

    def _about(self) -> dict[str, Any]:
        """Return on what is trained, and in which precision."""
        device = self.fabric.device
        gpu = device.type == "cuda"
        return {
            "precision": precision(self.recipe, device),
            "answering_precision": resolve_precision(answering_precision(self.recipe), device),
            "device": torch.cuda.get_device_name(device) if gpu else device.type,
            "devices": self.fabric.world_size,
            "machine": machine(),
        }

    def _export(self) -> str:
        """Write the weights as they are shipped; return their SHA-256."""
        if not self.fabric.is_global_zero:
            return ""
        metadata = self.task.metadata(self.network)
        metadata |= self._about() | {"precision": self._precision}
        metadata |= {"step": self.step, "minutes": round(self.minutes, 2)}
        metadata |= {"unreadable": len(self._skips)}
        path = self.out / WEIGHTS_FILE
        with written(path):
            return save_weights(self.network.state_dict(), path, metadata)


def _placed(x: Tensor, device: torch.device) -> Tensor:
    maps = x.ndim == 4
    return x.to(device, memory_format=torch.channels_last if maps else torch.preserve_format)

"""Where and how fast a network learns: devices, precision, optimiser, learning rate, stopping."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch.optim import SGD, AdamW, Optimizer

import __main__
from tutorial_lib.deep.device import Precision, has_native_bfloat16, pick_device
from tutorial_lib.training.settings import Recipe


def rate(recipe: Recipe, progress: float) -> float:
    """Return the learning rate's factor when a share ``progress`` of the run is over.

    It rises in a straight line during the warm-up, from a hundredth; then it stays at 1, or falls
    along half a cosine to ``final_lr``.

    Parameters
    ----------
    recipe : Recipe
        ``schedule``, ``warmup`` and ``final_lr``.
    progress : float
        In [0, 1].

    Returns
    -------
    float
        Factor for the recipe's learning rate.
    """
    if progress < recipe.warmup:
        return max(progress / recipe.warmup, 0.01)
    if recipe.schedule == "constant":
        return 1.0
    passed = (progress - recipe.warmup) / max(1 - recipe.warmup, 1e-12)
    falling = 0.5 * (1 + math.cos(math.pi * min(passed, 1)))
    return recipe.final_lr + (1 - recipe.final_lr) * falling


def make_optimiser(groups: list[dict[str, Any]], recipe: Recipe) -> Optimizer:
    """Build the recipe's optimiser.

    Parameters
    ----------
    groups : list of dict
        See :meth:`Task.groups`.
    recipe : Recipe
        ``optimiser`` and ``lr``.

    Returns
    -------
    Optimizer
        AdamW, or SGD with momentum 0.9.
    """
    if recipe.optimiser == "sgd":
        return SGD(groups, lr=recipe.lr, momentum=0.9)
    return AdamW(groups, lr=recipe.lr)


def precision(recipe: Recipe, device: torch.device) -> Precision:
    """Return the precision in which a recipe's steps are computed on a device.

    Parameters
    ----------
    recipe : Recipe
        ``precision``.
    device : torch.device
        Where it is trained.

    Returns
    -------
    str
        ``"float32"`` or ``"bfloat16"``.
    """
    # On CPUs bfloat16 speeds up the way forth but slows down the way back, where the weights of
    # depthwise convolutions learn: twice the time in all for EfficientNet-Lite0.
    wanted = recipe.precision == "native" or (recipe.precision == "auto" and device.type != "cpu")
    half = recipe.precision == "bfloat16" or (wanted and has_native_bfloat16(device))
    return "bfloat16" if half else "float32"


def make_fabric(recipe: Recipe) -> Fabric:
    """Choose device and precision.

    Parameters
    ----------
    recipe : Recipe
        ``device``, ``devices`` and ``precision``.

    Returns
    -------
    Fabric
        With the strategy ``ddp`` (gloo on CPUs) if there are several devices.

    Raises
    ------
    ValueError
        If the device is not available, or not as many of them.
    """
    device = pick_device(recipe.device)
    several = recipe.devices > 1
    if several:
        _enough(device, recipe.devices)
    chosen: Any = recipe.devices
    if not several and device.index is not None:
        chosen = [device.index]
    half = precision(recipe, device) == "bfloat16"
    return Fabric(
        accelerator=device.type,
        devices=chosen,
        strategy="ddp" if several else "auto",
        precision="bf16-mixed" if half else "32-true",
    )


def answering_precision(recipe: Recipe) -> Precision:
    """Return the precision of answers that training only looks at, such as those users correct.

    Parameters
    ----------
    recipe : Recipe
        ``precision``.

    Returns
    -------
    str
        As :func:`tutorial_lib.deep.device.autocast` takes it: what the recipe insists on, else
        bfloat16 where it is native.
    """
    return recipe.precision if recipe.precision in ("float32", "bfloat16") else "auto"


def _enough(device: torch.device, wanted: int) -> None:
    """Refuse to share a run among devices that are not there, or where none can be started."""
    here = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device.type, wanted)
    if wanted > here or device.index is not None:
        here = 1 if device.index is not None else here
        raise ValueError(
            f"A run on {wanted} devices {str(device)!r} is not possible here, where {here} can be "
            "had: change --set devices or --set device."
        )
    if hasattr(__main__, "__file__") or __main__.__spec__ is not None:
        return
    raise ValueError(
        "In a notebook a run has one device: train on several by the command "
        "`python -m tutorial_lib train`."
    )


def plain(error: RuntimeError, recipe: Recipe) -> Exception:
    """Say in one sentence what stopped a run from outside.

    Parameters
    ----------
    error : RuntimeError
        What torch said.
    recipe : Recipe
        What was trained.

    Returns
    -------
    Exception
        One for the user; the same error if it means something else.
    """
    text, go_on = str(error), "go on with the last checkpoint by --resume"
    if "DataLoader worker" in text:
        return ChildProcessError(
            "A process that prepares samples was killed, perhaps for lack of memory: "
            f"{go_on} and --set workers=0."
        )
    if "out of memory" in text or "can't allocate memory" in text:
        return ValueError(
            f"There is too little memory for a batch of {recipe.batch} crops of {recipe.crop} "
            "pixels: make batch or crop smaller by --set."
        )
    if isinstance(error, dist.DistError) or "Connection closed by peer" in text:
        return ConnectionError(f"Another process of this run has ended: {go_on}.")
    return error


def launched_first() -> bool:
    """Whether this process is the first of those that share a run; true for a run of one."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


@contextmanager
def polite_stop() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or SIGTERM) into a flag, so that no step is torn apart.

    A second one interrupts at once. Only the main thread may do so; elsewhere nothing changes.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(*_: Any) -> None:
        asked.set()
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, stop)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

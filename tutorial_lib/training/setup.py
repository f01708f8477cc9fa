"""The set-up of a run: devices, precision, optimiser, learning rate, stopping."""

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


def lr_factor(recipe: Recipe, progress: float) -> float:
    """Return the factor of the learning rate at a point of the run.

    It rises linearly from 0.01 during the warm-up. Then it stays at 1, or falls along half a cosine
    to ``final_lr``.

    Parameters
    ----------
    recipe : Recipe
        ``schedule``, ``warmup`` and ``final_lr``.
    progress : float
        Share of the run that is over, in [0, 1].

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
        See :meth:`TrainingTask.groups`.
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


def training_precision(recipe: Recipe, device: torch.device) -> Precision:
    """Return the precision of a recipe's training steps on a device.

    Parameters
    ----------
    recipe : Recipe
        ``precision``.
    device : torch.device
        The device of the network.

    Returns
    -------
    str
        ``"float32"`` or ``"bfloat16"``.
    """
    # On CPUs, bfloat16 speeds up the forward pass, but it slows down the backward pass through
    # depthwise convolutions: a step of EfficientNet-Lite0 takes twice the time in all.
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
        If there is no such device, or if there are too few.
    """
    device = pick_device(recipe.device)
    several = recipe.devices > 1
    if several:
        _check_devices(device, recipe.devices)
    chosen: Any = recipe.devices
    if not several and device.index is not None:
        chosen = [device.index]
    half = training_precision(recipe, device) == "bfloat16"
    return Fabric(
        accelerator=device.type,
        devices=chosen,
        strategy="ddp" if several else "auto",
        precision="bf16-mixed" if half else "32-true",
    )


def answering_precision(recipe: Recipe) -> Precision:
    """Return the precision of answers without gradients, such as those that users correct.

    Parameters
    ----------
    recipe : Recipe
        ``precision``.

    Returns
    -------
    str
        For :func:`tutorial_lib.deep.device.autocast`: the recipe's precision if it names one, else
        ``"auto"``, which is bfloat16 where the device supports it natively.
    """
    return recipe.precision if recipe.precision in ("float32", "bfloat16") else "auto"


def _check_devices(device: torch.device, wanted: int) -> None:
    """Refuse to share a run among devices that are missing, or in a notebook."""
    here = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device.type, wanted)
    if wanted > here or device.index is not None:
        here = 1 if device.index is not None else here
        raise ValueError(
            f"A run on {wanted} devices {str(device)!r} is not possible here, where {here} can be "
            "used: change --set devices or --set device."
        )
    if hasattr(__main__, "__file__") or __main__.__spec__ is not None:
        return
    raise ValueError(
        "In a notebook a run has one device: train on several devices with the command "
        "`python -m tutorial_lib train`."
    )


def explained(error: RuntimeError, recipe: Recipe) -> Exception:
    """Explain in one sentence an error whose cause lies outside of the run.

    Parameters
    ----------
    error : RuntimeError
        The error from torch.
    recipe : Recipe
        The recipe of the run.

    Returns
    -------
    Exception
        An error for the user; any other error is returned as it is.
    """
    text, resume = str(error), "continue from the last checkpoint by --resume"
    if "DataLoader worker" in text:
        return ChildProcessError(
            "A process that prepares samples was killed, perhaps for lack of memory: "
            f"{resume} and --set workers=0."
        )
    if "out of memory" in text or "can't allocate memory" in text:
        return ValueError(
            f"There is too little memory for a batch of {recipe.batch} crops of {recipe.crop} "
            "pixels: reduce batch or crop by --set."
        )
    if isinstance(error, dist.DistError) or "Connection closed by peer" in text:
        return ConnectionError(f"Another process of this run has ended: {resume}.")
    return error


def launched_first() -> bool:
    """Whether this process is the first of a run; true if the run has only one."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


@contextmanager
def polite_stop() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or SIGTERM) into a flag, so that a run ends after a whole step.

    A second one interrupts at once. Outside of the main thread, signals stay as they are.

    Yields
    ------
    threading.Event
        It is set by the first Ctrl-C.
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

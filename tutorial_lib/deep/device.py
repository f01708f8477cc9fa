"""Where a network runs, and in which precision.

float32 is the reference: with it the same photo and clicks get the same mask on every machine, but
for rounding in the last digits. bfloat16 has 8 bits of precision instead of 24. It is faster where
the hardware computes it natively, and the masks then differ a little from machine to machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias, get_args

import torch

Precision: TypeAlias = Literal["float32", "bfloat16", "auto"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


def pick_device(name: str = "auto") -> torch.device:
    """Choose the device a network runs on.

    Parameters
    ----------
    name : str
        ``"auto"`` takes an NVIDIA (or ROCm) GPU, else Apple's GPU, else the CPU. ``"cuda"``,
        ``"cuda:1"``, ``"mps"`` and ``"cpu"`` insist on that device.

    Returns
    -------
    torch.device
        The device, which exists.

    Raises
    ------
    ValueError
        If the name means nothing, or the device is not available here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cuda", "mps", "cpu"):
        raise ValueError(
            f"There is no device {name!r}; choose auto, cuda, cuda:<number>, mps or cpu."
        )
    if not _available(device):
        raise ValueError(f"The device {name!r} is not available here; use 'auto' or 'cpu'.")
    return device


def _available(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return True


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether the hardware computes bfloat16 itself; emulated, it is slower than float32.

    Parameters
    ----------
    device : torch.device
        Where the network runs.

    Returns
    -------
    bool
        True on GPUs and CPUs (AVX-512 BF16 or AMX) that have it, as far as this torch can tell.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # Older torch has no such list and stays with float32.
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return False


def resolve_precision(name: str, device: torch.device) -> str:
    """Say in which precision a network computes.

    Parameters
    ----------
    name : str
        ``"float32"`` and ``"bfloat16"`` insist; ``"auto"`` takes bfloat16 where the hardware
        computes it natively, and float32 elsewhere.
    device : torch.device
        Where the network runs.

    Returns
    -------
    str
        ``"float32"`` or ``"bfloat16"``.

    Raises
    ------
    ValueError
        If there is no such precision, or torch cannot compute it on this device.
    """
    if name not in PRECISIONS:
        raise ValueError(f"The precisions are {', '.join(PRECISIONS)}; there is no {name!r}.")
    if name == "auto":
        return "bfloat16" if has_native_bfloat16(device) else "float32"
    if name == "bfloat16" and device.type == "mps":
        raise ValueError("The precision bfloat16 is not offered on Apple's GPU; use float32.")
    return name


@contextmanager
def autocast(device: torch.device, precision: str = "float32") -> Iterator[None]:
    """Compute in a precision.

    In bfloat16, convolutions and matrix products take half the memory traffic and use matrix units;
    sums that need more digits stay in float32. What comes out of a network may be bfloat16: call
    ``.float()`` on it before a loss or a sigmoid. In float32, an NVIDIA GPU is kept from rounding
    the inputs of convolutions and matrix products to TensorFloat-32, as it does by default.

    Parameters
    ----------
    device : torch.device
        Where the network runs.
    precision : str
        As :func:`resolve_precision` takes it.

    Yields
    ------
    None
    """
    if resolve_precision(precision, device) == "bfloat16":
        with torch.autocast(device.type, dtype=torch.bfloat16):
            yield
    elif device.type == "cuda":
        with _no_tensor_float():
            yield
    else:
        yield


@contextmanager
def _no_tensor_float() -> Iterator[None]:
    """Switch TensorFloat-32 off, and afterwards back to what it was."""
    places = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [place.allow_tf32 for place in places]
    try:
        for place in places:
            place.allow_tf32 = False
        yield
    finally:
        for place, allowed in zip(places, before, strict=True):
            place.allow_tf32 = allowed

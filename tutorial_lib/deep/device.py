"""The device and the precision of a network.

float32 is the reference: the same photo and clicks get the same mask on every machine, apart from
rounding errors in the last digits. bfloat16 has 8 bits of precision instead of 24. It is faster if
the hardware supports it natively, and its masks differ a little from machine to machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias, get_args

import torch

Precision: TypeAlias = Literal["float32", "bfloat16", "auto"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


def pick_device(name: str = "auto") -> torch.device:
    """Choose the device that a network runs on.

    Parameters
    ----------
    name : str
        ``"auto"`` takes an NVIDIA (or ROCm) GPU, else Apple's GPU, else the CPU. ``"cuda"``,
        ``"cuda:1"``, ``"mps"`` and ``"cpu"`` take exactly this device.

    Returns
    -------
    torch.device
        A device that is available.

    Raises
    ------
    ValueError
        If the name is unknown, or the device is not available.

    Examples
    --------
    >>> pick_device("cpu")
    device(type='cpu')
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
    """Whether the hardware supports bfloat16. Emulated bfloat16 is slower than float32.

    Parameters
    ----------
    device : torch.device
        Device of the network.

    Returns
    -------
    bool
        True on GPUs and CPUs (AVX-512 BF16 or AMX) that support it, as far as torch reports it.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # Older versions of torch have no such list; float32 is used then.
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return False


def resolve_precision(name: str, device: torch.device) -> str:
    """Choose the precision of a network.

    Parameters
    ----------
    name : str
        ``"float32"`` and ``"bfloat16"`` take exactly this precision. ``"auto"`` takes bfloat16 if
        the hardware supports it natively, else float32.
    device : torch.device
        Device of the network.

    Returns
    -------
    str
        ``"float32"`` or ``"bfloat16"``.

    Raises
    ------
    ValueError
        If the precision is unknown, or this device does not support it.

    Examples
    --------
    >>> resolve_precision("float32", pick_device("cpu"))
    'float32'
    """
    if name not in PRECISIONS:
        raise ValueError(f"The precisions are {', '.join(PRECISIONS)}; there is no {name!r}.")
    if name == "auto":
        return "bfloat16" if has_native_bfloat16(device) else "float32"
    if name == "bfloat16" and device.type == "mps":
        raise ValueError("Apple's GPU does not support the precision bfloat16; use float32.")
    return name


@contextmanager
def autocast(device: torch.device, precision: str = "float32") -> Iterator[None]:
    """Compute in the given precision, as a context manager.

    In bfloat16, convolutions and matrix products need half the memory traffic and use matrix units.
    Sums that need more digits stay in float32. The output of a network may be bfloat16: call
    ``.float()`` before a loss or a sigmoid. In float32, TensorFloat-32 is switched off. By default
    an NVIDIA GPU rounds the inputs of convolutions to it.

    Parameters
    ----------
    device : torch.device
        Device of the network.
    precision : str
        See :func:`resolve_precision`.

    Yields
    ------
    None

    Raises
    ------
    ValueError
        As for :func:`resolve_precision`.
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
    """Switch TensorFloat-32 off, and restore the setting afterwards."""
    places = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [place.allow_tf32 for place in places]
    try:
        for place in places:
            place.allow_tf32 = False
        yield
    finally:
        for place, allowed in zip(places, before, strict=True):
            place.allow_tf32 = allowed

"""Where a network runs, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


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


def autocast(device: torch.device) -> AbstractContextManager:
    """Compute in bfloat16 where the hardware does so natively, and in float32 elsewhere.

    Convolutions take half the memory traffic and use matrix units; sums that need more digits stay
    in float32. What comes out of a network may be bfloat16 (8 bits of precision): call
    ``.float()`` on it before a loss or a sigmoid.

    Parameters
    ----------
    device : torch.device
        Where the network runs.

    Returns
    -------
    context manager
        Autocast to bfloat16 on a GPU or a CPU (AVX-512 BF16 or AMX, as far as this torch can
        tell) that supports it; otherwise one that changes nothing.
    """
    if _native_bfloat16(device):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def _native_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is computed by the hardware; emulated, it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # Older torch has no such list and stays with float32.
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return False

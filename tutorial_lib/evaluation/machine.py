"""Describe the machine and the code of a measurement, without names of users, hosts or folders."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from tutorial_lib.paths import in_checkout

_MEASURED_CODE = ("tutorial_lib", "assets/samples", "assets/weights")
_CPU_FILE = Path("/proc/cpuinfo")
_STATUS_FILE = Path("/proc/self/status")


def machine() -> dict[str, Any]:
    """Describe this machine.

    Returns
    -------
    dict
        Ready for JSON: ``platform`` (``"Linux"``, ``"Darwin"``, ``"Windows"``), ``architecture``,
        ``cpu`` (the model, or None if the system does not say), ``cores`` (:func:`cores`), and the
        versions ``python``, ``numpy`` and ``torch`` (None if not installed).
    """
    return {
        "platform": platform.system(),
        "architecture": platform.machine(),
        "cpu": _cpu(),
        "cores": cores(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "torch": _version("torch"),
    }


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def commit() -> str | None:
    """Return the git commit that this package runs from.

    Returns
    -------
    str or None
        Such as ``"3f605fa"``. A plus sign is added if library, sample photos or weights differ from
        that commit. None for an installed package, or if git does not work.
    """
    root = Path(__file__).resolve().parents[2]
    if not (in_checkout() and (root / ".git").exists()):
        return None
    name = _git(root, "rev-parse", "--short", "HEAD")
    changes = _git(root, "status", "--porcelain", "--", *_MEASURED_CODE)
    if name is None or changes is None:
        return None
    return f"{name}+" if changes else name


def peak_megabytes() -> float | None:
    """Return the peak memory of this process.

    On Linux a child process inherits ``ru_maxrss`` from its parent. There the process's own peak
    is read instead.

    Returns
    -------
    float or None
        Resident memory in megabytes (10^6 bytes). None on Windows, which has neither source.
    """
    if _STATUS_FILE.exists():
        for line in _STATUS_FILE.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if platform.system() == "Darwin" else peak * 1024 / 1e6


def _cpu() -> str | None:
    """Return the name of the processor. Each system stores it elsewhere."""
    if _CPU_FILE.exists():
        lines = _CPU_FILE.read_text(errors="replace").splitlines()
        named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        return next(named, None)
    if platform.system() == "Darwin":
        return _output(["sysctl", "-n", "machdep.cpu.brand_string"])
    return platform.processor() or None


def _version(distribution: str) -> str | None:
    """Look up a version without an import: torch alone would take seconds."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(root: Path, *arguments: str) -> str | None:
    return _output(["git", "--no-optional-locks", "-C", str(root), *arguments])


def _output(command: list[str]) -> str | None:
    """Return what a program prints, or None if it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

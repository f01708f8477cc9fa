"""Is everything here that the tutorials need? Each check says what it found and what to do."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutorial_lib.paths import DATA_VARIABLE, bundled, data_folder

OLDEST_PYTHON = (3, 11)
DISTRIBUTION = "tutorial-lib"
LIMIT = 300  # seconds; everything together takes half a minute on two plain cores
AGAIN = "get it from the repository again, or install the package again"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER_VARIABLE = "TUTORIAL_LIB_BROWSER"


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Parameters
    ----------
    name : str
        What was looked at.
    state : str
        ``"ok"``, ``"note"`` (optional, absent) or ``"fail"``.
    finding : str
        What was found and, unless all is well, what to do.
    """

    name: str
    state: str
    finding: str

    @property
    def mark(self) -> str:
        """The state as printed."""
        return {"ok": "ok", "note": "note", "fail": "FAIL"}[self.state]


@dataclass(frozen=True)
class Found:
    """What a check in another process found.

    Parameters
    ----------
    text : str
        What was found, or why it failed.
    failed : bool
        Whether it failed.
    """

    text: str
    failed: bool


def examine() -> list[Check]:
    """Run all checks; half a minute on a laptop.

    Returns
    -------
    list of Check
        In the order they are best read.
    """
    packages = _packages()
    runs = {check.name: check.state != "fail" for check in packages}
    found = run_apart(["precision", "weights", "samples", *(f"method:{n}" for n in _own_methods())])
    return [
        _python(),
        *packages,
        _device_check() if runs.get("torch") else Check("device", "fail", "torch cannot run here"),
        _check_of("precision", found["precision"]),
        _check_of("weights", found["weights"]),
        _check_of("sample photos", found["samples"]),
        _notebooks(),
        _results(),
        *_installed_files(),
        *_methods({k.partition(":")[2]: v for k, v in found.items() if k.startswith("method:")}),
        _browser_check(),
        _datasets(),
    ]


def report() -> int:
    """Run all checks and print them.

    Returns
    -------
    int
        The exit code: 1 if something is wrong, else 0.
    """
    checks = examine()
    for check in checks:
        print(f"{check.mark:5} {check.name:18} {check.finding}")
    failed = [check for check in checks if check.state == "fail"]
    if failed:
        print(f"\n{len(failed)} problem(s): {', '.join(check.name for check in failed)}.")
        return 1
    print("\nReady: start with `python -m tutorial_lib lab`.")
    return 0


def device() -> str:
    """Name the device networks will run on: a CUDA GPU, Apple's GPU, or the CPU.

    Returns
    -------
    str
        ``"cuda"``, ``"mps"`` or ``"cpu"``; ``"cpu"`` too when torch is not installed.
    """
    try:
        from tutorial_lib.deep.device import pick_device
    except ImportError:
        return "cpu"
    return pick_device().type


def find_browser() -> str | None:
    """Find a Chromium-like browser for the browser tests.

    Returns
    -------
    str or None
        ``TUTORIAL_LIB_BROWSER`` if set, else the first found on the PATH.
    """
    if named := os.environ.get(BROWSER_VARIABLE):
        return named if Path(named).is_file() else None
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Check("Python", "fail", f"{version}; 3.11 or newer is needed")
    return Check("Python", "ok", version)


def _packages() -> list[Check]:
    """Import every package that this one's own metadata names."""
    try:
        needed = [
            text for text in importlib.metadata.requires(DISTRIBUTION) or [] if ";" not in text
        ]
    except importlib.metadata.PackageNotFoundError:
        remedy = "this package is not installed; run: pip install -e ."
        return [Check(DISTRIBUTION, "fail", remedy)]
    modules: dict[str, list[str]] = {}
    for module, names in importlib.metadata.packages_distributions().items():
        for name in names:
            modules.setdefault(_plain(name), []).append(module)
    names = {text: re.match(r"[\w.-]+", text)[0] for text in needed}
    asked = {text: _module(name, modules.get(_plain(name), [])) for text, name in names.items()}
    found = run_apart([f"import:{module}" for module in asked.values()])
    return [
        _package(text, names[text], asked[text], found[f"import:{asked[text]}"]) for text in needed
    ]


def _package(requirement: str, name: str, module: str, found: Found) -> Check:
    """Judge one package: it is there, it can be imported, and it is new enough."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "fail", f"missing; run: pip install {name}")
    remedy = f"run: pip install --force-reinstall '{requirement}'"
    if found.failed or not _findable(module):
        why = found.text if found.failed else f"no module named {module} is found"
        return Check(name, "fail", f"{version} cannot be imported ({why}); {remedy}")
    if not _allowed(requirement, version):
        return Check(name, "fail", f"{version}, but {requirement} is needed; {remedy}")
    return Check(name, "ok", version)


def _allowed(requirement: str, version: str) -> bool:
    try:
        from packaging.requirements import Requirement
    except ImportError:  # it comes with JupyterLab, whose own check says that something is missing
        return True
    return Requirement(requirement).specifier.contains(version, prereleases=True)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _module(name: str, modules: list[str]) -> str:
    """Return the module a package is imported by; some bring others along."""
    public = [module for module in modules if not module.startswith("_")]
    same = [module for module in public if _plain(module) == _plain(name)]
    return (same or sorted(public) or [name.replace("-", "_").lower()])[0]


def _findable(module: str) -> bool:
    """Whether this process, too, would find a module."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _own_methods() -> list[str]:
    try:
        from tutorial_lib.segmenter import methods
    except ImportError:  # NumPy is missing, and its own check says so
        return []
    return [info.name for info in methods() if str(info.target).startswith("tutorial_lib.")]


def _methods(found: dict[str, Found]) -> list[Check]:
    """Judge the answers of all methods: one line if all is well, one more for each that fails."""
    failed = [
        Check(f"method {name}", "fail", each.text) for name, each in found.items() if each.failed
    ]
    count = len(found) - len(failed)
    state = "ok" if count else "fail"
    return [Check("methods", state, f"{count} of {len(found)} answer a click"), *failed]


def _check_of(name: str, found: Found) -> Check:
    return Check(name, "fail" if found.failed else "ok", found.text)


def run_apart(steps: Sequence[str], seconds: float = LIMIT) -> dict[str, Found]:
    """Run checks of :mod:`tutorial_lib.checkup` in another process: none takes this one down.

    Parameters
    ----------
    steps : sequence of str
        See :func:`tutorial_lib.checkup.main`.
    seconds : float
        After so long without an end the check at work counts as failed.

    Returns
    -------
    dict of str to Found
        What each check found. After a crash the others are run in a new process.
    """
    found: dict[str, Found] = {}
    while waiting := [step for step in steps if step not in found]:
        command = [sys.executable, "-m", "tutorial_lib.checkup", *waiting]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=seconds, check=False, env=_environment()
            )
            output, end = done.stdout, f"its process ended with code {done.returncode}"
        except subprocess.TimeoutExpired as late:
            output, end = late.stdout or b"", f"no answer within {seconds:g} seconds"
        for line in output.decode(errors="replace").splitlines():
            told = json.loads(line)
            found[told["step"]] = Found(told["finding"], told["failed"])
        if left := [step for step in waiting if step not in found]:
            found[left[0]] = Found(end, True)
    return found


def _environment() -> dict[str, str]:
    """Let the other process find this very package, wherever it was imported from."""
    here = str(Path(__file__).resolve().parents[1])
    paths = [*filter(None, [os.environ.get("PYTHONPATH")]), here]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _device_check() -> Check:
    found = device()
    cores = os.cpu_count()
    if found == "cpu":
        return Check("device", "ok", f"cpu, {cores} cores; every tutorial runs without a GPU")
    return Check("device", "ok", f"{found}, beside {cores} CPU cores")


def _browser_check() -> Check:
    if found := find_browser():
        return Check("test browser", "ok", found)
    return Check(
        "test browser", "note", f"no Chromium found; only the tests need it ({BROWSER_VARIABLE})"
    )


def _notebooks() -> Check:
    """Read every notebook; they are numbered without a gap, and each exercise has its solution."""
    try:
        folder = bundled("notebooks")
        taught, solved = _numbered(folder), _numbered(folder / "solutions")
    except (OSError, ValueError) as error:
        return Check("notebooks", "fail", str(error))
    if not taught:
        return Check("notebooks", "fail", "0 found")
    if missing := set(range(max([*taught, *solved]) + 1)) - set(taught):
        return Check("notebooks", "fail", f"number {min(missing):02d} is missing; {AGAIN}")
    if missing := set(taught) - set(solved) - {0}:
        return Check("notebooks", "fail", f"the solution of {min(missing):02d} is missing; {AGAIN}")
    return Check("notebooks", "ok", f"{len(taught)}, and solutions of {len(solved)}")


def _numbered(folder: Path) -> list[int]:
    found = [path for path in sorted(folder.glob("*.ipynb")) if path.name[:2].isdigit()]
    for path in found:
        if not isinstance(_json(path), dict) or not _json(path).get("cells"):
            raise ValueError(f"{path} is no notebook; {AGAIN}")
    return [int(path.name[:2]) for path in found]


def _results() -> Check:
    """Read every file of figures that the notebooks show."""
    try:
        files = sorted((bundled("assets") / "results").glob("*.json"))
        for path in files:
            if not isinstance(_json(path), dict):
                raise ValueError(f"{path} holds no figures; {AGAIN}")
    except (OSError, ValueError) as error:
        return Check("results", "fail", str(error))
    return Check("results", "ok" if files else "fail", f"{len(files)} files of figures")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is damaged; {AGAIN}") from None


def _installed_files() -> list[Check]:
    """Compare all files with the checksums that pip noted, if it copied any (not in a checkout)."""
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    noted = [file for file in files if file.parts[0] == "tutorial_lib" and file.hash]
    for file in noted:
        try:
            digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
        except OSError:
            return [Check("installed files", "fail", f"{file} is missing; {AGAIN}")]
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            return [Check("installed files", "fail", f"{file} was changed; {AGAIN}")]
    return [Check("installed files", "ok", f"{len(noted)}, all as installed")] if noted else []


def _datasets() -> Check:
    folder = data_folder()
    if folder is None:
        return Check("datasets", "note", f"none; set {DATA_VARIABLE} to their folder to use them")
    if not folder.is_dir():
        return Check("datasets", "fail", f"{DATA_VARIABLE} names {folder}, which is no folder")
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    return Check("datasets", "ok", f"{folder}: {', '.join(found) or 'empty'}")

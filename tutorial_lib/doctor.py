"""Check an installation, or a dataset. Each check says what it found, and what to do."""

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutorial_lib.paths import DATA_VARIABLE, bundled, data_folder, write_atomically

OLDEST_PYTHON = (3, 11)
DISTRIBUTION = "tutorial-lib"
LIMIT = 300  # seconds; all checks together take half a minute on two plain cores
REMEDY = "get it from the repository again, or install the package again"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER_VARIABLE = "TUTORIAL_LIB_BROWSER"


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Parameters
    ----------
    name : str
        What was checked.
    state : str
        ``"ok"``, ``"note"`` (something optional is missing) or ``"fail"``.
    finding : str
        What was found and, if something is wrong, what to do.
    """

    name: str
    state: str
    finding: str

    @property
    def mark(self) -> str:
        """The state, as it is printed."""
        return {"ok": "ok", "note": "note", "fail": "FAIL"}[self.state]


@dataclass(frozen=True)
class Found:
    """The result of a check that ran in another process.

    Parameters
    ----------
    text : str
        What was found, or why the check failed.
    failed : bool
        Whether the check failed.
    """

    text: str
    failed: bool


def examine() -> list[Check]:
    """Run all checks of the installation, which takes half a minute on a laptop.

    Returns
    -------
    list of Check
        In the order of the report.
    """
    steps = ["precision", "weights", "samples", *(f"method:{name}" for name in _own_methods())]
    with ThreadPoolExecutor(1) as beside:  # each waits for a process of its own
        answers = beside.submit(run_apart, steps)
        packages = _packages()
        found = answers.result()
    runs = {check.name: check.state != "fail" for check in packages}
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


def print_report() -> int:
    """Run all checks of the installation, and print the results.

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


def examine_data(
    root: Path, name: str | None = None, split: str | None = None, show: Path | None = None
) -> int:
    """Read a dataset as ``evaluate`` does, and print a table of what was found.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    name : str, optional
        Its layout. By default it is guessed.
    split : str, optional
        A part of the dataset; needs the name.
    show : Path, optional
        PNG file for a contact sheet.

    Returns
    -------
    int
        1 if something looks wrong, else 0.

    Raises
    ------
    FileNotFoundError, ValueError
        If nothing can be read, or ``show`` cannot be written.
    """
    from tutorial_lib.data.datasets import load_dataset
    from tutorial_lib.data.survey import contact_sheet, open_guessed, survey
    from tutorial_lib.render import encode_png

    if split is not None and name is None:
        raise ValueError("--split needs --dataset to say whose split it is.")
    if show is not None:
        _check_picture(show, root)
    found = open_guessed(root) if name is None else load_dataset(name, root, split=split)
    guessed = " (guessed from its folders; --dataset says otherwise)" if name is None else ""
    print(f"{root}: read as {found.name}{guessed}")
    findings = survey(found, progress=sys.stderr.isatty())
    for finding in findings:
        check = Check(finding.name, finding.state, finding.text)
        print(f"{check.mark:5} {check.name:15} {check.finding}")
    if show is not None:
        write_atomically(show, encode_png(contact_sheet(found)))
        print(f"{show}: some of the photos with the contours of their masks.")
    wrong = sorted({finding.name for finding in findings if finding.state == "fail"})
    print(f"\nLook at: {', '.join(wrong)}." if wrong else "\nNothing looks wrong.")
    return int(bool(wrong))


def _check_picture(show: Path, root: Path) -> None:
    """Refuse a file that cannot be written, or that may be a picture of the dataset itself."""
    if show.suffix.lower() != ".png":
        raise ValueError(f"--show names a PNG file, but {show} does not end in .png.")
    if show.is_dir() or not show.absolute().parent.is_dir():
        raise ValueError(f"--show cannot write {show}: it is a folder, or lies in none.")
    if show.exists() and root.expanduser().resolve() in show.resolve().parents:
        raise ValueError(f"--show would replace {show}, a file of the dataset; name another one.")


def device() -> str:
    """Name the device that networks run on: a CUDA GPU, Apple's GPU, or the CPU.

    Returns
    -------
    str
        ``"cuda"``, ``"mps"`` or ``"cpu"``. Without torch it is ``"cpu"``.
    """
    try:
        from tutorial_lib.deep.device import pick_device
    except ImportError:
        return "cpu"
    return pick_device().type


def find_browser() -> str | None:
    """Find Chromium, or a browser based on it, for the browser tests.

    Returns
    -------
    str or None
        ``TUTORIAL_LIB_BROWSER`` if it is set, otherwise the first one on the PATH.
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
    """Import every package that this package requires."""
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
    """Check one package: it is installed, can be imported, and is new enough."""
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
    except ImportError:  # it comes with JupyterLab: if that is missing, its own check says so
        return True
    return Requirement(requirement).specifier.contains(version, prereleases=True)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _module(name: str, modules: list[str]) -> str:
    """Return the module by which a package is imported; some packages install several."""
    public = [module for module in modules if not module.startswith("_")]
    same = [module for module in public if _plain(module) == _plain(name)]
    return (same or sorted(public) or [name.replace("-", "_").lower()])[0]


def _findable(module: str) -> bool:
    """Whether this process can find a module, too."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _own_methods() -> list[str]:
    try:
        from tutorial_lib.registry import methods
    except ImportError:  # NumPy is missing; its own check says so
        return []
    return [
        info.name
        for info in methods()
        if info.expected and str(info.target).startswith("tutorial_lib.")
    ]


def _methods(found: dict[str, Found]) -> list[Check]:
    """Return one line for all methods, and one more for each method that fails."""
    failed = [
        Check(f"method {name}", "fail", each.text) for name, each in found.items() if each.failed
    ]
    count = len(found) - len(failed)
    state = "ok" if count else "fail"
    return [Check("methods", state, f"{count} of {len(found)} answer a click"), *failed]


def _check_of(name: str, found: Found) -> Check:
    return Check(name, "fail" if found.failed else "ok", found.text)


def run_apart(steps: Sequence[str], seconds: float = LIMIT) -> dict[str, Found]:
    """Run checks of :mod:`tutorial_lib.checkup` in another process, which may crash.

    Parameters
    ----------
    steps : sequence of str
        See :func:`tutorial_lib.checkup.run_checks`.
    seconds : float
        Time limit. When it is over, the running check counts as failed.

    Returns
    -------
    dict of str to Found
        The result of each check. After a crash the remaining checks run in a new process.
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
            result = json.loads(line)
            found[result["step"]] = Found(result["finding"], result["failed"])
        if left := [step for step in waiting if step not in found]:
            found[left[0]] = Found(end, True)
    return found


def _environment() -> dict[str, str]:
    """Let the other process import this very package, wherever it lies."""
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
    """Read every notebook. No number is missing, and all but the first have solutions."""
    try:
        folder = bundled("notebooks")
        taught, solved = _numbered(folder), _numbered(folder / "solutions")
    except (OSError, ValueError) as error:
        return Check("notebooks", "fail", str(error))
    if not taught:
        return Check("notebooks", "fail", "0 found")
    last = max(int(number[:2]) for number in [*taught, *solved])
    if missing := {f"{number:02d}" for number in range(last + 1)} - set(taught):
        return Check("notebooks", "fail", f"number {min(missing)} is missing; {REMEDY}")
    if missing := set(taught) - set(solved) - {"00"}:
        return Check("notebooks", "fail", f"the solution of {min(missing)} is missing; {REMEDY}")
    return Check("notebooks", "ok", f"{len(taught)}, and solutions of {len(solved)}")


def _numbered(folder: Path) -> list[str]:
    """Return the numbers of a folder's notebooks, such as ``"09"`` and ``"09b"``."""
    found = [path for path in sorted(folder.glob("*.ipynb")) if path.name[:2].isdigit()]
    for path in found:
        if not isinstance(_json(path), dict) or not _json(path).get("cells"):
            raise ValueError(f"{path} is no notebook; {REMEDY}")
    return [path.name.partition("_")[0] for path in found]


def _results() -> Check:
    """Read every result file that the notebooks show."""
    try:
        files = sorted((bundled("assets") / "results").glob("*.json"))
        for path in files:
            if not isinstance(_json(path), dict):
                raise ValueError(f"{path} holds no figures; {REMEDY}")
    except (OSError, ValueError) as error:
        return Check("results", "fail", str(error))
    return Check("results", "ok" if files else "fail", f"{len(files)} files of figures")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is damaged; {REMEDY}") from None


def _installed_files() -> list[Check]:
    """Compare installed files with pip's checksums. In a checkout there are none."""
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    noted = [file for file in files if file.parts[0] == "tutorial_lib" and file.hash]
    for file in noted:
        try:
            digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
        except OSError:
            return [Check("installed files", "fail", f"{file} is missing; {REMEDY}")]
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            return [Check("installed files", "fail", f"{file} was changed; {REMEDY}")]
    return [Check("installed files", "ok", f"{len(noted)}, all as installed")] if noted else []


def _datasets() -> Check:
    folder = data_folder()
    if folder is None:
        return Check("datasets", "note", f"none; set {DATA_VARIABLE} to their folder to use them")
    if not folder.is_dir():
        return Check("datasets", "fail", f"{DATA_VARIABLE} names {folder}, which is no folder")
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    return Check("datasets", "ok", f"{folder}: {', '.join(found) or 'empty'}")

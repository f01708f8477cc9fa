"""Copies of the notebooks to work on, so that the originals stay as they are."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from tutorial_lib.paths import bundled, in_checkout

FOLDER = "tutorial-notebooks"


def copy_notebooks(folder: Path | None = None) -> Path:
    """Copy the notebooks into a folder to work in. What is there already is never overwritten.

    The copies are signed, so that Jupyter trusts the outputs they come with.

    Parameters
    ----------
    folder : Path, optional
        The folder. By default ``tutorial-notebooks``: in the checkout if the package runs from one,
        else in the current folder.

    Returns
    -------
    Path
        The folder.
    """
    source = bundled("notebooks")
    if folder is None:
        folder = (source.parent if in_checkout() else Path()) / FOLDER
    for path in sorted(source.rglob("*.ipynb")):
        target = folder / path.relative_to(source)
        if not target.exists() and ".ipynb_checkpoints" not in path.parts:
            _copy(path, target)
    return folder.resolve()


def begin_afresh(folder: Path, name: str) -> str:
    """Replace a copy by the original. The old copy stays under another name.

    Parameters
    ----------
    folder : Path
        The folder that :func:`copy_notebooks` returned.
    name : str
        The beginning of the notebook's name, such as ``"02"``.

    Returns
    -------
    str
        One sentence that names both files.

    Raises
    ------
    ValueError
        If the name fits no notebook, or several. The message lists all.
    """
    originals = sorted(bundled("notebooks").glob("*.ipynb"))
    found = [path for path in originals if path.name.startswith(name)]
    if len(found) != 1:
        names = ", ".join(path.stem for path in originals)
        raise ValueError(f"Name one notebook by the beginning of its name, not {name!r}: {names}.")
    target = folder / found[0].name
    if not target.exists():
        _copy(found[0], target)
        return f"{target.name} is as it was shipped."
    number = 1
    while (old := target.with_name(f"{target.stem}-old-{number}.ipynb")).exists():
        number += 1
    target.rename(old)
    _copy(found[0], target)
    return f"{target.name} is as it was shipped; your copy is now {old.name}."


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    with suppress(ValueError):  # no valid notebook: Jupyter says so when it is opened
        _sign(target)


def _sign(path: Path) -> None:
    import nbformat
    from nbformat.sign import NotebookNotary

    NotebookNotary().sign(nbformat.read(path, as_version=4))

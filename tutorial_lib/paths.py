"""Where things lie: assets and notebooks that come with the package, and the user's own files."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "TUTORIAL_LIB_HOME"
DATA_VARIABLE = "TUTORIAL_LIB_DATA"

_PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """Return a folder that comes with the package.

    Parameters
    ----------
    name : str
        ``"assets"`` or ``"notebooks"``: inside the package when it was installed from a wheel,
        beside it in a checkout.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileNotFoundError
        If the installation is incomplete.
    """
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"The folder {name} is missing from this installation; reinstall it.")


def in_checkout() -> bool:
    """Whether the package runs from a checkout, where notebooks may be edited in place."""
    return not (_PACKAGE / "notebooks").is_dir()


def user_folder() -> Path:
    """Return the folder for autosaved clicks: ``TUTORIAL_LIB_HOME`` or the system's usual place."""
    if folder := os.environ.get(HOME_VARIABLE):
        return Path(folder)
    import platformdirs

    return Path(platformdirs.user_data_dir("tutorial_lib", appauthor=False))


def data_folder() -> Path | None:
    """Return the folder of real datasets, ``TUTORIAL_LIB_DATA``, or None if it is not set."""
    folder = os.environ.get(DATA_VARIABLE)
    return Path(folder) if folder else None

"""Read MATLAB files; each error says in one sentence what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def read_mat(path: Path, variable: str) -> np.ndarray:
    """Read one variable of a MATLAB file, version 7.2 or older.

    Parameters
    ----------
    path : Path
        The ``.mat`` file.
    variable : str
        The variable's name.

    Returns
    -------
    np.ndarray
        The value, as :func:`scipy.io.loadmat` returns it: cells and structures are ``(1, N)``
        arrays.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, cannot be read, or has no such variable.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        content = loadmat(path, variable_names=[variable])
    except Exception as error:  # damaged headers raise errors of many types
        reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        raise ValueError(f"The file {path} is no readable MATLAB file ({reason}).") from error
    if variable not in content:
        raise ValueError(f"The file {path} has no variable {variable!r}.")
    return content[variable]


def field(structure: Any, name: str, path: Path) -> np.ndarray:
    """Return one field of a MATLAB structure of size 1 x 1.

    Parameters
    ----------
    structure : np.ndarray
        The structure, from :func:`read_mat`.
    name : str
        The field's name.
    path : Path
        The file, for the error message.

    Returns
    -------
    np.ndarray
        The field's value.

    Raises
    ------
    ValueError
        If there is no such field.
    """
    names = getattr(getattr(structure, "dtype", None), "names", None) or ()
    if name not in names or structure.size != 1:
        raise ValueError(f"The file {path} has no structure with {name} where it was expected.")
    return structure[name].item()


def label_map(labels: np.ndarray, path: Path) -> np.ndarray:
    """Check a map of numbered segments.

    Parameters
    ----------
    labels : np.ndarray
        The map, as the file stores it.
    path : Path
        The file, for the error message.

    Returns
    -------
    np.ndarray
        ``(H, W)``, whole numbers from 0 to 65535, of an integer type.

    Raises
    ------
    ValueError
        If the map has another shape or other values.
    """
    fits = isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.size > 0
    if fits and labels.dtype.kind == "f":
        fits = bool(np.isfinite(labels).all() and (labels == np.rint(labels)).all())
    if not fits or labels.dtype.kind not in "buif" or labels.min() < 0 or labels.max() > 65535:
        raise ValueError(f"The file {path} holds no map of numbered segments.")
    return labels if labels.dtype.kind == "u" else labels.astype(np.uint16)

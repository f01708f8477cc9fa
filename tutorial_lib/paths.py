"""Paths of bundled files and of the user's files; atomic writes; safe file names."""

from __future__ import annotations

import os
import secrets
import shutil
import unicodedata
from pathlib import Path

HOME_VARIABLE = "TUTORIAL_LIB_HOME"
DATA_VARIABLE = "TUTORIAL_LIB_DATA"

_PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """Return a folder that comes with the package.

    Parameters
    ----------
    name : str
        ``"assets"`` or ``"notebooks"``: a folder inside the package if it was installed from a
        wheel, and beside it in a checkout.

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
    """Whether the package runs from a checkout, where notebooks can be edited in place."""
    return not (_PACKAGE / "notebooks").is_dir()


def user_folder() -> Path:
    """Return the folder for autosaved clicks: ``TUTORIAL_LIB_HOME``, or the system's default."""
    if folder := os.environ.get(HOME_VARIABLE):
        return Path(folder)
    import platformdirs

    return Path(platformdirs.user_data_dir("tutorial_lib", appauthor=False))


def data_folder() -> Path | None:
    """Return the folder of datasets, ``TUTORIAL_LIB_DATA``, or None if that is not set."""
    folder = os.environ.get(DATA_VARIABLE)
    return Path(folder) if folder else None


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write the whole file, or nothing.

    The content is written to a hidden file beside the target and flushed to the disk. Only then it
    replaces the target. So after a full disk or a crash the old file is still there. Links are
    followed. Devices and pipes cannot be replaced, so they are written directly.

    Parameters
    ----------
    path : path
        The file to write. Its folder must exist.
    content : bytes
        The whole content.

    Raises
    ------
    OSError
        If it cannot be written. The target then stays as it was.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(content)
        return
    draft = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with draft.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if target.is_file():
            shutil.copymode(target, draft)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


#: Longest stem in bytes: most file systems allow 255 for a whole name with its extension.
LONGEST_STEM = 120
_RESERVED = frozenset(
    ("con", "prn", "aux", "nul", "conin$", "conout$")
    + tuple(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")
)
_INVISIBLE = frozenset(("Cc", "Cf", "Cn", "Cs", "Zl", "Zp"))  # control characters and similar
_JOINERS = "\u200c\u200d"  # Persian, Hindi and emoji need them


def safe_stem(name: str, default: str = "photo") -> str:
    """Turn any text into a safe file name without extension, which cannot leave its folder.

    Parameters
    ----------
    name : str
        Any text, such as the name of a class or of an uploaded file.
    default : str
        Used if nothing is left of the text.

    Returns
    -------
    str
        At most 120 bytes of UTF-8. It has no path separators, control characters or characters that
        Windows forbids, no dots or dashes at its start, and no dots or spaces at its end. It is
        never a name that Windows reserves. Letters of every script stay. A safe name is unchanged.

    Examples
    --------
    >>> safe_stem("../my photo: 1")
    'my photo- 1'
    """
    kept = "".join(
        "-" if letter in '/\\:*?"<>|' else letter
        for letter in unicodedata.normalize("NFC", str(name))
        if letter in _JOINERS or unicodedata.category(letter) not in _INVISIBLE
    )
    kept = _trim(kept) or default
    if kept.split(".")[0].rstrip().lower() in _RESERVED:
        kept = f"_{kept}"
    return _trim(kept.encode("utf-8")[:LONGEST_STEM].decode("utf-8", "ignore"))


def _trim(stem: str) -> str:
    return stem.strip().lstrip(".- ").rstrip(". ")

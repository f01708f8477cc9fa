"""Where things lie: assets and notebooks that come with the package, and the user's own files."""

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


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file whole or not at all.

    The content goes into a hidden file beside the target, then onto the disk, and only then takes
    the target's place. So a full disk or a dead process leaves what was there before. A link is
    followed. A device or a pipe is written directly, since nothing can take its place.

    Parameters
    ----------
    path : path
        The file to write; its folder must exist.
    content : bytes
        All of it.

    Raises
    ------
    OSError
        If it cannot be written; the target is as it was then.
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


#: Longest stem in bytes: most file systems allow 255 for a whole name, with its ending.
LONGEST_STEM = 120
_RESERVED = frozenset(
    ("con", "prn", "aux", "nul", "conin$", "conout$")
    + tuple(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")
)
_INVISIBLE = frozenset(("Cc", "Cf", "Cn", "Cs", "Zl", "Zp"))  # control characters and their like
_JOINERS = "\u200c\u200d"  # they shape letters of Persian and Hindi, and join emoji


def safe_stem(name: str, default: str = "photo") -> str:
    """Turn any text into the first part of a file's name: it stays in its folder.

    Parameters
    ----------
    name : str
        Any text, such as a class's name, or the name of an uploaded file without its ending.
    default : str
        What to take where nothing is left.

    Returns
    -------
    str
        At most 120 bytes of UTF-8, without separators of any system, control characters, characters
        that Windows forbids, dots or dashes in front, and dots or spaces at the end; never a name
        that Windows reserves. Letters of every script stay. A safe stem stays as it is.
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

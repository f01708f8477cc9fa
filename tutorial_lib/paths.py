"""Paths of bundled files and of the user's files; atomic writes; safe file names."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import unicodedata
from pathlib import Path

HOME_VARIABLE = "TUTORIAL_LIB_HOME"
DATA_VARIABLE = "TUTORIAL_LIB_DATA"
UPLOAD_VARIABLE = "TUTORIAL_LIB_MAX_UPLOAD"  # bytes that the server takes in one message

_PACKAGE = Path(__file__).resolve().parent


def checksum(path: Path, kind: str = "sha256") -> str:
    """Return the checksum of a file.

    Parameters
    ----------
    path : Path
        The file. It is read piece by piece, so it may be larger than the memory.
    kind : str
        A name of :mod:`hashlib`.

    Returns
    -------
    str
        Hexadecimal digits.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()


def bundled(name: str) -> Path:
    """Return a folder that comes with the package.

    Parameters
    ----------
    name : str
        ``"assets"`` or ``"notebooks"``. If the package was installed from a wheel, the folder is
        inside the package. In a checkout, it is beside the package.

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
    """Whether the package runs from a checkout.

    Returns
    -------
    bool
        If True, the bundled notebooks are under version control.
    """
    return not (_PACKAGE / "notebooks").is_dir()


def user_folder() -> Path:
    """Return the folder for autosaved clicks.

    Returns
    -------
    Path
        ``TUTORIAL_LIB_HOME``, or the system's default.
    """
    if folder := os.environ.get(HOME_VARIABLE):
        return Path(folder)
    import platformdirs

    return Path(platformdirs.user_data_dir("tutorial_lib", appauthor=False))


def data_folder() -> Path | None:
    """Return the folder of datasets.

    Returns
    -------
    Path or None
        ``TUTORIAL_LIB_DATA``, or None if that variable is not set.
    """
    folder = os.environ.get(DATA_VARIABLE)
    return Path(folder) if folder else None


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file completely or not at all.

    The content is written to a hidden file beside the target and flushed to the disk. Then this
    file replaces the target. So the old file survives a full disk or a crash. Links are followed.
    Devices and pipes cannot be replaced, so they are written directly.

    Parameters
    ----------
    path : path
        The file to write. Its folder must exist.
    content : bytes
        The whole content.

    Raises
    ------
    OSError
        If the file cannot be written. The target then does not change.
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


#: The longest stem, in bytes. Most file systems allow 255 bytes for a name with its extension.
LONGEST_STEM = 120
_RESERVED = frozenset(
    ("con", "prn", "aux", "nul", "conin$", "conout$")
    + tuple(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")
)
_INVISIBLE = frozenset(("Cc", "Cf", "Cn", "Cs", "Zl", "Zp"))  # control characters and similar
_JOINERS = "\u200c\u200d"  # Persian, Hindi and emoji need them


def safe_stem(name: str, default: str = "photo") -> str:
    """Turn any text into a safe file name without extension. The name cannot leave its folder.

    Parameters
    ----------
    name : str
        Any text, such as the name of a class or of an uploaded file.
    default : str
        The result if no character of the text is left.

    Returns
    -------
    str
        At most 120 bytes of UTF-8. It has no path separators, no control characters, and no
        characters that Windows forbids. It has no dots or dashes at the start, and no dots or
        spaces at the end. It is never a name that Windows reserves. Letters of every script stay.
        A safe name does not change.

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

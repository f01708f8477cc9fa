"""Check before long work that its output files can be written. So no work is lost."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def check_target(path: Path) -> None:
    """Raise an error if a file cannot be written.

    Parameters
    ----------
    path : Path
        The file. Neither it nor its folder needs to exist.

    Raises
    ------
    IsADirectoryError
        If there is a folder with that name.
    OSError
        If the folder cannot be created or is not writable, if the file is write-protected, or if it
        is not a regular file, such as a device. The message gives the reason.
    """
    with _one_sentence(path):
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()  # raises an error for names that no file can have
        if path.is_dir():
            raise IsADirectoryError(f"There is a folder {path}; name a file to be written.")
        if path.exists() and not path.is_file():
            raise OSError(f"There is a device or a pipe at {path}; name a file to be written.")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(f"The file {path} is write-protected; choose another name.")
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Raise an error if no file can be written in a folder.

    Parameters
    ----------
    folder : Path
        The folder for the files. It need not exist.

    Raises
    ------
    OSError
        If the folder, or a file in it, cannot be created. The message gives the reason.
    """
    with _one_sentence(folder):
        there = folder
        with suppress(FileNotFoundError, NotADirectoryError):
            there.lstat()
        while not there.exists() and there != there.parent:
            there = there.parent
        if not there.is_dir():
            raise NotADirectoryError(f"The file {there} is no folder, so nothing can be in it.")
        with tempfile.TemporaryFile(dir=there):
            pass


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise OSError(f"A file or folder cannot be named {str(path)!r}: {error}.") from None
    except OSError as error:
        if error.strerror is None:  # raised above, with its own message
            raise
        raise OSError(f"Nothing can be written to {path}: {error.strerror}.") from error


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths name the same existing file, also through links or other spellings.

    Parameters
    ----------
    one, other : Path
        The two paths.

    Returns
    -------
    bool
        False if one of the files does not exist.
    """
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False

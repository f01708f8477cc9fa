"""Check before long work that its output files can be written, so that no work is lost."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def check_target(path: Path) -> None:
    """Refuse a file that cannot be written.

    Parameters
    ----------
    path : Path
        The file. Neither it nor its folder needs to exist.

    Raises
    ------
    IsADirectoryError
        If there is a folder of that name.
    OSError
        If the folder cannot be made or written to, if the file is write-protected, or if it is no
        regular file, such as a device. The message says which.
    """
    with _one_sentence(path):
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()  # raises for names that no file can have
        if path.is_dir():
            raise IsADirectoryError(f"There is a folder {path}; name a file to be written.")
        if path.exists() and not path.is_file():
            raise OSError(f"There is a device or a pipe at {path}; name a file to be written.")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(f"The file {path} is write-protected; choose another name.")
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Refuse a folder in which no file can be written. It need not exist.

    Parameters
    ----------
    folder : Path
        Where files will be written.

    Raises
    ------
    OSError
        If the folder, or a file in it, cannot be made. The message says why.
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
        if error.strerror is None:  # raised above, with its own sentence
            raise
        raise OSError(f"Nothing can be written to {path}: {error.strerror}.") from error


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths name the same existing file, whatever their links and spelling."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False

"""Unpack zip and tar archives that come from elsewhere: nothing leaves the folder it goes to."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath


def unpack(archive: Path, folder: Path) -> list[str]:
    """Unpack an archive into a folder, all of it or nothing.

    It is unpacked beside its destination first and moved when it is complete. Files of the same
    name are replaced, others stay.

    Parameters
    ----------
    archive : Path
        A zip or tar file, compressed or not.
    folder : Path
        Where its contents go; made if it is missing.

    Returns
    -------
    list of str
        The names at the top of the archive, sorted.

    Raises
    ------
    ValueError
        If the archive cannot be read, or an entry is an absolute path, leaves the folder, links
        to outside, or is a device.
    OSError
        If the files cannot be written, for example because the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder) as place:
        fresh = Path(place)
        try:
            if archive.suffix.lower() == ".zip":
                _unpack_zip(archive, fresh)
            else:
                _unpack_tar(archive, fresh)
        except (zipfile.BadZipFile, tarfile.ReadError, zlib.error, EOFError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".: ")
            raise ValueError(
                f"The file {archive} is no archive that can be read ({reason}); delete it and "
                "fetch it again."
            ) from error
        except OSError as error:
            raise _failed(archive, folder, error) from error
        tops = sorted(entry.name for entry in fresh.iterdir())
        try:
            _move(fresh, folder)
        except OSError as error:
            raise _failed(archive, folder, error) from error
    return tops


def _failed(archive: Path, folder: Path, error: OSError) -> OSError:
    return OSError(
        f"The archive {archive} could not be unpacked into {folder}: {error.strerror or error}."
    )


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            _check_name(archive, entry.filename)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise _refused(archive, entry.filename, "is a link")
        content.extractall(folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    def checked(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        _check_name(archive, member.name)
        try:
            return tarfile.data_filter(member, path)
        except tarfile.FilterError as error:
            raise _refused(archive, member.name, "links outside or is a device") from error

    if not hasattr(tarfile, "data_filter"):
        raise ImportError("Unpacking tar archives safely needs Python 3.11.4 or newer.")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter=checked)


def _check_name(archive: Path, name: str) -> None:
    # A backslash separates folders on Windows alone: it has no business in a dataset.
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or "\\" in name:
        raise _refused(archive, name, "is an absolute path")
    if ".." in PurePosixPath(name).parts:
        raise _refused(archive, name, "leaves the folder it is unpacked to")


def _refused(archive: Path, name: str, fault: str) -> ValueError:
    return ValueError(f"The archive {archive} was not unpacked: its entry {name!r} {fault}.")


def _move(source: Path, target: Path) -> None:
    """Move everything below one folder to the same places below another."""
    for place, folders, names in os.walk(source):
        there = target / Path(place).relative_to(source)
        there.mkdir(exist_ok=True)
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*names, *links):
            Path(place, name).replace(there / name)

"""Unpack downloaded zip and tar archives safely: no file leaves the target folder."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import posixpath
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

# Photos hardly compress, lists of polygons compress to a tenth. A higher ratio means an attack.
MAX_RATIO = 100
ALWAYS_ALLOWED_BYTES = 100_000_000  # bytes that any archive may hold
MAX_UNPACKED_BYTES = 300_000_000_000
MAX_MEMBERS = 1_000_000

_BLOCK = 1 << 20
_PACKERS: dict[bytes, Callable[..., BinaryIO]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}


class RefusedArchiveError(ValueError):
    """Raised for an archive that must not be unpacked; the message says why."""


def unpack(archive: Path, folder: Path, check: Callable[[Path], object] | None = None) -> list[str]:
    """Unpack an archive into a folder, completely or not at all.

    The archive is first unpacked beside its destination. The complete contents are then moved.
    Files of the same name are replaced. Other files stay.

    Parameters
    ----------
    archive : Path
        A zip or tar file, compressed or not.
    folder : Path
        The destination. It is created if it is missing.
    check : callable, optional
        Called with the folder of unpacked files, before they are moved. If it raises an error,
        nothing is moved.

    Returns
    -------
    list of str
        The names at the top of the archive, sorted.

    Raises
    ------
    ValueError
        If the archive cannot be read, or is far larger when unpacked than its size suggests. Also
        if an entry is an absolute path, leaves the folder, links to outside, or is a device.
    OSError
        If the files cannot be written, for example because the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder) as place:
        fresh = Path(place)
        _unpack(archive, fresh, folder)
        if check is not None:
            check(fresh)
        tops = sorted(entry.name for entry in fresh.iterdir())
        try:
            _move(fresh, folder)
        except OSError as error:
            raise _failed(archive, folder, error) from error
    return tops


def _unpack(archive: Path, fresh: Path, folder: Path) -> None:
    try:
        (_unpack_zip if archive.suffix.lower() == ".zip" else _unpack_tar)(archive, fresh)
    except (RefusedArchiveError, ImportError):
        raise
    except OSError as error:
        if error.errno is None:  # decompressors raise OSError too
            raise _damaged(archive, error) from error
        raise _failed(archive, folder, error) from error
    except Exception as error:  # damaged headers raise errors of many types
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> ValueError:
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".: ")
    return ValueError(
        f"The file {archive} is no archive that can be read ({reason}); delete it and fetch it "
        "again."
    )


def _failed(archive: Path, folder: Path, error: OSError) -> OSError:
    return OSError(
        f"The archive {archive} could not be unpacked into {folder}: {error.strerror or error}."
    )


def _refused(archive: Path, reason: str) -> RefusedArchiveError:
    return RefusedArchiveError(f"The archive {archive} was not unpacked: {reason}.")


# -- how much an archive may hold ------------------------------------------------------------------


def _allowed(archive: Path) -> int:
    return min(MAX_UNPACKED_BYTES, max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * archive.stat().st_size))


def _check_bytes(archive: Path, count: int) -> None:
    if count > (allowed := _allowed(archive)):
        raise _refused(
            archive, f"it holds more than the {allowed:,} bytes that one of its size may hold"
        )


def _check_members(archive: Path, count: int) -> None:
    if count > MAX_MEMBERS:
        raise _refused(archive, f"it holds more than {MAX_MEMBERS:,} files")


class _Counted:
    """A stream that counts the bytes it reads, and raises an error at a limit."""

    def __init__(self, stream: BinaryIO, archive: Path) -> None:
        self._stream, self._archive, self._count = stream, archive, 0

    def read(self, size: int = _BLOCK) -> bytes:
        block = self._stream.read(min(size, _BLOCK))
        self._count += len(block)
        _check_bytes(self._archive, self._count)
        return block


# -- kinds of archives -----------------------------------------------------------------------------


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        entries = content.infolist()
        _check_members(archive, len(entries))
        _check_bytes(archive, sum(entry.file_size for entry in entries))
        for entry in entries:
            _check_name(archive, entry.filename)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise _refused(archive, f"its entry {entry.filename!r} is a link")
        content.extractall(folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    def checked(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        _check_name(archive, member.name)
        try:
            return tarfile.data_filter(member, path)
        except tarfile.FilterError as error:
            raise _refused(
                archive, f"its entry {member.name!r} links outside or is a device"
            ) from error

    if not hasattr(tarfile, "data_filter"):
        raise ImportError("Unpacking tar archives safely needs Python 3.11.4 or newer.")
    with _decompressed(archive) as plain:
        stream = _Counted(plain, archive)
        with tarfile.open(fileobj=stream, mode="r|") as content:
            content.extractall(folder, _members(archive, content), filter=checked)
        while stream.read():  # the checksum is at the end of the compressed data
            pass


def _decompressed(archive: Path) -> BinaryIO:
    with archive.open("rb") as stream:
        beginning = stream.read(8)
    packers = [packer for start, packer in _PACKERS.items() if beginning.startswith(start)]
    return packers[0](archive) if packers else archive.open("rb")


def _members(archive: Path, content: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    total, links = 0, set[str]()
    for count, member in enumerate(content, start=1):
        total += member.size
        _check_members(archive, count)
        _check_bytes(archive, total)
        _check_link(archive, member, links)
        yield member


def _check_link(archive: Path, member: tarfile.TarInfo, links: set[str]) -> None:
    """Refuse a path through an earlier link: some Python releases mishandle chains of links."""
    name = posixpath.normpath(member.name)
    paths = [name]
    if member.issym():
        paths.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname)))
    elif member.islnk():
        paths.append(posixpath.normpath(member.linkname))
    for path in paths:
        if links & {path, *map(str, PurePosixPath(path).parents)}:
            raise _refused(archive, f"its entry {member.name!r} goes through a link")
    if member.issym():
        links.add(name)


def _check_name(archive: Path, name: str) -> None:
    # A backslash separates folders only on Windows. No dataset needs one.
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or "\\" in name:
        raise _refused(archive, f"its entry {name!r} is an absolute path")
    if ".." in PurePosixPath(name).parts:
        raise _refused(archive, f"its entry {name!r} leaves the folder it is unpacked to")


def _move(source: Path, target: Path) -> None:
    """Move everything below one folder to the same places below another."""
    for place, folders, names in os.walk(source):
        there = target / Path(place).relative_to(source)
        there.mkdir(exist_ok=True)
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*names, *links):
            Path(place, name).replace(there / name)

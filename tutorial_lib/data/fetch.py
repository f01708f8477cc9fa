"""Download datasets from their homes: resumed, verified, unpacked without surprises."""

from __future__ import annotations

import hashlib
import http.client
import logging
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from tutorial_lib.data.archives import unpack
from tutorial_lib.data.catalogue import DATASETS, Archive

_LOG = logging.getLogger(__name__)
_BLOCK = 1 << 18
_ATTEMPTS = 4
_TIMEOUT = 60  # seconds without a byte


def fetch(
    name: str,
    root: str | Path,
    *,
    split: str | None = None,
    keep_archives: bool = True,
    progress: bool = True,
) -> Path:
    """Download a dataset and unpack it, ready for ``load_dataset(name, root)``.

    An interrupted download goes on where it stopped, in this call or the next. A file you put into
    ``root`` by hand is taken instead of a download. What is complete is not fetched again.

    Checksums that well-known projects document are in the catalogue and must match. Where there is
    none, the first download is trusted: its SHA-256 is logged and written to
    ``<archive>.sha256``, and every later one has to match that file (trust on first use).

    Parameters
    ----------
    name : str
        One of :data:`~tutorial_lib.data.catalogue.DATASETS`.
    root : str or Path
        Where the dataset goes; made if it is missing.
    split : str, optional
        Which part of a dataset whose splits are separate downloads: duts and coco. By default the
        first of them.
    keep_archives : bool
        Keep the downloaded archives beside what they held.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        ``root``.

    Raises
    ------
    ValueError
        If the dataset has no download, a checksum does not match, or an archive is damaged or
        would write outside ``root``.
    ConnectionError
        If the download fails; the text says where to put the file by hand.

    Notes
    -----
    Please read ``DATASETS[name].terms``: fetching a dataset is agreeing to them.
    """
    if name not in DATASETS:
        raise ValueError(f"The datasets are {', '.join(DATASETS)}; there is no {name!r}.")
    folder = Path(root).expanduser()
    for archive in _wanted(name, split):
        path = folder / archive.file_name
        if not _unpacked(path):
            _fetch_one(archive, path, progress)
            tops = unpack(path, folder)
            _marker(path).write_text("\n".join(tops) + "\n", "utf-8")
        if not keep_archives:
            path.unlink(missing_ok=True)
    return folder


def _wanted(name: str, split: str | None) -> list[Archive]:
    archives = DATASETS[name].archives
    if not archives:
        raise ValueError(f"The dataset {name} has no download: {DATASETS[name].how_to_get('')}.")
    splits = list(dict.fromkeys(archive.split for archive in archives if archive.split))
    if splits and split is None:
        split = splits[0]
    if splits and split not in splits:
        raise ValueError(f"The downloads of {name} are {', '.join(splits)}, not {split!r}.")
    return [archive for archive in archives if archive.split in (None, split)]


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.unpacked")


def _unpacked(path: Path) -> bool:
    """Whether an archive was unpacked before and everything at its top is still there."""
    marker = _marker(path)
    tops = marker.read_text("utf-8").split("\n")[:-1] if marker.is_file() else []
    return bool(tops) and all((path.parent / top).exists() for top in tops)


def _fetch_one(archive: Archive, path: Path, progress: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        part = path.with_name(f"{path.name}.part")
        download(archive.url, part, progress=progress, by_hand=path)
        _verify(archive, part, path)
        part.replace(path)
    else:
        _verify(archive, path, path)


def _verify(archive: Archive, downloaded: Path, path: Path) -> None:
    with downloaded.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    note = path.with_name(f"{path.name}.sha256")
    known = archive.sha256
    if known is None and note.is_file():
        known = note.read_text("utf-8").split()[0]
    if known is None:
        _LOG.warning("%s: nobody documents a checksum; trusting SHA-256 %s.", path.name, found)
        note.write_text(f"{found}  {path.name}\n", "utf-8")
    elif found != known:
        advice = f"delete {path} and fetch again"
        if downloaded != path:
            downloaded.unlink()  # resuming it could never succeed
            advice = "it was deleted, so fetch again, or ask its home whether it has changed"
        raise ValueError(
            f"The file {path.name} from {archive.url} has SHA-256 {found}, but {known} was "
            f"expected; {advice}."
        )


def download(url: str, part: Path, *, by_hand: Path, progress: bool = True) -> None:
    """Download one file, going on where an earlier attempt stopped.

    Parameters
    ----------
    url : str
        Its address, ``http`` or ``https``.
    part : Path
        Where the bytes go; what is there already is kept, if the server still has the same file.
    by_hand : Path
        Where the user may put the file instead, for the error.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ConnectionError
        If it fails: no network, no such file, or a connection that keeps breaking.
    """
    reason = ""
    for _ in range(_ATTEMPTS):
        before = _size(part)
        try:
            if _receive(url, part, progress):
                _tag(part).unlink(missing_ok=True)
                return
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            reason = f"the server answered {error.code} {error.reason}"
        except urllib.error.URLError as error:
            reason = str(error.reason)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
        anew = before and not _size(part)  # what was there turned out to be of no use
        if not anew and _size(part) <= before:
            break  # no byte arrived: waiting for more is hopeless
    raise ConnectionError(
        f"Could not download {url} ({reason.rstrip('.')}); call fetch again to go on, or get the "
        f"file on another machine and put it at {by_hand}."
    )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _tag(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _receive(url: str, part: Path, progress: bool) -> bool:
    """Receive what is missing of a file; False if the connection ended before its end."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"User-Agent": "tutorial_lib"})
    if have and _tag(part).is_file():
        # A file that changed meanwhile comes from its beginning: halves of two are worth nothing.
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", _tag(part).read_text("utf-8"))
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        if error.headers.get("Content-Range", "").endswith(f"/{have}"):
            return True  # it was complete already
        part.unlink()
        return False
    with response:
        resumed = response.status == 206
        span = response.headers.get("Content-Range", "")
        if resumed and not span.startswith(f"bytes {have}-"):
            raise http.client.HTTPException("the server sent another part than was asked for")
        if not resumed:
            _remember(part, response.headers)
        length = response.headers.get("Content-Length")
        total = None if length is None else int(length) + (have if resumed else 0)
        with part.open("ab" if resumed else "wb") as out:
            _copy(response, out, total, part.stem, progress)
        return total is None or _size(part) == total


def _remember(part: Path, headers: http.client.HTTPMessage) -> None:
    """Keep what identifies the file on the server; without that it cannot be resumed safely."""
    tag = headers.get("ETag", "")
    tag = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
    if tag:
        _tag(part).write_text(tag, "utf-8")
    else:
        _tag(part).unlink(missing_ok=True)


def _copy(
    response: http.client.HTTPResponse,
    out: BinaryIO,
    total: int | None,
    label: str,
    progress: bool,
) -> None:
    from tqdm.auto import tqdm

    with tqdm(
        total=total, initial=out.tell(), desc=label, unit="B", unit_scale=True,
        disable=not progress,
    ) as bar:  # fmt: skip
        while block := response.read(_BLOCK):
            out.write(block)
            bar.update(len(block))

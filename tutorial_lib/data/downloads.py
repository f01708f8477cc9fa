"""Download one file, and resume an interrupted download."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

_BLOCK = 1 << 18
_ATTEMPTS = 4
_TIMEOUT = 60  # seconds without a byte


def download(url: str, part: Path, *, by_hand: Path, progress: bool = True) -> None:
    """Download one file, or resume an interrupted download.

    Parameters
    ----------
    url : str
        The address, ``http`` or ``https``.
    part : Path
        The file to write to. Bytes that it already has are kept if the server still has the same
        file.
    by_hand : Path
        The place where the user can put the file by hand. The error message names it.
    progress : bool
        Whether to show a progress bar.

    Raises
    ------
    ConnectionError
        If the download fails: no network, no such file, or a connection that breaks repeatedly.
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
        anew = before and not _size(part)  # the old bytes were discarded
        if not anew and _size(part) <= before:
            break  # no byte arrived, so another attempt would not help
    raise ConnectionError(
        f"Could not download {url} ({reason.rstrip('.')}); call fetch again to go on, or get the "
        f"file on another machine and put it at {by_hand}."
    )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _tag(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _receive(url: str, part: Path, progress: bool) -> bool:
    """Receive the rest of a file; return False if the connection ends too early."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"User-Agent": "tutorial_lib"})
    if have and _tag(part).is_file():
        # A file that has changed since is sent from its start. Two half files cannot be combined.
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", _tag(part).read_text("utf-8"))
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        if error.headers.get("Content-Range", "").endswith(f"/{have}"):
            return True  # the file was already complete
        part.unlink()
        return False
    with response:
        resumed = response.status == 206
        span = response.headers.get("Content-Range", "")
        if resumed and not span.startswith(f"bytes {have}-"):
            raise http.client.HTTPException("the server sent another part than was asked for")
        first = response.read(_BLOCK)
        if not resumed:
            if is_page(first):  # the bytes received before stay valid
                raise http.client.HTTPException(
                    "the server sent a web page instead of the file, such as a login"
                )
            _remember(part, response.headers)
        length = response.headers.get("Content-Length")
        total = None if length is None else int(length) + (have if resumed else 0)
        with part.open("ab" if resumed else "wb") as out:
            _copy(first, response, out, total, part.stem, progress)
        return total is None or _size(part) == total


def is_page(beginning: bytes) -> bool:
    """Return whether a file is a web page, such as a login page or the page of a broken link.

    Parameters
    ----------
    beginning : bytes
        The first bytes of the file. A few hundred are enough.

    Returns
    -------
    bool
        True for a web page. It is never true for an archive.
    """
    text = beginning[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<!--", b"<script"))


def _remember(part: Path, headers: http.client.HTTPMessage) -> None:
    """Store the identity of the file on the server, which resuming needs."""
    tag = headers.get("ETag", "")
    tag = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
    if tag:
        _tag(part).write_text(tag, "utf-8")
    else:
        _tag(part).unlink(missing_ok=True)


def _copy(
    block: bytes,
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
        while block:
            out.write(block)
            bar.update(len(block))
            block = response.read(_BLOCK)

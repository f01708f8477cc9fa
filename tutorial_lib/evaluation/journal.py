"""A file that remembers every finished piece of work, so that nothing is lost when a run is killed.

One line of JSON a piece, appended and forced to the disk before the next. What a kill can damage is
the line being written: a last line without an end is dropped when the journal is opened again.

The first line says what the run was made from, and each record what its own answers were made from.
A run goes on only with the same: a figure never mixes two sources.
"""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Mapping
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any

_FORMAT = 2  # 1 had no such entry, and did not say what its answers were made from
_INFORMATION = {"commit"}  # what may differ: the hash of the source says more
_GIVE_UP = "choose another --out, or delete that file to give the run up"


class Journal:
    """Finished records of one run with fixed settings.

    Parameters
    ----------
    path : Path, optional
        The journal's file; opened where it exists, begun where not. None keeps nothing.
    settings : dict
        What all records depend on, JSON-ready: under ``"made_from"`` what
        :func:`tutorial_lib.evaluation.provenance.made_from` returns, and whatever else. A journal
        of other settings is not touched.

    Attributes
    ----------
    records : list of dict
        What was appended, now or by an earlier run.
    interrupted : dict or None
        The piece an earlier run had begun when its process died.

    Raises
    ------
    ValueError
        If the file belongs to a run with other settings, is no journal, or is damaged; the text
        says what differs, or where.
    OSError
        If it cannot be written.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        self.path = path
        self.records: list[dict[str, Any]] = []
        self.interrupted: dict[str, Any] | None = None
        self._file: RawIOBase | None = None
        self._end = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            *whole, torn = path.read_bytes().split(b"\n") if path.exists() else [b""]
            if whole:
                self._check(whole[0], settings)
                self.records = [
                    self._record(line, number) for number, line in enumerate(whole[1:], start=2)
                ]
                self.interrupted = _begun(torn)
            self._file = path.open("ab", buffering=0)
            self._end = sum(len(line) + 1 for line in whole)
            self._file.truncate(self._end)
            if not whole:
                self._write({"journal": _FORMAT, **settings})

    def _check(self, first_line: bytes, settings: dict[str, Any]) -> None:
        begun = _parsed(first_line)
        if not isinstance(begun, dict) or not begun.keys() & {"journal", "robot"}:
            raise ValueError(
                f"The file {self.path} is no journal of an evaluation; choose another --out."
            )
        if begun.get("journal") != _FORMAT:
            raise ValueError(
                f"The journal {self.path} keeps an unfinished run of another version of this "
                f"package, which did not record what its answers were made from: {_GIVE_UP}."
            )
        for key in settings.keys() - {"made_from", *_INFORMATION}:
            self._compare(key, begun.get(key), settings[key])
        source = begun.get("made_from")
        self._compare_source(source if isinstance(source, dict) else {}, settings["made_from"])

    def _compare(self, what: str, old: Any, new: Any) -> None:
        if old != new:
            raise ValueError(
                f"The journal {self.path} keeps an unfinished run with {what} {old!r}, this one "
                f"has {new!r}: {_GIVE_UP}."
            )

    def _compare_source(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        if old.get("library") != new["library"]:
            raise ValueError(
                f"The journal {self.path} keeps an unfinished run whose answers were made with "
                f"other code of tutorial_lib: go back to that code, {_GIVE_UP}."
            )
        packages = old.get("packages")
        versions = packages if isinstance(packages, dict) else {}
        for name in sorted({*versions, *new["packages"]}):
            self._compare(name, versions.get(name), new["packages"].get(name))

    def _record(self, line: bytes, number: int) -> dict[str, Any]:
        record = _parsed(line)
        if not _is_record(record):
            raise ValueError(
                f"Line {number} of {self.path} is damaged: delete that line, and its object is "
                "computed again; or choose another --out."
            )
        return record

    def check(self, record: Mapping[str, Any], made_from: Mapping[str, Any]) -> None:
        """Refuse a record whose answers were made from something else than they would be now.

        Parameters
        ----------
        record : mapping
            One of :attr:`records`.
        made_from : mapping
            What it would be made from now: ``"data"`` and ``"source"``, hashes; ``"files"``, a hash
            for each option that names a file; ``"precision"``.

        Raises
        ------
        ValueError
            If they differ; the text says in what.
        """
        old = record["made_from"]
        who, on = record["method"], record["id"]
        said = {
            "data": f"on {on}, whose photo or mask has changed since",
            "source": f"of the method {who}, whose code has changed since",
            "files": f"of the method {who}, whose files, such as weights, have changed since",
            "precision": f"of the method {who} in another precision than this machine's",
        }
        for key, text in said.items():
            if old.get(key) != made_from[key]:
                raise ValueError(
                    f"The journal {self.path} keeps answers {text}: put back what was there, or "
                    f"{_GIVE_UP}."
                )

    def begin(self, piece: Mapping[str, Any]) -> None:
        """Note which piece is in work: the beginning of its line, without an end.

        Parameters
        ----------
        piece : mapping
            Its ``"id"``, ``"method"`` and ``"options"``.
        """
        if self._file is not None:
            self._put(_text(piece)[:-1])

    def append(self, record: dict[str, Any]) -> None:
        """Keep a finished record; it is on the disk when this returns.

        Raises
        ------
        OSError
            If it cannot be written; what was kept before stays.
        """
        self._write(record)
        self.records.append(record)

    def _write(self, record: dict[str, Any]) -> None:
        if self._file is None:
            return
        line = _text(record) + b"\n"
        self._put(line)
        self._end += len(line)

    def _put(self, text: bytes) -> None:
        """Write a text behind the last whole line, in place of what was begun there."""
        try:
            self._file.truncate(self._end)
            if self._file.write(text) != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if text.endswith(b"\n"):
                os.fsync(self._file.fileno())
        except OSError as error:
            raise OSError(
                f"The journal {self.path} cannot be written ({error.strerror}); everything that "
                "was finished before is kept, and the same command goes on there."
            ) from error

    def close(self) -> None:
        """Close the file; it stays where it is, with its whole lines."""
        if self._file is not None and not self._file.closed:
            try:
                self._file.truncate(self._end)
            finally:
                self._file.close()

    def remove(self) -> None:
        """Close the journal and delete it: its records are kept elsewhere now."""
        self.close()
        if self.path is not None:
            self.path.unlink()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _text(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _parsed(line: bytes) -> Any:
    """Return the value of a line of JSON, or None for anything else."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # a value of a hundred thousand brackets is JSON, too
        return None


def _begun(torn: bytes) -> dict[str, Any] | None:
    """Read which piece was in work when its process died, from the line it left without an end."""
    piece = _parsed(torn + b"}")
    return (
        piece if isinstance(piece, dict) and piece.keys() == {"id", "method", "options"} else None
    )


def _is_record(record: Any) -> bool:
    """Whether this is a finished piece of work: whole, and of the right types."""
    kinds = {"id": str, "method": str, "options": dict, "made_from": dict}
    if not isinstance(record, dict) or not all(
        isinstance(record.get(key), kind) for key, kind in kinds.items()
    ):
        return False
    if "failed" in record:
        return isinstance(record["failed"], str)
    columns = [record.get(key) for key in ("clicks", "iou", "ms_clicks")]
    if not all(isinstance(column, list) and column for column in columns):
        return False
    clicks, ious, times = columns
    return (
        len(clicks) == len(ious) == len(times)
        and all(map(_is_click, clicks))
        and all(_is_number(value) and value <= 1 for value in ious)
        and all(map(_is_number, [*times, record.get("ms_prepare")]))
        and isinstance(record.get("precision"), str)
    )


def _is_click(click: Any) -> bool:
    return isinstance(click, list) and [type(value) for value in click] == [int, int, bool]


def _is_number(value: Any) -> bool:
    """Whether this is a finite number, and not negative."""
    return type(value) in (int, float) and 0 <= value < math.inf

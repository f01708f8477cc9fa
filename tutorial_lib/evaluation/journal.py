"""A file that keeps the record of every finished job, so that a killed evaluation loses nothing.

Each record is a line of JSON, which is on the disk before the next job begins. A kill can damage
only the line that is being written: a last line without an end is dropped when the journal is
opened again.

The first line says what the run is made from, and each record what its own answers are made from.
A run continues only if nothing has changed, so that a figure never mixes two sources.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tutorial_lib.evaluation.jobs import Answered, Failed, JobName
from tutorial_lib.evaluation.records import to_plain

_FORMAT = 2  # journals of format 1 did not say what their answers are made from
_MAY_DIFFER = {"commit"}  # the hash of the source says more
_GIVE_UP = "choose another --out, or delete that file to give the run up"
_RECORD: TypeAdapter[Answered | Failed] = TypeAdapter(Answered | Failed)


class Journal:
    """The finished records of one run with fixed settings.

    Parameters
    ----------
    path : Path, optional
        The journal's file. It is opened if it exists, and begun if not. None keeps nothing.
    settings : dict
        What all records depend on, ready for JSON: under ``"made_from"`` what
        :func:`tutorial_lib.evaluation.provenance.made_from` returns, and anything else. A journal
        with other settings is left as it is.

    Attributes
    ----------
    records : list of Answered or Failed
        What was appended, now or by an earlier run.
    interrupted : JobName or None
        The job that an earlier run had begun when its process died.

    Raises
    ------
    ValueError
        If the file belongs to a run with other settings, is no journal, or is damaged. The message
        says what differs, or where the damage is.
    OSError
        If the file cannot be written.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        self.path = path
        self.records: list[Answered | Failed] = []
        self.interrupted: JobName | None = None
        self._file: RawIOBase | None = None
        self._end = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            *whole, torn = path.read_bytes().split(b"\n") if path.exists() else [b""]
            if whole:
                self._check_settings(whole[0], settings)
                self.records = [
                    self._record(line, number) for number, line in enumerate(whole[1:], start=2)
                ]
                self.interrupted = _begun(torn)
            self._file = path.open("ab", buffering=0)
            self._end = sum(len(line) + 1 for line in whole)
            self._file.truncate(self._end)
            if not whole:
                self._write({"journal": _FORMAT, **settings})

    def _check_settings(self, first_line: bytes, settings: dict[str, Any]) -> None:
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
        for key in settings.keys() - {"made_from", *_MAY_DIFFER}:
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

    def _record(self, line: bytes, number: int) -> Answered | Failed:
        try:
            return _RECORD.validate_python(_parsed(line))
        except ValidationError:
            raise ValueError(
                f"Line {number} of {self.path} is damaged: delete that line, and its object is "
                "computed again; or choose another --out."
            ) from None

    def check(self, record: Answered | Failed, made_from: Mapping[str, Any]) -> None:
        """Refuse a record whose answers are made from something else than they would be now.

        Parameters
        ----------
        record : Answered or Failed
            One of :attr:`records`.
        made_from : mapping
            What it would be made from now: ``"data"`` and ``"source"``, hashes; ``"files"``, a hash
            for each option that names a file; ``"precision"``.

        Raises
        ------
        ValueError
            If they differ. The message says in what.
        """
        method = record.method
        answers = {
            "data": f"on {record.id}, whose photo or mask has changed since",
            "source": f"of the method {method}, whose code has changed since",
            "files": f"of the method {method}, whose files, such as weights, have changed since",
            "precision": f"of the method {method} in another precision than this machine's",
        }
        for key, text in answers.items():
            if record.made_from.get(key) != made_from[key]:
                raise ValueError(
                    f"The journal {self.path} keeps answers {text}: put back what was there, or "
                    f"{_GIVE_UP}."
                )

    def begin(self, job: JobName) -> None:
        """Note which job is running: its line is begun, but not ended."""
        if self._file is not None:
            self._put(_text(to_plain(job))[:-1])

    def append(self, record: Answered | Failed) -> None:
        """Keep a finished record. It is on the disk when this method returns.

        Raises
        ------
        OSError
            If the record cannot be written. Earlier records stay.
        """
        self._write(to_plain(record))
        self.records.append(record)

    def _write(self, content: dict[str, Any]) -> None:
        if self._file is None:
            return
        line = _text(content) + b"\n"
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
        """Close the file. It stays where it is, with its whole lines."""
        if self._file is not None and not self._file.closed:
            try:
                self._file.truncate(self._end)
            finally:
                self._file.close()

    def remove(self) -> None:
        """Close the journal and delete its file: the records are in the results now."""
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


def _text(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _parsed(line: bytes) -> Any:
    """Return the value of a line of JSON, or None for anything else."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # a hundred thousand brackets are JSON, too
        return None


def _begun(torn: bytes) -> JobName | None:
    """Read the job that was running when its process died, from the line that has no end."""
    try:
        return JobName.model_validate(_parsed(torn + b"}"))
    except ValidationError:
        return None

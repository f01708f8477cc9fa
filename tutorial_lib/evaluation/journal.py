"""A file that remembers every finished piece of work, so that nothing is lost when a run is killed.

One line of JSON a piece, appended and forced to the disk before the next. What a kill can damage is
the line being written: a last line without an end is dropped when the journal is opened again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO


class Journal:
    """Finished records of one run with fixed settings.

    Parameters
    ----------
    path : Path, optional
        The journal's file; opened where it exists, begun where not. None keeps nothing.
    settings : dict
        What the records depend on, JSON-ready. A journal of other settings is not touched.

    Raises
    ------
    ValueError
        If the file belongs to a run with other settings, or is no journal; the text says what
        differs.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        self.path = path
        self.records: list[dict[str, Any]] = []
        self._file: BinaryIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = _whole_lines(path)
            if whole:
                self._check(whole[0], settings)
                self.records = [json.loads(line) for line in whole[1:]]
            self._file = path.open("ab")
            self._file.truncate(sum(len(line) for line in whole))
            if not whole:
                self._write(settings)

    def _check(self, first_line: bytes, settings: dict[str, Any]) -> None:
        try:
            begun = json.loads(first_line)
        except json.JSONDecodeError:
            begun = None
        if not isinstance(begun, dict):
            raise ValueError(f"{self.path} is no journal of an evaluation; choose another --out.")
        differing = [key for key in settings if begun.get(key) != settings[key]]
        if differing:
            key = differing[0]
            raise ValueError(
                f"{self.path} keeps an unfinished run with {key} {begun.get(key)!r}, this one has "
                f"{settings[key]!r}: choose another --out, or delete that file to give the run up."
            )

    def append(self, record: dict[str, Any]) -> None:
        """Keep a finished record; it is on the disk when this returns."""
        self._write(record)
        self.records.append(record)

    def _write(self, record: dict[str, Any]) -> None:
        if self._file is None:
            return
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; it stays where it is."""
        if self._file is not None:
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


def _whole_lines(path: Path) -> list[bytes]:
    """Return the lines that were written to their end; none if there is no file."""
    if not path.exists():
        return []
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]

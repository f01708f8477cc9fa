"""Every change of every session on a photo, kept at the end of one file.

A change is one short line, so it takes the same time after a thousand clicks as after the first.
Nothing that stands in the file is ever written over: a second session on the same photo, a full
disk or a killed kernel leave what was there.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tutorial_lib.click_log import Log, dump, fields_of, read_logs
from tutorial_lib.clicks import Click, Clicks


class Autosave:
    """One session's part of the file, and what earlier ones left there.

    Parameters
    ----------
    path : Path
        The file; it is made at the first change.
    sha256 : str
        The photo's fingerprint.

    Attributes
    ----------
    kept : list of dict
        The click logs of earlier sessions on this photo that hold a click; those with the most
        clicks first, and of equal ones the latest.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        self._path, self._session = path, secrets.token_hex(8)
        self._known: tuple[dict[str, Any], Clicks] | None = None  # what the file knows of this one
        self._continues: str | None = None
        try:
            logs = read_logs(path)
        except ValueError:  # no file yet, or an unreadable one: never in the way of new work
            logs = []
        self.kept = [log for log in logs if log["clicks"] and log["image"]["sha256"] == sha256]

    def continue_from(self, log: Log) -> None:
        """Take over from one of the kept logs, which nobody has to be offered again."""
        self._continues, self._known = log["session"], None

    def write(
        self,
        about: Mapping[str, Any],
        clicks: Clicks,
        moment: Callable[[Click], float | None],
    ) -> None:
        """Write what has changed since the last time, at the end of the file.

        Parameters
        ----------
        about : mapping
            The rest of the session's click log: photo, method, options.
        clicks : Clicks
            The present clicks.
        moment : callable
            ``moment(click)`` says when one of them was made.

        Raises
        ------
        OSError
            If the file cannot be written; all that it held stays.
        """
        whole = self._known is None or self._known[0] != about
        keep = 0 if whole else _common(self._known[1], clicks)
        entry = {"session": self._session} if not whole else {**about, "session": self._session}
        if whole and self._continues:
            entry["continues"] = self._continues
        if not whole:
            entry["keep"] = keep
        entry |= fields_of(clicks)
        entry["clicks"] = entry["clicks"][keep:]
        entry["seconds"] = [moment(click) for click in clicks[keep:]]
        self._append(dump(entry).encode())
        self._known = (dict(about), clicks)

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":  # a line that was cut short, or a file of version 1.0
                    line = b"\n" + line
            stream.write(line + b"\n")


def _common(first: Clicks, second: Clicks) -> int:
    """Return how many clicks two sequences begin with in common."""
    count = min(len(first), len(second))
    if first.items[:count] == second.items[:count]:
        return count
    pairs = zip(first, second, strict=False)
    return next(place for place, (one, other) in enumerate(pairs) if one != other)

"""Save every change of every session on a photo at the end of one file.

A change is one short line, so saving takes as long after a thousand clicks as after one. Nothing in
the file is ever overwritten. So a second session on the same photo, a full disk or a killed kernel
destroy nothing.
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
    """The file of a photo: one session writes to it, and reads what earlier sessions saved.

    Parameters
    ----------
    path : Path
        The file. It is made at the first change.
    sha256 : str
        The photo's fingerprint.

    Attributes
    ----------
    kept : list of dict
        The click logs of earlier sessions on this photo that have a click. Those with the most
        clicks come first, and of logs with equally many the latest.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        self._path, self._session = path, secrets.token_hex(8)
        self._known: tuple[dict[str, Any], Clicks] | None = None  # header and clicks in the file
        self._continues: str | None = None
        try:
            logs = read_logs(path)
        except ValueError:  # no file yet, or an unreadable one, which must not prevent new work
            logs = []
        self.kept = [log for log in logs if log["clicks"] and log["image"]["sha256"] == sha256]

    def continue_from(self, log: Log) -> None:
        """Go on from one of the kept logs, which is then not offered again."""
        self._continues, self._known = log["session"], None

    def write(
        self,
        header: Mapping[str, Any],
        clicks: Clicks,
        seconds_of: Callable[[Click], float | None],
    ) -> None:
        """Append to the file what has changed since the last call.

        Parameters
        ----------
        header : mapping
            The rest of the click log: photo, method, options.
        clicks : Clicks
            The present clicks.
        seconds_of : callable
            ``seconds_of(click)`` returns the time of a click in seconds, or None.

        Raises
        ------
        OSError
            If the file cannot be written. Its contents stay.
        """
        whole = self._known is None or self._known[0] != header
        keep = 0 if whole else _common(self._known[1], clicks)
        entry = {"session": self._session} if not whole else {**header, "session": self._session}
        if whole and self._continues:
            entry["continues"] = self._continues
        if not whole:
            entry["keep"] = keep
        entry |= fields_of(clicks)
        entry["clicks"] = entry["clicks"][keep:]
        entry["seconds"] = [seconds_of(click) for click in clicks[keep:]]
        self._append(dump(entry).encode())
        self._known = (dict(header), clicks)

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":  # a truncated line, or a file of version 1.0
                    line = b"\n" + line
            stream.write(line + b"\n")


def _common(first: Clicks, second: Clicks) -> int:
    """Return the number of clicks at the start that two sequences have in common."""
    count = min(len(first), len(second))
    if first.items[:count] == second.items[:count]:
        return count
    pairs = zip(first, second, strict=False)
    return next(place for place, (one, other) in enumerate(pairs) if one != other)

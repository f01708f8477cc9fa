"""Append every change of every session on a photo to one file.

A change is one short line. So saving after a thousand clicks is as fast as after one click. Nothing
in the file is ever overwritten. So a second session on the same photo, a full disk or a killed
kernel destroys nothing.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tutorial_lib.click_log import Log, clicks_of, dump, fields_of, objects_of, read_logs
from tutorial_lib.clicks import Clicks, Mark


class Autosave:
    """The autosave file of a photo. One session appends to it, and reads earlier sessions from it.

    Parameters
    ----------
    path : Path
        The file. It is created at the first change.
    sha256 : str
        The photo's fingerprint.

    Attributes
    ----------
    kept : list of dict
        The click logs of earlier sessions on this photo in which somebody said anything. They are
        sorted by the number of clicks, the most first. Among logs with equal numbers, the latest
        comes first.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        self._path, self._session = path, secrets.token_hex(8)
        self._known: tuple[dict[str, Any], Clicks] | None = None  # header and clicks in the file
        self._continues: str | None = None
        try:
            logs = read_logs(path)
        except ValueError:  # a missing or unreadable file must not prevent new work
            logs = []
        self.kept = [log for log in logs if _holds_work(log) and log["image"]["sha256"] == sha256]

    def continue_from(self, log: Log) -> None:
        """Continue one of the kept logs, which is then not offered again.

        Parameters
        ----------
        log : dict
            One of :attr:`kept`.
        """
        self._continues, self._known = log["session"], None

    def write(
        self,
        header: Mapping[str, Any],
        clicks: Clicks,
        seconds_of: Callable[[Mark], float | None],
    ) -> None:
        """Append the changes since the last call to the file.

        Parameters
        ----------
        header : mapping
            The rest of the click log: photo, method, options.
        clicks : Clicks
            The current clicks.
        seconds_of : callable
            ``seconds_of(mark)`` returns the time of a click or stroke in seconds, or None.

        Raises
        ------
        OSError
            If the file cannot be written. Its contents do not change.
        """
        whole = self._known is None or self._known[0] != header
        keep = 0 if whole else _shared(self._known[1].items, clicks.items)
        entry = {"session": self._session} if not whole else {**header, "session": self._session}
        if whole and self._continues:
            entry["continues"] = self._continues
        if not whole:
            entry["keep"] = keep
        fields = fields_of(clicks, keep)
        if not whole and "touch_ups" in fields:
            before = fields_of(self._known[1]).get("touch_ups", [])
            kept = _shared(before, fields["touch_ups"])
            fields |= {"kept_touch_ups": kept, "touch_ups": fields["touch_ups"][kept:]}
        entry |= fields
        entry["seconds"] = [seconds_of(mark) for mark in clicks[keep:]]
        self._append(dump(entry).encode())
        self._known = (dict(header), clicks)

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":  # a truncated line, or version 1.0
                    line = b"\n" + line
            stream.write(line + b"\n")


def _holds_work(log: Log) -> bool:
    return any(clicks_of(each).actions for _, _, each in objects_of(log))


def _shared(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Return the number of entries at the start that both sequences share."""
    count = min(len(first), len(second))
    if first[:count] == second[:count]:
        return count
    pairs = zip(first, second, strict=False)
    return next(place for place, (one, other) in enumerate(pairs) if one != other)

"""Read people's click logs, and compare each click with the errors that the person saw.

The robot ``human`` is fitted to such clicks, see :mod:`tutorial_lib.users.fitting`. The logs are
those that :class:`tutorial_lib.session.Session` exports, and those that a study's report writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.click_log import read_log
from tutorial_lib.clicks import Click
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.session import Session
from tutorial_lib.users.fitting import ObservedClick, observe
from tutorial_lib.working_photo import WorkingPhoto


@dataclass(frozen=True)
class ObservedLogs:
    """What people's click logs say about where people click.

    Parameters
    ----------
    clicks : tuple of ObservedClick
        Each click of the logs, compared with the errors that the person saw.
    logs : int
        Number of logs that were used.
    bad : dict of str to str
        The reason for each log that was left out, by its path.
    """

    clicks: tuple[ObservedClick, ...]
    logs: int
    bad: dict[str, str]


def read_observed(
    paths: Iterable[str | Path],
    examples: Iterable[Example],
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> ObservedLogs:
    """Read click logs, and compare each click with the errors that the person saw.

    Parameters
    ----------
    paths : iterable of str or Path
        Click logs, and folders that hold files ``...-clicks.json`` at any depth.
    examples : iterable of Example
        The photos and their known masks. They are read one after the other. A log belongs to the
        example with the same photo, or with another copy of it if there is no exact one. If several
        objects lie in one photo, the name of the log must be the object's ``id``.
    options : mapping of str to mapping, optional
        Options of methods, by name, which a log cannot set:
        ``{"dos": {"weights": "own.safetensors"}}``.

    Returns
    -------
    ObservedLogs
        For :func:`tutorial_lib.users.fitting.fit_human`. A log that cannot be read, replayed or
        matched with an example is left out, with the reason.

    Raises
    ------
    FileNotFoundError
        If there is no log.
    """
    files = [file for path in map(Path, paths) for file in _log_files(path)]
    if not files:
        raise FileNotFoundError(
            "There is no click log ...-clicks.json in the given folders; `Session.export` writes "
            "them."
        )
    bad: dict[str, str] = {}
    logs = []
    for path in files:
        try:
            logs.append(_MatchedLog(path, read_log(path)))
        except ValueError as error:
            bad[str(path)] = str(error)
    _compare(logs, examples, options or {}, bad)
    clicks: list[ObservedClick] = []
    for log in logs:
        if log.path not in bad:
            try:
                clicks += log.observed()
            except ValueError as error:
                bad[log.path] = str(error)
    return ObservedLogs(tuple(clicks), len(files) - len(bad), bad)


def _log_files(path: Path) -> list[Path]:
    path = path.expanduser()
    return sorted(path.rglob("*-clicks.json")) if path.is_dir() else [path]


def _observed(session: Session) -> list[ObservedClick]:
    shown = {len(step.clicks): step.mask for step in session.history}
    shown.setdefault(0, np.zeros_like(session.truth))  # unless the log starts from a mask
    return [
        observe(shown[count], session.truth, session.ignore, session.clicks[:count], mark)
        for count, mark in enumerate(session.clicks)
        if isinstance(mark, Click)  # strokes say where people draw, which is another question
    ]


def _compare(
    logs: Sequence[_MatchedLog],
    examples: Iterable[Example],
    options: Mapping[str, Mapping[str, Any]],
    bad: dict[str, str],
) -> None:
    """Compare every log with every example. Logs that cannot be replayed go to ``bad``."""
    for example in examples:
        for size in {log.size for log in logs}:
            photo = WorkingPhoto(example.image, size)
            for log in logs:
                if log.size == size:
                    try:
                        log.compare(photo, example, options)
                    except ValueError as error:
                        bad[log.path] = str(error)


class _MatchedLog:
    """A click log, and the object it belongs to among the examples seen so far."""

    def __init__(self, path: Path, log: dict[str, Any]) -> None:
        self._path, self._log = path, log
        self.path, self.size = str(path), max(log["image"]["shape"][:2])
        self._exact, self._ids = False, []
        self._clicks: list[ObservedClick] = []

    def compare(
        self, photo: WorkingPhoto, example: Example, options: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Replay the log if this is its photo, and can be its object."""
        described = self._log["image"]
        exact = photo.is_exactly(described)
        if not (exact or (photo.looks_like(described) and not self._exact)):
            return
        if exact and not self._exact:  # forget other copies of the photo
            self._exact, self._ids, self._clicks = True, [], []
        self._ids.append(example.id)
        if self._log["clicks"] and (len(self._ids) == 1 or example.id == self._log["name"]):
            session = Session.replay(
                photo, self._path, truth=example.truth, ignore=example.ignore,
                **options.get(self._log["method"], {}),
            )  # fmt: skip
            self._clicks = _observed(session)

    def observed(self) -> list[ObservedClick]:
        """Return the clicks of the replayed log."""
        if not self._ids or (len(self._ids) > 1 and self._log["name"] not in self._ids):
            raise ValueError(
                f"The click log {self.path!r} belongs to no object of this study; name it "
                "after the object, or leave it out."
            )
        return self._clicks

"""Measure time and memory of one method, in a process that runs nothing else.

This module imports little: :func:`measure` counts memory from what is loaded already.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.clock import timed
from tutorial_lib.evaluation.machine import peak_megabytes
from tutorial_lib.evaluation.speed.peers import PEERS, Peer
from tutorial_lib.evaluation.speed.results import PeerTimes, Times
from tutorial_lib.options import OptionError
from tutorial_lib.registry import MethodInfo, check_answer, get_segmenter, register
from tutorial_lib.segmenter import LooksAhead, Segmenter

PEER_SECONDS = 20  # scikit-image's random walker may take minutes for a single click


@dataclass(frozen=True, eq=False)
class ScriptedPhoto:
    """A photo, and the clicks that every method gets on it.

    Parameters
    ----------
    name : str
        Name of the sample photo.
    image : np.ndarray
        ``(H, W, 3) uint8``.
    clicks : Clicks
        At least two, the first of one kind and the second of the other.
    """

    name: str
    image: np.ndarray
    clicks: Clicks

    @property
    def timed_clicks(self) -> list[Clicks]:
        """The clicks so far, at each click after the first.

        The first click is timed on its own. With one kind of click most methods compute nothing and
        show its disc, so their times would look too good.
        """
        return [self.clicks[:count] for count in range(2, len(self.clicks) + 1)]


@dataclass
class _Stopwatch:
    """Milliseconds of preparations, first clicks, looking ahead, and each click in each round."""

    prepare: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    ahead: list[float] = field(default_factory=list)
    clicks: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def note(self, photo: ScriptedPhoto, clicks: Clicks, milliseconds: float) -> None:
        self.clicks.setdefault((photo.name, len(clicks)), []).append(milliseconds)

    @property
    def click_seconds(self) -> float:
        return sum(map(sum, self.clicks.values())) / 1000

    def median_click(self, among: Iterable[tuple[str, int]]) -> float:
        """Return the median of the named clicks over all rounds."""
        return statistics.median(value for key in among for value in self.clicks[key])

    @property
    def worst_click(self) -> float:
        """The slowest click, by its median over the rounds: one interruption does not decide."""
        return max(statistics.median(runs) for runs in self.clicks.values())


def print_to_stderr() -> None:
    """Send what a method prints to the error stream: the output is for the results."""
    os.dup2(2, 1)


def measure(info: MethodInfo, photos: Sequence[ScriptedPhoto], runs: int, **options: Any) -> Times:
    """Measure one method, and in alternation its peer.

    The first round is not timed: it loads libraries, and memory is read after it, before the peer
    uses any. In each timed round the method prepares every photo anew and answers click by click.
    The peer answers the same clicks after each photo, so other work of the machine slows both.
    After 20 seconds the peer gets no further click; both are compared on the clicks it had.

    Parameters
    ----------
    info : MethodInfo
        The method. It is registered if it is not yet.
    photos : sequence of ScriptedPhoto
        Photos and clicks, at least one.
    runs : int
        Timed rounds, at least one.
    **options
        Options of the method. With any, the peer is left out.

    Returns
    -------
    Times
        Medians, memory, and the comparison with the peer if the method has one.
    """
    register(info)
    before = peak_megabytes()
    segmenter = get_segmenter(info.name, **options)
    for photo in photos:
        _use(segmenter, photo, _Stopwatch())
    after = peak_megabytes()
    peer, ours, theirs = PEERS.get(info.name), _Stopwatch(), _Stopwatch()
    peer = peer if peer and peer.available and not options else None
    if peer:
        peer.warm_up()
    for _ in range(runs):
        for photo in photos:
            _use(segmenter, photo, ours)
            if peer:
                _use_peer(peer, photo, theirs)
    return Times(
        precision=getattr(segmenter, "precision", "float32"),
        ms_prepare=statistics.median(ours.prepare),
        ms_first=statistics.median(ours.first),
        ms_click=ours.median_click(ours.clicks),
        ms_click_worst=ours.worst_click,
        ms_ahead=statistics.median(ours.ahead) if ours.ahead else None,
        peak_mb=None if after is None else after - before,
        peer=_compare(peer, ours, theirs) if peer else None,
    )


def measure_in_bfloat16(
    info: MethodInfo, photos: Sequence[ScriptedPhoto], runs: int
) -> Times | None:
    """Measure a network in bfloat16, as :func:`measure` does in float32.

    Parameters
    ----------
    info, photos, runs
        As for :func:`measure`.

    Returns
    -------
    Times or None
        None if the processor does not compute bfloat16 natively, or the method has no option
        ``precision``.
    """
    register(info)
    try:
        native = get_segmenter(info.name, precision="auto").precision == "bfloat16"
    except OptionError:
        return None
    return measure(info, photos, runs, precision="bfloat16") if native else None


def _use(segmenter: Segmenter, photo: ScriptedPhoto, stopwatch: _Stopwatch) -> None:
    prepared, milliseconds = timed(lambda: segmenter.prepare(photo.image))
    stopwatch.prepare.append(milliseconds)
    _, milliseconds = timed(lambda: segmenter.segment(prepared, photo.clicks[:1]))
    stopwatch.first.append(milliseconds)
    for clicks in photo.timed_clicks:
        if isinstance(segmenter, LooksAhead):
            seen = clicks[: len(clicks) - 1]
            _, milliseconds = timed(lambda seen=seen: segmenter.look_ahead(prepared, seen))
            stopwatch.ahead.append(milliseconds)
        answer, milliseconds = timed(lambda clicks=clicks: segmenter.segment(prepared, clicks))
        check_answer(segmenter, photo.image.shape[:2], answer)
        stopwatch.note(photo, clicks, milliseconds)


def _use_peer(peer: Peer, photo: ScriptedPhoto, stopwatch: _Stopwatch) -> None:
    for clicks in photo.timed_clicks:
        if stopwatch.click_seconds < PEER_SECONDS:
            _, milliseconds = timed(lambda clicks=clicks: peer.segment(photo.image, clicks))
            stopwatch.note(photo, clicks, milliseconds)


def _compare(peer: Peer, ours: _Stopwatch, theirs: _Stopwatch) -> PeerTimes:
    ms_peer, ms_ours = (stopwatch.median_click(theirs.clicks) for stopwatch in (theirs, ours))
    return PeerTimes(
        name=peer.name,
        version=peer.version,
        settings=peer.settings,
        clicks=len(theirs.clicks),
        ms_click=ms_peer,
        ms_click_ours=ms_ours,
        we_are_slower=ms_ours > ms_peer,
    )

"""Time and memory of one method, measured in a process that runs nothing else.

This module stays light: what it imports is the ground on which :func:`measure` counts memory.
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
from tutorial_lib.options import OptionError
from tutorial_lib.segmenter import (
    LooksAhead,
    MethodInfo,
    Segmenter,
    check_answer,
    get_segmenter,
    register,
)

PEER_SECONDS = 20  # scikit-image's random walker may take minutes for a single click


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo and the clicks every method gets on it.

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
    def answered(self) -> list[Clicks]:
        """The clicks so far at each timed click.

        The first click is left out. With one kind of click most methods show its disc and
        compute nothing, and a time of nothing would flatter them.
        """
        return [self.clicks[:count] for count in range(2, len(self.clicks) + 1)]


@dataclass
class _Times:
    """Milliseconds of each preparation, of looking ahead, and of each click in each run."""

    prepare: list[float] = field(default_factory=list)
    ahead: list[float] = field(default_factory=list)
    clicks: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def note(self, scene: Scene, clicks: Clicks, milliseconds: float) -> None:
        self.clicks.setdefault((scene.name, len(clicks)), []).append(milliseconds)

    @property
    def click_seconds(self) -> float:
        return sum(map(sum, self.clicks.values())) / 1000

    def median_click(self, among: Iterable[tuple[str, int]]) -> float:
        """Return the median over all runs of the clicks named."""
        return statistics.median(value for key in among for value in self.clicks[key])

    @property
    def worst_click(self) -> float:
        """The slowest click, by its median over the runs: one interruption does not decide it."""
        return max(statistics.median(runs) for runs in self.clicks.values())


def keep_output_clean() -> None:
    """Send what a method prints to the error stream: the output belongs to the results."""
    os.dup2(2, 1)


def measure(
    info: MethodInfo, scenes: Sequence[Scene], runs: int, precision: str | None = None
) -> dict[str, Any]:
    """Measure one method, and its peer in turns with it.

    A first round is not timed: it loads libraries, and its memory is read before the peer uses
    any. In each timed round the method prepares every photo anew and answers click by click, and
    the peer answers the same clicks in turns with it: whatever else the machine does slows both.
    After 20 seconds the peer gets no further click; both are compared on those it had.

    Parameters
    ----------
    info : MethodInfo
        The method; registered if it is not yet.
    scenes : sequence of Scene
        Photos and clicks, at least one.
    runs : int
        Timed rounds, at least one.
    precision : str, optional
        For a network: what it is to compute in. The peer is then left out.

    Returns
    -------
    dict
        ``precision``, what the method computes in (``"float32"`` for a method that does not say);
        ``ms_prepare``, ``ms_click`` (medians) and ``ms_click_worst``; ``ms_ahead``, the median of
        what the method does while a person looks at an answer, which is no part of the click's time
        (None for one that does nothing then); ``peak_mb``, how far memory
        rose, the libraries that the method loads included (None where the system does not tell);
        ``peer``, None or a dict of the peer's ``name``, ``version`` and ``settings``, the number
        of different ``clicks`` both are compared on, the medians ``ms_click`` of the peer and
        ``ms_click_ours``, and ``we_are_slower``.
    """
    register(info)
    before = peak_megabytes()
    segmenter = get_segmenter(info.name, **({"precision": precision} if precision else {}))
    for scene in scenes:
        _use(segmenter, scene, _Times())
    after = peak_megabytes()
    peer, ours, theirs = PEERS.get(info.name), _Times(), _Times()
    peer = peer if peer and peer.available and not precision else None
    if peer:
        peer.warm_up()
    for _ in range(runs):
        for scene in scenes:
            _use(segmenter, scene, ours)
            if peer:
                _use_peer(peer, scene, theirs)
    return {
        "precision": getattr(segmenter, "precision", "float32"),
        "ms_prepare": statistics.median(ours.prepare),
        "ms_click": ours.median_click(ours.clicks),
        "ms_click_worst": ours.worst_click,
        "ms_ahead": statistics.median(ours.ahead) if ours.ahead else None,
        "peak_mb": None if after is None else after - before,
        "peer": _compare(peer, ours, theirs) if peer else None,
    }


def measure_in_bfloat16(
    info: MethodInfo, scenes: Sequence[Scene], runs: int
) -> dict[str, Any] | None:
    """Measure a network in bfloat16, as :func:`measure` does in float32.

    Parameters
    ----------
    info, scenes, runs
        As for :func:`measure`.

    Returns
    -------
    dict or None
        What :func:`measure` returns; None if the hardware does not compute bfloat16 itself, or the
        method has no option ``precision``.
    """
    register(info)
    try:
        native = get_segmenter(info.name, precision="auto").precision == "bfloat16"
    except OptionError:
        return None
    return measure(info, scenes, runs, "bfloat16") if native else None


def _use(segmenter: Segmenter, scene: Scene, times: _Times) -> None:
    prepared, milliseconds = timed(lambda: segmenter.prepare(scene.image))
    times.prepare.append(milliseconds)
    segmenter.segment(prepared, scene.clicks[:1])
    for clicks in scene.answered:
        if isinstance(segmenter, LooksAhead):
            seen = clicks[: len(clicks) - 1]
            _, milliseconds = timed(lambda seen=seen: segmenter.look_ahead(prepared, seen))
            times.ahead.append(milliseconds)
        answer, milliseconds = timed(lambda clicks=clicks: segmenter.segment(prepared, clicks))
        check_answer(segmenter, scene.image.shape[:2], answer)
        times.note(scene, clicks, milliseconds)


def _use_peer(peer: Peer, scene: Scene, times: _Times) -> None:
    for clicks in scene.answered:
        if times.click_seconds < PEER_SECONDS:
            _, milliseconds = timed(lambda clicks=clicks: peer.segment(scene.image, clicks))
            times.note(scene, clicks, milliseconds)


def _compare(peer: Peer, ours: _Times, theirs: _Times) -> dict[str, Any]:
    ms_peer, ms_ours = (times.median_click(theirs.clicks) for times in (theirs, ours))
    return {
        "name": peer.name,
        "version": peer.version,
        "settings": peer.settings,
        "clicks": len(theirs.clicks),
        "ms_click": ms_peer,
        "ms_click_ours": ms_ours,
        "we_are_slower": ms_ours > ms_peer,
    }

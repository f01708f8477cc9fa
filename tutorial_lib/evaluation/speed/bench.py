"""Measure how fast every method is on this machine, beside the papers and other libraries.

All methods answer the same clicks on the same photos (:mod:`.scripted_photos`). Each one runs in a
process of its own (:mod:`.timing`), in alternation with a well-known library function for the same
task (:mod:`.peers`). Networks are timed in float32, their default, and also in bfloat16 if the
processor computes it natively.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tutorial_lib.evaluation.machine import commit, cores, machine
from tutorial_lib.evaluation.published import LI_TIMES, published_ms
from tutorial_lib.evaluation.records import to_plain
from tutorial_lib.evaluation.speed.results import BenchResults, MethodTimes
from tutorial_lib.evaluation.speed.scripted_photos import scripted_photo
from tutorial_lib.evaluation.speed.timing import (
    ScriptedPhoto,
    measure,
    measure_in_bfloat16,
    print_to_stderr,
)
from tutorial_lib.registry import MethodInfo, get_segmenter, method_info, methods
from tutorial_lib.segmenter import MethodError

TIMED_PHOTOS = ("flower", "coffee", "astronaut")
SIDES = (32, 4096)
MAX_ASPECT_RATIO = 4  # beyond it, little of a photo is left


def parse_size(text: str) -> tuple[int, int]:
    """Read a size such as ``"640x480"``.

    Parameters
    ----------
    text : str
        Width, an ``x``, height, in pixels.

    Returns
    -------
    width, height : int
        Not yet checked: :func:`bench` does that.

    Raises
    ------
    ValueError
        If the text is no such size.
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*[xX]\s*(\d{1,6})\s*", text, re.ASCII)
    if not found:
        raise ValueError(f"A size reads WIDTHxHEIGHT in pixels, such as 640x480, not {text!r}.")
    return int(found[1]), int(found[2])


def bench(
    size: tuple[int, int] = (640, 480),
    names: Sequence[str] = (),
    runs: int = 3,
    log: Callable[[str], None] = lambda text: None,
) -> BenchResults:
    """Time methods, each in a fresh process.

    Parameters
    ----------
    size : tuple of int
        Width and height of the photos: 32 to 4096 pixels, neither more than 4 times the other.
    names : sequence of str
        The methods; all that are registered if there is none. Those that cannot run here are then
        skipped, whereas a method asked for by name must run.
    runs : int
        Timed rounds, 1 to 100.
    log : callable
        Is told, a line at a time, what is being measured.

    Returns
    -------
    BenchResults
        Times of every method, and the conditions.

    Raises
    ------
    ValueError
        If the size or the number of runs is out of range, or a method is unknown or cannot be
        imported by a fresh process.
    ImportError, OSError
        If a method asked for by name lacks a package or a file, or if its process was killed.
    MethodError
        If the answers of a method asked for by name do not fit the photos.
    """
    _check(size, runs)
    infos = [_reachable(method_info(name)) for name in dict.fromkeys(names)]
    infos = infos or [info for info in methods() if info.expected]
    photos = [scripted_photo(name, size) for name in TIMED_PHOTOS]
    results, skipped = {}, {}
    for number, info in enumerate(infos, 1):
        log(f"{number}/{len(infos)} {info.name}")
        try:
            measured = _measured(_reachable(info), photos, runs)
        except (ValueError, ImportError, OSError, MethodError) as error:
            if names:
                raise
            skipped[info.name] = str(error)
            log(f"    skipped: {error}")
        else:
            results[info.name] = measured
    return BenchResults(
        schema=1,
        size=f"{size[0]}x{size[1]}",
        runs=runs,
        commit=commit(),
        machine=machine(),
        threads=cores(),
        photos=[photo.name for photo in photos],
        clicks={photo.name: photo.clicks.to_list() for photo in photos},
        published_source=f"{LI_TIMES.source}: {LI_TIMES.quantity}",
        methods=results,
        skipped=skipped,
    )


def _check(size: tuple[int, int], runs: int) -> None:
    """Refuse what would take for ever or leave nothing of a photo to click."""
    low, high = SIDES
    text = f"{size[0]}x{size[1]}"
    if not (low <= min(size) and max(size) <= high):
        raise ValueError(f"Width and height lie between {low} and {high} pixels, unlike {text}.")
    if max(size) > MAX_ASPECT_RATIO * min(size):
        raise ValueError(
            f"One side is at most {MAX_ASPECT_RATIO} times the other, unlike in {text}."
        )
    if not 1 <= runs <= 100:
        raise ValueError(f"The number of runs lies between 1 and 100, not {runs}.")


def _reachable(info: MethodInfo) -> MethodInfo:
    """Refuse, before anything is measured, a method that a fresh process could not run."""
    if not info.available:
        get_segmenter(info.name)  # raises, and says what is missing
    place = f"{getattr(info.target, '__module__', '')}.{getattr(info.target, '__qualname__', '')}"
    if not isinstance(info.target, str) and ("<" in place or place.startswith("__main__.")):
        raise ValueError(
            f"The method {info.name!r} is measured in a fresh process, which cannot import it "
            "from a notebook or a function: move its class into a module of its own."
        )
    return info


def _measured(info: MethodInfo, photos: list[ScriptedPhoto], runs: int) -> MethodTimes:
    """Measure a method, and a network also in bfloat16 if that is native."""
    found, half = _in_fresh_process(measure, info, photos, runs), None
    if info.kind == "deep":
        half = _in_fresh_process(measure_in_bfloat16, info, photos, runs)
    times = {**to_plain(found), "bfloat16": to_plain(half) if half else None}
    return MethodTimes(**_rounded(times), published_ms=published_ms(info.name))


def _in_fresh_process(
    action: Callable[..., Any], info: MethodInfo, photos: list[ScriptedPhoto], runs: int
) -> Any:
    """Measure in a process where no other method has left memory, caches or threads."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=print_to_stderr) as pool:
        try:
            return pool.submit(action, info, photos, runs).result()
        except BrokenProcessPool:
            raise OSError(
                f"The process that measured {info.name!r} was killed, most likely for want of "
                "memory; try a smaller size."
            ) from None


def _rounded(value: Any) -> Any:
    """Round all numbers to two decimals: a clock in milliseconds is no more precise."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return round(value, 2) if isinstance(value, float) else value


def as_table(results: BenchResults) -> str:
    """Lay out the results as a table of text.

    Parameters
    ----------
    results : BenchResults
        From :func:`bench`.

    Returns
    -------
    str
        Several lines, without a newline at the end.
    """
    on = results.machine
    width = max(map(len, ("method", *results.methods)))
    lines = [
        f"{results.size}, medians over {', '.join(results.photos)}; timed rounds: {results.runs}",
        f"{on['cpu'] or on['architecture']}, {on['cores']} cores, {on['platform']}, "
        f"Python {on['python']}",
        "",
        f"{'':{width}}     prepare       first       later     slowest    bfloat16  look ahead"
        "      memory"
        "   published",
        f"{'method':{width}}          ms    click ms    click ms    click ms    click ms"
        "          ms    added MB          ms",
    ]
    for name, row in results.methods.items():
        half = row.bfloat16 and row.bfloat16.ms_click
        clicks = [row.ms_first, row.ms_click, row.ms_click_worst, half]
        numbers = [row.ms_prepare, *clicks, row.ms_ahead, row.peak_mb, row.published_ms]
        cells = [_cell(number) for number in numbers]
        lines.append(f"{name:{width}}" + "".join(cells))
    lines += ["", *_peer_lines(results.methods)]
    lines += [f"{name}: skipped. {reason}" for name, reason in results.skipped.items()]
    lines.append("With the first click, which is of one kind, most methods only show a disc.")
    lines.append("Looking ahead happens while a person looks at an answer; no click waits for it.")
    lines.append("Memory counts the libraries a method loads, beyond Python with NumPy.")
    lines.append("Networks answer in float32; bfloat16 is timed where the processor computes it.")
    lines.append(f"Published: {results.published_source}.")
    return "\n".join(lines)


def _cell(number: float | None) -> str:
    return f"{'-':>12}" if number is None else f"{number:12.1f}"


def _peer_lines(rows: dict[str, MethodTimes]) -> list[str]:
    """Name each method's peer, and say which of the two is slower."""
    lines = []
    for name, row in rows.items():
        if peer := row.peer:
            ours, theirs = max(peer.ms_click_ours, 0.01), max(peer.ms_click, 0.01)
            verdict = (
                f"SLOWER by a factor of {ours / theirs:.1f}"
                if peer.we_are_slower
                else f"{theirs / ours:.1f} times as fast"
            )
            lines += [
                f"Peer of {name}: {peer.name} {peer.version}, {theirs:.0f} ms a click; "
                f"{name} on the same clicks ({peer.clicks}), {ours:.0f} ms: {verdict}.",
                f"    {peer.settings}.",
            ]
    return lines + [""] if lines else lines

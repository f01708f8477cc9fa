"""Any method on any dataset with either robot, on one core or on many machines.

Each piece of work is one object segmented by one method, and depends on nothing but its seed. So
pieces may be computed in any order, anywhere, and a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

from joblib import Parallel, delayed
from tqdm.auto import tqdm

from tutorial_lib.data.datasets import Dataset
from tutorial_lib.evaluation.journal import Journal
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.metrics import clicks_and_curve
from tutorial_lib.evaluation.results import write_results
from tutorial_lib.evaluation.robots import robot_named, simulate
from tutorial_lib.segmenter import (
    MethodError,
    MethodInfo,
    Segmenter,
    get_segmenter,
    method_info,
    register,
)

Variants = Mapping[str, tuple[str, Mapping[str, Any]]]


def evaluate(
    methods: Sequence[str] | Variants,
    dataset: Dataset,
    out: str | Path | None = None,
    *,
    robot: str = "center",
    max_clicks: int = 20,
    limit: int | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Let a robot use every method on every object of a dataset.

    Parameters
    ----------
    methods : sequence of str, or mapping
        Names of methods; or, to compare settings, a mapping from a name of your choice to a
        method's name and options, such as ``{"weak": ("graph-cut", {"lam": 0.1})}``.
    dataset : Dataset
        What :func:`tutorial_lib.data.datasets.load_dataset` returns.
    out : str or Path, optional
        JSON file for the results. Finished objects are kept beside it, in ``<out>.partial``, until
        it is written: the same call goes on there after an interruption, even ``kill -9``.
    robot : str
        ``"center"`` (DOS) or ``"geodesic"`` (Latent Diversity).
    max_clicks : int
        Clicks an object at most; NoC counts as many where a threshold is never reached.
    limit : int, optional
        Only the first so many objects.
    workers : int, optional
        Processes; all cores if -1. If not given, what ``joblib.parallel_config`` says, and one
        otherwise: within ``parallel_config(backend="dask")`` the work goes to a Dask cluster.
        Answers are the same for any number; the times are honest only while cores are idle.
    seed : int
        Seed of the robot.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    dict
        As :data:`tutorial_lib.evaluation.results.RESULTS_SCHEMA` describes it.

    Raises
    ------
    ValueError
        If a name or number is out of its range, or ``<out>.partial`` keeps a run with other
        settings.
    MethodError
        If a method fails on an object; the text says which. What was finished is kept.
    """
    variants = _variants(methods)
    _check(robot, max_clicks, limit, workers, seed)
    identifiers = dataset.ids[:limit]
    if not identifiers:
        raise ValueError(f"{dataset.name} at {dataset.root} has no object to evaluate on.")
    run = {
        "schema": 1,
        "dataset": dataset.name,
        "root_name": dataset.root.resolve().name,
        "robot": robot,
        "seed": seed,
        "max_clicks": max_clicks,
        "commit": commit(),
    }
    pieces = [
        _Piece(place, identifier, label, *variants[label])
        for place, identifier in enumerate(identifiers)
        for label in variants
    ]
    partial = None if out is None else Path(f"{out}.partial")
    with Journal(partial, run) as journal:
        finished = {_key(record): record for record in journal.records}
        todo = [piece for piece in pieces if _key(piece.name) not in finished]
        for record in _watched(_run(todo, dataset, run, workers), pieces, todo, progress):
            journal.append(record)
            finished[_key(record)] = record
        results = {**run, "machine": machine(), "methods": {}}
        for label in variants:
            records = [finished[_key(piece.name)] for piece in pieces if piece.label == label]
            results["methods"][label] = summarise(records, max_clicks)
        if out is not None:
            write_results(results, Path(out))
            journal.remove()
    return results


def summarise(records: Sequence[Mapping[str, Any]], max_clicks: int = 20) -> dict[str, Any]:
    """Sum up what one method did on all objects.

    Parameters
    ----------
    records : sequence of mapping
        One an object, with ``"id"``, ``"clicks"`` (``[[row, col, positive], ...]``), ``"iou"``
        (after each click), ``"ms_prepare"`` and ``"ms_clicks"``.
    max_clicks : int
        What NoC counts where a threshold is never reached, and the length of the curve.

    Returns
    -------
    dict
        ``noc`` at 85 and 90 percent, ``miou`` after each click, median times ``ms_prepare`` and
        ``ms_click``, and the ``samples``: one method's part of a results file.
    """
    ious = [record["iou"] for record in records]
    return {
        **clicks_and_curve(ious, max_clicks),
        "ms_prepare": median(record["ms_prepare"] for record in records),
        "ms_click": median(ms for record in records for ms in record["ms_clicks"]),
        "samples": {
            record["id"]: {"clicks": record["clicks"], "iou": record["iou"]} for record in records
        },
    }


@dataclass(frozen=True)
class _Piece:
    """One object to be segmented by one variant of a method; small, for it travels to workers."""

    place: int
    identifier: str
    label: str
    info: MethodInfo
    options: Mapping[str, Any]

    @property
    def name(self) -> dict[str, Any]:
        """What tells this piece from all others of its run."""
        return {"id": self.identifier, "method": self.label, "options": dict(self.options)}


def _key(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """Tell records apart; the same label with other options is other work."""
    return record["id"], record["method"], json.dumps(record["options"], sort_keys=True)


def _variants(methods: Sequence[str] | Variants) -> dict[str, tuple[MethodInfo, dict[str, Any]]]:
    """Return the methods and options behind each label, having built each once to see it works."""
    if not isinstance(methods, Mapping):
        methods = {name: (name, {}) for name in methods}
    if not methods:
        raise ValueError("An evaluation needs at least one method.")
    for name, options in methods.values():
        get_segmenter(name, **options)
    return {label: (method_info(name), dict(options)) for label, (name, options) in methods.items()}


def _check(robot: str, max_clicks: int, limit: int | None, workers: int | None, seed: int) -> None:
    robot_named(robot)
    if max_clicks < 1:
        raise ValueError(f"An evaluation needs at least 1 click an object, not {max_clicks}.")
    if limit is not None and limit < 1:
        raise ValueError(f"An evaluation needs at least 1 object, not {limit}.")
    if workers is not None and workers < 1 and workers != -1:
        raise ValueError(f"Give at least 1 worker, or -1 for all cores, not {workers}.")
    if seed < 0:
        raise ValueError(f"A seed is at least 0, not {seed}.")


def _run(
    todo: list[_Piece], dataset: Dataset, run: Mapping[str, Any], workers: int | None
) -> Iterator[dict[str, Any]]:
    """Yield finished records in the order in which they finish."""
    parallel = Parallel(n_jobs=workers, return_as="generator_unordered")
    return parallel(delayed(_segment_one)(piece, dataset, run) for piece in todo)


def _watched(
    records: Iterator[dict[str, Any]], pieces: list[_Piece], todo: list[_Piece], progress: bool
) -> Iterator[dict[str, Any]]:
    """Show how far the work has come, finished work of an earlier run included."""
    started = len(pieces) - len(todo)
    with tqdm(total=len(pieces), initial=started, disable=not progress, unit="object") as bar:
        for record in records:
            yield record
            bar.set_postfix_str(f"{record['method']}, {record['id']}", refresh=False)
            bar.update()


@lru_cache(maxsize=32)
def _built(info: MethodInfo, options: str) -> Segmenter:
    """Build a method once a process: networks take a while to load."""
    return get_segmenter(info.name, **json.loads(options))


def _segment_one(piece: _Piece, dataset: Dataset, run: Mapping[str, Any]) -> dict[str, Any]:
    """Do one piece of work, in whatever process this is called."""
    register(piece.info)  # a worker process does not know what was registered elsewhere
    try:
        example = dataset[piece.place]
        segmenter = _built(piece.info, json.dumps(piece.options))
        trajectory = simulate(
            segmenter,
            example.image,
            example.truth,
            example.ignore,
            run["robot"],
            run["max_clicks"],
            run["seed"],
        )
    except Exception as error:
        raise MethodError(f"{piece.label} failed on {piece.identifier}: {error}") from error
    return {
        **piece.name,
        "clicks": [[click.row, click.col, click.positive] for click in trajectory.clicks],
        "iou": list(trajectory.ious),
        "ms_prepare": trajectory.ms_prepare,
        "ms_clicks": list(trajectory.ms_clicks),
    }

"""Any method on any dataset with either robot, on one core or on many machines.

Each piece of work is one object segmented by one method, and depends on nothing but its seed. So
pieces may be computed in any order, anywhere, and a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from joblib import effective_n_jobs
from tqdm.auto import tqdm

from tutorial_lib.data.datasets import Dataset
from tutorial_lib.evaluation import processes
from tutorial_lib.evaluation.journal import Journal
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.pieces import (
    Methods,
    Piece,
    Record,
    data_hash,
    key_of,
    lost,
    pieces_of,
    segment_one,
    sources,
    variants_of,
)
from tutorial_lib.evaluation.provenance import made_from
from tutorial_lib.evaluation.results import read_results, write_results
from tutorial_lib.evaluation.summaries import (
    compared,
    failures,
    precision_of,
    summarise,
    summarise_all,
)
from tutorial_lib.locking import only_one
from tutorial_lib.targets import check_target
from tutorial_lib.users.robots import ROBOTS

__all__ = ["FailedObjects", "evaluate", "summarise"]

_SETTINGS = ("dataset", "root_name", "robot", "seed", "max_clicks")


class FailedObjects(UserWarning):
    """Some objects of an evaluation do not count; its results say which, and why."""


def evaluate(
    methods: Sequence[str] | Methods,
    dataset: Dataset,
    out: str | Path | None = None,
    *,
    robot: str = "center",
    max_clicks: int = 20,
    limit: int | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: bool = True,
    force: bool = False,
) -> dict[str, Any]:
    """Let a robot use every method on every object of a dataset.

    An object that cannot be read, or that a method fails on, or whose process dies, is left out:
    the results say why, a warning counts such objects, and all others go on. Means are over objects
    that every method answered.

    Parameters
    ----------
    methods : sequence of str, or mapping
        Names of methods; or, to compare settings, a mapping from a name of your choice to a
        method's name and options, such as ``{"weak": ("graph-cut", {"lam": 0.1})}``.
    dataset : Dataset
        What :func:`tutorial_lib.data.datasets.load_dataset` returns.
    out : str or Path, optional
        JSON file for the results. Finished objects are kept beside it, in ``<out>.partial``, until
        it is written: the same call goes on there after an interruption, even ``kill -9``. Where
        objects failed that file stays, and the same call tries those alone again. Where the results
        of the very same run are there already, they are returned.
    robot : str
        ``"center"`` (DOS) or ``"geodesic"`` (Latent Diversity).
    max_clicks : int
        Clicks an object at most; NoC counts as many where a threshold is never reached.
    limit : int, optional
        Only the first so many objects.
    workers : int, optional
        Processes beside this one; one a core if -1. If not given, all is done in this process, or
        where ``joblib.parallel_config`` says: within ``parallel_config(backend="dask")`` the work
        goes to a Dask cluster. Answers are the same for any number; the times are honest only while
        cores are idle. A method that takes its process down ends this one only if none is given;
        the next call then does that object in another process.
    seed : int
        Seed of the robot.
    progress : bool
        Whether to show a progress bar.
    force : bool
        Replace finished results of another run in ``out``, or measure the same run anew.

    Returns
    -------
    dict
        As :data:`tutorial_lib.evaluation.results.RESULTS_SCHEMA` describes it.

    Raises
    ------
    ValueError
        If a name or number is out of its range, ``<out>.partial`` keeps a run that was made from
        something else, or ``out`` holds something else and ``force`` is not given.
    OSError
        If ``out`` cannot be written, or another evaluation is writing it.

    Warns
    -----
    FailedObjects
        If objects were left out.
    """
    variants = variants_of(methods)
    numbers = _check(robot, max_clicks=max_clicks, limit=limit, workers=workers, seed=seed)
    run = {
        "schema": 1,
        "dataset": dataset.name,
        "root_name": dataset.root.resolve().name,
        "robot": robot,
        "seed": numbers["seed"],
        "max_clicks": numbers["max_clicks"],
        "commit": commit(),
        "made_from": made_from(),
    }
    pieces = pieces_of(dataset, numbers["limit"], variants)
    if out is not None:
        out = Path(out).expanduser()
        _make_room(out)
    with nullcontext() if out is None else only_one(out, "evaluation"):
        done = None if out is None else _finished(out, run, pieces, dataset, force)
        if done and not failures(done):
            print(f"{out}: measured already, by this very run.", file=sys.stderr)
            return done
        with Journal(None if out is None else _journal_of(out), run) as journal:
            records = _records(journal, pieces, dataset, run, numbers["workers"], progress)
            results = _results(run, pieces, records, dataset)
            failed = failures(results)
            if out is not None:
                write_results(results, out)
                if not failed:
                    journal.remove()
    if failed:
        warnings.warn(_warning(failed, out), FailedObjects, stacklevel=2)
    return results


def _check(robot: str, **numbers: Any) -> dict[str, int | None]:
    """Return whole numbers, or say which number is out of its range."""
    if robot not in ROBOTS:
        raise ValueError(f"The robots are {' and '.join(ROBOTS)}; there is no {robot!r}.")
    for name, value in numbers.items():
        try:
            numbers[name] = None if value is None else operator.index(value)
        except TypeError:
            raise ValueError(f"The number {name} is a whole one, not {value!r}.") from None
    if numbers["max_clicks"] is None or numbers["max_clicks"] < 1:
        raise ValueError(
            f"An evaluation needs at least 1 click an object, not {numbers['max_clicks']}."
        )
    if numbers["limit"] is not None and numbers["limit"] < 1:
        raise ValueError(f"An evaluation needs at least 1 object, not {numbers['limit']}.")
    workers = numbers["workers"]
    if workers is not None and workers < 1 and workers != -1:
        raise ValueError(f"Give at least 1 worker, or -1 for all cores, not {workers}.")
    if numbers["seed"] is None or numbers["seed"] < 0:
        raise ValueError(f"A seed is at least 0, not {numbers['seed']}.")
    return numbers


def _journal_of(out: Path) -> Path:
    return Path(f"{out}.partial")


def _make_room(out: Path) -> None:
    """Refuse a file that cannot be written now, not after the night, and make its folder."""
    for target in (out, _journal_of(out)):
        check_target(target)
    out.parent.mkdir(parents=True, exist_ok=True)


def _records(
    journal: Journal,
    pieces: Sequence[Piece],
    dataset: Dataset,
    run: Record,
    workers: int | None,
    progress: bool,
) -> dict[tuple[str, str, str], Record]:
    """Return a record for each piece: kept ones, and what is done now."""
    known = {key_of(record): record for record in journal.records if "failed" not in record}
    todo = []
    for piece in pieces:
        if (record := known.get(key_of(piece.name))) is None:
            todo.append(piece)  # those that failed, too: their cause may be gone
        else:
            journal.check(record, piece.made_from)
    for record in _watched(_run(todo, journal, dataset, run, workers), pieces, todo, progress):
        journal.append(record)
        known[key_of(record)] = record
    return known


def _run(
    todo: list[Piece], journal: Journal, dataset: Dataset, run: Record, workers: int | None
) -> Iterator[Record]:
    """Yield finished records in the order in which they finish."""
    work = partial(segment_one, dataset=dataset, run=run)
    if journal.interrupted:  # that piece may have killed the process; here it kills another one
        again = [piece for piece in todo if piece.name == journal.interrupted]
        todo = [piece for piece in todo if piece.name != journal.interrupted]
        yield from processes.run_one_by_one(again, work, lost)
    if workers is None and effective_n_jobs(None) == 1:
        yield from processes.run_here(todo, work, lambda piece: journal.begin(piece.name))
    elif effective_n_jobs(workers) == 1:
        yield from processes.run_one_by_one(todo, work, lost)
    else:
        yield from processes.run_in_parallel(todo, work, lost, workers)


def _watched(
    records: Iterator[Record], pieces: Sequence[Piece], todo: list[Piece], progress: bool
) -> Iterator[Record]:
    """Show how far the work has come, finished work of an earlier run included."""
    started = len(pieces) - len(todo)
    with tqdm(total=len(pieces), initial=started, disable=not progress, unit="object") as bar:
        for record in records:
            yield record
            bar.set_postfix_str(f"{record['method']}, {record['id']}", refresh=False)
            bar.update()


def _results(
    run: Record, pieces: Sequence[Piece], records: Mapping[Any, Record], dataset: Dataset
) -> Record:
    found: dict[str, list[Record]] = {piece.variant.label: [] for piece in pieces}
    for piece in pieces:
        found[piece.variant.label].append(records[key_of(piece.name)])
    methods = summarise_all(found, getattr(dataset, "broken", {}), run["max_clicks"])
    for label, source in sources(pieces).items():
        methods[label]["made_from"] = source
    processors = {one["cpu"] for group in found.values() for one in group if one.get("cpu")}
    here = machine()
    return {
        **run,
        "made_from": {**run["made_from"], "data": data_hash(pieces, compared(methods))},
        "machine": {**here, "cpu": " and ".join(sorted(processors)) or here["cpu"]},
        "precision": precision_of(methods),
        "skipped": dict(getattr(dataset, "skipped", {})),
        "methods": methods,
    }


def _finished(
    out: Path, run: Record, pieces: Sequence[Piece], dataset: Dataset, force: bool
) -> Record | None:
    """Return the results that are there already if they are of this very run, or refuse others."""
    if not out.exists():
        return None
    try:
        old = read_results(out)
    except ValueError as error:
        raise ValueError(
            f"The file {out} is there already and holds no results of an evaluation: choose "
            "another --out."
        ) from error
    if force:
        return None
    if different := _difference(old, run, pieces, dataset):
        raise ValueError(
            f"The file {out} has finished results of another run, which differs in {different}: "
            "choose another --out, or replace them with --force."
        )
    return old


def _difference(old: Record, run: Record, pieces: Sequence[Piece], dataset: Dataset) -> str | None:
    """Say in what results differ from those of a run, apart from objects that failed."""
    source, counted = old.get("made_from", {}), compared(old["methods"])
    objects = {piece.identifier for piece in pieces} | {*getattr(dataset, "broken", {})}
    methods = {label: found.get("made_from") for label, found in old["methods"].items()}
    now = run["made_from"]
    same = {key: run[key] == old[key] for key in _SETTINGS}
    same["its methods, or their options, code or weights"] = methods == sources(pieces)
    same["its objects"] = objects == {*counted, *failures(old)}
    same["its photos or masks"] = source.get("data") == data_hash(pieces, counted)
    same["the code of tutorial_lib"] = source.get("library") == now["library"]
    same["the versions of packages"] = source.get("packages") == now["packages"]
    return next((name for name, equal in same.items() if not equal), None)


def _warning(failed: Mapping[str, str], out: Path | None) -> str:
    (identifier, reason), count = next(iter(failed.items())), len(failed)
    again = "" if out is None else "; the same call tries again what failed"
    objects = f"{count} object{'s'[: count != 1]}"
    return f"Left out {objects}, first {identifier} ({reason.rstrip('.')}){again}."

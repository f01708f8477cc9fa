"""Measure how accurate methods are: a robot uses each one on each object of a dataset.

The path of an evaluation: :mod:`.jobs` lists what is to be done, one job for each object and
method, and runs a job; :mod:`.processes` runs jobs elsewhere; :mod:`.journal` keeps each finished
record on the disk; :mod:`.summaries` turns records into figures; :mod:`.results` declares and
writes the file. :mod:`.provenance` says what a figure was made from.
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
from tutorial_lib.evaluation.jobs import (
    Answered,
    Failed,
    Job,
    Methods,
    data_hash,
    jobs_of,
    method_sources,
    run_job,
    variants_of,
)
from tutorial_lib.evaluation.journal import Journal
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.provenance import made_from
from tutorial_lib.evaluation.results import SETTINGS, Results, read_results, write_results
from tutorial_lib.evaluation.summaries import (
    common_precision,
    compared_objects,
    failures,
    summarise_methods,
)
from tutorial_lib.locking import only_one
from tutorial_lib.targets import check_target
from tutorial_lib.users.robots import robot_named


class OtherRunError(ValueError):
    """A file holds the finished results of another run."""


class FailedObjects(UserWarning):
    """Some objects of an evaluation do not count. Its results say which, and why."""


def evaluate(
    methods: Sequence[str] | Methods,
    dataset: Dataset,
    out: str | Path | None = None,
    *,
    robot: str = "center",
    max_clicks: int = 20,
    limit: int | None = None,
    every: int = 1,
    workers: int | None = None,
    seed: int = 0,
    progress: bool = True,
    force: bool = False,
) -> Results:
    """Let a robot use every method on every object of a dataset.

    An object is left out if it cannot be read, if a method fails on it, or if its process dies. The
    results give the reason, a warning counts such objects, and all others go on. Means are over the
    objects that every method answered.

    Parameters
    ----------
    methods : sequence of str, or mapping
        Names of methods. To compare settings: a mapping from a label of your choice to a method's
        name and options, such as ``{"weak": ("graph-cut", {"lam": 0.1})}``.
    dataset : Dataset
        What :func:`tutorial_lib.data.datasets.load_dataset` returns.
    out : str or Path, optional
        JSON file for the results. Until it is written, ``<out>.partial`` keeps what is finished:
        after an interruption, even ``kill -9``, the same call continues there. If objects failed,
        that file stays, and the same call tries only those again. If the file already holds the
        results of this very run, they are returned.
    robot : str
        ``"center"`` (DOS), ``"geodesic"`` (Latent Diversity), or ``"human"`` (as people click),
        which can have options: :func:`tutorial_lib.users.robots.robot_named`.
    max_clicks : int
        Clicks per object at most. An object that never reaches a threshold counts as many.
    limit : int, optional
        Number of objects at most.
    every : int
        Take only every n-th object, from the first one on, in the order of the dataset. The
        results record this rule and the number of all objects.
    workers : int, optional
        Number of other processes; -1 for one per core. If not given, all work is done in this
        process, or where ``joblib.parallel_config`` says: within
        ``parallel_config(backend="dask")`` it goes to a Dask cluster. Answers do not depend on it,
        but times are only right while cores are idle. Without other processes, a method that kills
        its process ends this one; the next call then runs that object in another process.
    seed : int
        Seed of the robot.
    progress : bool
        Whether to show a progress bar.
    force : bool
        Replace finished results of another run in ``out``, or measure the same run again.

    Returns
    -------
    Results
        Settings and figures, as the file holds them.

    Raises
    ------
    ValueError
        If a name or number is out of range, if ``<out>.partial`` keeps a run that was made from
        something else, or if ``out`` holds something else and ``force`` is not given. If that is
        the results of another run, the error is an :class:`OtherRunError`.
    OSError
        If ``out`` cannot be written, or another evaluation is writing it.

    Warns
    -----
    FailedObjects
        If objects were left out.
    """
    variants = variants_of(methods)
    numbers = _check(
        robot, max_clicks=max_clicks, limit=limit, every=every, workers=workers, seed=seed
    )
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
    jobs = jobs_of(dataset, numbers["limit"], variants, numbers["every"])
    if numbers["every"] > 1:
        run["subset"] = {"every": numbers["every"], "of": len(dataset.ids)}
    if out is not None:
        out = Path(out).expanduser()
        _make_room(out)
    with nullcontext() if out is None else only_one(out, "evaluation"):
        done = None if out is None else _finished(out, run, jobs, dataset, force)
        if done and not failures(done):
            print(f"{out}: measured already, by this very run.", file=sys.stderr)
            return done
        with Journal(None if out is None else _journal_of(out), run) as journal:
            records = _records(journal, jobs, dataset, run, numbers["workers"], progress)
            results = _results(run, jobs, records, dataset)
            failed = failures(results)
            if out is not None:
                write_results(results, out)
                if not failed:
                    journal.remove()
    if failed:
        warnings.warn(_warning(failed, out), FailedObjects, stacklevel=2)
    return results


def _check(robot: str, **numbers: Any) -> dict[str, int | None]:
    """Return the numbers as integers, or say which one is out of range."""
    robot_named(robot)  # refuses an unknown one
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
    if numbers["every"] is None or numbers["every"] < 1:
        raise ValueError(f"Take every object with 1, or every n-th, not {numbers['every']}.")
    workers = numbers["workers"]
    if workers is not None and workers < 1 and workers != -1:
        raise ValueError(f"Give at least 1 worker, or -1 for all cores, not {workers}.")
    if numbers["seed"] is None or numbers["seed"] < 0:
        raise ValueError(f"A seed is at least 0, not {numbers['seed']}.")
    return numbers


def _journal_of(out: Path) -> Path:
    return Path(f"{out}.partial")


def _make_room(out: Path) -> None:
    """Make the file's folder, and refuse before the work a file that cannot be written."""
    for target in (out, _journal_of(out)):
        check_target(target)
    out.parent.mkdir(parents=True, exist_ok=True)


def _records(
    journal: Journal,
    jobs: Sequence[Job],
    dataset: Dataset,
    run: Mapping[str, Any],
    workers: int | None,
    progress: bool,
) -> dict[tuple[str, str, str], Answered | Failed]:
    """Return a record for each job: from the journal, or of a run now."""
    known = {record.key: record for record in journal.records if isinstance(record, Answered)}
    todo = []
    for job in jobs:
        if (record := known.get(job.name.key)) is None:
            todo.append(job)  # failed jobs too: the cause may be gone
        else:
            journal.check(record, job.made_from)
    for record in _with_bar(_run(todo, journal, dataset, run, workers), jobs, todo, progress):
        journal.append(record)
        known[record.key] = record
    return known


def _run(
    todo: list[Job],
    journal: Journal,
    dataset: Dataset,
    run: Mapping[str, Any],
    workers: int | None,
) -> Iterator[Answered | Failed]:
    """Yield records in the order in which the jobs finish."""
    settings = {key: run[key] for key in ("robot", "max_clicks", "seed")}
    work = partial(run_job, dataset=dataset, **settings)
    if journal.interrupted:  # this job may have killed its process: do not let it kill this one
        again = [job for job in todo if job.name == journal.interrupted]
        todo = [job for job in todo if job.name != journal.interrupted]
        yield from processes.run_one_by_one(again, work)
    if workers is None and effective_n_jobs(None) == 1:
        for job in todo:
            journal.begin(job.name)
            yield work(job)
    elif effective_n_jobs(workers) == 1:
        yield from processes.run_one_by_one(todo, work)
    else:
        yield from processes.run_in_parallel(todo, work, workers)


def _with_bar(
    records: Iterator[Answered | Failed], jobs: Sequence[Job], todo: list[Job], progress: bool
) -> Iterator[Answered | Failed]:
    """Show a progress bar. It starts with what an earlier run finished."""
    started = len(jobs) - len(todo)
    # With smoothing, the estimate would jump: methods take turns, and some take a hundred times as
    # long as others.
    with tqdm(
        total=len(jobs), initial=started, disable=not progress, unit="object", smoothing=0
    ) as bar:
        for record in records:
            yield record
            bar.set_postfix_str(f"{record.method}, {record.id}", refresh=False)
            bar.update()


def _results(
    run: Mapping[str, Any],
    jobs: Sequence[Job],
    records: Mapping[Any, Answered | Failed],
    dataset: Dataset,
) -> Results:
    found: dict[str, list[Answered | Failed]] = {job.variant.label: [] for job in jobs}
    for job in jobs:
        found[job.variant.label].append(records[job.name.key])
    broken, sources = getattr(dataset, "broken", {}), method_sources(jobs)
    methods = summarise_methods(found, broken, run["max_clicks"], sources)
    answered = [one for group in found.values() for one in group if isinstance(one, Answered)]
    processors = sorted({record.cpu for record in answered if record.cpu})
    here = machine()
    data = data_hash(jobs, compared_objects(methods))
    return Results(
        **{**run, "made_from": {**run["made_from"], "data": data}},
        machine={**here, "cpu": " and ".join(processors) or here["cpu"]},
        precision=common_precision(methods),
        skipped=dict(getattr(dataset, "skipped", {})),
        methods=methods,
    )


def _finished(
    out: Path, run: Mapping[str, Any], jobs: Sequence[Job], dataset: Dataset, force: bool
) -> Results | None:
    """Return the results in the file if they are of this very run. Refuse any other file."""
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
    if different := _difference(old, run, jobs, dataset):
        raise OtherRunError(
            f"The file {out} has finished results of another run, which differs in {different}: "
            "choose another --out, or replace them with --force."
        )
    return old


def _difference(
    old: Results, run: Mapping[str, Any], jobs: Sequence[Job], dataset: Dataset
) -> str | None:
    """Say in what results differ from those of a run, apart from objects that failed."""
    counted = compared_objects(old.methods)
    objects = {job.identifier for job in jobs} | {*getattr(dataset, "broken", {})}
    methods = {label: found.made_from for label, found in old.methods.items()}
    now = run["made_from"]
    same = {key: run[key] == getattr(old, key) for key in SETTINGS}
    same["its methods, or their options, code or weights"] = methods == method_sources(jobs)
    same["its objects"] = objects == {*counted, *failures(old)}
    same["its photos or masks"] = old.made_from.get("data") == data_hash(jobs, counted)
    same["the code of tutorial_lib"] = old.made_from.get("library") == now["library"]
    same["the versions of packages"] = old.made_from.get("packages") == now["packages"]
    return next((name for name, equal in same.items() if not equal), None)


def _warning(failed: Mapping[str, str], out: Path | None) -> str:
    (identifier, reason), count = next(iter(failed.items())), len(failed)
    again = "" if out is None else "; the same call tries again what failed"
    objects = f"{count} object{'s'[: count != 1]}"
    return f"Left out {objects}, first {identifier} ({reason.rstrip('.')}){again}."

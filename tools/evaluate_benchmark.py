"""Measure all methods on one benchmark with both robots.

``python tools/evaluate_benchmark.py coco-800 --root DIR`` writes ``<benchmark>_<robot>.json`` with
the classical methods and ``<benchmark>_<robot>_networks.json`` to ``assets/results``. After an
interruption the same command continues: it keeps what was measured with the same code, photos and
weights, and measures the rest. Delete a file to measure it again.

The classical methods would take most of a day for all objects of the larger benchmarks. They are
measured on a fixed part there: every n-th object in the order of the names. The file names this
rule. ``--every N`` measures every n-th object with all methods.

``--method latent-diversity`` measures this method alone, on the objects of the files that are
there, and puts it into them: the other methods stay as they are. Use it for a method whose weights
changed, or for a new one.

``--robot human --only networks --seeds 5`` measures the networks with five seeds of the robot that
clicks as people do: a file for each seed, and a table of means and spreads.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from tutorial_lib.data.datasets import Dataset, load_dataset
from tutorial_lib.evaluation.accuracy import FailedObjects, OtherRunError, evaluate
from tutorial_lib.evaluation.results import Results, read_results, with_method, write_results
from tutorial_lib.evaluation.seeds import seed_lines, seed_paths
from tutorial_lib.evaluation.summaries import failures, report_lines
from tutorial_lib.registry import methods

RESULTS = Path(__file__).parents[1] / "assets" / "results"
ROBOTS = ("center", "geodesic")
CLASSICAL = tuple(info.name for info in methods() if info.kind == "classical")
NETWORKS = ("dos", "dos-no-graph-cut", "latent-diversity", "latent-diversity-rdl")
GROUPS = {"classical": CLASSICAL, "networks": NETWORKS}


class Benchmark(NamedTuple):
    """How a benchmark is read, and on which part of it the classical methods are measured."""

    dataset: str
    split: str | None = None
    classical_every: int = 1


#: Every tenth object of COCO-800 is one of each category, and every twentieth one of every second.
#: iseg-voc is the validation set.
BENCHMARKS = {
    "grabcut": Benchmark("grabcut"),
    "berkeley": Benchmark("berkeley", classical_every=4),
    "davis-val": Benchmark("davis", "val-tenth", classical_every=6),
    "coco-800": Benchmark("coco", "800-objects", classical_every=20),
    "iseg-voc": Benchmark("folder", classical_every=4),
}


def main(
    benchmark: Annotated[str, typer.Argument(help=", ".join(BENCHMARKS))],
    root: Annotated[Path, typer.Option(help="The dataset's folder.")],
    robot: Annotated[
        list[str] | None, typer.Option(help="Robots; center and geodesic if not given.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Number of the robot's seeds, from 0 on.")] = 1,
    only: Annotated[str | None, typer.Option(help="classical or networks.")] = None,
    method: Annotated[str | None, typer.Option(help="Measure this method alone.")] = None,
    every: Annotated[
        int | None,
        typer.Option(min=1, help="Take every n-th object; the usual part if not given."),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = -1,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = RESULTS,
) -> None:
    """Measure what is missing or outdated, file by file."""
    measurable = [name for group in GROUPS.values() for name in group]
    for name, value, known in (
        ("benchmark", benchmark, BENCHMARKS),
        ("group", only, GROUPS),
        ("method", method, measurable),
    ):
        if value is not None and value not in known:
            raise typer.BadParameter(f"The {name}s are {', '.join(known)}; there is no {value!r}.")
    if method and every:
        raise typer.BadParameter("With --method, the files say which objects: leave out --every.")
    how = BENCHMARKS[benchmark]
    dataset = load_dataset(how.dataset, root, split=how.split)
    groups = [g for g in GROUPS if only in (None, g) and (method is None or method in GROUPS[g])]
    if not groups:
        raise typer.BadParameter(f"The method {method} is not one of the group {only}.")
    runs = [(r, g) for r in robot or ROBOTS for g in groups]
    warnings.simplefilter("ignore", FailedObjects)  # the report names them
    failed = False
    for number, (name, group) in enumerate(runs, start=1):
        path = out / f"{benchmark}_{name}{'_networks' if group == 'networks' else ''}.json"
        files = seed_paths(path, seeds)
        usual = every or (how.classical_every if group == "classical" else 1)
        part = _part_of(files.values(), usual) if method else usual
        print(f"File {number} of {len(runs)}: {path.name}, {len(dataset.ids)} objects, "
              f"one in {part}")  # fmt: skip
        measured = []
        for seed, file in files.items():
            start = time.monotonic()
            settings = {"robot": name, "seed": seed, "every": part, "workers": workers}
            if method and file.is_file():
                measured.append(_with_method(method, file, dataset, settings))
            else:
                names = [method] if method else GROUPS[group]
                measured.append(_measured(names, file, dataset, settings))
            *lines, last = report_lines(measured[-1])
            print(*lines, f"{last} {(time.monotonic() - start) / 60:.0f} minutes.", sep="\n")
        failed |= any(map(failures, measured))
        if seeds > 1:
            print(*seed_lines(measured), sep="\n")
    raise typer.Exit(int(failed))


def _measured(
    names: Sequence[str], path: Path, dataset: Dataset, settings: dict[str, Any]
) -> Results:
    """Return the results of this very run, and measure them if the file holds others."""
    try:
        return evaluate(names, dataset, path, **settings)
    except OtherRunError:
        return evaluate(names, dataset, path, **settings, force=True)


def _part_of(files: Iterable[Path], usual: int) -> int:
    """Return n if the first file that is there holds every n-th object; the usual n without one."""
    held = next((read_results(file) for file in files if file.is_file()), None)
    if held is None:
        return usual
    return held.subset.every if held.subset else 1


def _with_method(name: str, path: Path, dataset: Dataset, settings: dict[str, Any]) -> Results:
    """Measure one method alone, and put it into the file that holds others."""
    alone = path.with_suffix(f".{name}.json")
    results = with_method(read_results(path), _measured([name], alone, dataset, settings), name)
    write_results(results, path)
    alone.unlink()
    return results


if __name__ == "__main__":
    typer.run(main)

"""Several runs of one evaluation that differ in the robot's seed: the mean and the spread of NoC.

A robot that draws its clicks gives another figure with each seed. Each run has its own result file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from tutorial_lib.evaluation.results import Results
from tutorial_lib.metrics import THRESHOLDS

_SAME = ("dataset", "root_name", "robot", "max_clicks", "precision")


@dataclass(frozen=True)
class SeedSummary:
    """What one method reached over several seeds of the robot.

    Parameters
    ----------
    objects : int
        Number of objects.
    noc : dict of str to tuple of float
        NoC at 85 and 90 per cent IoU, one value for each seed.
    """

    objects: int
    noc: dict[str, tuple[float, ...]]

    def mean(self, percent: int) -> float:
        """Return the mean NoC over the seeds.

        Parameters
        ----------
        percent : int
            85 or 90 per cent IoU.

        Returns
        -------
        float
            Clicks.
        """
        return mean(self.noc[str(percent)])

    def spread(self, percent: int) -> float | None:
        """Return the standard deviation of NoC over the seeds, with n - 1 in its denominator.

        Parameters
        ----------
        percent : int
            85 or 90 per cent IoU.

        Returns
        -------
        float or None
            Clicks; None for a single seed.
        """
        values = self.noc[str(percent)]
        return stdev(values) if len(values) > 1 else None


def seed_paths(out: str | Path, seeds: int, first: int = 0) -> dict[int, Path]:
    """Return the result file for each seed.

    Parameters
    ----------
    out : str or Path
        The file for one seed.
    seeds : int
        Number of seeds.
    first : int
        The first seed.

    Returns
    -------
    dict of int to Path
        For several seeds, each file name has its seed: ``human.json`` gives
        ``human-seed0.json``, ``human-seed1.json``, ...

    Raises
    ------
    ValueError
        If there is no seed.
    """
    out = Path(out)
    if seeds < 1:
        raise ValueError(f"An evaluation needs at least 1 seed, not {seeds}.")
    if seeds == 1:
        return {first: out}
    numbers = range(first, first + seeds)
    return {number: out.with_name(f"{out.stem}-seed{number}{out.suffix}") for number in numbers}


def over_seeds(runs: Sequence[Results]) -> dict[str, SeedSummary]:
    """Summarise runs that differ only in the robot's seed.

    Parameters
    ----------
    runs : sequence of Results
        One for each seed.

    Returns
    -------
    dict of str to SeedSummary
        One for each method that every run has figures of.

    Raises
    ------
    ValueError
        If there is no run, or if runs differ in more than the seed, or share one.
    """
    if not runs:
        raise ValueError("A summary over seeds needs at least one run.")
    for name in _SAME:
        if len(values := {str(getattr(run, name)) for run in runs}) > 1:
            raise ValueError(
                f"Runs over seeds have one {name}, not {' and '.join(sorted(values))}."
            )
    if len({run.seed for run in runs}) < len(runs):
        raise ValueError("Two of the runs have the same seed: give each run once.")
    found = {}
    for method in runs[0].methods:
        mine = [run.methods[method] for run in runs if method in run.methods]
        if len(mine) < len(runs) or not all(one.samples for one in mine):
            continue
        if any(set(one.samples) != set(mine[0].samples) for one in mine):
            raise ValueError(
                f"The runs of {method} counted different objects: run failed objects again."
            )
        noc = {str(p): tuple(float(one.noc[str(p)]) for one in mine) for p in THRESHOLDS}
        found[method] = SeedSummary(len(mine[0].samples), noc)
    return found


def seed_lines(runs: Sequence[Results]) -> Iterable[str]:
    """Report runs that differ in the robot's seed, line by line.

    Parameters
    ----------
    runs : sequence of Results
        As for :func:`over_seeds`.

    Yields
    ------
    str
        A table: mean and standard deviation over the seeds for each method.
    """
    yield f"{'method':22} {'NoC@85':>14} {'NoC@90':>14}"
    summaries = over_seeds(runs)
    for method, found in summaries.items():
        cells = [f"{found.mean(p):.2f} ± {found.spread(p) or 0:.2f}" for p in THRESHOLDS]
        yield f"{method:22} {cells[0]:>14} {cells[1]:>14}"
    objects = max((found.objects for found in summaries.values()), default=0)
    seeds = ", ".join(str(run.seed) for run in runs)
    yield (
        f"{objects} object{'s'[: objects != 1]}, robot {runs[0].robot}, mean ± standard deviation "
        f"over {len(runs)} seeds ({seeds})."
    )

"""From the records of jobs to figures: means over the objects that every method answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from tutorial_lib.evaluation.jobs import Answered, Failed
from tutorial_lib.evaluation.results import MethodResults, Results, SampleResults
from tutorial_lib.metrics import THRESHOLDS, clicks_and_curve


def summarise_method(records: Sequence[Answered], max_clicks: int = 20) -> dict[str, Any]:
    """Summarise what one method did on all objects.

    Parameters
    ----------
    records : sequence of Answered
        One record per object.
    max_clicks : int
        Clicks that count for an object that never reaches a threshold, and the length of the curve.

    Returns
    -------
    dict
        ``noc``, ``miou``, ``ms_prepare``, ``ms_click`` and ``samples`` of
        :class:`~tutorial_lib.evaluation.results.MethodResults`. Without records the figures are
        None, and the curve is empty.
    """
    if not records:
        nothing = {str(percent): None for percent in THRESHOLDS}
        return {"noc": nothing, "miou": (), "ms_prepare": None, "ms_click": None, "samples": {}}
    figures = clicks_and_curve([record.iou for record in records], max_clicks)
    return {
        "noc": figures["noc"],
        "miou": tuple(figures["miou"]),
        "ms_prepare": median(record.ms_prepare for record in records),
        "ms_click": median(ms for record in records for ms in record.ms_clicks),
        "samples": {
            record.id: SampleResults(clicks=record.clicks, iou=record.iou) for record in records
        },
    }


def summarise_methods(
    records: Mapping[str, Sequence[Answered | Failed]],
    broken: Mapping[str, str],
    max_clicks: int,
    made_from: Mapping[str, Mapping[str, Any]],
) -> dict[str, MethodResults]:
    """Summarise what several methods did on the same objects.

    An object that one method failed on is left out for every method. A method that failed on every
    object has no figures, and takes no objects from the others.

    Parameters
    ----------
    records : mapping of str to sequence of Answered or Failed
        For each method one record per object: the same objects in the same order.
    broken : mapping of str to str
        Objects that could not be read at all, with the reasons.
    max_clicks : int
        As for :func:`summarise_method`.
    made_from : mapping of str to mapping
        What each method is made from.

    Returns
    -------
    dict of str to MethodResults
        The figures of each method.
    """
    answered = {
        label: [record for record in found if isinstance(record, Answered)]
        for label, found in records.items()
    }
    left_out: dict[str, str] = {}
    for label in records:
        if answered[label]:
            for record in records[label]:
                if isinstance(record, Failed):
                    left_out.setdefault(record.id, record.failed)
    methods = {}
    for label, found in records.items():
        failed = {
            record.id: record.failed
            if isinstance(record, Failed)
            else _not_compared(left_out[record.id])
            for record in found
            if isinstance(record, Failed) or record.id in left_out
        }
        counted = [record for record in answered[label] if record.id not in left_out]
        methods[label] = MethodResults(
            **summarise_method(counted, max_clicks),
            precision=_only(sorted({record.precision for record in answered[label]})),
            failed={**failed, **broken},
            made_from=dict(made_from[label]),
        )
    return methods


def _not_compared(reason: str) -> str:
    return f"Left out, for all methods are compared on the same objects: {reason}"


def _only(values: Sequence[str]) -> str:
    """Return the one value, or ``"mixed"``."""
    return values[0] if len(values) == 1 else "mixed" if values else "float32"


def common_precision(methods: Mapping[str, MethodResults]) -> str:
    """Return the precision that all methods computed in, or ``"mixed"``."""
    return _only(sorted({method.precision for method in methods.values()}))


def compared_objects(methods: Mapping[str, MethodResults]) -> set[str]:
    """Return the objects that count: those that every method with an answer answered."""
    return next(({*found.samples} for found in methods.values() if found.samples), set())


def failures(results: Results) -> dict[str, str]:
    """Return the objects that do not count.

    Parameters
    ----------
    results : Results
        What :func:`tutorial_lib.evaluation.accuracy.evaluate` returns.

    Returns
    -------
    dict of str to str
        The first reason for each object that does not count for some method.
    """
    found: dict[str, str] = {}
    for method in results.methods.values():
        for identifier, reason in method.failed.items():
            if identifier not in found or found[identifier].startswith(_not_compared("")):
                found[identifier] = reason
    return found


def report_lines(results: Results, most: int = 20) -> Iterable[str]:
    """Report the results of an evaluation, line by line.

    Parameters
    ----------
    results : Results
        What :func:`tutorial_lib.evaluation.accuracy.evaluate` returns.
    most : int
        Number of failed objects, and of skipped ones, that are named at most.

    Yields
    ------
    str
        A table, the objects that were skipped or failed with the reasons, and a line of counts.
    """
    yield f"{'method':22} {'NoC@85':>7} {'NoC@90':>7} {'ms/click':>9}"
    for name, found in results.methods.items():
        counts = [f"{one:.2f}" if one is not None else "-" for one in found.noc.values()]
        click = f"{found.ms_click:.0f}" if found.ms_click is not None else "-"
        yield f"{name:22} {counts[0]:>7} {counts[1]:>7} {click:>9}"
    skipped, failed = results.skipped, failures(results)
    for word, reasons in (("skipped", skipped), ("failed", failed)):
        for identifier, reason in list(reasons.items())[:most]:
            yield f"{word}: {identifier}: {reason}"
        if len(reasons) > most:
            yield f"{word}: {len(reasons) - most} more, which the results name."
    number = max(len(found.samples) for found in results.methods.values())
    parts = [f"{number} object{'s'[: number != 1]}"]
    parts += [f"{len(failed)} failed"] if failed else []
    parts += [f"{len(skipped)} skipped"] if skipped else []
    yield f"{', '.join(parts)}, robot {results.robot}."

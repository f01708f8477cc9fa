"""From finished records to figures: means over objects that every method answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from tutorial_lib.metrics import THRESHOLDS, clicks_and_curve

Record = Mapping[str, Any]


def summarise(records: Sequence[Record], max_clicks: int = 20) -> dict[str, Any]:
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
        ``ms_click``, and the ``samples``: one method's part of a results file. Without a record
        there is no figure: None, and an empty curve.
    """
    if not records:
        nothing = {str(percent): None for percent in THRESHOLDS}
        return {"noc": nothing, "miou": [], "ms_prepare": None, "ms_click": None, "samples": {}}
    ious = [record["iou"] for record in records]
    return {
        **clicks_and_curve(ious, max_clicks),
        "ms_prepare": median(record["ms_prepare"] for record in records),
        "ms_click": median(ms for record in records for ms in record["ms_clicks"]),
        "samples": {
            record["id"]: {"clicks": record["clicks"], "iou": record["iou"]} for record in records
        },
    }


def summarise_all(
    records: Mapping[str, Sequence[Record]], broken: Mapping[str, str], max_clicks: int
) -> dict[str, dict[str, Any]]:
    """Sum up what several methods did, on the same objects for all of them.

    An object that one method failed on is left out for every method, and all say so. A method that
    failed on every object has no figures, and costs the others nothing.

    Parameters
    ----------
    records : mapping of str to sequence of mapping
        For each method one record an object, the same objects in the same order: as
        :func:`summarise` takes it, with ``"precision"``; or with ``"failed"``, a sentence.
    broken : mapping of str to str
        Objects that no method was given, with the reasons.
    max_clicks : int
        As for :func:`summarise`.

    Returns
    -------
    dict
        For each method what :func:`summarise` returns, ``precision``, and ``failed``: a sentence
        for each object that does not count.
    """
    fallen = {label for label, found in records.items() if all("failed" in one for one in found)}
    left_out: dict[str, str] = {}
    for label in records.keys() - fallen:
        for record in records[label]:
            if "failed" in record:
                left_out.setdefault(record["id"], record["failed"])
    methods = {}
    for label, found in records.items():
        answered = [one for one in found if "failed" not in one]
        failed = {
            one["id"]: one.get("failed") or _not_compared(left_out[one["id"]])
            for one in found
            if "failed" in one or one["id"] in left_out
        }
        precisions = sorted({one["precision"] for one in answered})
        methods[label] = {
            **summarise([one for one in answered if one["id"] not in left_out], max_clicks),
            "precision": _only(precisions),
            "failed": {**failed, **broken},
        }
    return methods


def _not_compared(reason: str) -> str:
    return f"Left out, for all methods are compared on the same objects: {reason}"


def _only(values: Sequence[str]) -> str:
    """Return the value of all, or ``"mixed"``."""
    return values[0] if len(values) == 1 else "mixed" if values else "float32"


def precision_of(methods: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the precision of all methods that :func:`summarise_all` summed up, or ``"mixed"``."""
    return _only(sorted({method["precision"] for method in methods.values()}))


def compared(methods: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the objects that count: those every method answered that answered any."""
    return next(({*found["samples"]} for found in methods.values() if found["samples"]), set())


def failures(results: Mapping[str, Any]) -> dict[str, str]:
    """Return what failed in an evaluation.

    Parameters
    ----------
    results : mapping
        What :func:`tutorial_lib.evaluation.accuracy.evaluate` returns.

    Returns
    -------
    dict of str to str
        For each object that does not count for some method, the first reason that was given.
    """
    found: dict[str, str] = {}
    for method in results["methods"].values():
        for identifier, reason in method.get("failed", {}).items():
            if identifier not in found or found[identifier].startswith(_not_compared("")):
                found[identifier] = reason
    return found


def sentence(text: str) -> str:
    """Make one sentence of any text: one line, no full stop but at its end, not very long."""
    line = re.sub(r"\.\s+(?=[A-Z])", "; ", " ".join(text.split())).rstrip(". ")
    return f"{line if len(line) <= 500 else line[:500] + ' ...'}."


def report(results: Mapping[str, Any], most: int = 20) -> Iterable[str]:
    """Say what an evaluation found, line by line.

    Parameters
    ----------
    results : mapping
        What :func:`tutorial_lib.evaluation.accuracy.evaluate` returns.
    most : int
        How many objects that failed are named, and how many that were skipped.

    Yields
    ------
    str
        A table, the objects that were skipped or failed and why, and a line that counts them all.
    """
    yield f"{'method':22} {'NoC@85':>7} {'NoC@90':>7} {'ms/click':>9}"
    for name, found in results["methods"].items():
        cells = [*found["noc"].values(), found["ms_click"]]
        text = [f"{one:.2f}" if one is not None else "-" for one in cells]
        text[-1] = f"{cells[-1]:.0f}" if cells[-1] is not None else "-"
        yield f"{name:22} {text[0]:>7} {text[1]:>7} {text[2]:>9}"
    skipped, failed = results.get("skipped", {}), failures(results)
    for word, reasons in (("skipped", skipped), ("failed", failed)):
        for identifier, reason in list(reasons.items())[:most]:
            yield f"{word}: {identifier}: {reason}"
        if len(reasons) > most:
            yield f"{word}: {len(reasons) - most} more, which the results name."
    counts = [_count(len(found["samples"])) for found in results["methods"].values()]
    parts = [max(counts, key=lambda text: int(text.split()[0]))]
    parts += [f"{len(failed)} failed"] if failed else []
    parts += [f"{len(skipped)} skipped"] if skipped else []
    yield f"{', '.join(parts)}, robot {results['robot']}."


def _count(number: int) -> str:
    return f"{number} object{'s'[: number != 1]}"

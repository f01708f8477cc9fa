"""The file that an evaluation writes, as typed records: settings, and what each method reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from tutorial_lib.evaluation.records import (
    RECORD,
    Milliseconds,
    NoC,
    NonEmpty,
    NonNegative,
    Positive,
    RecordedClick,
    Sentence,
    Series,
    Share,
    read_record,
    write_record,
)

#: Settings of an evaluation, which all methods of a file share.
SETTINGS = ("dataset", "root_name", "robot", "seed", "max_clicks")


class SampleResults(BaseModel):
    """What the robot did with one method on one object.

    Attributes
    ----------
    clicks : tuple of (int, int, bool)
        Row, column, and whether the click is positive.
    iou : tuple of float
        IoU after each click.
    """

    model_config = RECORD

    clicks: NonEmpty[RecordedClick]
    iou: NonEmpty[Share]


class MethodResults(BaseModel):
    """What one method reached on all objects.

    Attributes
    ----------
    noc : dict of str to float or None
        Mean number of clicks to 85 and 90 per cent IoU.
    miou : tuple of float
        Mean IoU after each click.
    ms_prepare, ms_click : float or None
        Median milliseconds to prepare a photo, and to answer a click.
    samples : dict of str to SampleResults
        The objects that count.
    precision : str
        What the method computed in, such as ``"float32"``.
    failed : dict of str to str
        The objects that do not count, with the reasons.
    made_from : dict
        Name, options and hashes of the method.
    commit : str or None
        The commit of this package, if the method was measured later than the others of its file;
        see :func:`with_method`.

    Notes
    -----
    A method that answered no object has no figures: they are None, and ``miou`` is empty.
    """

    model_config = RECORD

    noc: NoC | dict[Literal["85", "90"], None]
    miou: Series[Share]
    ms_prepare: Milliseconds | None
    ms_click: Milliseconds | None
    samples: dict[str, SampleResults]
    precision: str = "float32"
    failed: dict[str, Sentence] = Field(default_factory=dict)
    made_from: dict[str, Any] = Field(default_factory=dict)
    commit: str | None = None

    @model_validator(mode="after")
    def _check_figures(self) -> MethodResults:
        figures = [*self.noc.values(), self.ms_prepare, self.ms_click, *(self.miou or [None])]
        if self.samples and None in figures:
            raise ValueError("a method that answered an object has figures")
        if not self.samples and (figures != [None] * 5 or not self.failed):
            raise ValueError("a method that answered no object has failures and no figures")
        return self


class PartMeasured(BaseModel):
    """Which objects of a dataset were measured, if not all.

    Attributes
    ----------
    every : int
        Every n-th object was measured, from the first one on, in the order of the dataset.
    of : int
        Number of all objects.
    """

    model_config = RECORD

    every: Positive
    of: Positive

    def __str__(self) -> str:
        return f"one in {self.every} of {self.of}"


class Results(BaseModel):
    """What an evaluation found.

    Attributes
    ----------
    version : int
        The version of this format, ``"schema"`` in the file.
    dataset, root_name : str
        Layout of the dataset, and the name of its folder.
    robot : str
        The simulated user.
    seed : int
        Seed of the robot.
    max_clicks : int
        Clicks per object at most.
    commit : str or None
        The commit of this package. Methods that were measured later name their own.
    made_from : dict
        Hashes of code and data, and versions of packages.
    machine : dict
        The machine, from :func:`tutorial_lib.evaluation.machine.machine`.
    precision : str
        What all methods computed in, or ``"mixed"``.
    skipped : dict of str to str
        Objects that the dataset left out, with the reasons.
    subset : PartMeasured or None
        The rule by which objects were chosen. None if all were measured.
    methods : dict of str to MethodResults
        One entry for each method.
    """

    model_config = RECORD

    version: Literal[1] = Field(alias="schema")
    dataset: str
    root_name: str
    robot: str
    seed: NonNegative
    max_clicks: Positive
    commit: str | None
    made_from: dict[str, Any] = Field(default_factory=dict)
    machine: dict[str, Any]
    precision: str = "float32"
    skipped: dict[str, Sentence] = Field(default_factory=dict)
    subset: PartMeasured | None = None
    methods: Annotated[dict[str, MethodResults], Field(min_length=1)]

    @property
    def commits(self) -> tuple[str | None, ...]:
        """The commits at which the methods were measured, in their order, each one once."""
        return tuple(dict.fromkeys(found.commit or self.commit for found in self.methods.values()))


def write_results(results: Results, path: Path) -> None:
    """Write the results of an evaluation: the whole file, or nothing.

    Parameters
    ----------
    results : Results
        What :func:`tutorial_lib.evaluation.accuracy.evaluate` returns.
    path : Path
        JSON file. Its folder is made if there is none.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_record(results, path, _with_short_samples)


def read_results(path: str | Path) -> Results:
    """Read the results of an evaluation.

    Parameters
    ----------
    path : str or Path
        JSON file that an evaluation wrote.

    Returns
    -------
    Results
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.
    """
    return read_record(path, Results, "`evaluate --out` writes one")


def with_method(results: Results, later: Results, name: str) -> Results:
    """Return results with one method from a later evaluation of the same objects.

    So a method whose weights changed is measured again alone, and a new one is added to others.

    Parameters
    ----------
    results : Results
        The file so far. It may hold the method already, or not.
    later : Results
        The later evaluation.
    name : str
        A method of ``later``.

    Returns
    -------
    Results
        The method has the figures of ``later`` and names its commit.

    Raises
    ------
    ValueError
        If the two did not let the same robot use their methods on the same objects, or if objects
        failed: then all methods have to be measured together.
    """
    shared = (*SETTINGS, "subset", "precision")
    wrong = next((key for key in shared if getattr(results, key) != getattr(later, key)), None)
    kept = {key: found for key, found in results.methods.items() if key != name}
    objects = {frozenset(found.samples) for found in (*kept.values(), later.methods[name])}
    if wrong is None and results.made_from.get("data") != later.made_from.get("data"):
        wrong = "photos or masks"
    if wrong is None and (len(objects) > 1 or any(found.failed for found in kept.values())):
        wrong = "objects"
    if wrong is not None:
        raise ValueError(
            f"The method {name} was measured with other values of {wrong} than the methods of the "
            "file: measure all of them together."
        )
    method = later.methods[name].model_copy(update={"commit": later.commit})
    methods = {**results.methods, name: method}
    return results.model_copy(update={"methods": methods})


class _Line(dict):
    """A dictionary that is written on a single line."""


def _with_short_samples(results: dict[str, Any]) -> str:
    """Return JSON with one line per sample, so that people can read and compare the files."""
    methods = {
        name: {**method, "samples": {key: _Line(one) for key, one in method["samples"].items()}}
        for name, method in results["methods"].items()
    }
    return _indented({**results, "methods": methods}) + "\n"


def _indented(value: Any, before: str = "\n") -> str:
    """Return JSON as ``json.dumps(value, indent=1)`` does, but keep each ``_Line`` whole."""
    if isinstance(value, _Line):
        return json.dumps(value, separators=(",", ":"))
    if not (isinstance(value, (dict, list, tuple)) and value):
        return json.dumps(value)
    within = before + " "
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(within + _indented(one, within) for one in value) + before + "]"
    lines = (f"{within}{json.dumps(key)}: {_indented(value[key], within)}" for key in value)
    return "{" + ",".join(lines) + before + "}"

"""The files of what options of Latent Diversity are worth.

``selection.json`` compares g with every fixed candidate and with an oracle. ``extras.json``
compares Latent Diversity with and without zooming in and flip averaging. ``sizes.json`` compares
several working sizes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from tutorial_lib.evaluation.records import (
    RECORD,
    Milliseconds,
    NoC,
    NonEmpty,
    Positive,
    Series,
    Share,
    indented,
    read_record,
    write_record,
)


class SettingFigures(BaseModel):
    """What Latent Diversity reaches with one setting.

    Attributes
    ----------
    noc : dict of str to float
        Mean number of clicks to 85 and 90 per cent IoU.
    miou : tuple of float
        Mean IoU after each of the first clicks.
    counts : dict of str to tuple of int
        Clicks to each IoU threshold, object by object. Older files do not have them.
    """

    model_config = RECORD

    noc: NoC
    miou: NonEmpty[Share]
    counts: dict[str, Series[Positive]] = Field(default_factory=dict)


class SelectorFigures(SettingFigures):
    """What Latent Diversity reaches with one selector.

    Attributes
    ----------
    clicked_pixels_right : float
        Share of clicked pixels that have the clicked label in the last mask.
    """

    clicked_pixels_right: Share


class SelectionOnDataset(BaseModel):
    """All selectors on one dataset.

    Attributes
    ----------
    root_name : str
        Name of the dataset's folder.
    robot : str
        The simulated user.
    objects : int
        Number of objects.
    size, zoom, flip
        Options of Latent Diversity.
    selectors : dict of str to SelectorFigures
        Figures by selector, ``"ways"`` in the file.
    recovered : dict of str to float or None
        How much of the gap between the best fixed candidate and the oracle g closes, by threshold.
    commit : str or None
        The commit of this package.
    machine : dict
        The machine, from :func:`tutorial_lib.evaluation.machine.machine`.
    precision : str
        What the networks computed in.
    """

    model_config = RECORD

    root_name: str
    robot: str
    objects: Positive
    size: int | None
    zoom: bool | None
    flip: bool
    selectors: dict[str, SelectorFigures] = Field(alias="ways")
    recovered: dict[str, float | None] = Field(default_factory=dict)
    commit: str | None
    machine: dict[str, Any]
    precision: str


class SelectionResults(BaseModel):
    """What selection is worth, on several datasets."""

    model_config = RECORD

    version: Literal[1] = Field(alias="schema")
    datasets: dict[str, SelectionOnDataset]


class ExtrasOnSet(BaseModel):
    """All settings on one set of objects; ``settings`` are ``"ways"`` in the file."""

    model_config = RECORD

    dataset: str
    objects: Positive
    settings: dict[str, SettingFigures] = Field(alias="ways")


class ExtrasResults(BaseModel):
    """What zooming in and flip averaging are worth, on several sets of objects."""

    model_config = RECORD

    version: Literal[1] = Field(alias="schema")
    commit: str | None
    machine: dict[str, Any]
    precision: str
    sets: dict[str, ExtrasOnSet]


class SizeFigures(SettingFigures):
    """What Latent Diversity reaches at one working size, and how long that takes.

    Attributes
    ----------
    ms_first, ms_click : float
        Median milliseconds of the first click, and of a later click, on photos of 640x480 pixels.
    """

    ms_first: Milliseconds
    ms_click: Milliseconds


class SizesResults(BaseModel):
    """Accuracy and time at several working sizes.

    Attributes
    ----------
    commit : str or None
        The commit of this package.
    machine : dict
        The machine, from :func:`tutorial_lib.evaluation.machine.machine`.
    precision : str
        What the networks computed in.
    root_name : str
        Name of the dataset's folder.
    robot : str
        The simulated user.
    objects : int
        Number of objects.
    sizes : dict of str to SizeFigures
        Figures by the longer side of the networks' input, in pixels.
    """

    model_config = RECORD

    version: Literal[1] = Field(alias="schema")
    commit: str | None
    machine: dict[str, Any]
    precision: str
    root_name: str
    robot: str
    objects: Positive
    sizes: dict[str, SizeFigures]


def read_selection(path: str | Path) -> SelectionResults:
    """Read what ``tools/measure_selection.py`` wrote.

    Parameters
    ----------
    path : str or Path
        JSON file.

    Returns
    -------
    SelectionResults
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.
    """
    return read_record(path, SelectionResults, "`make selection` writes one")


def read_extras(path: str | Path) -> ExtrasResults:
    """Read what ``tools/measure_extras.py`` wrote.

    Parameters
    ----------
    path : str or Path
        JSON file.

    Returns
    -------
    ExtrasResults
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.
    """
    return read_record(path, ExtrasResults, "`make selection` writes one")


def read_sizes(path: str | Path) -> SizesResults:
    """Read what ``tools/measure_sizes.py`` wrote.

    Parameters
    ----------
    path : str or Path
        JSON file.

    Returns
    -------
    SizesResults
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.
    """
    return read_record(path, SizesResults, "`make sizes` writes one")


def write_selection(results: SelectionResults, path: Path) -> None:
    """Write the figures of selectors: the whole file, or nothing.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_record(results, path, indented)


def write_extras(results: ExtrasResults, path: Path) -> None:
    """Write the figures of zooming in and flip averaging: the whole file, or nothing.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_record(results, path, indented)


def write_sizes(results: SizesResults, path: Path) -> None:
    """Write the figures of working sizes: the whole file, or nothing.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_record(results, path, indented)

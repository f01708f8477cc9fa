"""The file of mean IoU after a single click: Table 2 of Xu et al. at this package's scale."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from tutorial_lib.evaluation.records import (
    RECORD,
    Positive,
    Series,
    Share,
    read_record,
    write_record,
)


class OneClickSet(BaseModel):
    """Mean IoU of each method on one set of objects.

    Attributes
    ----------
    dataset : str
        Name of the dataset's folder.
    precision : str
        What the methods computed in.
    objects : int
        Number of objects.
    miou : dict of str to float
        Mean IoU after one click, by method.
    ious : dict of str to tuple of float
        The IoU of each object, in the same order for every method. Older files do not have them.
    """

    model_config = RECORD

    dataset: str
    precision: Literal["float32", "bfloat16", "mixed"]
    objects: Positive
    miou: Annotated[dict[str, Share], Field(min_length=1)]
    ious: dict[str, Series[Share]] = Field(default_factory=dict)


class OneClickResults(BaseModel):
    """Mean IoU after one click.

    Attributes
    ----------
    version : int
        The version of this format, ``"schema"`` in the file.
    clicks : int
        Always 1.
    commit : str or None
        The commit of this package.
    machine : dict
        The machine, from :func:`tutorial_lib.evaluation.machine.machine`.
    sets : dict of str to OneClickSet
        ``"seen"``: kinds of objects that training had met. ``"unseen"``: others.
    """

    model_config = RECORD

    version: Literal[1] = Field(alias="schema")
    clicks: Literal[1]
    commit: str | None
    machine: dict[str, Any]
    sets: Annotated[dict[Literal["seen", "unseen"], OneClickSet], Field(min_length=2)]


def write_one_click(results: OneClickResults, path: Path) -> None:
    """Write the figures with sorted keys: the whole file, or nothing.

    Parameters
    ----------
    results : OneClickResults
        The figures.
    path : Path
        JSON file. Its folder is made if there is none.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_record(results, path)


def read_one_click(path: str | Path) -> OneClickResults:
    """Read the figures.

    Parameters
    ----------
    path : str or Path
        JSON file that ``tools/measure_one_click.py`` wrote.

    Returns
    -------
    OneClickResults
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 4.3 and Table 2.
    """
    return read_record(path, OneClickResults, "`make one-click` writes one")

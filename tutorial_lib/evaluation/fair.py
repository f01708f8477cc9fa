"""A fair comparison: DOS and Latent Diversity with the same photos, minutes and backbone.

The shipped networks are compared as they are, but they were not trained alike. Here every network
sees the same photos at the same scale for the same number of minutes, on one core each. Both
methods are trained with a backbone that is frozen and with one that learns. Latent Diversity is
trained with our g and with the paper's g, which get the same minutes beside the same f.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from tutorial_lib.evaluation.ablations import AblationProtocol, Minutes, SelectorSummary
from tutorial_lib.evaluation.claims import Difference, paired
from tutorial_lib.evaluation.records import (
    RECORD,
    NonNegative,
    Positive,
    Series,
    read_record,
    write_record,
)


class FairRow(BaseModel):
    """One method: how it was trained, and what it reaches.

    Attributes
    ----------
    method : str
        Its name in the registry.
    backbone : str
        ``"frozen"`` or ``"learned"``.
    selector : str or None
        Who selects a candidate: ``"ours"`` or ``"paper"``; None for DOS.
    minutes, minutes_g : float
        Training time of DOS or f, and of g.
    images, images_g : int
        Training images in that time.
    commit : str or None
        The commit of this package.
    reached : SelectorSummary
        Clicks and IoU on the validation objects.
    """

    model_config = RECORD

    method: Literal["dos", "dos-no-graph-cut", "latent-diversity"]
    backbone: Literal["frozen", "learned"]
    selector: Literal["ours", "paper"] | None
    minutes: Minutes
    minutes_g: Minutes
    images: Positive
    images_g: NonNegative
    commit: str | None
    reached: SelectorSummary


class FairResults(BaseModel):
    """All rows, with what they have in common.

    Attributes
    ----------
    version : int
        The version of this format, ``"schema"`` in the file.
    command : str
        What measures these figures again.
    machine : dict
        The machine, from :func:`tutorial_lib.evaluation.machine.machine`.
    precision : str
        What the networks computed in.
    minutes : float
        Training time of each row, with its g.
    settings : tuple of str
        ``key=value``: settings of all trainings.
    protocol : AblationProtocol
        What each row was measured on.
    rows : dict of str to FairRow
        One entry for each row of the table.
    """

    model_config = RECORD

    version: Literal[1] = Field(alias="schema")
    command: str
    machine: dict[str, Any]
    precision: Literal["float32"]
    minutes: Annotated[float, Field(gt=0)]
    settings: Series[str]
    protocol: AblationProtocol
    rows: dict[str, FairRow]


def write_fair(results: FairResults, path: Path) -> None:
    """Write the figures: the whole file, or nothing.

    Parameters
    ----------
    results : FairResults
        The figures.
    path : Path
        JSON file. Its folder is made if there is none.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_record(results, path)


def read_fair(path: str | Path) -> FairResults:
    """Read the figures.

    Parameters
    ----------
    path : str or Path
        JSON file that ``tools/measure_fair.py`` wrote.

    Returns
    -------
    FairResults
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, section 5.
    """
    return read_record(path, FairResults, "`make fair` writes one")


def fair_difference(
    results: FairResults, first: str, second: str, threshold: int = 85
) -> Difference | None:
    """Return how many more clicks one row needs than another, object by object.

    Parameters
    ----------
    results : FairResults
        What :func:`read_fair` returns.
    first, second : str
        Two of its ``rows``.
    threshold : int
        The IoU to reach in per cent, 85 or 90.

    Returns
    -------
    Difference or None
        First minus second; None if one of the two was not measured.
    """
    if not {first, second} <= results.rows.keys():
        return None
    counts = [results.rows[name].reached.counts[str(threshold)] for name in (first, second)]
    return paired(*counts)

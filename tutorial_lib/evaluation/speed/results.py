"""The file of `bench`, as typed records: how long each method takes on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from tutorial_lib.evaluation.records import (
    RECORD,
    Milliseconds,
    NonEmpty,
    Positive,
    RecordedClick,
    read_record,
)

PhotoSize = Annotated[str, Field(pattern="^[0-9]+x[0-9]+$")]


class PeerTimes(BaseModel):
    """A method beside another library's function on the same clicks.

    Attributes
    ----------
    name, version, settings : str
        The function, its library's version, and how it is called.
    clicks : int
        Number of different clicks that both answered.
    ms_click, ms_click_ours : float
        Median milliseconds per click, of the function and of the method.
    we_are_slower : bool
        Whether the method takes longer.
    """

    model_config = RECORD

    name: str
    version: str
    settings: str
    clicks: Positive
    ms_click: Milliseconds
    ms_click_ours: Milliseconds
    we_are_slower: bool


class Times(BaseModel):
    """Time and memory of one method in one precision.

    Attributes
    ----------
    precision : str
        What the method computes in; ``"float32"`` for a method that does not say.
    ms_prepare, ms_click : float
        Median milliseconds to prepare a photo, and to answer a click after the first.
    ms_first : float or None
        Median milliseconds to answer the first click. Older files do not have it.
    ms_click_worst : float
        Milliseconds of the slowest later click, as the median over its rounds.
    ms_ahead : float or None
        Median milliseconds of the work done while a person looks at an answer. No click waits for
        it. None if the method does no such work.
    peak_mb : float or None
        Rise of memory in megabytes, loaded libraries included. None if the system does not say.
    peer : PeerTimes or None
        The comparison with another library.
    """

    model_config = RECORD

    precision: Literal["float32", "bfloat16"]
    ms_prepare: Milliseconds
    ms_first: Milliseconds | None = None
    ms_click: Milliseconds
    ms_click_worst: Milliseconds
    ms_ahead: Milliseconds | None = None
    peak_mb: float | None
    peer: PeerTimes | None


class MethodTimes(Times):
    """Time and memory of one method, with what it is compared with.

    Attributes
    ----------
    bfloat16 : Times or None
        The same for a network in bfloat16. None if the processor does not compute it natively.
    published_ms : float or None
        What Li et al. report.
    """

    bfloat16: Times | None = None
    published_ms: Milliseconds | None


class BenchResults(BaseModel):
    """What `bench` measured.

    Attributes
    ----------
    version : int
        The version of this format, ``"schema"`` in the file.
    size : str
        Width and height of the photos, such as ``"640x480"``.
    runs : int
        Timed rounds.
    commit : str or None
        The commit of this package.
    machine : dict
        The machine, from :func:`tutorial_lib.evaluation.machine.machine`.
    threads : int
        Cores that the process could use: no library is held to fewer.
    photos : tuple of str
        Names of the photos.
    clicks : dict of str to tuple of (int, int, bool)
        The clicks on each photo.
    published_source : str
        Where ``published_ms`` comes from.
    methods : dict of str to MethodTimes
        One entry for each method.
    skipped : dict of str to str
        Methods that could not run, with the reasons.
    """

    model_config = RECORD

    version: Literal[1] = Field(alias="schema")
    size: PhotoSize
    runs: Positive
    commit: str | None
    machine: dict[str, Any]
    threads: Positive
    photos: NonEmpty[str]
    clicks: dict[str, NonEmpty[RecordedClick]]
    published_source: str
    methods: dict[str, MethodTimes]
    skipped: dict[str, str]


def read_bench(path: str | Path) -> BenchResults:
    """Read what `bench --json` printed.

    Parameters
    ----------
    path : str or Path
        JSON file.

    Returns
    -------
    BenchResults
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.
    """
    return read_record(path, BenchResults, "`bench --json` writes one")

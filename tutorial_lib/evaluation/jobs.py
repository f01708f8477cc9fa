"""The jobs of an evaluation: one object, segmented by one method, gives one record.

A job depends only on its own object, its method and the seed. So jobs can run in any order, and in
any process. Each one ends in a record: :class:`Answered` or :class:`Failed`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, model_validator

from tutorial_lib.data.datasets import Dataset
from tutorial_lib.evaluation.machine import machine
from tutorial_lib.evaluation.provenance import option_files, plain_options, short_hash, source_of
from tutorial_lib.evaluation.records import (
    RECORD,
    Milliseconds,
    NonEmpty,
    RecordedClick,
    Series,
    Share,
    single_sentence,
)
from tutorial_lib.registry import MethodInfo, get_segmenter, method_info, register
from tutorial_lib.segmenter import Segmenter
from tutorial_lib.users.simulation import simulate

Methods = Mapping[str, tuple[str, Mapping[str, Any]]]


class JobName(BaseModel):
    """What tells a job from all others of its evaluation.

    Attributes
    ----------
    id : str
        Name of the object.
    method : str
        Label of the method.
    options : dict
        Options of the method: the same label with other options is another job.
    """

    model_config = RECORD

    id: str
    method: str
    options: dict[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        """The same, as a key of a dictionary."""
        return self.id, self.method, json.dumps(self.options, sort_keys=True)


class Answered(JobName):
    """The record of a job that gave an answer to every click.

    Attributes
    ----------
    clicks : tuple of (int, int, bool)
        Row, column, and whether the click is positive.
    iou : tuple of float
        IoU after each click.
    ms_prepare : float
        Milliseconds to prepare the photo.
    ms_clicks : tuple of float
        Milliseconds to answer each click.
    precision : str
        What the method computed in.
    cpu : str or None
        The processor.
    made_from : dict
        Hashes of what the answers depend on.
    """

    clicks: NonEmpty[RecordedClick]
    iou: Series[Share]
    ms_prepare: Milliseconds
    ms_clicks: Series[Milliseconds]
    precision: str
    cpu: str | None = None
    made_from: dict[str, Any]

    @model_validator(mode="after")
    def _check_lengths(self) -> Answered:
        if not len(self.clicks) == len(self.iou) == len(self.ms_clicks):
            raise ValueError("clicks, IoU and times differ in number")
        return self


class Failed(JobName):
    """The record of a job that failed.

    Attributes
    ----------
    failed : str
        The reason, in one sentence.
    made_from : dict
        Hashes of what the answers would depend on.
    """

    failed: str
    made_from: dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """A method with its options. Two variants are equal if everything they are made from is.

    Parameters
    ----------
    label : str
        Its name in the results.
    info : MethodInfo
        The method.
    identity : str
        ``made_from`` as one text.
    options : mapping
        The options as they were given: a method may want a Path.
    made_from : mapping
        ``method``, its name; ``options`` as JSON has them; hashes of its ``source`` and of the
        ``files`` that options name; the ``precision`` it computes in.
    """

    label: str
    info: MethodInfo
    identity: str
    options: Mapping[str, Any] = field(compare=False)
    made_from: Mapping[str, Any] = field(compare=False)


@dataclass(frozen=True)
class Job:
    """One object that one variant of a method is to segment. It is small: it travels to workers.

    Parameters
    ----------
    index : int
        Index of the object in its dataset.
    identifier : str
        Name of the object.
    data : str
        Hash of the object's files.
    variant : Variant
        The method.
    """

    index: int
    identifier: str
    data: str
    variant: Variant

    @property
    def name(self) -> JobName:
        """What tells this job from all others of its evaluation."""
        options = dict(self.variant.made_from["options"])
        return JobName(id=self.identifier, method=self.variant.label, options=options)

    @property
    def made_from(self) -> dict[str, Any]:
        """Hashes of what the answers to this job depend on, besides code and packages."""
        kept = {key: self.variant.made_from[key] for key in ("source", "files", "precision")}
        return {"data": self.data, **kept}

    def failed(self, reason: str) -> Failed:
        """Return the record of this job if it has no answer."""
        return Failed(**dict(self.name), failed=single_sentence(reason), made_from=self.made_from)

    def method_failed(self, reason: str) -> Failed:
        """Return the record of this job if its method is to blame."""
        return self.failed(f"The method {self.variant.label} failed on {self.identifier}: {reason}")

    def process_died(self) -> Failed:
        """Return the record of this job if its process died."""
        return self.method_failed(
            "its process died, most likely for want of memory or by a fault in compiled code"
        )


def variants_of(methods: Sequence[str] | Methods) -> list[Variant]:
    """Return the method behind each label. Each one is built once, to see that it works.

    Parameters
    ----------
    methods : sequence of str, or mapping
        As :func:`tutorial_lib.evaluation.accuracy.evaluate` takes them.

    Returns
    -------
    list of Variant
        In the same order.

    Raises
    ------
    ValueError
        If there is no method, or one cannot be built, or has an option that cannot be recorded.
    """
    if not isinstance(methods, Mapping):
        methods = {name: (name, {}) for name in methods}
    if not methods:
        raise ValueError("An evaluation needs at least one method.")
    return [_variant(str(label), name, options) for label, (name, options) in methods.items()]


def _variant(label: str, name: str, options: Mapping[str, Any]) -> Variant:
    segmenter, info = get_segmenter(name, **options), method_info(name)
    plain = plain_options(name, options)
    source = {
        "method": name,
        "options": plain,
        "source": source_of(type(segmenter) if isinstance(info.target, str) else info.target),
        "files": option_files(plain),
        "precision": _precision(segmenter),
    }
    return Variant(label, info, json.dumps(source, sort_keys=True), dict(options), source)


def jobs_of(
    dataset: Dataset, limit: int | None, variants: Sequence[Variant], every: int = 1
) -> list[Job]:
    """Return the jobs of an evaluation: every object for every method, object by object.

    Parameters
    ----------
    dataset : Dataset
        The objects.
    limit : int, optional
        Number of objects at most.
    variants : sequence of Variant
        The methods.
    every : int
        Take only every n-th object, from the first one on.

    Returns
    -------
    list of Job
        Objects in the order of the dataset.

    Raises
    ------
    ValueError
        If there is no object, or two have the same name.
    """
    places = range(0, len(dataset.ids), every)[:limit]
    identifiers = [str(dataset.ids[place]) for place in places]
    if not identifiers:
        raise ValueError(f"{dataset.name} at {dataset.root} has no object to evaluate on.")
    if len(set(identifiers)) < len(identifiers):
        raise ValueError(f"{dataset.name} at {dataset.root} has two objects of one name.")
    return [
        Job(index, identifier, data, variant)
        for index, identifier in zip(places, identifiers, strict=True)
        for data in [_fingerprint(dataset, index)]
        for variant in variants
    ]


def _fingerprint(dataset: Dataset, index: int) -> str:
    """Hash the files of an object. A plain sequence of examples has no files: the hash is empty."""
    return dataset.fingerprint(index)[:16] if hasattr(dataset, "fingerprint") else ""


def _precision(segmenter: Segmenter) -> str:
    return str(getattr(segmenter, "precision", "float32"))


@lru_cache(maxsize=32)
def _built(variant: Variant) -> Segmenter:
    """Build a method once per process: networks take a while to load."""
    return get_segmenter(variant.info.name, **variant.options)


@lru_cache(maxsize=1)
def _cpu() -> str | None:
    return machine()["cpu"]


def run_job(
    job: Job, dataset: Dataset, robot: str, max_clicks: int, seed: int
) -> Answered | Failed:
    """Let a robot use the job's method on the job's object, in whatever process this is called.

    Parameters
    ----------
    job : Job
        What to do.
    dataset : Dataset
        Where the object is.
    robot : str
        What :func:`tutorial_lib.users.robots.robot_named` takes.
    max_clicks : int
        Clicks at most.
    seed : int
        Seed of the robot.

    Returns
    -------
    Answered or Failed
        What the robot did, or why there is no answer.
    """
    try:
        example = dataset[job.index]
    except (Exception, SystemExit) as error:
        return job.failed(f"The object {job.identifier} cannot be read: {_reason(error)}")
    if _fingerprint(dataset, job.index) != job.data:
        return job.failed(f"The files of {job.identifier} changed during the evaluation.")
    try:
        register(job.variant.info)  # another process does not know what was registered here
        segmenter = _built(job.variant)
        trajectory = simulate(
            segmenter, example.image, example.truth, example.ignore, robot, max_clicks, seed
        )
    except (Exception, SystemExit) as error:
        return job.method_failed(_reason(error))
    if not trajectory.ious:
        return job.method_failed("the object has no pixel to click")
    return Answered(
        **dict(job.name),
        clicks=tuple((click.row, click.col, click.positive) for click in trajectory.clicks),
        iou=tuple(trajectory.ious),
        ms_prepare=trajectory.ms_prepare,
        ms_clicks=tuple(trajectory.ms_clicks),
        precision=_precision(segmenter),
        cpu=_cpu(),
        made_from=job.made_from,
    )


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def method_sources(jobs: Sequence[Job]) -> dict[str, dict[str, Any]]:
    """Return what each method of some jobs is made from, by label."""
    return {job.variant.label: dict(job.variant.made_from) for job in jobs}


def data_hash(jobs: Sequence[Job], identifiers: Collection[str]) -> str:
    """Return one hash of the files of several objects: those of the given names."""
    objects = {job.identifier: job.data for job in jobs if job.identifier in identifiers}
    return short_hash(json.dumps(objects).encode())

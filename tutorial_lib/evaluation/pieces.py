"""Pieces of an evaluation: one object segmented by one method, and what that is made from."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tutorial_lib.data.datasets import Dataset
from tutorial_lib.evaluation.machine import machine
from tutorial_lib.evaluation.provenance import option_files, plain_options, short_hash, source_of
from tutorial_lib.evaluation.summaries import sentence
from tutorial_lib.segmenter import MethodInfo, Segmenter, get_segmenter, method_info, register
from tutorial_lib.users.simulation import simulate

Methods = Mapping[str, tuple[str, Mapping[str, Any]]]
Record = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """A method with its options, and what both are made from; equal if all of these are.

    Parameters
    ----------
    label : str
        Its name in the results.
    info : MethodInfo
        The method.
    identity : str
        What it is made from, as one text.
    options : mapping
        As they were given: a method may want a Path.
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
class Piece:
    """One object to be segmented by one variant of a method; small, for it travels to workers.

    Parameters
    ----------
    place : int
        Number of the object in its dataset.
    identifier : str
        Name of the object.
    data : str
        Hash of what the object is made from.
    variant : Variant
        The method.
    """

    place: int
    identifier: str
    data: str
    variant: Variant

    @property
    def name(self) -> Record:
        """What tells this piece from all others of its run."""
        options = self.variant.made_from["options"]
        return {"id": self.identifier, "method": self.variant.label, "options": options}

    @property
    def made_from(self) -> Record:
        """What the answers to this piece depend on, beside what all pieces of a run do."""
        kept = {key: self.variant.made_from[key] for key in ("source", "files", "precision")}
        return {"data": self.data, **kept}

    def failed(self, reason: str) -> Record:
        """Return the record of a piece that has no answer."""
        return {**self.name, "failed": sentence(reason), "made_from": self.made_from}


def key_of(record: Record) -> tuple[str, str, str]:
    """Tell records apart; the same label with other options is other work."""
    return record["id"], record["method"], json.dumps(record["options"], sort_keys=True)


def variants_of(methods: Sequence[str] | Methods) -> list[Variant]:
    """Return what is behind each label, having built each method once to see that it works.

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
        If there is none, or one cannot be built, or has an option that cannot be recorded.
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
        "precision": str(getattr(segmenter, "precision", "float32")),
    }
    return Variant(label, info, json.dumps(source, sort_keys=True), dict(options), source)


def pieces_of(dataset: Dataset, limit: int | None, variants: Sequence[Variant]) -> list[Piece]:
    """Return the work of an evaluation: every object for every method, object by object.

    Parameters
    ----------
    dataset : Dataset
        The objects.
    limit : int, optional
        Only the first so many.
    variants : sequence of Variant
        The methods.

    Returns
    -------
    list of Piece
        Objects in the order of the dataset.

    Raises
    ------
    ValueError
        If there is no object, or two have one name.
    """
    identifiers = [str(identifier) for identifier in dataset.ids[:limit]]
    if not identifiers:
        raise ValueError(f"{dataset.name} at {dataset.root} has no object to evaluate on.")
    if len(set(identifiers)) < len(identifiers):
        raise ValueError(f"{dataset.name} at {dataset.root} has two objects of one name.")
    return [
        Piece(place, identifier, data, variant)
        for place, identifier in enumerate(identifiers)
        for data in [_fingerprint(dataset, place)]
        for variant in variants
    ]


def _fingerprint(dataset: Dataset, place: int) -> str:
    """Hash what an object is made from; a sequence that is no dataset of ours cannot say it."""
    return dataset.fingerprint(place)[:16] if hasattr(dataset, "fingerprint") else ""


@lru_cache(maxsize=32)
def _built(variant: Variant) -> Segmenter:
    """Build a method once a process: networks take a while to load."""
    return get_segmenter(variant.info.name, **variant.options)


@lru_cache(maxsize=1)
def _cpu() -> str | None:
    return machine()["cpu"]


def segment_one(piece: Piece, dataset: Dataset, run: Mapping[str, Any]) -> Record:
    """Do one piece of work, in whatever process this is called.

    Parameters
    ----------
    piece : Piece
        The work.
    dataset : Dataset
        Where its object is.
    run : mapping
        ``robot``, ``max_clicks`` and ``seed``.

    Returns
    -------
    dict
        What the robot did, ready for JSON; or why there is no answer, under ``"failed"``.
    """
    try:
        example = dataset[piece.place]
    except (Exception, SystemExit) as error:
        return piece.failed(f"The object {piece.identifier} cannot be read: {_reason(error)}")
    if _fingerprint(dataset, piece.place) != piece.data:
        return piece.failed(f"The files of {piece.identifier} changed during the evaluation.")
    try:
        register(piece.variant.info)  # another process does not know what was registered here
        segmenter = _built(piece.variant)
        trajectory = simulate(
            segmenter,
            example.image,
            example.truth,
            example.ignore,
            run["robot"],
            run["max_clicks"],
            run["seed"],
        )
    except (Exception, SystemExit) as error:
        return _failed(piece, _reason(error))
    if not trajectory.ious:
        return _failed(piece, "the object has no pixel to click")
    return {
        **piece.name,
        "clicks": [[click.row, click.col, click.positive] for click in trajectory.clicks],
        "iou": list(trajectory.ious),
        "ms_prepare": trajectory.ms_prepare,
        "ms_clicks": list(trajectory.ms_clicks),
        "precision": str(getattr(segmenter, "precision", "float32")),
        "cpu": _cpu(),
        "made_from": piece.made_from,
    }


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _failed(piece: Piece, reason: str) -> Record:
    return piece.failed(f"The method {piece.variant.label} failed on {piece.identifier}: {reason}")


def lost(piece: Piece) -> Record:
    """Return the record of a piece whose process died."""
    return _failed(
        piece, "its process died, most likely for want of memory or by a fault in compiled code"
    )


def sources(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Return what the methods of some pieces are made from, by their labels."""
    return {piece.variant.label: dict(piece.variant.made_from) for piece in pieces}


def data_hash(pieces: Sequence[Piece], identifiers: Collection[str]) -> str:
    """Return one hash of the objects of some pieces, of those that have the given names."""
    objects = {piece.identifier: piece.data for piece in pieces if piece.identifier in identifiers}
    return short_hash(json.dumps(objects).encode())

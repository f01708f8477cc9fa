"""The click log: everything a user said about a photo, as a file that can be replayed.

A log is untrusted input. Everything in it is checked before use. A log may set only harmless
options: numbers, booleans, None, strings from a fixed list, and tuples of these. A path in a log is
never opened.
"""

from __future__ import annotations

import json
import math
import re
import types
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

import numpy as np

from tutorial_lib.actions import MAX_RADIUS, Box, StartMask, TouchUp
from tutorial_lib.clicks import Action, Clicks, Mark, Preference
from tutorial_lib.images import ImageLike
from tutorial_lib.objects import FIRST_NAME
from tutorial_lib.option_types import shown
from tutorial_lib.registry import method_options
from tutorial_lib.working_photo import WorkingPhoto, is_sketch

LOG_SCHEMA = 1
CLICK_FORM = (
    "a click is [row, col, true or false], and a stroke "
    '{"stroke": [[row, col], ...], "positive": true or false}'
)
Log: TypeAlias = dict[str, Any]

_BEGIN = re.compile(r'^\{\s*"(?:schema|session)"', re.MULTILINE)  # a log, or a change of one
_PLAIN = (bool, int, float, types.NoneType)
_KINDS = {"name": str, "image": dict, "method": str, "options": dict, "clicks": list}
_WORDS = {str: "a string", dict: "an object", list: "a list"}


def read_log(log: Mapping[str, Any] | str | PathLike[str]) -> Log:
    """Read and check a click log.

    Parameters
    ----------
    log : mapping or path
        The value of :meth:`tutorial_lib.session.Session.log`, or a file that ``Session.export`` or
        autosave wrote. If an autosave holds several logs, the one with the most clicks is read.

    Returns
    -------
    dict
        At least ``name``, ``image``, ``method``, ``options`` and ``clicks``.

    Raises
    ------
    ValueError
        If the file is unreadable or holds no valid log. The message names the file and the problem.
    """
    return read_logs(log)[0]


def read_logs(log: Mapping[str, Any] | str | PathLike[str]) -> list[Log]:
    """Read every click log in a file. An export holds one, an autosave one for each session.

    Parameters
    ----------
    log : mapping or path
        As for :func:`read_log`.

    Returns
    -------
    list of dict
        At least one log, sorted from the most clicks to the fewest. Of logs with equally many
        clicks, the latest comes first.

    Raises
    ------
    ValueError
        As for :func:`read_log`.
    """
    if isinstance(log, Mapping):
        return [check_log(dict(log))]
    where = called(log)
    try:
        text = Path(log).expanduser().read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise ValueError(f"{where} cannot be read: {error.strerror}.") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"A click log is a mapping or a path, not {log!r}.") from error
    entries = list(_entries(text))
    if logs := join_entries(entries):
        return logs
    if entries:
        check_log(entries[0], where)  # raises an error that names the problem
    raise ValueError(
        f"{where} holds no complete click log; the Save button and `Session.export` write one."
    )


def called(log: Any) -> str:
    """Return the subject of a message about a log: "The click log", with its path if it has one."""
    return "The click log" if isinstance(log, Mapping) else f"The click log {str(log)!r}"


def _entries(text: str) -> Iterator[Any]:
    """Yield the text as one JSON value, or else each log and change that begins on a new line."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    with suppress(ValueError, RecursionError):
        yield decoder.decode(text)
        return
    place, bottomless = 0, 0
    while bottomless < 10 and (begin := _BEGIN.search(text, place)):
        try:
            entry, place = decoder.raw_decode(text, begin.start())
            yield entry
        except (ValueError, RecursionError) as error:
            place = begin.end()
            bottomless += isinstance(error, RecursionError)  # slow, so only ten are tried


def _refuse_constant(name: str) -> None:
    raise ValueError(f"JSON has no number {name}")


# -- one log ---------------------------------------------------------------------------------------


def check_log(log: Any, where: str = "The click log") -> Log:
    """Check that a value is a complete and valid click log.

    Parameters
    ----------
    log : Any
        The value from the file.
    where : str
        Subject of the error message, such as "The click log 'cup.json'".

    Returns
    -------
    dict
        The same log.

    Raises
    ------
    ValueError
        If a field is missing or invalid.
    """
    if not isinstance(log, dict) or _of(log, "schema") != LOG_SCHEMA:
        raise ValueError(
            f"{where} does not have schema {LOG_SCHEMA}; the Save button and `Session.export` "
            "write logs that have it."
        )
    for name, kind in _KINDS.items():
        if not isinstance(log.get(name), kind):
            raise _damaged(where, f"its field {name!r} is not {_WORDS[kind]}")
    _check_image(log["image"], where)
    clicks = _check_clicks(log["clicks"], log["image"]["shape"], where)
    _check_seconds(log.get("seconds"), clicks, where)
    _check_choices(log.get("choices", []), clicks, where)
    _check_boxes(log.get("boxes", []), clicks, log["image"]["shape"], where)
    _check_touch_ups(log.get("touch_ups", []), clicks, log["image"]["shape"], where)
    if "start" in log:
        _check_start(log["start"], log["image"]["shape"], where)
    if "objects" in log:
        _check_objects(log, where)
    return log


def _check_objects(log: Log, where: str) -> None:
    objects, current = log["objects"], log.get("object")
    whole = isinstance(objects, list) and type(current) is int and 0 <= current < len(objects)
    if not whole or not all(
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("visible"), bool)
        for entry in objects
    ):
        raise _damaged(where, "its objects are not a list of names, one of them current")
    names = [entry["name"] for entry in objects]
    if len(set(names)) < len(names) or not all(map(str.strip, names)):
        raise _damaged(where, "two of its objects have one name, or one has none")
    for number, (_, _, each) in enumerate(objects_of(log)):
        if number != current:
            check_log(each, f"The object {shown(names[number])} of {where[0].lower()}{where[1:]}")


def objects_of(log: Log) -> list[tuple[str, bool, Log]]:
    """Return the objects of a log. A log without the field ``objects`` has one.

    Parameters
    ----------
    log : dict
        A checked log.

    Returns
    -------
    list of (str, bool, dict)
        Name, visibility and the log of each object alone, in the order of the session.
    """
    shared = {name: log[name] for name in ("schema", "name", "image")}
    if "objects" not in log:
        return [(FIRST_NAME, True, log)]
    alone = {key: value for key, value in log.items() if key not in ("objects", "object")}
    return [
        (entry["name"], entry["visible"], alone if number == log["object"] else shared | entry)
        for number, entry in enumerate(log["objects"])
    ]


def count_marks(log: Log) -> int:
    """Return the number of clicks and strokes in a log, of all objects together."""
    return sum(len(each["clicks"]) for _, _, each in objects_of(log))


def _of(entry: Mapping[str, Any], name: str) -> Any:
    value = entry.get(name)
    return None if isinstance(value, bool) else value  # True must not count as 1


def _damaged(where: str, problem: str) -> ValueError:
    return ValueError(f"{where} is damaged, so use another copy of it: {problem}.")


def _check_image(image: dict[str, Any], where: str) -> None:
    if not isinstance(image.get("sha256"), str):
        raise _damaged(where, "it does not say which photo it belongs to")
    for name in ("shape", "original_shape"):
        shape = image.get(name, None if name == "shape" else [1, 1, 3])
        whole = isinstance(shape, list) and all(type(length) is int for length in shape)
        if not whole or len(shape) != 3 or min(shape) < 1:
            raise _damaged(where, f"no photo has the shape {shown(shape)}")
    if "sketch" in image and not is_sketch(image["sketch"]):
        raise _damaged(where, f"no photo has the sketch {shown(image['sketch'])}")


def _check_clicks(entries: list[Any], shape: Sequence[int], where: str) -> int:
    for entry in entries:
        if not is_mark(entry):
            raise _damaged(where, f"{CLICK_FORM}, not {shown(entry)}")
        points = entry["stroke"] if isinstance(entry, dict) else [entry[:2]]
        if any(row >= shape[0] or col >= shape[1] for row, col in points):
            raise _damaged(where, f"the click {shown(entry)} lies outside its photo")
    return len(entries)


def is_mark(entry: Any) -> bool:
    """Whether a value is a click or a stroke in the form of :meth:`Clicks.to_list`."""
    if isinstance(entry, dict):
        points, whole = entry.get("stroke"), entry.keys() == {"stroke", "positive"}
        whole = whole and isinstance(entry["positive"], bool) and isinstance(points, list)
        return whole and len(points) > 0 and all(map(_is_point, points))
    if not isinstance(entry, list) or len(entry) != 3:
        return False
    return isinstance(entry[2], bool) and _is_point(entry[:2])


def _is_point(value: Any) -> bool:
    pair = isinstance(value, list) and [type(number) for number in value] == [int, int]
    return pair and min(value) >= 0


def is_moment(value: Any) -> bool:
    """Whether a value is a click's time in seconds, or None for an unknown time."""
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        return False
    return value is None or (value >= 0 and math.isfinite(value))


def _check_seconds(seconds: Any, clicks: int, where: str) -> None:
    if seconds is None:
        return
    if not isinstance(seconds, list):
        raise _damaged(where, "its field 'seconds' is not a list")
    for moment in seconds:
        if not is_moment(moment):
            raise _damaged(where, f"a click's time is in seconds, or null, not {shown(moment)}")
    if len(seconds) != clicks:
        raise _damaged(where, f"it has {clicks} clicks but {len(seconds)} click times")


def _check_choices(choices: Any, clicks: int, where: str) -> None:
    """Check the ``[number of clicks, candidate preferred after them]`` pairs."""
    pairs = choices if isinstance(choices, list) else [None]
    for pair in pairs:
        whole = isinstance(pair, list) and [type(number) for number in pair] == [int, int]
        if not whole or not 1 <= pair[0] <= clicks or pair[1] < 0:
            raise _damaged(
                where,
                "choices are [number of clicks, candidate] pairs for its clicks, not "
                f"{shown(choices)}",
            )


def _check_boxes(boxes: Any, clicks: int, shape: Sequence[int], where: str) -> None:
    """Check the ``[number of clicks, [top, left, bottom, right]]`` pairs."""
    try:
        for count, (top, left, bottom, right) in boxes:
            whole = all(type(number) is int for number in (count, top, left, bottom, right))
            if not whole or not 0 <= count <= clicks:
                raise ValueError
            Clicks([Box(top, left, bottom, right)]).check(tuple(shape))
    except (TypeError, ValueError):
        raise _damaged(
            where,
            "boxes are [number of clicks, [top, left, bottom, right]] pairs inside its photo, not "
            f"{shown(boxes)}",
        ) from None


def _check_touch_ups(touch_ups: Any, clicks: int, shape: Sequence[int], where: str) -> None:
    """Check the ``[number of clicks, touch-up]`` pairs."""
    try:
        for count, entry in touch_ups:
            found = Clicks.from_list([entry])
            found.check(tuple(shape))
            if type(count) is not int or not 0 <= count <= clicks or not found.touch_ups:
                raise ValueError
    except (TypeError, ValueError):
        raise _damaged(
            where,
            'touch-ups are [number of clicks, {"touch_up": [[row, col], ...], "radius": number, '
            f'"positive": true or false}}] pairs inside its photo, not {shown(touch_ups)}',
        ) from None


def _check_start(start: Any, shape: Sequence[int], where: str) -> None:
    try:
        if start["size"] != list(shape[:2]):
            raise ValueError
        StartMask.from_run_lengths(start["size"], start["counts"])
    except (KeyError, TypeError, ValueError):
        problem = f"its start mask is no mask of its photo: {shown(start)}"
        raise _damaged(where, problem) from None


def fields_of(clicks: Clicks, begin: int = 0) -> dict[str, Any]:
    """Return the fields of a log: ``clicks`` from a number on, and what else the user said."""
    fields: dict[str, Any] = {"clicks": Clicks(clicks.items[begin:]).to_list()}
    if choices := [[count, candidate] for count, candidate in clicks.preferences.items()]:
        fields["choices"] = choices
    boxes, touch_ups, count = [], [], 0
    for action in clicks.actions:
        count += isinstance(action, Mark)
        if isinstance(action, Box):
            boxes.append([count, [action.top, action.left, action.bottom, action.right]])
        if isinstance(action, TouchUp):
            touch_ups.append([count, *Clicks([action]).to_list()])
    fields |= {"boxes": boxes} if boxes else {}
    return fields | ({"touch_ups": touch_ups} if touch_ups else {})


def start_of(clicks: Clicks) -> dict[str, Any]:
    """Return the field ``start`` of a log, if there is a start mask."""
    return {} if clicks.start is None else Clicks([clicks.start]).to_list()[0]


def clicks_of(log: Log) -> Clicks:
    """Return what the user of a checked log said.

    Parameters
    ----------
    log : dict
        A checked log, such as one of :func:`read_log`.

    Returns
    -------
    Clicks
        In pixels of the photo at the size of the log.
    """
    choices, boxes = dict(log.get("choices", [])), dict(log.get("boxes", []))
    entries: list[Any] = [{"start": log["start"]}] if "start" in log else []
    for count, mark in enumerate([None, *log["clicks"]]):  # None: before the first click
        entries += [] if mark is None else [mark]
        entries += [{"box": boxes[count]}] if count in boxes else []
        entries += [{"prefer": choices[count]}] if count in choices else []
        entries += [entry for place, entry in log.get("touch_ups", []) if place == count]
    return Clicks.from_list(entries)


def clicks_on(photo: WorkingPhoto, log: Log) -> Clicks:
    """Return what the user of a log said, scaled to a copy of the log's photo.

    Parameters
    ----------
    photo : WorkingPhoto
        The photo or a copy of it, at any size.
    log : dict
        A checked log.

    Returns
    -------
    Clicks
        In pixels of ``photo``.
    """
    clicks = clicks_of(log)
    if photo.shape == tuple(log["image"]["shape"][:2]):
        return clicks
    rows, cols = (new / old for new, old in zip(photo.shape, log["image"]["shape"], strict=False))
    return Clicks(_on_copy(action, (rows, cols), photo) for action in clicks.actions)


def _on_copy(action: Action, scale: tuple[float, float], photo: WorkingPhoto) -> Action:
    match action:
        case Preference():
            return action
        case StartMask():
            return StartMask.of(photo.small_mask(action.mask))
        case TouchUp():
            limits = [length - 1 for length in photo.shape]
            points = (np.array(action.points) + 0.5) * scale - 0.5
            radius = min(action.radius * float(np.mean(scale)), MAX_RADIUS)
            return TouchUp(points.clip(0, limits).tolist(), radius, action.positive)
        case Box():
            top, bottom = (int(edge * scale[0]) for edge in (action.top, action.bottom))
            left, right = (int(edge * scale[1]) for edge in (action.left, action.right))
            return Box(top, left, max(bottom, top + 1), max(right, left + 1))
    return Clicks([action]).moved(scale)[0]


def match_photo(
    image: ImageLike | WorkingPhoto, logs: Sequence[Log], where: str, strict: bool = False
) -> tuple[WorkingPhoto, Log]:
    """Find the log that belongs to a photo, and the photo at the size of that log.

    Parameters
    ----------
    image : image or WorkingPhoto
        Anything that :func:`tutorial_lib.images.as_rgb` takes.
    logs : sequence of dict
        Checked logs, the preferred ones first.
    where : str
        Subject of a message, such as "The click log 'cup.json'".
    strict : bool
        True accepts only a photo with identical pixels. False also accepts another copy, with a
        warning.

    Returns
    -------
    photo : WorkingPhoto
        The photo.
    log : dict
        The first log with identical pixels, or else the first log of another copy of the photo.

    Raises
    ------
    ValueError
        If no log belongs to the photo.
    """
    sizes = {max(log["image"]["shape"][:2]) for log in logs}
    given = isinstance(image, WorkingPhoto)
    photos = {size: image if given else WorkingPhoto(image, size) for size in sizes}
    pairs = [(photos[max(log["image"]["shape"][:2])], log) for log in logs]
    exact = [pair for pair in pairs if pair[0].is_exactly(pair[1]["image"])]
    if exact:
        return exact[0]
    alike = [pair for pair in pairs if pair[0].looks_like(pair[1]["image"])]
    if alike and not strict:
        warnings.warn(
            f"{where} was made on another copy of this photo, so masks may differ a little; "
            "strict=True refuses copies.",
            UserWarning,
            stacklevel=4,
        )
        return alike[0]
    shape = tuple(logs[0]["image"]["shape"])
    belongs = "another copy of this photo" if alike else "another photo"
    raise ValueError(
        f"{where} belongs to {belongs} ({shown(logs[0]['name'])}, shape {shape}); replay it "
        "on that one."
    )


# -- the entries of an autosave file ---------------------------------------------------------------


def join_entries(entries: list[Any]) -> list[Log]:
    """Build one log for each session from the entries of an autosave file.

    An entry is a whole log or a change. A change gives the number of earlier clicks that stay, and
    the clicks that follow them. Touch-ups may have many points, so they are treated in the same
    way.

    Parameters
    ----------
    entries : list
        Entries in the order of the file. Anything else in the list is ignored.

    Returns
    -------
    list of dict
        One complete log for each session that no later session continues, sorted from the most
        clicks to the fewest. Of logs with equally many clicks, the latest comes first. Each log
        has a field ``session``.
    """
    logs: dict[str, Log] = {}
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        if "schema" in entry:
            name = entry.get("session")
            key = name if isinstance(name, str) else f"entry {place}"  # as written by version 1.0
            logs.pop(key, None)
            logs[key] = {**entry, "session": key}
        elif isinstance(key := entry.get("session"), str) and key in logs:
            logs[key] = _changed(logs.pop(key), entry)
    continued = [log.get("continues") for log in logs.values()]
    complete = [log for key, log in logs.items() if key not in continued and _is_complete(log)]
    return sorted(reversed(complete), key=lambda log: -count_marks(log))


def _changed(log: Log, change: Mapping[str, Any]) -> Log:
    """Apply a change; ignore its damaged parts."""
    keep, clicks, seconds = (change.get(name) for name in ("keep", "clicks", "seconds"))
    before, times = log.get("clicks"), log.get("seconds")
    fits = type(keep) is int and keep >= 0 and all(isinstance(x, list) for x in (clicks, before))
    if not fits or not all(map(is_mark, clicks)):
        return log
    usable = isinstance(seconds, list) and len(seconds) == len(clicks) and isinstance(times, list)
    kept = (times if usable else [None] * len(before))[:keep]
    return {
        **log,
        "clicks": before[:keep] + clicks,
        "seconds": kept + (seconds if usable else [None] * len(clicks)),
        "choices": change.get("choices", []),
        "boxes": change.get("boxes", []),
        "touch_ups": _kept_touch_ups(log, change) + change.get("touch_ups", []),
    }


def _kept_touch_ups(log: Log, change: Mapping[str, Any]) -> list[Any]:
    """Return the touch-ups that a change leaves as they are."""
    kept = change.get("kept_touch_ups")
    return log.get("touch_ups", [])[: kept if type(kept) is int and kept > 0 else 0]


def _is_complete(log: Any) -> bool:
    try:
        check_log(log)
    except ValueError:
        return False
    return True


# -- options that a log may set --------------------------------------------------------------------


def options_of_log(
    log: Log, where: str, given: Collection[str] = (), reserved: Collection[str] = ()
) -> dict[str, Any]:
    """Return the options of a log after checking that a log may set them.

    A log may set an option if the method declares it as a number, a boolean, None, one of a fixed
    list of strings, or a tuple of these. It may not set a path, any other string, or a name that
    is not an option of the method.

    Parameters
    ----------
    log : dict
        A checked log.
    where : str
        Subject of the error message, such as "The click log 'cup.json'".
    given : collection of str
        Options that the caller sets. Those of the log are ignored.
    reserved : collection of str
        Names that the caller uses for something else.

    Returns
    -------
    dict
        The options of the log without ``given``, by name.

    Raises
    ------
    ValueError
        If the method is unknown, or if the log sets an option that it may not set.
    """
    try:
        declared = method_options(log["method"]).known
    except ValueError as error:
        raise ValueError(f"{where} cannot be replayed: {error}") from error
    options = {name: value for name, value in log["options"].items() if name not in given}
    for name, value in options.items():
        if name not in declared or name in reserved:
            raise ValueError(
                f"{where} sets {shown(name)}, which is not an option of the method "
                f"{log['method']!r}; take it out of the log's options."
            )
        kind, default = declared[name].kind, declared[name].default
        if not (_may_be_set(kind, value) or value == default):
            raise ValueError(
                f"{where} sets the option {name!r}, which a log may not set because it can name "
                f"a file or a device; if you trust it, pass it in code, for example "
                f"{name}={shown(value)}."
            )
    return options


def _may_be_set(kind: Any, value: Any) -> bool:
    """Whether a declared type excludes paths; without a type, whether the value is no string."""
    if kind in _PLAIN or kind is None or get_origin(kind) is Literal:
        return True
    if get_origin(kind) in (Union, types.UnionType, tuple, list):
        return all(inner is Ellipsis or _may_be_set(inner, value) for inner in get_args(kind))
    return kind is Any and isinstance(value, _PLAIN)


# -- JSON ------------------------------------------------------------------------------------------


def as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they are after a round trip through JSON."""
    return json.loads(json.dumps(options, default=_plain))


def dump(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON. JSON has no NaN and no infinity, so both raise ``ValueError``."""
    return json.dumps(value, default=_plain, allow_nan=False, indent=indent)


def _plain(value: Any) -> Any:
    """Turn NumPy scalars and arrays into JSON values, and anything else into a string."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)

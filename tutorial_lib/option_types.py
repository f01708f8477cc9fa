"""Read a value of a declared type from text, check a value, and name a type in a sentence."""

from __future__ import annotations

import enum
import inspect
import json
import math
import numbers
import operator
import os
import re
import reprlib
import types
import typing
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, Literal, Union

import numpy as np

ANYTHING = Any  # the type of a parameter without annotation
EMPTY = inspect.Parameter.empty  # the default of a parameter without default
TRUTH = dict.fromkeys(("true", "yes", "on", "1"), True)
TRUTH |= dict.fromkeys(("false", "no", "off", "0"), False)
NOTHING = ("none", "null", "empty", "")
_SERIES = (tuple, list, Sequence)
_NOUNS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    os.PathLike: "a path",
    type(None): "none",
}


class Refused(Exception):
    """The value does not have the declared type."""


def read_value(kind: Any, text: str, default: Any = EMPTY) -> Any:
    """Read a value of a declared type from text.

    Parameters
    ----------
    kind : type or typing construct
        The declared type. Without one the value is guessed: a truth value, none, JSON, or the text
        itself.
    text : str
        The text, without spaces around it.
    default : Any
        The parameter's default. None as default allows none, an infinite default allows infinity.

    Returns
    -------
    Any
        A value that :func:`check_value` accepts.

    Raises
    ------
    Refused
        If the text is no such value.

    Examples
    --------
    >>> read_value(bool, "False"), read_value(int, "7"), read_value(tuple[int, ...], "1,2")
    (False, 7, (1, 2))
    """
    members = _members(kind, default)
    if len(members) > 1:
        return _first(members, lambda member: read_value(member, text, _but_none(default)))
    (kind,) = members
    if kind in _READERS:
        return _READERS[kind](text, default)
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return _first(of, lambda word: _read_word(word, text))
    if _is_series(kind):
        return _read_series(kind, text)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _first(kind, lambda member: _read_word(member.name, text) and member)
    return check_value(kind, _guess(text, default), default)


def check_value(kind: Any, value: Any, default: Any = EMPTY) -> Any:
    """Check a value against a declared type.

    Parameters
    ----------
    kind, default
        See :func:`read_value`.
    value : Any
        The value.

    Returns
    -------
    Any
        The same value. NumPy's numbers and truth values become Python's. A whole number becomes a
        float if the type is float, a text becomes a path if only a path fits, a list becomes a
        tuple.

    Raises
    ------
    Refused
        If it has another type, or is NaN or infinite.
    """
    members = _members(kind, default)
    if len(members) > 1:
        return _first(members, lambda member: check_value(member, value, _but_none(default)))
    (kind,) = members
    if kind in _CHECKS:
        return _CHECKS[kind](value, default)
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return _first(of, lambda word: _same(word, value))
    if _is_series(kind):
        return _check_series(kind, value)
    return _check_instance(origin or kind, value)


def noun(kind: Any, default: Any = EMPTY) -> str:
    """Name a declared type in words.

    Parameters
    ----------
    kind, default
        See :func:`read_value`.

    Returns
    -------
    str
        Such as ``"a whole number or none"``.
    """
    names = [_noun(member) for member in _members(kind, default)]
    names.sort(key=lambda name: name == "none")  # none comes last
    return " or ".join(dict.fromkeys(names))


def shown(value: Any) -> str:
    """Show a value in a sentence: on one line, shortened if it is long.

    Parameters
    ----------
    value : Any
        Anything.

    Returns
    -------
    str
        A text in quotes, a number as it is. Anything long is shortened with ``...``.
    """
    try:
        return " ".join(_BRIEF.repr(value).split())
    except ValueError:  # a whole number of more than 4,300 digits
        return f"a very long {type(value).__name__}"


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 80


def _members(kind: Any, default: Any) -> list[Any]:
    """Return the types of a union, those that accept fewer texts first; or the type itself."""
    kind = _plain(kind)
    union = typing.get_origin(kind) in (Union, types.UnionType)
    members = [_plain(member) for member in typing.get_args(kind)] if union else [kind]
    if default is None and ANYTHING not in members:
        members.append(type(None))
    flat = [m for member in members for m in (_members(member, EMPTY) if union else [member])]
    return sorted(dict.fromkeys(flat), key=_rank)


def _but_none(default: Any) -> Any:
    """Return a default that does not allow None: in a union, None is a member of its own."""
    return EMPTY if default is None else default


def _plain(kind: Any) -> Any:
    """Resolve ``NewType``, ``type X = ...``, ``Annotated`` and None to a plain type."""
    while True:
        if kind is None:
            return type(None)
        if not isinstance(kind, Hashable) or isinstance(kind, str | typing.TypeVar):
            return ANYTHING  # not a type
        if kind in (object, typing.Any):
            return ANYTHING
        if typing.get_origin(kind) is os.PathLike:
            return os.PathLike
        if isinstance(kind, typing.NewType):
            kind = kind.__supertype__
        elif typing.get_origin(kind) is typing.Annotated:
            kind = typing.get_args(kind)[0]
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        else:
            return kind


def _rank(kind: Any) -> int:
    if typing.get_origin(kind) is Literal:
        return 0
    order = (type(None), int, float, bool)
    late = (str, Path, os.PathLike, ANYTHING)
    if kind in order:
        return 1 + order.index(kind)
    return 10 + late.index(kind) if kind in late else 9


def _first(candidates: Any, convert: Callable[[Any], Any]) -> Any:
    for candidate in candidates:
        try:
            return convert(candidate)
        except Refused:
            continue
    raise Refused


# -- reading texts -------------------------------------------------------------------------------


def _read_bool(text: str, default: Any) -> bool:
    if text.lower() not in TRUTH:
        raise Refused
    return TRUTH[text.lower()]


def _read_int(text: str, default: Any) -> int:
    if not re.fullmatch(r"[+-]?\d+(_\d+)*", text, re.ASCII):
        raise Refused
    try:
        return int(text)
    except ValueError:  # more than 4,300 digits
        raise Refused from None


def _read_float(text: str, default: Any) -> float:
    try:
        value = float(text) if text.isascii() else math.nan
    except ValueError:
        raise Refused from None
    return _check_float(value, default)


def _read_none(text: str, default: Any) -> None:
    if text.lower() not in NOTHING:
        raise Refused


def _read_word(word: Any, text: str) -> Any:
    """Return a value of a ``Literal`` if the text says that value."""
    if isinstance(word, str):
        same = word == text
    elif word is None or isinstance(word, bool):
        same = read_value(type(word), text) is word
    else:
        same = str(word) == text
    if not same:
        raise Refused
    return word


def _read_series(kind: Any, text: str) -> Any:
    bare = text.strip("()[] ")
    parts = [part.strip() for part in bare.split(",")] if bare else []
    if parts and not parts[-1]:
        parts.pop()  # a trailing comma, as in (3,)
    return _series(kind, parts, read_value)


def _guess(text: str, default: Any) -> Any:
    """Read a value without a declared type."""
    if isinstance(default, str):
        return text
    word = text.lower()
    if word in TRUTH and (isinstance(default, bool) or not word.isdigit()):
        return TRUTH[word]
    if word in ("none", "null"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


# -- checking values -----------------------------------------------------------------------------


def _check_bool(value: Any, default: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise Refused
    return bool(value)


def _check_int(value: Any, default: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise Refused
    return operator.index(value)


def _check_float(value: Any, default: Any) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise Refused
    try:
        value = float(value)
    except OverflowError:
        raise Refused from None
    endless = isinstance(default, float) and math.isinf(default)
    if math.isnan(value) or (math.isinf(value) and not endless):
        raise Refused
    return value


def _check_str(value: Any, default: Any) -> str:
    if not isinstance(value, str):
        raise Refused
    return str(value)


def _check_path(value: Any, default: Any) -> Path:
    if not isinstance(value, str | os.PathLike):
        raise Refused
    return Path(value)


def _check_none(value: Any, default: Any) -> None:
    if value is not None:
        raise Refused


def _same(word: Any, value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) is not type(word) or value != word:
        raise Refused
    return word


def _check_series(kind: Any, value: Any) -> Any:
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(value, tuple | list):
        raise Refused
    return _series(kind, value, check_value)


def _series(kind: Any, parts: Sequence[Any], convert: Callable[..., Any]) -> Any:
    """Convert the items of a tuple or a list one by one."""
    origin, of = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin is tuple and of and of[-1] is not Ellipsis:
        if len(parts) != len(of):
            raise Refused
    else:
        of = (of[0] if of else ANYTHING,) * len(parts)
    items = (convert(each, part) for each, part in zip(of, parts, strict=True))
    return list(items) if origin is list else tuple(items)


def _check_instance(kind: Any, value: Any) -> Any:
    try:
        fits = isinstance(value, kind)
    except TypeError:  # isinstance does not work, as for some protocols
        fits = True
    if not fits:
        raise Refused
    return value


def _is_series(kind: Any) -> bool:
    return (typing.get_origin(kind) or kind) in _SERIES


def _noun(kind: Any) -> str:
    if kind in _NOUNS:
        return _NOUNS[kind]
    origin, of = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(str(w).lower() if w is None else str(w) for w in of)}"
    if _is_series(kind):
        return _series_noun(origin, of)
    if isinstance(origin, type) and issubclass(origin, enum.Enum):
        return f"one of {', '.join(origin.__members__)}"
    return f"of the type {getattr(origin, '__name__', origin)}"


def _series_noun(origin: Any, of: tuple[Any, ...]) -> str:
    fixed = origin is tuple and bool(of) and of[-1] is not Ellipsis
    each = dict.fromkeys(map(noun, of if fixed else of[:1]))
    count = f"{len(of)} values" if fixed else "a row of values"
    return f"{count}, each {' or '.join(each)}" if each else count


_READERS: dict[Any, Callable[[str, Any], Any]] = {
    bool: _read_bool,
    int: _read_int,
    float: _read_float,
    str: lambda text, default: text,
    Path: lambda text, default: Path(text),
    os.PathLike: lambda text, default: Path(text),
    type(None): _read_none,
    ANYTHING: _guess,
}
_CHECKS: dict[Any, Callable[[Any, Any], Any]] = {
    bool: _check_bool,
    int: _check_int,
    float: _check_float,
    str: _check_str,
    Path: _check_path,
    os.PathLike: _check_path,
    type(None): _check_none,
    ANYTHING: lambda value, default: value,
}

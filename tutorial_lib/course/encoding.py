"""Answers as JSON, and back: numbers, texts, arrays, clicks, and the source of functions.

Nothing is pickled. What is read may come from anybody, so sizes, types and depth are limited, and
reading runs no code: a function is read as text.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tutorial_lib.clicks import Click, Clicks

MOST_BYTES = 32_000_000
MOST_ITEMS = 200_000
DEEPEST = 12
_KINDS = frozenset(
    ["bool", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
_SEQUENCES: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class NotPlain(ValueError):
    """A value cannot be written as plain data, or what was read is none."""


def encode_answer(value: Any, function: Callable[[Any], Any] | None = None, depth: int = 0) -> Any:
    """Turn a value into JSON.

    Parameters
    ----------
    value : Any
        Numbers, texts, arrays, tensors, clicks, and containers of these.
    function : callable, optional
        How to encode a function. Without it, functions raise.
    depth : int
        How deep the value lies in others.

    Returns
    -------
    Any
        What :mod:`json` can write.

    Raises
    ------
    NotPlain
        If the value holds anything else.
    """
    if depth > DEEPEST:
        raise NotPlain("it is nested too deeply")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and not isinstance(value, np.generic):
        return value if abs(value) < 2**63 else {"kind": "float", "value": repr(float(value))}
    if isinstance(value, float) and not isinstance(value, np.generic):
        return value if math.isfinite(value) else {"kind": "float", "value": repr(value)}
    if hasattr(value, "detach"):
        return encode_answer(value.detach().cpu().numpy(), function, depth) | {"tensor": True}
    if isinstance(value, np.generic | np.ndarray):
        return _encode_array(np.asarray(value))
    if isinstance(value, Click):
        return {"kind": "click", "value": [value.row, value.col, value.positive]}
    if isinstance(value, Clicks):
        return {"kind": "clicks", "value": value.to_list()}
    for kind, form in _SEQUENCES.items():
        if isinstance(value, form):
            return {"kind": kind, "value": [encode_answer(v, function, depth + 1) for v in value]}
    if isinstance(value, Mapping):
        pairs = [
            [encode_answer(k, None, depth + 1), encode_answer(v, function, depth + 1)]
            for k, v in value.items()
        ]
        return {"kind": "dict", "value": pairs}
    if function is not None and callable(value):
        return function(value)
    raise NotPlain(f"a value of type {type(value).__name__} is no plain data")


def _encode_array(value: np.ndarray) -> dict[str, Any]:
    if value.dtype.name not in _KINDS:
        raise NotPlain(f"an array of {value.dtype} is no plain data")
    if value.nbytes > MOST_BYTES:
        raise NotPlain(f"an array of {value.nbytes // 1_000_000} MB is too large to hand in")
    value = value.astype(value.dtype.newbyteorder("<"), copy=False)
    return {
        "kind": "array",
        "dtype": value.dtype.name,
        "shape": list(value.shape),
        "data": base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii"),
    }


def decode_answer(
    value: Any,
    function: Callable[[Mapping[str, Any]], Any] | None = None,
    tensors: bool = False,
) -> Any:
    """Turn JSON of :func:`encode_answer` back into a value. No code runs, and nothing is unpickled.

    Parameters
    ----------
    value : Any
        JSON from anybody.
    function : callable, optional
        What to make of a function's entry. Without it, functions raise.
    tensors : bool
        Whether a tensor comes back as a tensor. Otherwise it comes back as an array.

    Returns
    -------
    Any
        The value.

    Raises
    ------
    NotPlain
        If it is malformed, too large or too deep.
    """
    return _Decoder(function, tensors).decode(value, 0)


class _Decoder:
    def __init__(self, function: Callable[[Mapping[str, Any]], Any] | None, tensors: bool) -> None:
        self._function, self._tensors = function, tensors
        self._items, self._bytes = 0, 0

    def decode(self, value: Any, depth: int) -> Any:
        self._items += 1
        if depth > DEEPEST or self._items > MOST_ITEMS:
            raise NotPlain("it is too large or nested too deeply")
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            self._count(len(value))
            return value
        if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
            raise NotPlain("a value has no kind")
        kind, content = value["kind"], value.get("value")
        if kind == "array":
            return (
                self._tensor(value) if self._tensors and value.get("tensor") else self._array(value)
            )
        if kind == "float" and (content in ("inf", "-inf", "nan") or _is_number(content)):
            return float(content)
        if kind == "function" and self._function is not None:
            return self._function(value)
        if not isinstance(content, list):
            raise NotPlain(f"a value of the kind {kind[:20]!r} is malformed")
        if kind == "click":
            return Clicks.from_list([content])[0]
        if kind == "clicks":
            self._items += len(content)
            return Clicks.from_list(content)
        if kind == "dict" and all(isinstance(pair, list) and len(pair) == 2 for pair in content):
            pairs = ((self.decode(k, depth + 1), self.decode(v, depth + 1)) for k, v in content)
            try:
                return dict(pairs)
            except TypeError as error:
                raise NotPlain("a key of a dict cannot be used") from error
        if kind in _SEQUENCES:
            found = [self.decode(entry, depth + 1) for entry in content]
            try:
                return _SEQUENCES[kind](found)
            except TypeError as error:
                raise NotPlain("a set holds what cannot be in one") from error
        raise NotPlain(f"there is no kind {kind[:20]!r} of value")

    def _count(self, amount: int) -> None:
        self._bytes += amount
        if self._bytes > 2 * MOST_BYTES:
            raise NotPlain("it is too large")

    def _tensor(self, value: Mapping[str, Any]) -> Any:
        import torch

        return torch.from_numpy(self._array(value))

    def _array(self, value: Mapping[str, Any]) -> np.ndarray:
        dtype, shape, data = value.get("dtype"), value.get("shape"), value.get("data")
        good = dtype in _KINDS and isinstance(shape, list) and len(shape) <= 6
        if (
            not good
            or not isinstance(data, str)
            or not all(type(n) is int and n >= 0 for n in shape)
        ):
            raise NotPlain("an array is malformed")
        self._count(len(data))
        kind = np.dtype(dtype).newbyteorder("<")
        try:
            raw = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NotPlain("an array is malformed") from error
        if math.prod(shape) * kind.itemsize != len(raw):
            raise NotPlain("an array has another size than it says")
        return np.frombuffer(raw, kind).reshape(shape).astype(np.dtype(dtype))


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, str)
        and len(value) < 30
        and value.replace("e+", "").replace(".", "").isdigit()
    )

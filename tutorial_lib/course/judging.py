"""Compare an answer with what is right, and say in one sentence what is wrong with it.

Every function here either returns or raises :class:`WrongAnswer`. A sentence names the part of the
answer that is wrong and how: its type, shape, sign, size, or an example on which a function fails.
It never contains the right value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tutorial_lib.clicks import Click, Clicks

#: A usual mistake: the value that it leads to, and the sentence that helps.
Slip = tuple[Any, str]


class WrongAnswer(Exception):
    """An answer is wrong; the message is one sentence that says how."""


def require(condition: object, sentence: str) -> None:
    """Raise :class:`WrongAnswer` with a sentence unless a condition holds."""
    if not condition:
        raise WrongAnswer(sentence)


def parts(answer: Any, *names: str) -> list[Any]:
    """Return the parts of an answer in order: of a dict by name, of a tuple or list by place."""
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    if isinstance(answer, Mapping):
        for name in names:
            require(name in answer, f"The answer has no {name!r}; it is a dict with {listed}.")
        found = [answer[name] for name in names]
    else:
        fits = isinstance(answer, tuple | list) and len(answer) == len(names)
        require(fits, f"The answer is a dict with {listed}, not {type_in_words(answer)}.")
        found = list(answer)
    for name, value in zip(names, found, strict=True):
        require(value is not ..., f"{name} is still open; replace its dots.")
    return found


def keyed(answer: Any, keys: Sequence[Any], name: str = "The answer") -> list[Any]:
    """Return the values of a dict for the given keys. A number matches its text, too."""
    require(isinstance(answer, Mapping), f"{name} is a dict, not {type_in_words(answer)}.")
    by_text = {_key(key): value for key, value in answer.items()}
    for key in keys:
        require(_key(key) in by_text, f"{name} has no entry for {key}.")
    return [by_text[_key(key)] for key in keys]


def _key(key: Any) -> str:
    if isinstance(key, tuple):
        return str(tuple(map(_key, key)))
    try:
        return f"{float(key):g}"
    except (TypeError, ValueError):
        return str(key).strip().lower()


def type_in_words(value: Any) -> str:
    """Say what a value is: "a text", "an array of shape (3, 3)", "a list of 4"."""
    if isinstance(value, str):
        return "a text"
    if callable(value):
        return "a function"
    if isinstance(value, bool | np.bool_):
        return "True or False"
    if isinstance(value, int | float | np.number):
        return "a number"
    if isinstance(value, tuple | list | set | frozenset | Mapping):
        return f"a {type(value).__name__} of {len(value)}"
    if hasattr(value, "shape"):
        return f"an array of shape {tuple(value.shape)}"
    return f"an object of type {type(value).__name__}"


def clicks_from(text: str) -> Clicks:
    """Read clicks from a text such as ``"10,20,+ 30,40,-"``."""
    return Clicks(map(Click.parse, text.split()))


# -- numbers ---------------------------------------------------------------------------------------


def one_number(value: Any, name: str, low: float | None = None, high: float | None = None) -> float:
    """Return a value as one finite number within bounds."""
    array = plain(value)
    good = array is not None and array.size == 1 and array.dtype.kind in "iuf"
    require(good, f"{name} should be one number, but it is {type_in_words(value)}.")
    found = float(array.reshape(()))
    require(np.isfinite(found), f"{name} is not finite; look for a division by zero or log(0).")
    if low is not None and found < low:
        raise WrongAnswer(f"{name} is {found:g}, but it cannot be below {low:g}.")
    if high is not None and found > high:
        raise WrongAnswer(f"{name} is {found:g}, but it cannot be above {high:g}.")
    return found


def near(
    value: Any,
    right: float,
    name: str,
    atol: float = 1e-6,
    slips: Iterable[Slip] = (),
    slip_rtol: float = 0.02,
) -> None:
    """Require one number near the right one. ``slip_rtol`` is how near a slip must be."""
    found = one_number(value, name)
    if abs(found - right) <= atol:
        return
    for wrong, sentence in slips:
        require(abs(found - wrong) > max(atol, slip_rtol * abs(wrong)), sentence)
    require(right == 0 or abs(found + right) > atol, f"{name} has the wrong sign.")
    raise WrongAnswer(f"{name} is {found:g}, which is too {'large' if found > right else 'small'}.")


def plain(value: Any) -> np.ndarray | None:
    """Return a number, list, array or tensor as an array, or None if it is something else."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # ragged lists
        return None
    return array if array.dtype.kind in "biuf" else None


# -- arrays ----------------------------------------------------------------------------------------


def array(value: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a value as an array of finite numbers of one shape."""
    found = plain(value)
    require(
        found is not None,
        f"{name} should be an array of numbers, but it is {type_in_words(value)}.",
    )
    require(
        found.shape == shape, f"{name} should have shape {shape}, but it has shape {found.shape}."
    )
    require(np.isfinite(found).all(), f"{name} has values that are not finite.")
    return found


def mask(value: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a value as a mask ``(H, W) bool``. Zeros and ones are one, probabilities are not."""
    found = array(value, name, shape)
    only = np.isin(found, (0, 1)).all()
    require(only, f"{name} should be True or False at each pixel; compare with a threshold first.")
    return found.astype(bool)


def same(
    value: Any,
    right: Any,
    name: str,
    atol: float = 1e-6,
    slips: Iterable[Slip] = (),
    where: str = "",
) -> None:
    """Require an array with the right shape, signs and values."""
    right = np.asarray(right)
    found = array(value, name, right.shape)
    if np.allclose(found, right, rtol=1e-4, atol=atol):
        return
    for wrong, sentence in slips:
        wrong = np.asarray(wrong)
        require(
            wrong.shape != found.shape or not np.allclose(found, wrong, rtol=1e-4, atol=atol),
            sentence,
        )
    if right.dtype == bool:
        inverted = (found.astype(bool) == ~right).all()
        require(
            not inverted, f"{name} is the opposite{where}: it says True where it should say False."
        )
    else:
        require(not np.allclose(found, -right, atol=atol), f"{name} has the wrong sign{where}.")
    apart = np.abs(found.astype(float) - right)
    place = tuple(map(int, np.unravel_index(apart.argmax(), apart.shape)))
    at = f" at {list(place)}" if place else ""
    if right.dtype == bool:
        raise WrongAnswer(f"{name} is wrong{at}{where}, where it says {bool(found[place])}.")
    size = "large" if found[place] > right[place] else "small"
    raise WrongAnswer(f"{name} is {found[place]:.4g}{at}{where}, which is too {size}.")


# -- functions -------------------------------------------------------------------------------------


class Called:
    """A student's function: calls it, and turns what goes wrong into a sentence."""

    def __init__(self, answer: Any, name: str) -> None:
        require(
            callable(answer), f"The answer is the function {name}, not {type_in_words(answer)}."
        )
        self._function, self.name = answer, name

    def __call__(self, *arguments: Any, example: str) -> Any:
        """Call the function; ``example`` says for a person what it is called with."""
        try:
            found = self._function(*arguments)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # whatever a student's code raises is their answer's fault
            text = " ".join(str(error).split()).rstrip(".")
            detail = f": {text}" if text else ""
            raise WrongAnswer(
                f"{self.name} fails for {example} with {type(error).__name__}{detail}."
            ) from error
        require(
            found is not None,
            f"{self.name} returns nothing for {example}; does it end with return?",
        )
        require(found is not ..., f"{self.name} is still open; write its body.")
        return found


def on_examples(
    call: Called,
    right: Callable[..., Any],
    examples: Iterable[tuple[str, tuple[Any, ...]]],
    atol: float = 1e-6,
    slips: Sequence[tuple[Callable[..., Any], str]] = (),
) -> None:
    """Require that a function returns the same as the right one, example by example.

    A slip is a usual wrong function, and the sentence for somebody who wrote it. It is recognised
    by its results.
    """
    for example, arguments in examples:
        expected = right(*arguments)
        wrong = [(slip(*arguments), sentence) for slip, sentence in slips]
        found = call(*arguments, example=example)
        same(found, expected, call.name, atol, wrong, f" for {example}")

"""Typed options: the one reader of ``key=value`` texts, and the one check of their values.

The options of a method, a recipe or a dataset are the parameters of its class or function.
Annotated parameters are checked. Others are passed on, so that your own method needs no annotation.
"""

from __future__ import annotations

import inspect
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, get_type_hints

from tutorial_lib.option_types import ANYTHING, EMPTY, Refused, check_value, noun, read_value, shown

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class OptionError(ValueError, TypeError):
    """An option is unknown, missing, given twice, or does not have the declared type."""


@dataclass(frozen=True)
class Option:
    """One parameter of a method or a recipe.

    Parameters
    ----------
    name : str
        Its name.
    kind : type or typing construct
        The declared type, or ``ANYTHING`` without annotation.
    default : Any
        The default, or ``EMPTY`` if there is none.
    """

    name: str
    kind: Any = ANYTHING
    default: Any = EMPTY


@dataclass(frozen=True)
class Options:
    """The options of a class or function.

    Parameters
    ----------
    owner : str
        Names the class or function in a sentence: ``"The method 'dos'"``.
    called : str
        Names an option in a sentence: ``"The option {} of the method 'dos'"``.
    known : dict of str to Option
        The declared options, in order.
    others : Option, optional
        The type of ``**kwargs``. None if there are no other options.
    word : str
        The word for one of them.
    """

    owner: str
    called: str
    known: Mapping[str, Option]
    others: Option | None = None
    word: str = "option"

    def read(self, texts: Iterable[str]) -> dict[str, Any]:
        """Read ``key=value`` texts, as the command line gives them.

        Parameters
        ----------
        texts : iterable of str
            One option each. Truth values are true/false, yes/no, on/off or 1/0. None is none, null
            or an empty text, if the type allows None. Items of a tuple are separated by commas.

        Returns
        -------
        dict
            Values of the declared types, in the order of the declarations.

        Raises
        ------
        OptionError
            If a text has no ``=``, or an option is unknown, given twice, or of another type.
        """
        given = split(texts, self.word)
        self._refuse_unknown(given)
        values = {name: self._converted(name, text, read_value) for name, text in given.items()}
        return {name: values[name] for name in sorted(values, key=self._place)}

    def check(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check values, as Python code gives them.

        Parameters
        ----------
        values : mapping
            Options by name.

        Returns
        -------
        dict
            The same values. NumPy's numbers become Python's, and lists become tuples if the type
            is a tuple.

        Raises
        ------
        OptionError
            If an option is unknown, of another type, NaN or infinite, or if an option without
            default is missing.
        """
        self._refuse_unknown(values)
        missing = [o.name for o in self.known.values() if o.default is EMPTY]
        if missing := [name for name in missing if name not in values]:
            raise OptionError(f"{self.owner} needs a value for: {', '.join(missing)}.")
        return {name: self._converted(name, value, check_value) for name, value in values.items()}

    def _refuse_unknown(self, names: Iterable[str]) -> None:
        unknown = sorted(set(names) - set(self.known), key=str)
        if unknown and self.others is None:
            texts = (name if str(name).isidentifier() else shown(name) for name in unknown)
            has = f"it has: {', '.join(self.known)}" if self.known else "it has none"
            raise OptionError(f"{self.owner} has no {self.word} {', '.join(texts)}; {has}.")

    def _converted(self, name: str, value: Any, convert: Callable[..., Any]) -> Any:
        option = self.known.get(name, self.others)
        if convert is check_value and value is option.default:
            return value
        try:
            return convert(option.kind, value, option.default)
        except Refused:
            subject, takes = self.called.replace("{}", name, 1), noun(option.kind, option.default)
            raise OptionError(f"{subject} is {takes}, not {shown(value)}.") from None

    def _place(self, name: str) -> int:
        names = list(self.known)
        return names.index(name) if name in self.known else len(names)


def options_of(target: Callable[..., Any], owner: str, called: str) -> Options:
    """Find the options of a class, a dataclass or a function.

    Parameters
    ----------
    target : callable
        The class or function.
    owner, called : str
        See :class:`Options`.

    Returns
    -------
    Options
        All parameters that can be given by name. A parameter without annotation, or with one that
        cannot be resolved, takes anything.

    Examples
    --------
    >>> def blur(radius: int = 3, exact: bool = True): ...
    >>> options_of(blur, "The function blur", "The option {} of blur").read(["exact=False"])
    {'exact': False}
    """
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError, NameError):  # some builtins have no signature
        return Options(owner, called, {}, Option("", ANYTHING))
    kinds = _declared(target)
    options = {
        p.name: Option(p.name, ANYTHING if p.annotation is EMPTY else kinds[p.name], p.default)
        for p in parameters
    }
    known = {p.name: options[p.name] for p in parameters if p.kind in _NAMED}
    others = [options[p.name] for p in parameters if p.kind is p.VAR_KEYWORD]
    return Options(owner, called, known, others[0] if others else None)


def _declared(target: Any) -> defaultdict[str, Any]:
    """Resolve annotations, which ``from __future__ import annotations`` turns into texts."""
    while isinstance(target, partial):
        target = target.func
    if inspect.isclass(target):
        sources = [target, target.__new__, target.__init__]
    else:
        sources = [type(target).__call__, target]
    hints: defaultdict[str, Any] = defaultdict(lambda: ANYTHING)
    for source in sources:  # the later source overrides
        hints.update(_hints(inspect.unwrap(source)))
    return hints


def _hints(source: Any) -> dict[str, Any]:
    """Return the annotations that can be resolved."""
    try:
        return get_type_hints(source)
    except Exception:  # a name that only type checkers know, or a wrong annotation
        found = {}
        for name, annotation in getattr(source, "__annotations__", {}).items():
            alone = type("Alone", (), {"__annotations__": {name: annotation}})
            with suppress(Exception):
                found |= get_type_hints(alone, getattr(source, "__globals__", None))
        return found


def split(texts: Iterable[str], word: str = "option") -> dict[str, str]:
    """Split ``key=value`` texts into keys and values.

    Parameters
    ----------
    texts : iterable of str
        One option each. The value can contain further ``=``.
    word : str
        The word for one of them.

    Returns
    -------
    dict of str to str
        Values by key, without spaces around them.

    Raises
    ------
    OptionError
        If a text has no ``=`` or no key, or a key is given twice.
    """
    given: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise OptionError(
                f"Each {word} is written key=value, such as size=384, not {shown(text)}."
            )
        if key in given:
            raise OptionError(f"The {word} {shown(key)} is given twice: give it once.")
        given[key] = value.strip()
    return given


def latest(texts: Iterable[str]) -> list[str]:
    """Keep only the last ``key=value`` text for each key.

    Parameters
    ----------
    texts : iterable of str
        One option each.

    Returns
    -------
    list of str
        One text per key.
    """
    return list({text.partition("=")[0].strip(): text for text in texts}.values())


def label(name: str, options: Mapping[str, Any]) -> str:
    """Return a method's name with its options, independent of how they were typed.

    Parameters
    ----------
    name : str
        The method's name.
    options : mapping
        What :meth:`Options.read` returned.

    Returns
    -------
    str
        Such as ``"graph-cut exact=false radius=7"``.
    """
    return " ".join([name, *(f"{key}={_text(value)}" for key, value in options.items())])


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(_text, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else str(value)

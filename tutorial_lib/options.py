"""Options have types: one reader for ``key=value`` texts, and one check of values.

A method's or a recipe's options are the parameters of its class or function. What is annotated is
checked; what is not annotated is passed on, so that a stranger's method needs no annotations.
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

from tutorial_lib.option_types import ANYTHING, EMPTY, Refused, check, noun, read, shown

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class OptionError(ValueError, TypeError):
    """An option is unknown, set twice, missing, or of another type than the one declared."""


@dataclass(frozen=True)
class Option:
    """One parameter of a method or a recipe.

    Parameters
    ----------
    name : str
        Its name.
    kind : type or typing construct
        The declared type; ``ANYTHING`` without annotation.
    default : Any
        Its default; ``EMPTY`` if there is none.
    """

    name: str
    kind: Any = ANYTHING
    default: Any = EMPTY


@dataclass(frozen=True)
class Options:
    """The options that a class or function takes.

    Parameters
    ----------
    owner : str
        How a sentence names what takes them: ``"The method 'dos'"``.
    called : str
        How a sentence names one of them: ``"The option {} of the method 'dos'"``.
    known : dict of str to Option
        Those declared by name, in order.
    others : Option, optional
        What ``**kwargs`` takes; None if nothing else may be set.
    word : str
        What one of them is called.
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
            One option each. A truth value is true/false, yes/no, on/off or 1/0; nothing at all is
            none, null or empty where None is allowed; the items of a tuple are set apart by commas.

        Returns
        -------
        dict
            Values of the declared types, in the order in which the options are declared.

        Raises
        ------
        OptionError
            If a text has no ``=``, or an option is unknown, set twice, or of another type.
        """
        given = split(texts, self.word)
        self._refuse_unknown(given)
        values = {name: self._converted(name, text, read) for name, text in given.items()}
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
            The same values; NumPy's numbers become Python's, and lists become tuples where a tuple
            is declared.

        Raises
        ------
        OptionError
            If an option is unknown, of another type, NaN or infinite, or if one is missing that
            has no default.
        """
        self._refuse_unknown(values)
        missing = [o.name for o in self.known.values() if o.default is EMPTY]
        if missing := [name for name in missing if name not in values]:
            raise OptionError(f"{self.owner} needs a value for: {', '.join(missing)}.")
        return {name: self._converted(name, value, check) for name, value in values.items()}

    def _refuse_unknown(self, names: Iterable[str]) -> None:
        unknown = sorted(set(names) - set(self.known), key=str)
        if unknown and self.others is None:
            texts = (name if str(name).isidentifier() else shown(name) for name in unknown)
            has = f"it has: {', '.join(self.known)}" if self.known else "it has none"
            raise OptionError(f"{self.owner} has no {self.word} {', '.join(texts)}; {has}.")

    def _converted(self, name: str, value: Any, convert: Callable[..., Any]) -> Any:
        option = self.known.get(name, self.others)
        if convert is check and value is option.default:
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
        Whose parameters they are.
    owner, called : str
        See :class:`Options`.

    Returns
    -------
    Options
        All that may be given by name. A parameter without annotation, or with one that cannot be
        resolved, takes anything.
    """
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError, NameError):  # some builtins have none to show
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
    """Resolve annotations, which are texts under ``from __future__ import annotations``."""
    while isinstance(target, partial):
        target = target.func
    if inspect.isclass(target):
        sources = [target, target.__new__, target.__init__]
    else:
        sources = [type(target).__call__, target]
    hints: defaultdict[str, Any] = defaultdict(lambda: ANYTHING)
    for source in sources:  # the later one knows better
        hints.update(_hints(inspect.unwrap(source)))
    return hints


def _hints(source: Any) -> dict[str, Any]:
    """Return the annotations that can be resolved."""
    try:
        return get_type_hints(source)
    except Exception:  # a name that exists only for type checkers, or a slip in an annotation
        found = {}
        for name, annotation in getattr(source, "__annotations__", {}).items():
            alone = type("Alone", (), {"__annotations__": {name: annotation}})
            with suppress(Exception):
                found |= get_type_hints(alone, getattr(source, "__globals__", None))
        return found


def split(texts: Iterable[str], word: str = "option") -> dict[str, str]:
    """Take ``key=value`` texts apart.

    Parameters
    ----------
    texts : iterable of str
        One option each; the value may contain further ``=``.
    word : str
        What one of them is called.

    Returns
    -------
    dict of str to str
        Values by key, without the spaces around them.

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
    """Keep only the last of several ``key=value`` texts for the same key.

    Parameters
    ----------
    texts : iterable of str
        One option each.

    Returns
    -------
    list of str
        One text a key.
    """
    return list({text.partition("=")[0].strip(): text for text in texts}.values())


def label(name: str, options: Mapping[str, Any]) -> str:
    """Name a method with its options, however they were typed.

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

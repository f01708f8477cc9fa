"""The source of a function with everything it needs, as text that stands for itself.

A function in a notebook uses imports, other functions and constants of other cells. This module
collects them, so that the function can be handed in, and run in another process later.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
import types
from collections.abc import Callable
from typing import Any

from tutorial_lib.course.encoding import NotPlain, encode_answer


def portable(function: Callable[..., Any]) -> dict[str, Any]:
    """Describe a function by its source, its helpers, its imports and its constants.

    Parameters
    ----------
    function : callable
        A function that was written with ``def`` at the top of a cell or module.

    Returns
    -------
    dict
        ``kind``, ``name``, ``source`` and ``constants``, as JSON.

    Raises
    ------
    NotPlain
        If the function is a lambda, an inner function, or uses something that is no plain data.
    """
    collected = _Collected()
    name = collected.add(function)
    return {
        "kind": "function",
        "name": name,
        "source": "\n\n".join([*collected.imports, *collected.sources]),
        "constants": collected.constants,
    }


class _Collected:
    def __init__(self) -> None:
        self.imports: list[str] = []
        self.sources: list[str] = []
        self.constants: dict[str, Any] = {}
        self._seen: set[str] = set()

    def add(self, function: Any) -> str:
        name = getattr(function, "__name__", "")
        if not isinstance(function, types.FunctionType) or not name.isidentifier():
            raise NotPlain("only a function with a name can be handed in; write it with def")
        if function.__closure__ or "<locals>" in function.__qualname__:
            raise NotPlain(
                f"{name} is written inside another function; write it at the top of a cell"
            )
        if name in self._seen:
            return name
        self._seen.add(name)
        try:
            source = textwrap.dedent(inspect.getsource(function))
            tree = ast.parse(source)
        except (OSError, TypeError, SyntaxError) as error:
            raise NotPlain(f"the source of {name} cannot be found") from error
        scope = function.__globals__
        wanted = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for other in sorted(wanted & set(scope)):
            self._need(other, scope[other], scope)
        self.sources.append(source)
        return name

    def _need(self, name: str, value: Any, scope: dict[str, Any]) -> None:
        if name in self._seen or name in self.constants or value is getattr(builtins, name, self):
            return
        if isinstance(value, types.FunctionType) and value.__globals__ is scope:
            if value.__name__ != name:
                raise NotPlain(f"{name} is another name for a function; write it with def")
            self.add(value)
        elif isinstance(value, types.ModuleType):
            self._seen.add(name)
            self.imports.append(f"import {value.__name__} as {name}")
        elif home := _home(value):
            self._seen.add(name)
            self.imports.append(f"from {home[0]} import {home[1]} as {name}")
        else:
            try:
                self.constants[name] = encode_answer(value)
            except NotPlain as error:
                raise NotPlain(
                    f"it uses {name}, and {error}; make it inside the function"
                ) from error


def _home(value: Any) -> tuple[str, str] | None:
    """Return module and name from which something can be imported."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if not isinstance(module, str) or module == "__main__" or not str(name).isidentifier():
        return None
    return (module, name) if getattr(sys.modules.get(module), name, None) is value else None

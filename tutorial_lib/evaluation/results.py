"""The file an evaluation leaves behind: its shape, how it is written, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tutorial_lib.paths import write_atomically

_CLICK = {
    "type": "array",
    "prefixItems": [
        {"type": "integer", "minimum": 0},
        {"type": "integer", "minimum": 0},
        {"type": "boolean"},
    ],
    "minItems": 3,
    "maxItems": 3,
}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_MILLISECONDS = {"type": "number", "minimum": 0}
_SAMPLE = {
    "type": "object",
    "required": ["clicks", "iou"],
    "additionalProperties": False,
    "properties": {
        "clicks": {"type": "array", "items": _CLICK, "minItems": 1},
        "iou": {"type": "array", "items": _SHARE, "minItems": 1},
    },
}
_FAILED = {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}
_ANSWERED = {
    "properties": {
        "noc": {
            "required": ["85", "90"],
            "additionalProperties": {"type": "number", "minimum": 1},
        },
        "miou": {"minItems": 1},
        "ms_prepare": _MILLISECONDS,
        "ms_click": _MILLISECONDS,
    }
}
_UNANSWERED = {  # a method that answered no object has no figure
    "required": ["failed"],
    "properties": {
        "noc": {"required": ["85", "90"], "additionalProperties": {"type": "null"}},
        "miou": {"maxItems": 0},
        "ms_prepare": {"type": "null"},
        "ms_click": {"type": "null"},
        "failed": {"minProperties": 1},
    },
}
_METHOD = {
    "type": "object",
    "required": ["noc", "miou", "ms_prepare", "ms_click", "samples"],
    "additionalProperties": False,
    "properties": {
        "noc": {"type": "object"},
        "miou": {"type": "array", "items": _SHARE},
        "ms_prepare": {},
        "ms_click": {},
        "precision": {"type": "string"},
        "samples": {"type": "object", "additionalProperties": _SAMPLE},
        "failed": _FAILED,
        "made_from": {"type": "object"},
    },
    "if": {"properties": {"samples": {"minProperties": 1}}},
    "then": _ANSWERED,
    "else": _UNANSWERED,
}
RESULTS_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Methods evaluated on a dataset by a simulated user",
    "type": "object",
    "required": [
        "schema",
        "dataset",
        "root_name",
        "robot",
        "seed",
        "max_clicks",
        "commit",
        "machine",
        "methods",
    ],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "dataset": {"type": "string"},
        "root_name": {"type": "string"},
        "robot": {"type": "string"},
        "seed": {"type": "integer", "minimum": 0},
        "max_clicks": {"type": "integer", "minimum": 1},
        "commit": {"type": ["string", "null"]},
        "machine": {"type": "object"},
        "precision": {"type": "string"},
        "made_from": {"type": "object"},
        "skipped": _FAILED,
        "methods": {"type": "object", "additionalProperties": _METHOD, "minProperties": 1},
    },
}

_SET = {
    "type": "object",
    "required": ["dataset", "precision", "objects", "miou"],
    "additionalProperties": False,
    "properties": {
        "dataset": {"type": "string"},
        "precision": {"enum": ["float32", "bfloat16", "mixed"]},
        "objects": {"type": "integer", "minimum": 1},
        "miou": {"type": "object", "additionalProperties": _SHARE, "minProperties": 1},
    },
}
ONE_CLICK_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Mean IoU after a single click, on objects like those of training and on others",
    "type": "object",
    "required": ["schema", "clicks", "commit", "machine", "sets"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "clicks": {"const": 1},
        "commit": {"type": ["string", "null"]},
        "machine": {"type": "object"},
        "sets": {
            "type": "object",
            "required": ["seen", "unseen"],
            "additionalProperties": False,
            "properties": {"seen": _SET, "unseen": _SET},
        },
    },
}


def write_results(results: dict[str, Any], path: Path) -> None:
    """Write an evaluation's results: whole or not at all, and only if they fit the schema.

    Parameters
    ----------
    results : dict
        What :func:`tutorial_lib.evaluation.accuracy.evaluate` returns.
    path : Path
        JSON file; its folder is made if there is none.

    Raises
    ------
    jsonschema.ValidationError
        If the results do not fit :data:`RESULTS_SCHEMA`.
    """
    write_checked(results, RESULTS_SCHEMA, path, _compact)


def read_results(path: str | Path) -> dict[str, Any]:
    """Read an evaluation's results.

    Parameters
    ----------
    path : str or Path
        JSON file that an evaluation wrote.

    Returns
    -------
    dict
        As :data:`RESULTS_SCHEMA` describes it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not the result of an evaluation; the text says where it differs.
    """
    return read_checked(path, RESULTS_SCHEMA, "`evaluate --out` writes one")


def write_one_click(results: dict[str, Any], path: Path) -> None:
    """Write what methods reach with a single click: whole or not at all, keys sorted.

    Parameters
    ----------
    results : dict
        As :data:`ONE_CLICK_SCHEMA` describes it.
    path : Path
        JSON file; its folder is made if there is none.

    Raises
    ------
    jsonschema.ValidationError
        If the results do not fit the schema.
    """
    write_checked(results, ONE_CLICK_SCHEMA, path)


def read_one_click(path: str | Path) -> dict[str, Any]:
    """Read what methods reach with a single click.

    Parameters
    ----------
    path : str or Path
        JSON file that ``tools/measure_one_click.py`` wrote.

    Returns
    -------
    dict
        As :data:`ONE_CLICK_SCHEMA` describes it: under ``"sets"`` the objects ``"seen"``, of kinds
        met in training, and ``"unseen"``, each with a mean IoU for every method.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else; the text says where it differs.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 4.3 and Table 2.
    """
    return read_checked(path, ONE_CLICK_SCHEMA, "`make one-click` writes one")


def read_checked(path: str | Path, schema: dict[str, Any], remedy: str) -> dict[str, Any]:
    """Read a file of results.

    Parameters
    ----------
    path : str or Path
        JSON file.
    schema : dict
        What it has to fit.
    remedy : str
        Half a sentence: what writes such a file.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else; the text says where it differs.
    """
    from jsonschema import ValidationError

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no results file {path}; {remedy}.")
    try:
        results = json.loads(path.read_bytes())
        _validate(results, schema)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None
    except ValidationError as error:
        message = error.message if len(error.message) < 300 else f"{error.message[:300]} ..."
        raise ValueError(f"{path} holds no results at {error.json_path}: {message}.") from None
    return results


def _sorted(results: dict[str, Any]) -> str:
    return json.dumps(results, indent=1, sort_keys=True) + "\n"


def write_checked(
    results: dict[str, Any],
    schema: dict[str, Any],
    path: Path,
    to_text: Callable[[dict[str, Any]], str] = _sorted,
) -> None:
    """Write a file of results: whole or not at all, and only if they fit a schema.

    Parameters
    ----------
    results : dict
        Ready for JSON.
    schema : dict
        What they have to fit.
    path : Path
        The file; its folder is made if there is none.
    to_text : callable
        Turns them into JSON; by default indented, keys sorted.

    Raises
    ------
    jsonschema.ValidationError
        If they do not fit.
    OSError
        If the file cannot be written; what was there before stays.
    """
    _validate(results, schema)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, to_text(results).encode())
    except OSError as error:
        raise OSError(f"The results {path} cannot be written: {error.strerror}.") from error


def _validate(results: Any, schema: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator(schema).validate(results)


class _Line(dict):
    """What stands on a line of its own."""


def _compact(results: dict[str, Any]) -> str:
    """Return JSON with one line a sample, so that files can be read and compared by eye."""
    methods = {
        name: {**method, "samples": {key: _Line(one) for key, one in method["samples"].items()}}
        for name, method in results["methods"].items()
    }
    return _indented({**results, "methods": methods}) + "\n"


def _indented(value: Any, before: str = "\n") -> str:
    """Return JSON as ``json.dumps(value, indent=1)`` does, but for lines that stay whole."""
    if isinstance(value, _Line):
        return json.dumps(value, separators=(",", ":"))
    if not (isinstance(value, (dict, list)) and value):
        return json.dumps(value)
    within = before + " "
    if isinstance(value, list):
        return "[" + ",".join(within + _indented(one, within) for one in value) + before + "]"
    lines = (f"{within}{json.dumps(key)}: {_indented(value[key], within)}" for key in value)
    return "{" + ",".join(lines) + before + "}"

"""One file to hand in: answers, what the checks said, and click logs.

The file is plain JSON. It holds no path, no photo and nothing about the machine: only the name that
was typed, the answers, and the clicks on bundled photos.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutorial_lib.click_log import check_log, read_log
from tutorial_lib.course.exercises import exercises
from tutorial_lib.course.journal import read_journal
from tutorial_lib.paths import safe_stem

KIND, SCHEMA = "tutorial_lib submission", 1
LONGEST_NAME = 80
MOST_LOGS, MOST_CLICKS, LONGEST_SIDE = 60, 200, 4000
_LOG_FIELDS = ("schema", "name", "image", "method", "options", "seconds", "clicks", "choices")
_PHOTO_FIELDS = ("sha256", "shape", "original_shape", "sketch")


@dataclass(frozen=True)
class Submission:
    """What a student hands in.

    Parameters
    ----------
    name : str
        As it was typed.
    answers : dict
        By exercise, as the checks recorded them: ``right``, ``sentence``, ``tries``, ``answer``,
        ``words``.
    logs : list of dict
        Click logs on bundled photos.
    """

    name: str
    answers: dict[str, dict[str, Any]]
    logs: list[dict[str, Any]]


def collect(folder: Path, name: str) -> Submission:
    """Collect the work of a student from a folder.

    Parameters
    ----------
    folder : Path
        The folder of the student notebooks, with ``answers/`` and, after *Save* in a widget,
        ``exports/``.
    name : str
        The student's name.

    Returns
    -------
    Submission
        All recorded answers, and the logs of clicks on bundled photos. Logs on other photos stay
        where they are: they would show the student's own photos.

    Raises
    ------
    ValueError
        If the name is empty or too long, or if there is nothing to hand in.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise ValueError(
            f"Type a name of at most {LONGEST_NAME} letters, such as --name 'Ada Lovelace'."
        )
    answers: dict[str, Any] = {}
    for path in sorted((folder / "answers").glob("*.json")):
        answers |= {k: v for k, v in read_journal(path).items() if k in exercises()}
    logs, known = [], _bundled_photos()
    for path in sorted([*folder.glob("*-clicks.json"), *folder.glob("exports/*-clicks.json")]):
        try:
            log = read_log(path)
        except ValueError:
            continue
        if log["image"]["sha256"] in known and log["clicks"]:
            logs.append(_without_paths(log))
    if not answers and not logs:
        raise ValueError(
            f"There is nothing to hand in in {folder}: no answers/*.json, which check() writes in "
            "student notebooks, and no exports/*-clicks.json, which the Save button writes."
        )
    return Submission(name, dict(sorted(answers.items())), logs[:MOST_LOGS])


def _bundled_photos() -> set[str]:
    from tutorial_lib.data.samples import load_sample, sample_names
    from tutorial_lib.working_photo import WorkingPhoto

    return {WorkingPhoto(load_sample(n).image).describe()["sha256"] for n in sample_names()}


def _without_paths(log: dict[str, Any]) -> dict[str, Any]:
    """Keep what replaying needs: no other field, and no option that could be a path."""
    kept = {name: log[name] for name in _LOG_FIELDS if name in log}
    kept["name"] = safe_stem(log["name"])
    kept["image"] = {k: v for k, v in log["image"].items() if k in _PHOTO_FIELDS}
    kept["options"] = {
        k: v for k, v in log["options"].items() if not (isinstance(v, str) and set(v) & set("/\\:"))
    }
    return kept


def pack(submission: Submission, folder: Path) -> bytes:
    """Return a submission as the bytes of its file.

    Parameters
    ----------
    submission : Submission
        From :func:`collect`.
    folder : Path
        Where it was collected. If an answer contains this path or that of the home folder, the
        path becomes ``.`` or ``~``.

    Returns
    -------
    bytes
        JSON in UTF-8.
    """
    content = {
        "kind": KIND,
        "schema": SCHEMA,
        "name": submission.name,
        "answers": submission.answers,
        "logs": submission.logs,
    }
    places = [(str(folder.resolve()), "."), (str(Path.home()), "~")]
    return json.dumps(_mapped(content, places), ensure_ascii=False, indent=1).encode("utf-8")


def _mapped(value: Any, places: list[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for path, short in places:
            if len(path) > 3:
                value = value.replace(path, short)
        return value
    if isinstance(value, dict):
        return {_mapped(k, places): _mapped(v, places) for k, v in value.items()}
    return [_mapped(v, places) for v in value] if isinstance(value, list) else value


def read_submission(content: bytes) -> Submission:
    """Read a submission from anybody. Nothing in it is run or unpickled here.

    Parameters
    ----------
    content : bytes
        The bytes of the file.

    Returns
    -------
    Submission
        Only what has the right form.

    Raises
    ------
    ValueError
        If this is no submission. The message says why.
    """
    if content[:2] == b"PK" or content[:3] == b"\x1f\x8b\x08":
        raise ValueError("it is an archive; submit writes a single JSON file, without packing it")
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError("it is not text, so submit did not write it") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON, or not all of it has arrived") from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise ValueError("it is no submission; `python -m tutorial_lib submit` writes one")
    if found.get("schema") != SCHEMA:
        raise ValueError("it was written by another version of the package")
    name, answers, logs = found.get("name"), found.get("answers"), found.get("logs")
    good = isinstance(name, str) and isinstance(answers, dict) and isinstance(logs, list)
    if not good or not " ".join(name.split()) or len(name) > LONGEST_NAME:
        raise ValueError("it has no usable name, answers or logs")
    kept = {k: v for k, v in answers.items() if k in exercises() and isinstance(v, dict)}
    usable = [_without_paths(log) for log in logs if _usable(log)]
    return Submission(" ".join(name.split()), kept, usable[:MOST_LOGS])


def _usable(log: Any) -> bool:
    try:
        check_log(log)
    except ValueError:
        return False
    sides = log["image"]["shape"][:2]
    return 0 < len(log["clicks"]) <= MOST_CLICKS and max(sides) <= LONGEST_SIDE

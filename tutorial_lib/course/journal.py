"""The answers of a student, kept on disk while they work, for handing in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tutorial_lib.course.encoding import NotPlain, encode_answer
from tutorial_lib.course.portable import portable
from tutorial_lib.paths import write_atomically

SCHEMA = 1
_folder: list[Path] = []


def record_answers(folder: str | Path | None = "answers") -> None:
    """Keep every answer that :func:`check` sees from now on, for handing in.

    Each notebook has a file in the folder, such as ``answers/01.json``, with the last answer to
    each exercise. A right answer is not replaced by a wrong one.

    Parameters
    ----------
    folder : path or None
        The folder; made with the first answer. None keeps nothing any more.
    """
    _folder[:] = [] if folder is None else [Path(folder)]


def record(exercise: str, answer: Any, right: bool, sentence: str) -> None:
    """Keep an answer in the folder of :func:`record_answers`, if there is one."""
    if not _folder:
        return
    path = _folder[0] / f"{exercise.partition('.')[0]}.json"
    kept = read_journal(path)
    entry = kept.setdefault(exercise, {"tries": 0})
    if isinstance(answer, str) and right:
        entry["words"] = answer
    else:
        entry["tries"] += 1
        if right or not entry.get("right"):
            entry |= {"right": right, "sentence": sentence}
            entry.pop("answer", None)
            try:
                entry["answer"] = encode_answer(_plain(answer), portable)
            except NotPlain as error:
                print(f"This answer cannot be handed in as it is: {error}.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"schema": SCHEMA, "answers": kept}, indent=1, ensure_ascii=False)
        write_atomically(path, text.encode("utf-8"))
    except OSError as error:
        print(f"The answer was not kept in {path}: {error.strerror}.")


def _plain(answer: Any) -> Any:
    """Turn a widget or session into its click log; leave anything else as it is."""
    session = getattr(answer, "session", answer)
    return {"click log": _as_text(session.log())} if hasattr(session, "log") else answer


def _as_text(log: dict[str, Any]) -> str:
    from tutorial_lib.click_log import dump

    return dump(log)


def read_journal(path: Path) -> dict[str, Any]:
    """Return the answers in a file by exercise; an empty dict if there is no usable file."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    answers = found.get("answers") if isinstance(found, dict) else None
    if not isinstance(answers, dict):
        return {}
    return {
        k: v for k, v in answers.items() if isinstance(v, dict) and isinstance(v.get("tries"), int)
    }

"""Check one submission again, in a process of its own: ``python -m tutorial_lib.course.regrade``.

The submission comes in on one pipe, and one line of JSON for each exercise and click log goes out
on another. Functions of the student run in a second process; see
:mod:`tutorial_lib.course.sandbox`. Both are confined where the machine can do that. Where it
cannot, no function of a student is run.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from tutorial_lib.course.confinement import can_confine, confine, limit
from tutorial_lib.course.encoding import NotPlain, decode_answer
from tutorial_lib.course.sandbox import Sandbox, SandboxGone

NOT_CONFINED = "Not run again: this machine cannot confine functions, only Linux can."


def regrade() -> None:
    """Read a task, confine this process, and answer line by line."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    task = json.loads(sys.stdin.buffer.read())
    confined = can_confine()
    functions = any(_has_function(entry.get("answer")) for entry in task["answers"].values())
    limits = {"seconds": task["call"], "total": task["seconds"], "memory": task["memory"]}
    sandbox = Sandbox(**limits) if functions and confined else None
    if confined:
        limit(task["seconds"], task["memory"])
        confine()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for exercise, entry in task["answers"].items():
            _send(answers, {"began": exercise})
            right, sentence, again = _checked(exercise, entry, sandbox)
            _send(answers, {"exercise": exercise, "right": right, "sentence": sentence})
            if again:
                os._exit(3)  # the function still runs there: a new pair of processes goes on
        for place, log in enumerate(task["logs"]):
            _send(answers, {"began": place})
            _send(answers, {"log": place, **_replayed(log)})
    _send(answers, {"finished": True})


def _send(stream: Any, answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


def _has_function(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("kind") == "function" or any(map(_has_function, value.values()))
    return isinstance(value, list) and any(map(_has_function, value))


def _checked(
    exercise: str, entry: Mapping[str, Any], sandbox: Sandbox | None
) -> tuple[bool, str, bool]:
    """Return whether an answer is right, the sentence, and whether the sandbox is gone."""
    from tutorial_lib.course.checking import judged

    gone = []

    def function(description: Mapping[str, Any]) -> Any:
        if sandbox is None:
            raise NotPlain(NOT_CONFINED)
        remote = sandbox.function(description)

        def call(*arguments: Any) -> Any:
            try:
                return remote(*arguments)
            except SandboxGone as error:
                gone.append(str(error))
                raise

        return call

    try:
        answer = decode_answer(entry.get("answer"), function)
        right, sentence = judged(exercise, _session(answer))
    except NotPlain as error:
        text = str(error)
        return False, text if text == NOT_CONFINED else f"The answer cannot be read: {text}.", False
    except SandboxGone as error:
        gone.append(str(error))
        right, sentence = False, ""
    except Exception as error:  # of the student's code, while it is defined
        text = " ".join(str(error).split())[:200].rstrip(".")
        right, sentence = False, f"The answer cannot be used: {type(error).__name__}: {text}."
    return (False, gone[0], True) if gone else (right, sentence, False)


def _session(answer: Any) -> Any:
    """Replay the click log in the place of a session; leave anything else as it is."""
    if not (isinstance(answer, Mapping) and set(answer) == {"click log"}):
        return answer
    from tutorial_lib.session import Session

    log = json.loads(answer["click log"])
    return Session.replay(_photo(log)[1], log)


def _photo(log: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the bundled photo that a log belongs to."""
    from tutorial_lib.data.samples import load_sample, sample_names
    from tutorial_lib.working_photo import WorkingPhoto

    size = max(log["image"]["shape"][:2])
    for name in sample_names():
        photo = WorkingPhoto(load_sample(name).image, size)
        if photo.is_exactly(log["image"]):
            return name, photo
    raise ValueError("the photo is not one of the package")


def _replayed(log: Mapping[str, Any]) -> dict[str, Any]:
    """Replay a log; return IoU and seconds after each click, or why that is impossible."""
    from tutorial_lib.course.challenge import OBJECTS, challenge_names
    from tutorial_lib.data.samples import load_sample
    from tutorial_lib.metrics import iou
    from tutorial_lib.session import Session

    try:
        name, photo = _photo(log)
        known = load_sample(name).masks
        if log["name"] in challenge_names():
            wanted = OBJECTS[challenge_names().index(log["name"])]
            if wanted[0] != name:
                raise ValueError("the name is that of an object in another photo")
            known = {wanted[1]: known[wanted[1]]}
        # What was painted by hand says nothing about clicks.
        log = {name: value for name, value in log.items() if name != "touch_ups"}
        session = Session.replay(photo, log)
        masks = {k: photo.small_mask(mask) for k, mask in known.items()}
        reading = max(masks, key=lambda k: iou(session.mask, masks[k]))
        by_count = {len(e.clicks): iou(e.mask, masks[reading]) for e in session.history}
    except Exception as error:  # whatever a log does to us is a line in the report
        return {"failed": " ".join(str(error).split())[:300].rstrip(".")}
    return {
        "name": log["name"],
        "photo": name,
        "reading": reading,
        "method": log["method"],
        "iou": [round(value, 4) for value in by_count.values()],
        "seconds": log.get("seconds"),
        "strokes": any(isinstance(mark, dict) for mark in log["clicks"]),
    }


if __name__ == "__main__":
    regrade()

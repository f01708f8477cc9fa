"""Run functions of students in a confined process of their own, and the other end of its pipe.

``python -I -m tutorial_lib.course.sandbox SECONDS BYTES`` limits and confines itself before it
reads the first line. Each line is JSON: a function to define, or a call. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tutorial_lib.course.confinement import confine, limit
from tutorial_lib.course.encoding import NotPlain, decode_answer, encode_answer

LONGEST_LINE = 64_000_000


def fresh_python(module: str) -> list[str]:
    """Return the command for a module of the course in a process that shares nothing with this."""
    return [sys.executable, "-I", "-B", "-m", f"tutorial_lib.course.{module}"]


class SandboxGone(Exception):
    """The confined process ended, or took too long."""


class Sandbox:
    """The near end: starts the confined process, defines functions there, and calls them.

    Parameters
    ----------
    seconds : float
        The longest time for one call.
    total : int
        Processor time of the process, in seconds.
    memory : int
        Memory of the process, in bytes.
    """

    def __init__(self, seconds: float = 30, total: int = 120, memory: int = 2_000_000_000) -> None:
        self._seconds = seconds
        self._process = subprocess.Popen(
            [*fresh_python("sandbox"), str(total), str(memory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        self._rest, self._gone = b"", False
        if self._read(seconds + 60) != {"ready": True}:
            raise SandboxGone("The confined process did not start.")

    def function(self, entry: Mapping[str, Any]) -> Remote:
        """Define a function from its description; see :mod:`tutorial_lib.course.portable`."""
        return self._value(self._ask({"define": dict(entry)}))

    def call(self, number: int, arguments: tuple[Any, ...]) -> Any:
        """Call a function by its number."""
        sent = [encode_answer(argument) for argument in arguments]
        return self._value(self._ask({"call": number, "arguments": sent}))

    def _value(self, answer: Any) -> Any:
        if not isinstance(answer, dict) or "value" not in answer:
            name, text = (answer.get("error") if isinstance(answer, dict) else None) or ["", ""]
            kind = str(name) if str(name).isidentifier() and len(str(name)) < 60 else "Exception"
            raise type(kind, (Exception,), {})(str(text)[:300])
        return decode_answer(answer["value"], self._remote)

    def _remote(self, entry: Mapping[str, Any]) -> Remote:
        number = entry.get("id")
        if type(number) is not int:
            raise NotPlain("a function has no number")
        return Remote(self, number)

    def _ask(self, question: dict[str, Any]) -> Any:
        line = json.dumps(question).encode() + b"\n"
        if self._gone:
            raise SandboxGone("The confined process is gone.")
        self._gone = True  # until an answer has come: a late one must not pass for the next
        try:
            while line:
                line = line[self._process.stdin.write(line) or 0 :]
        except OSError as error:
            raise SandboxGone("The confined process ended.") from error
        answer = self._read(self._seconds)
        self._gone = False
        return answer

    def _read(self, seconds: float) -> Any:
        """Return the next line as JSON. Only this many seconds may pass between two pieces."""
        pieces, pipe = self._rest, self._process.stdout.fileno()
        while b"\n" not in pieces[-65536:]:
            if not select.select([pipe], [], [], seconds)[0]:
                raise SandboxGone(f"It took longer than {seconds:g} seconds.")
            piece = os.read(pipe, 65536)
            if not piece:
                raise SandboxGone(
                    "The confined process ended: too much time or memory, or it was stopped."
                )
            pieces += piece
            if len(pieces) > LONGEST_LINE:
                raise SandboxGone("It returned too much.")
        line, _, self._rest = pieces.partition(b"\n")
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SandboxGone("The confined process returned nonsense.") from error


class Remote:
    """A function in the confined process, to be called like any other."""

    def __init__(self, sandbox: Sandbox, number: int) -> None:
        self._sandbox, self._number = sandbox, number

    def __call__(self, *arguments: Any) -> Any:
        """Call it there, and return what it returns."""
        return self._sandbox.call(self._number, arguments)


# -- the far end -----------------------------------------------------------------------------------


class _FarEnd:
    """Defines and calls functions in the confined process."""

    def __init__(self) -> None:
        self._functions: list[Any] = []

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one line of the near end."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                if "define" in question:
                    value = self._define(question["define"])
                else:
                    arguments = [decode_answer(a, tensors=True) for a in question["arguments"]]
                    value = self._functions[question["call"]](*arguments)
                return {"value": encode_answer(value, self._kept)}
        except BaseException as error:  # SystemExit, too: it ends no grading
            return {"error": [type(error).__name__, str(error)[:300]]}

    def _define(self, entry: Mapping[str, Any]) -> Any:
        scope = {name: decode_answer(value) for name, value in entry["constants"].items()}
        scope["__name__"] = "submission"
        exec(compile(entry["source"], "<answer>", "exec"), scope)
        return scope[entry["name"]]

    def _kept(self, function: Any) -> dict[str, Any]:
        self._functions.append(function)
        return {"kind": "function", "id": len(self._functions) - 1}


def serve() -> None:
    """Confine this process, then answer line by line."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    import numpy  # noqa: F401  before the limits, because loading may start threads

    limit(int(sys.argv[1]), int(sys.argv[2]))
    confine()
    far = _FarEnd()
    _send(answers, {"ready": True})
    while line := questions.readline(LONGEST_LINE):
        _send(answers, far.answer(json.loads(line)))


def _send(stream: Any, answer: dict[str, Any]) -> None:
    line = json.dumps(answer).encode() + b"\n"
    while line:
        line = line[stream.write(line) or 0 :]


if __name__ == "__main__":
    serve()

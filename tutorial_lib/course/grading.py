"""Grade a folder of submissions: check every answer again, and write tables.

Nothing of a submission is trusted. The file is read as JSON, up to a limit of size. What it says
about right and wrong is ignored: every answer is checked again in a fresh process with limits of
time and memory, and every mask is computed again from the clicks. Only regular files are opened,
so no link leads out of the folder.
"""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tutorial_lib.course.challenge import ChallengeRow, challenge_names, challenge_row
from tutorial_lib.course.sandbox import fresh_python
from tutorial_lib.course.submission import Submission, read_submission

MOST_BYTES = 20_000_000
DEEPEST_FOLDER = 4


@dataclass(frozen=True)
class Unread:
    """A file that is not graded.

    Parameters
    ----------
    file : str
        Its path within the folder.
    why : str
        The reason, as part of a sentence.
    """

    file: str
    why: str


@dataclass
class Graded:
    """One submission after grading.

    Parameters
    ----------
    file, name : str
        Where it was, and the name that was typed.
    right : dict of str to bool
        By exercise: whether the answer is right now.
    sentences : dict of str to str
        By exercise: what the check says now.
    words : dict of str to str
        By exercise: answers in words, which a person has to read.
    trials : list of dict
        One for each click log: ``name``, ``photo``, ``reading``, ``method``, ``iou``, ``seconds``,
        or ``failed``.
    """

    file: str
    name: str
    right: dict[str, bool] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)

    @property
    def challenge(self) -> ChallengeRow:
        """The line of this person in the click challenge.

        Of several logs on one object, the last counts. A log with strokes takes no part.
        """
        clicked = [t for t in self.trials if "failed" not in t and not t["strokes"]]
        done = {t["name"]: t for t in clicked if t["name"] in challenge_names()}
        return challenge_row(self.name, done)


def grade_folder(
    folder: Path,
    seconds: float = 600,
    call: float = 30,
    memory: int = 4_000_000_000,
    log: Callable[[str], None] = lambda line: None,
) -> tuple[list[Graded], list[Unread]]:
    """Grade every submission in a folder and its subfolders.

    Parameters
    ----------
    folder : Path
        The folder.
    seconds, call : float
        The longest time for one submission, and for one call of a student's function.
    memory : int
        Memory for one process, in bytes.
    log : callable
        Called with a line about each file.

    Returns
    -------
    graded : list of Graded
        Sorted by name.
    unread : list of Unread
        What could not be read, and why.

    Raises
    ------
    ValueError
        If the folder does not exist, or on Windows.
    """
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}.")
    if os.name != "posix":
        raise ValueError("Grading needs Linux or macOS; on Windows, run it in WSL.")
    graded, unread = [], []
    for name, content in _contents(folder):
        if isinstance(content, Unread):
            unread.append(content)
            log(f"{name}: not read, {content.why}")
            continue
        try:
            submission = read_submission(content)
        except ValueError as error:
            unread.append(Unread(name, str(error)))
            log(f"{name}: not read, {error}")
            continue
        one = _graded(name, submission, (seconds, call, memory))
        graded.append(one)
        log(f"{name}: {one.name}, {sum(one.right.values())} of {len(one.right)} right")
    return sorted(graded, key=lambda one: (one.name.casefold(), one.file)), unread


def _contents(folder: Path) -> Iterator[tuple[str, bytes | Unread]]:
    """Yield each file with its content, or why it is not read. No link is followed."""
    for place, folders, files in os.walk(folder, followlinks=False):
        here = Path(place)
        depth = len(here.relative_to(folder).parts)
        for inner in sorted(folders):
            if (here / inner).is_symlink() or depth >= DEEPEST_FOLDER:
                name = (here / inner).relative_to(folder).as_posix()
                yield name, Unread(name, "it is a link or lies too deep, so it is not followed")
        folders[:] = sorted(f for f in folders if depth < DEEPEST_FOLDER and not f.startswith("."))
        for file in sorted(files):
            if not file.startswith("."):
                name = (here / file).relative_to(folder).as_posix()
                yield name, _content(here / file, name)


def _content(path: Path, name: str) -> bytes | Unread:
    try:
        # Without waiting (a pipe would wait for ever) and without following a link.
        number = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
    except OSError as error:
        link = path.is_symlink()
        return Unread(
            name, "it is a link, and links are not followed" if link else f"{error.strerror}"
        )
    with os.fdopen(number, "rb") as stream:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return Unread(name, "it is no regular file")
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return Unread(name, f"it is larger than {MOST_BYTES // 1_000_000} MB")
    return content


# -- one submission --------------------------------------------------------------------------------


def _graded(file: str, submission: Submission, limits: tuple[float, float, int]) -> Graded:
    """Check a submission again. Where a process ends early, another one goes on behind that."""
    one = Graded(file, submission.name)
    waiting = {}
    for exercise, entry in submission.answers.items():
        if isinstance(entry.get("words"), str):
            one.words[exercise] = entry["words"][:5000]
        if "answer" in entry:
            waiting[exercise] = {"answer": entry["answer"]}
        elif isinstance(entry.get("right"), bool):
            one.right[exercise] = False
            one.sentences[exercise] = "The answer itself was not handed in, so it is not checked."
    seconds, call, memory = limits
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        logs = submission.logs[len(one.trials) :]
        if not waiting and not logs:
            break
        task = {"answers": waiting, "logs": logs, "memory": memory, "call": call}
        task["seconds"] = int(seconds)
        began: str | int | None = None
        before = len(waiting), len(one.trials)
        for line in _lines(task, deadline):
            if "began" in line:
                began = line["began"]
            elif line.get("exercise") in waiting:
                waiting.pop(line["exercise"])
                one.right[line["exercise"]] = line.get("right") is True
                one.sentences[line["exercise"]] = str(line.get("sentence"))
                began = None
            elif "log" in line and line["log"] == began:
                one.trials.append({k: v for k, v in line.items() if k != "log"})
                began = None
            elif line.get("finished"):
                return one
        if began is None and (len(waiting), len(one.trials)) != before:
            continue  # it ended on purpose, behind a function that still runs
        if isinstance(began, int) or not waiting:
            one.trials.append({"failed": "it took too much time or memory"})
        else:  # what was being checked, or the first one if the process never came so far
            stuck = began if began in waiting else next(iter(waiting))
            waiting.pop(stuck)
            one.right[stuck] = False
            one.sentences[stuck] = "It took too much time or memory."
    for exercise in waiting:
        one.right[exercise] = False
        one.sentences[exercise] = "There was no time left to check it."
    return one


def _lines(task: dict[str, Any], deadline: float) -> Iterator[dict[str, Any]]:
    """Run a task in a fresh process, and yield what it says line by line."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ.get("PATH", ""), "HOME": home, "MPLCONFIGDIR": home,
            "TUTORIAL_LIB_HOME": home, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            **{k: v for k, v in os.environ.items() if k in ("SYSTEMROOT", "LANG", "LC_ALL")},
        }  # fmt: skip
        process = subprocess.Popen(
            fresh_python("regrade"), cwd=home, env=environment, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        try:
            with suppress(OSError):
                line = json.dumps(task).encode()
                while line:
                    line = line[process.stdin.write(line) or 0 :]
                process.stdin.close()
            yield from _read_lines(process.stdout.fileno(), deadline)
        finally:
            _end(process)


def _read_lines(pipe: int, deadline: float) -> Iterator[dict[str, Any]]:
    rest = b""
    while (left := deadline - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
        piece = os.read(pipe, 65536)
        if not piece or len(rest) > MOST_BYTES:
            return
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            with suppress(ValueError, RecursionError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started."""
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    process.stdout.close()

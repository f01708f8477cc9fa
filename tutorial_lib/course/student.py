"""Student notebooks: the notebooks with gaps in the place of the answers.

They are generated from the notebooks and their solutions, so they cannot drift apart. A solution
ends each exercise with a cell ``check("01.3", ...)``. The names in this call are what a student has
to find: each becomes a gap, a function with its signature and an empty body, or ``name = ...``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tutorial_lib.course.exercises import Exercise, exercises
from tutorial_lib.paths import bundled, write_atomically

Cell = dict[str, Any]

_SECTION = re.compile(r"^## (\d+) ·", re.MULTILINE)
_NUMBER = re.compile(r"^(?:\*\*(\d+)\. |(\d+)\. \*\*)", re.MULTILINE)
_ANSWERS = re.compile(r"^Answers: \[solutions/.*$\n*", re.MULTILINE)
_START = re.compile(r"\s*A start(?: for the last one)?:\s*$")

RECORD = """from tutorial_lib import check
from tutorial_lib.course import record_answers

record_answers("answers")  # check() keeps your answers in this folder, for handing in"""

HOW = """\
Fill the cells that say `# YOUR CODE`, and run the cell below each of them. `check` says at once
whether an answer is right, or what is wrong with it. You may try as often as you like. When you are
done, run `python -m tutorial_lib submit --out my-answers.json` in a terminal, in this folder."""


def write_student_notebooks(out: Path) -> list[Path]:
    """Write the student version of every notebook.

    Parameters
    ----------
    out : Path
        The folder; it is made if it is missing. Files of the same names are replaced.

    Returns
    -------
    list of Path
        The files, in the order of the course.
    """
    out.mkdir(parents=True, exist_ok=True)
    folder, written = bundled("notebooks"), []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        solution = folder / "solutions" / path.name
        answers = json.loads(solution.read_text(encoding="utf-8")) if solution.exists() else None
        made = student_notebook(path.stem.partition("_")[0], notebook, answers)
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        write_atomically(out / path.name, text.encode("utf-8"))
        written.append(out / path.name)
    return written


def student_notebook(
    number: str, notebook: dict[str, Any], solutions: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the student version of one notebook.

    Parameters
    ----------
    number : str
        Its number, such as ``"01"`` or ``"09b"``.
    notebook, solutions : dict
        The notebook and its solutions, as JSON. Without solutions, the exercises are those in
        words.

    Returns
    -------
    dict
        The notebook, as JSON, without outputs.
    """
    cells = [dict(cell) for cell in notebook["cells"]]
    mine = {name: found for name, found in exercises().items() if name.startswith(f"{number}.")}
    if mine:
        before, statements, after = _parted(cells)
        gaps = Gaps(solutions["cells"]) if solutions else None
        cells = [before[0], _code("record-answers", RECORD), *before[1:]]
        cells.append(_text("exercises-how", f"## Exercises\n\n{HOW}"))
        if gaps:
            cells += gaps.given()
        for name, exercise in mine.items():
            place = int(name.partition(".")[2])
            cells += _exercise(exercise, statements.get(place, []), gaps)
        cells += after
    return {**notebook, "cells": [_empty(cell) for cell in cells]}


def _exercise(exercise: Exercise, statement: list[Cell], gaps: Gaps | None) -> Iterator[Cell]:
    """Yield the cells of one exercise: statement, start, gap, check and words."""
    stem, place = f"gap-{exercise.id.replace('.', '-')}", int(exercise.id.partition(".")[2])
    asked = gaps.names(place) if gaps else []
    text = "\n\n".join(_source(cell) for cell in statement if cell["cell_type"] == "markdown")
    starts = [
        c for c in statement if c["cell_type"] == "code" and not _defined(_source(c)) & set(asked)
    ]
    text = _START.sub("", text) + ("\n\nThe cell below is a start." if starts else "")
    hint = f"<details><summary>Hint</summary>\n\n{exercise.hint}\n\n</details>"
    yield _text(
        f"{stem}-statement",
        f"### Exercise {exercise.id}: {exercise.title}\n\n*About {exercise.minutes} minutes.* "
        f"{text}\n\n**The answer.** {exercise.form}\n\n{hint}",
    )
    yield from starts
    if gaps:
        yield _code(f"{stem}-code", gaps.stub(place))
        yield _code(f"{stem}-check", gaps.call(place))
    elif "canvas" in exercise.form:
        yield _code(f"{stem}-check", f'check("{exercise.id}", canvas)')
    if exercise.rubric:
        quotes = '"""'
        yield _code(f"{stem}-words", f'# YOUR WORDS\ncheck("{exercise.id}", {quotes}\n\n{quotes})')


class Gaps:
    """What the solutions of a notebook give to students, and what they leave open."""

    def __init__(self, cells: list[Cell]) -> None:
        self._sections: dict[int, list[Cell]] = {0: []}
        self._given: list[Cell] = []
        section = 0
        for cell in cells:
            if cell["cell_type"] == "markdown":
                if found := _SECTION.findall(_source(cell)):
                    section = int(found[-1])
            elif section == 0 or "given" in cell["metadata"].get("tags", []):
                self._given.append(cell)
            else:
                self._sections.setdefault(section, []).append(cell)

    def given(self) -> Iterator[Cell]:
        """Yield the cells that all exercises use: imports and helpers."""
        if self._given:
            yield _text("exercises-setup", "Run these cells first. The exercises use them.")
        for cell in self._given:
            yield {**cell, "id": f"exercises-{cell['id']}"}

    def _call(self, place: int) -> ast.Call:
        tree = ast.parse(_source(self._sections[place][-1]))
        last = tree.body[-1]
        if not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)):
            raise ValueError(f"The solution of exercise {place} does not end with check(...).")
        return last.value

    def call(self, place: int) -> str:
        """Return the call of ``check`` at the end of an exercise."""
        return ast.unparse(self._call(place)).replace("'", '"')

    def names(self, place: int) -> list[str]:
        """Return the names that a student has to find, in the order of the call."""
        own = set().union(*(_defined(_source(cell)) for cell in self._sections[place]))
        used = [
            n.id
            for argument in self._call(place).args
            for n in ast.walk(argument)
            if isinstance(n, ast.Name)
        ]
        return [name for name in dict.fromkeys(used) if name in own]

    def stub(self, place: int) -> str:
        """Return the gap: functions without their bodies, and names without their values."""
        functions = {
            node.name: node
            for cell in self._sections[place]
            for node in ast.parse(_source(cell)).body
            if isinstance(node, ast.FunctionDef)
        }
        pieces = []
        for name in self.names(place):
            if name in functions:
                signature = ast.unparse(functions[name].args)
                pieces.append(f"def {name}({signature}):\n    # YOUR CODE\n    return ...\n\n")
            else:
                pieces.append(f"{name} = ...  # YOUR CODE")
        return "\n".join(pieces).strip()


def _defined(source: str) -> set[str]:
    """Return the names that a cell assigns or defines at its top level, also in loops."""
    found = set()
    for node in ast.walk(ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE))):
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def _parted(cells: list[Cell]) -> tuple[list[Cell], dict[int, list[Cell]], list[Cell]]:
    """Part a notebook into the cells before, by exercise, and after the exercises."""
    before: list[Cell] = []
    statements: dict[int, list[Cell]] = {}
    after: list[Cell] = []
    where, number = before, 0
    for cell in cells:
        if cell["cell_type"] != "markdown" or where is after:
            (statements.setdefault(number, []) if number else where).append(cell)
            continue
        text, inside = _source(cell), number > 0
        head, heading, rest = (
            text.partition("## Exercises\n") if not inside else ("", "inside", text)
        )
        if not heading:
            head, heading, rest = text.partition("## Try it\n")
        if not heading:
            where.append(cell)
            continue
        if head.strip():
            before.append({**cell, "source": head.rstrip(), "id": f"{cell['id']}-text"})
        body, found, tail = _ANSWERS.sub("", rest).partition("\n## ")
        if inside and _ANSWERS.sub("", rest).startswith("## "):
            body, found, tail = "", "\n## ", _ANSWERS.sub("", rest)[3:]
        number = _read_statements(body, cell, number or 1, statements)
        if found:
            after.append({**cell, "source": f"## {tail}"})
            where, number = after, 0
    return before, statements, after


def _read_statements(body: str, cell: Cell, number: int, statements: dict[int, list[Cell]]) -> int:
    """File each numbered statement of a text; return the last number."""
    marks = list(_NUMBER.finditer(body)) or list(re.finditer(r"^(\d+)()\. ", body, re.MULTILINE))
    for mark, following in zip_longest(marks, marks[1:]):
        number = int(mark[1] or mark[2])
        text = body[mark.start() : following.start() if following else None].strip()
        text = re.sub(r"^(\*\*)?\d+\. ", lambda m: m[1] or "", text)
        statements.setdefault(number, []).append({**cell, "source": re.sub(r"\n +", "\n", text)})
    return number


def _source(cell: Cell) -> str:
    return "".join(cell["source"])


def _text(name: str, source: str) -> Cell:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def _code(name: str, source: str) -> Cell:
    return {"cell_type": "code", "id": name, "metadata": {}, "source": source}


def _empty(cell: Cell) -> Cell:
    """Return a cell without outputs, with its source in lines."""
    made = {**cell, "source": _source(cell).splitlines(keepends=True)}
    return made | {"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else made

"""Routes through the notebooks: what to show, run and skip, and how long it takes."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import Literal

from tutorial_lib.paths import bundled

INTRODUCTION = """# Routes

A step begins at the named cell (its id stands in the cell's metadata; the heading is beside it) and
goes on to the next step of the same notebook. *Read* is the time for explaining or reading, *work*
the time for running, clicking and exercises. **Stop here** marks the step after which to stop if
time runs out; what follows can be left to homework.
"""


@dataclass(frozen=True)
class RouteStep:
    """Some cells of a notebook in a row.

    Parameters
    ----------
    notebook : str
        File name without extension.
    start : str
        Id of the first cell.
    do : str
        ``"show"`` on the projector, ``"run"`` by everybody, or ``"skip"``.
    read, work : int
        Minutes.
    note : str
        What to say or do.
    last : bool
        Whether to stop after this step if time runs out.
    """

    notebook: str
    start: str
    do: Literal["show", "run", "skip"]
    read: int
    work: int
    note: str
    last: bool


@dataclass(frozen=True)
class Route:
    """A way through the notebooks.

    Parameters
    ----------
    name, title : str
        A short name, and a title.
    minutes : int
        How long it takes.
    steps : tuple of RouteStep
        In order.
    """

    name: str
    title: str
    minutes: int
    steps: tuple[RouteStep, ...]

    def as_markdown(self) -> str:
        """Return the route as a table in Markdown."""
        read, work = (sum(getattr(step, kind) for step in self.steps) for kind in ("read", "work"))
        lines = [
            f"## {self.title}",
            "",
            f"{self.minutes} minutes: {read} to read, {work} to work.",
            "",
        ]
        lines += [
            "| notebook | from cell | heading | do | read | work | note |",
            "|---|---|---|---|---|---|---|",
        ]
        for step in self.steps:
            heading = _heading(step.notebook, step.start)
            note = f"{step.note} **Stop here** if time runs out." if step.last else step.note
            times = f"{step.read or '-'} | {step.work or '-'}"
            link = f"[{step.notebook.partition('_')[0]}](../{step.notebook}.ipynb)"
            lines.append(f"| {link} | `{step.start}` | {heading} | {step.do} | {times} | {note} |")
        return "\n".join([*lines, ""])


def read_routes() -> dict[str, Route]:
    """Return all routes.

    Returns
    -------
    dict of str to Route
        By name, from ``notebooks/instructor/routes.toml``.
    """
    path = bundled("notebooks") / "instructor" / "routes.toml"
    found = {}
    for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
        steps = tuple(
            RouteStep(
                s["notebook"],
                s["from"],
                s["do"],
                s["read"],
                s["work"],
                s["note"],
                s.get("last", False),
            )
            for s in entry["steps"]
        )
        found[name] = Route(name, entry["title"], entry["minutes"], steps)
    return found


def routes_as_markdown() -> str:
    """Return all routes as one page in Markdown."""
    return "\n".join([INTRODUCTION, *(route.as_markdown() for route in read_routes().values())])


def cell_ids(notebook: str) -> list[str]:
    """Return the ids of a notebook's cells, in order."""
    return [cell["id"] for cell in _cells(notebook)]


def _cells(notebook: str) -> list[dict]:
    path = bundled("notebooks") / f"{notebook}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _heading(notebook: str, start: str) -> str:
    """Return the first heading in a cell, or an empty text."""
    (cell,) = (cell for cell in _cells(notebook) if cell["id"] == start)
    lines = "".join(cell["source"]).splitlines()
    return next((line.lstrip("# ") for line in lines if line.startswith("#")), "")

"""The tables of a grading: ``grades.csv`` and ``report.html``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from tutorial_lib.course.challenge import THRESHOLDS, ChallengeRow, challenge_names, robot_rows
from tutorial_lib.course.exercises import exercises
from tutorial_lib.course.grading import Graded, Unread
from tutorial_lib.paths import write_atomically

PAGE_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto }
th, td { border: 1px solid #ccc; padding: .25rem .5rem; text-align: left; vertical-align: top }
.right { background: #d7f0dd } .wrong { background: #fbe0d5 } .words { white-space: pre-wrap }
"""
# No script runs in the page and nothing is loaded, whatever a submission holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_reports(graded: Sequence[Graded], unread: Sequence[Unread], out: Path) -> None:
    """Write ``grades.csv`` and ``report.html`` into a folder.

    Parameters
    ----------
    graded, unread : sequence
        From :func:`tutorial_lib.course.grading.grade_folder`.
    out : Path
        The folder; it is made if it is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "grades.csv", _csv(graded, unread).encode("utf-8-sig"))
    write_atomically(out / "report.html", _html(graded, unread).encode("utf-8"))


def _done(graded: Sequence[Graded]) -> list[str]:
    """Return the exercises that anybody handed in."""
    return [name for name in exercises() if any(name in g.right or name in g.words for g in graded)]


def _csv(graded: Sequence[Graded], unread: Sequence[Unread]) -> str:
    stream, names = io.StringIO(), _done(graded)
    writer = csv.writer(stream)
    clicks = [f"clicks to {percent}" for percent in THRESHOLDS]
    writer.writerow(
        ["name", "file", "right", "checked", "in words", *clicks, "objects", *names, "not read"]
    )
    for one in graded:
        row = one.challenge
        marks = [int(one.right[name]) if name in one.right else "" for name in names]
        counts = [f"{row.clicks[p]:.2f}" if row.objects else "" for p in THRESHOLDS]
        writer.writerow(
            [
                _cell(one.name),
                _cell(one.file),
                sum(one.right.values()),
                len(one.right),
                len(one.words),
            ]
            + [*counts, row.objects, *marks, ""]
        )
    for file in unread:
        empty = [""] * (6 + len(clicks) - 2 + len(names))
        writer.writerow(["", _cell(file.file), *empty, _cell(file.why)])
    return stream.getvalue()


def _cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _html(graded: Sequence[Graded], unread: Sequence[Unread]) -> str:
    names = _done(graded)
    body = [f"<h1>Grades</h1><p>{len(graded)} submissions, {len(unread)} files not read.</p>"]
    heads = ["name", "right", *names]
    rows = [
        [
            escape(one.name),
            f"{sum(one.right.values())} of {len(one.right)}",
            *(_mark(one, n) for n in names),
        ]
        for one in graded
    ]
    body.append(table_of(heads, rows))
    body += ["<h2>Fewest clicks</h2>", _leaderboard(graded)]
    if unread:
        body.append("<h2>Not read</h2>")
        body.append(table_of(["file", "why"], [[escape(u.file), escape(u.why)] for u in unread]))
    body += [_person(one) for one in graded]
    return page("Grades", "".join(body))


def page(title: str, body: str, style: str = PAGE_STYLE) -> str:
    """Return a page that loads nothing and runs no script, for a body of HTML."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<style>{style}</style></head><body>{body}</body></html>\n"
    )


def _mark(one: Graded, name: str) -> str:
    if name in one.right:
        return "right" if one.right[name] else "wrong"
    return "words" if name in one.words else ""


def table_of(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of headings and cells that are HTML already."""

    def cell(text: str) -> str:
        kind = f' class="{text}"' if text in ("right", "wrong") else ""
        return f"<td{kind}>{text}</td>"

    head = "".join(f"<th>{text}</th>" for text in heads)
    lines = ("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _leaderboard(graded: Sequence[Graded]) -> str:
    people = [one.challenge for one in graded if one.challenge.objects]
    rows: list[ChallengeRow] = sorted([*people, *robot_rows()], key=lambda row: row.clicks[90])
    lines = []
    for row in rows:
        times = [f"{row.seconds[p]:.0f}" if p in row.seconds else "" for p in THRESHOLDS]
        who = escape(row.who) if row in people else f"<em>robot, {escape(row.who)}</em>"
        lines.append([who, *(f"{row.clicks[p]:.1f}" for p in THRESHOLDS), *times, str(row.objects)])
    heads = ["", "clicks to 85 %", "to 90 %", "seconds to 85 %", "to 90 %", "objects"]
    return (
        f"<p>Means over {len(challenge_names())} objects. An object not reached counts "
        "20 clicks.</p>" + table_of(heads, lines)
    )


def _person(one: Graded) -> str:
    parts = [f"<h2>{escape(one.name)}</h2><p>{escape(one.file)}</p>"]
    rows = []
    for name in (n for n in exercises() if n in one.right or n in one.words):
        rubric = "".join(f"<li>{escape(point)}</li>" for point in exercises()[name].rubric)
        words = f'<div class="words">{escape(one.words[name])}</div>' if name in one.words else ""
        guide = f"<ul>{rubric}</ul>" if words else ""
        said = escape(one.sentences.get(name, ""))
        rows.append(
            [f"{name} {escape(exercises()[name].title)}", _mark(one, name), said, words, guide]
        )
    if rows:
        parts.append(table_of(["exercise", "", "the check", "in words", "a point for each"], rows))
    trials = [
        [escape(str(t.get("name", ""))), escape(str(t.get("method", ""))), escape(_found(t))]
        for t in one.trials
    ]
    if trials:
        parts.append(table_of(["clicks on", "method", "IoU after each click"], trials))
    return "".join(parts)


def _found(trial: dict[str, object]) -> str:
    if "failed" in trial:
        return f"cannot be replayed: {trial['failed']}"
    return f"{trial['reading']}: " + " ".join(f"{value:.2f}" for value in trial["iou"])

"""The report of a study: tables, figures, and click logs with the methods' names.

``trials.csv`` has a line for each trial, ``methods.csv`` and ``differences.csv`` the means and the
comparisons. ``report.html`` is one page with everything, and loads nothing. ``figure-6.png``,
``means.png`` and ``learning.png`` are its figures. The folder ``logs`` holds a click log of each
trial, in the format that :meth:`tutorial_lib.session.Session.replay` and ``fit-robot`` read.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from tutorial_lib import plots
from tutorial_lib.click_log import LOG_SCHEMA, fields_of
from tutorial_lib.course.report import page, table_of
from tutorial_lib.paths import safe_stem, write_atomically
from tutorial_lib.study.analysis import (
    Learning,
    MethodDifference,
    MethodSummary,
    comparable,
    compare_methods,
    figure_6,
    learning_effect,
    summarise_study,
)
from tutorial_lib.study.plan import StudyObject, StudyPlan, read_objects, read_plan
from tutorial_lib.study.sitting import TaskLog
from tutorial_lib.study.trials import HandedIn, Trial, read_handed_in, recompute

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_study_report(
    folder: str | Path,
    out: str | Path,
    *,
    plan: str | Path | None = None,
    root: str | Path | None = None,
    log: Callable[[str], object] = lambda _line: None,
) -> list[str]:
    """Read what came back of a study, compute everything again, and write the report.

    Parameters
    ----------
    folder : str or Path
        The folder of the files that people handed in.
    out : str or Path
        The folder for the report; it is made if it is missing.
    plan : str or Path, optional
        The plan. By default the only plan in the folder of the files.
    root : str or Path, optional
        The photos' folder, if it is not where the plan says.
    log : callable
        Called with a line about the progress now and then.

    Returns
    -------
    list of str
        The report in a few lines.

    Raises
    ------
    FileNotFoundError
        If there is no plan, or no file has anything of this study.
    ValueError
        If nobody finished an object with every method, or a photo is missing.
    """
    import matplotlib.pyplot as plt

    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    where = find_plan(folder) if plan is None else Path(plan)
    study = read_plan(where)
    objects = read_objects(study, root)
    handed_in = read_handed_in(folder, study, [where, out])
    found = recompute(study, handed_in, objects, log=log)
    threshold, maximum = study.target_iou, study.max_clicks
    paired = comparable(found.trials)
    rows = summarise_study(paired, threshold, maximum)
    differences = compare_methods(paired, threshold, maximum)
    learning = learning_effect(found.trials, threshold, maximum)
    figures = _figures(paired, rows, learning, study)
    notes = [*handed_in.notes, *found.notes]
    lines = _lines(study, found.trials, paired, rows, differences, learning, notes)
    out.mkdir(parents=True, exist_ok=True)
    used = set(paired)
    trials = [_trial_row(trial, trial in used, study) for trial in found.trials]
    _write_csv(out / "trials.csv", trials)
    _write_csv(out / "methods.csv", [{"method": name, **vars(row)} for name, row in rows.items()])
    _write_csv(out / "differences.csv", [vars(row) for row in differences])
    body = [f"<h1>User study {study.study}</h1>", _paragraphs(lines)]
    for name, figure in figures.items():
        write_atomically(out / f"{name}.png", _drawn(figure, "png"))
        body.append(_drawn(figure, "svg").decode().partition("?>")[2].partition(">")[2])
        plt.close(figure)
    body += [_table("Trials", trials), _table("Not used", [dict(_note(n)) for n in notes])]
    write_atomically(out / "report.html", page("User study", "".join(body)).encode())
    _write_logs(out / "logs", study, handed_in, found.trials, objects)
    return lines


def find_plan(folder: str | Path) -> Path:
    """Return the only plan in a folder.

    Parameters
    ----------
    folder : str or Path
        The folder. Folders in it are not searched.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileNotFoundError
        If it has none, or several.
    """
    folder = Path(folder).expanduser()
    plans = []
    for path in sorted(folder.glob("*.json")):
        try:
            read_plan(path)
        except (ValueError, OSError):
            continue
        plans.append(path)
    if len(plans) != 1:
        number = "no plan" if not plans else f"{len(plans)} plans"
        raise FileNotFoundError(f"There is {number} in {folder}; name it by --plan FILE.")
    return plans[0]


# -- text ------------------------------------------------------------------------------------------


def _lines(
    plan: StudyPlan,
    trials: Sequence[Trial],
    paired: Sequence[Trial],
    rows: Mapping[str, MethodSummary],
    differences: Sequence[MethodDifference],
    learning: Learning,
    notes: Sequence[tuple[str, str]],
) -> list[str]:
    people = {trial.person for trial in paired}
    lines = [
        f"{len(trials)} finished trials of {len({trial.person for trial in trials})} people. "
        f"{len(paired)} of them, of {len(people)} people, are on objects that a person finished "
        "with every method. All means are of these; intervals are over people.",
    ]
    goal = f"{100 * plan.target_iou:.0f} % IoU"
    for name, row in rows.items():
        line = f"{name}: {row.clicks:.2f} [{row.low:.2f}, {row.high:.2f}] clicks to {goal}"
        if row.seconds is not None:
            line += f", {row.seconds:.1f} [{row.seconds_low:.1f}, {row.seconds_high:.1f}] seconds"
        lines.append(f"{line}; reached in {100 * row.reached:.0f} % of {row.trials} trials.")
    for row in differences:
        lines.append(
            f"{row.first} minus {row.second}: {row.clicks:+.2f} [{row.low:+.2f}, {row.high:+.2f}] "
            f"clicks, p = {row.p:.4f} (for all pairs together {row.adjusted:.4f}), "
            f"{row.people} people."
        )
    seen = ", ".join(f"{value:+.2f} the {_nth(n)} time" for n, value in learning.by_seen.items())
    lines.append(
        f"Learning: {learning.per_ten:+.2f} [{learning.low:+.2f}, {learning.high:+.2f}] clicks in "
        f"ten tasks. On the same object: {seen}."
    )
    lines += [f"not used: {name}: {why}" for name, why in notes]
    return lines


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def _paragraphs(lines: Iterable[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _note(note: tuple[str, str]) -> dict[str, str]:
    return {"what": note[0], "why": note[1]}


def _trial_row(trial: Trial, used: bool, plan: StudyPlan) -> dict[str, object]:
    time = trial.time(plan.target_iou, plan.max_clicks)
    return {
        "person": trial.person,
        "task": trial.number,
        "object": trial.object,
        "seen": trial.seen,
        "method": trial.method,
        "clicks": trial.count(plan.target_iou, plan.max_clicks),
        "reached": int(trial.reached(plan.target_iou, plan.max_clicks)),
        "seconds": "" if time is None else time,
        "compared": int(used),
        "ious": " ".join(f"{value:.4f}" for value in trial.ious),
    }


def _write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, stream.getvalue().encode("utf-8-sig"))


def _table(title: str, rows: Sequence[Mapping[str, object]]) -> str:
    if not rows:
        return ""
    cells = ([escape(str(cell)) for cell in row.values()] for row in rows)
    return f"<h2>{title}</h2>{table_of(map(escape, rows[0]), cells)}"


# -- figures ---------------------------------------------------------------------------------------


def _figures(
    paired: Sequence[Trial], rows: Mapping[str, MethodSummary], learning: Learning, plan: StudyPlan
) -> dict[str, Figure]:
    curves = figure_6(paired, maximum=plan.max_clicks)
    people = len({trial.person for trial in paired})
    goal = f"{100 * plan.target_iou:.0f} % IoU"
    means = {
        f"clicks to {goal}": {name: (r.clicks, r.low, r.high) for name, r in rows.items()},
        f"seconds to {goal}": {
            name: (r.seconds, r.seconds_low, r.seconds_high)
            for name, r in rows.items()
            if r.seconds is not None and r.seconds_low is not None and r.seconds_high is not None
        },
    }
    return {
        "figure-6": plots.draw_clicks_to_errors(curves, f"{people} people; left is better").figure,
        "means": plots.draw_means({what: values for what, values in means.items() if values}),
        "learning": plots.draw_learning(learning.by_number, learning.by_seen),
    }


def _drawn(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=120, bbox_inches="tight")
    return stream.getvalue()


# -- click logs ------------------------------------------------------------------------------------


def _write_logs(
    folder: Path,
    plan: StudyPlan,
    handed_in: HandedIn,
    trials: Sequence[Trial],
    objects: Mapping[str, StudyObject],
) -> None:
    for trial in trials:
        log = handed_in.tasks[trial.person][trial.number + plan.practice]
        path = folder / trial.person / f"{log.number:02d}-{safe_stem(trial.object)}-clicks.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(as_click_log(log, trial.method, objects[trial.object]))
        write_atomically(path, text.encode())


def as_click_log(log: TaskLog, method: str, thing: StudyObject) -> dict[str, object]:
    """Return a task as a click log, which anybody can replay.

    Parameters
    ----------
    log : TaskLog
        What a person did.
    method : str
        The method by its name.
    thing : StudyObject
        The object of the task.

    Returns
    -------
    dict
        A click log as :meth:`tutorial_lib.session.Session.log` returns it, of the clicks in force
        at the end. It has no times.
    """
    return {
        "schema": LOG_SCHEMA,
        "name": thing.name,
        "image": thing.photo.describe(),
        "method": method,
        "options": {},
        **fields_of(log.clicks),
    }

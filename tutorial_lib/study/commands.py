"""The commands ``python -m tutorial_lib study plan | simulate | report | replay``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

study_app = typer.Typer(
    help="Run a user study: plan it, report it, look at trials again.", no_args_is_help=True
)
ROOT = typer.Option(help="The photos' folder, if it is not where the plan says.")
PLAN = typer.Option(help="The plan, if it is not in the folder of the files.")


@study_app.command("plan")
def plan_study(
    people: Annotated[int, typer.Option(min=1, help="Number of people: P01, P02, ...")],
    minutes: Annotated[int, typer.Option(min=1, help="Time for clicking; a task takes 45 s.")],
    out: Annotated[Path, typer.Option(help="JSON file of the plan; everybody gets it.")] = Path(
        "plan.json"
    ),
    method: Annotated[
        list[str] | None,
        typer.Option(help="A method to compare; repeatable. Graph cut, DOS, latent diversity."),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="A folder of photos and masks; else the bundled photos.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="Layout of --root, such as folder.")] = "folder",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace another plan in --out.")] = False,
) -> None:
    """Draw a balanced plan: who works on which object with which method, in which order.

    Methods are called by letters. Which is which is drawn anew for every person.
    """
    from tutorial_lib.study.plan import METHODS, SAMPLES, draw_plan, write_plan
    from tutorial_lib.targets import check_target

    check_target(out)
    if out.exists() and not force:
        raise ValueError(f"There is a file {out}, and logs may belong to it; add --force.")
    where = None if root is None else _from(out.parent, root)
    plan = draw_plan(
        people, minutes, methods=method or METHODS,
        dataset=SAMPLES if root is None else dataset, root=None if root is None else str(root),
        seed=seed,
    )  # fmt: skip
    write_plan(plan.model_copy(update={"root": where}), out)
    tasks = len(next(iter(plan.people.values())))
    print(
        f"{out}: {len(plan.people)} people, {tasks} tasks each ({plan.practice} for practice), "
        f"{len(plan.objects)} objects, {len(plan.methods)} methods."
    )


def _from(folder: Path, root: Path) -> str:
    """Return the photos' folder as the plan names it: relative if it lies beside the plan."""
    root = root.expanduser().resolve()
    beside = folder.resolve()
    return str(root.relative_to(beside)) if root.is_relative_to(beside) else str(root)


@study_app.command("simulate")
def simulate_people(
    plan: Annotated[Path, typer.Argument(help="The plan.")],
    out: Annotated[Path, typer.Option(help="Folder for the files of the simulated people.")],
    dropouts: Annotated[int, typer.Option(min=0, help="People who leave in the middle.")] = 0,
    duplicates: Annotated[int, typer.Option(min=0, help="People who hand in two copies.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of their habits and clicks.")] = 0,
    root: Annotated[Path | None, ROOT] = None,
) -> None:
    """Let simulated people do the study, to try everything before the class does."""
    from tutorial_lib.study.plan import read_plan
    from tutorial_lib.study.simulated import simulate_study
    from tutorial_lib.targets import check_folder

    check_folder(out)
    files = simulate_study(
        read_plan(plan), out, root=root, dropouts=dropouts, duplicates=duplicates, seed=seed
    )
    print(f"{out}: {len(files)} files of simulated people.")


@study_app.command("report")
def report_study(
    folder: Annotated[Path, typer.Argument(help="Folder of the files that came back.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("study-report"),
    plan: Annotated[Path | None, PLAN] = None,
    root: Annotated[Path | None, ROOT] = None,
) -> None:
    """Compute every IoU again, and write tables, figures and click logs.

    The logs in the report's folder have the methods' names: `fit-robot` reads them.
    """
    from tutorial_lib.study.report import write_study_report
    from tutorial_lib.targets import check_folder

    check_folder(out)
    lines = write_study_report(
        folder, out, plan=plan, root=root, log=lambda line: print(line, file=sys.stderr)
    )
    print(*lines, f"{out}: report.html, figures, tables and click logs.", sep="\n")


@study_app.command("replay")
def replay_trial(
    folder: Annotated[Path, typer.Argument(help="Folder of the files that came back.")],
    person: Annotated[str, typer.Option(help="A name of the plan, such as P01.")],
    task: Annotated[int, typer.Option(min=1, help="Number of the task; practice is counted.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("trial.png"),
    plan: Annotated[Path | None, PLAN] = None,
    root: Annotated[Path | None, ROOT] = None,
) -> None:
    """Draw a trial click after click."""
    from tutorial_lib.plots import grid
    from tutorial_lib.study.plan import read_objects, read_plan
    from tutorial_lib.study.replay import replay_task
    from tutorial_lib.study.report import find_plan
    from tutorial_lib.study.trials import read_handed_in
    from tutorial_lib.targets import check_target

    check_target(out)
    where = plan or find_plan(folder)
    study = read_plan(where)
    handed_in = read_handed_in(folder, study, [where])
    panels = replay_task(study, handed_in, read_objects(study, root), person, task)
    grid(panels, columns=4).savefig(out, dpi=80)
    print(f"{out}: {len(panels) - 1} clicks of {person} in task {task}.")

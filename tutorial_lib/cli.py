"""The command line: ``python -m tutorial_lib COMMAND``.

``python -m tutorial_lib lab | doctor | methods | segment | evaluate | fit-robot | train | fetch |
bench``, and for a course ``student | submit | grade | quiz | study``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from tutorial_lib.actions import Box, Stroke
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.options import label, split
from tutorial_lib.paths import write_atomically
from tutorial_lib.registry import check_answer, get_segmenter, methods, read_options
from tutorial_lib.segmenter import MethodError, Segmentation
from tutorial_lib.study.commands import study_app

if TYPE_CHECKING:
    import numpy as np

MAX_UPLOAD = 200_000_000  # bytes of a photo that is opened in a widget
FIRST_NOTEBOOK = "00_first_click.ipynb"

app = typer.Typer(
    name="tutorial_lib",
    help="Learn interactive image segmentation by clicking.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(study_app, name="study")


SETTINGS = typer.Option(
    "--set",
    metavar="KEY=VALUE",
    help="Set an option of the method, such as weights=FILE; repeatable.",
)


@app.callback()
def _root() -> None:
    """Learn interactive image segmentation by clicking."""


@app.command("methods")
def list_methods(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List every segmentation method."""
    infos = methods()
    if as_json:
        print(json.dumps([info.to_dict() for info in infos], indent=2))
        return
    width = max(len(info.name) for info in infos)
    for info in infos:
        needs = [*info.missing, *([] if info.expected else [f"files named by {info.variable}"])]
        missing = f" (needs {', '.join(needs)})" if needs else ""
        print(f"{info.name:{width}}  {info.kind:9}  {info.summary} [{info.source}]{missing}")


class _InOrder(TyperCommand):
    """Remembers the order of options: a click or stroke that is given later counts more."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta["order"] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)


@app.command(cls=_InOrder)
def segment(
    context: typer.Context,
    image: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, ...")],
    method: Annotated[str, typer.Option(help="One of the names `methods` lists.")] = "graph-cut",
    click: Annotated[
        list[str] | None,
        typer.Option(help="ROW,COL,+ on the object or ROW,COL,- on the background; repeatable."),
    ] = None,
    stroke: Annotated[
        list[str] | None,
        typer.Option(help="A line in quotes, such as '10,20 10,60 30,60,+'; repeatable."),
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(help="R0,C0,R1,C1: a box around the object; R1 and C1 lie behind it."),
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="A mask file to go on from, 255 = object.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Mask to write, an 8-bit PNG, 255 = object.")] = Path(
        "mask.png"
    ),
    candidates: Annotated[
        Path | None, typer.Option(help="Folder for one PNG per candidate, best first.")
    ] = None,
    settings: Annotated[list[str] | None, SETTINGS] = None,
) -> None:
    """Segment one photo with clicks, strokes, a box, and a mask to start from.

    `methods --json` says what each method does with a box and with a start mask.
    """
    from tutorial_lib.exports import read_mask
    from tutorial_lib.images import as_rgb
    from tutorial_lib.render import encode_png

    if not (click or stroke or box is not None or start):
        raise ValueError("Give at least one --click ROW,COL,+ to say where the object is.")
    drawn = {"click": map(Click.parse, click or ()), "stroke": map(Stroke.parse, stroke or ())}
    clicks = Clicks(next(drawn[name]) for name in context.meta["order"] if name in drawn)
    if box is not None:
        clicks = clicks.add(Box.parse(box))
    if start is not None:
        clicks = clicks.starting_from(read_mask(start.expanduser()))
    image = image.expanduser()
    _check_targets(image, out, candidates)
    segmenter = get_segmenter(method, **read_options(method, settings or ()))
    photo = as_rgb(image)
    answer = segmenter.segment(segmenter.prepare(photo), clicks)
    check_answer(method, photo.shape[:2], answer)
    files = {} if candidates is None else _candidate_files(answer, candidates, image)
    _write(out, encode_png(answer.mask))
    print(f"{out}: {int(answer.mask.sum())} of {answer.mask.size} pixels are object.")
    if candidates is not None:
        _write_candidates(files, candidates, image)


def _check_targets(image: Path, out: Path, candidates: Path | None) -> None:
    """Refuse files that cannot be written or must not be replaced, before any work."""
    from tutorial_lib.targets import check_folder, check_target, same_file

    if out.suffix.lower() != ".png":
        raise ValueError(f"--out names a PNG file, but {out} does not end in .png.")
    check_target(out)
    if same_file(out, image):
        raise ValueError(f"--out would replace the photo {image}; choose another name.")
    if candidates is not None:
        check_folder(candidates)
        if _CANDIDATE.fullmatch(out.name) and os.path.realpath(out.parent) == os.path.realpath(
            candidates
        ):
            raise ValueError(f"--out {out} would be one of --candidates; choose another name.")


def _candidate_files(answer: Segmentation, folder: Path, image: Path) -> dict[Path, bytes]:
    """Return one PNG per candidate. For a method without candidates it is the mask."""
    from tutorial_lib.targets import check_target, same_file

    masks, order = answer.mask[None], [0]
    if answer.candidates is not None:
        masks = answer.candidates >= 0.5
        order = [int(k) for k in (-answer.scores).argsort(kind="stable")]
    files = {
        folder / f"candidate-{place:02d}.png": _marked_png(masks[index])
        for place, index in enumerate(order)
    }
    for path in files:
        check_target(path)
        if path.exists() and (same_file(path, image) or not _is_marked(path)):
            raise ValueError(
                f"The file {path} was not written by this command and would be replaced; choose "
                "another folder for --candidates."
            )
    return files


def _write_candidates(files: dict[Path, bytes], folder: Path, image: Path) -> None:
    """Write the candidates, and delete those of an earlier run that had more."""
    from tutorial_lib.targets import same_file

    for path, content in files.items():
        _write(path, content)
    for old in folder.iterdir():
        ours = _CANDIDATE.fullmatch(old.name) and not old.is_symlink() and _is_marked(old)
        if ours and old not in files and not same_file(old, image):
            old.unlink()
    print(f"{folder}: {len(files)} candidate{'s'[: len(files) != 1]}, best first.")


_CANDIDATE = re.compile(r"candidate-\d{2,}\.png")
_MARK = ("Software", "tutorial_lib segment")


def _marked_png(mask: np.ndarray) -> bytes:
    """Encode a mask with a note, by which later runs recognise files of this command."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    note, stream = PngInfo(), BytesIO()
    note.add_text(*_MARK)
    Image.fromarray(mask.astype("uint8") * 255).save(stream, "PNG", pnginfo=note)
    return stream.getvalue()


def _is_marked(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return picture.info.get(_MARK[0]) == _MARK[1]
    except Exception:  # whatever the file is, this command did not write it
        return False


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise OSError(f"Nothing was written to {path}: {error.strerror}.") from error


@app.command("evaluate")
def evaluate_methods(
    dataset: Annotated[str, typer.Option(help="grabcut, berkeley, davis, coco, voc, sbd, ...")],
    root: Annotated[Path, typer.Option(help="The dataset's folder, in its official layout.")],
    out: Annotated[Path, typer.Option(help="JSON file for the results.")],
    method: Annotated[
        list[str] | None,
        typer.Option(help="One of the names `methods` lists, repeatable; all if none is given."),
    ] = None,
    robot: Annotated[
        str,
        typer.Option(
            help="center, geodesic or human; human can have options: 'human concentration=1.5'."
        ),
    ] = "center",
    max_clicks: Annotated[int, typer.Option(help="Clicks per object at most.")] = 20,
    split: Annotated[
        str | None, typer.Option(help="Part of the dataset, such as val2017, seen or unseen.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Number of objects at most.")] = None,
    every: Annotated[int, typer.Option(help="Take only every n-th object.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = 1,
    seed: Annotated[
        int, typer.Option(help="Seed of the robot, and of datasets that draw objects.")
    ] = 0,
    seeds: Annotated[
        int,
        typer.Option(help="Number of the robot's seeds, from --seed on; each has its own file."),
    ] = 1,
    settings: Annotated[list[str] | None, SETTINGS] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace finished results of another run in --out.")
    ] = False,
) -> None:
    """Measure the accuracy of methods: a simulated user clicks on every object of a dataset.

    If the run is killed, the same command continues it. The exit code is 1 if objects failed: they
    are named at the end, and the same command tries them again.
    """
    from tutorial_lib.data.datasets import load_dataset
    from tutorial_lib.evaluation.accuracy import FailedObjects, evaluate
    from tutorial_lib.evaluation.seeds import seed_lines, seed_paths
    from tutorial_lib.evaluation.summaries import failures, report_lines

    chosen: Any = method or [info.name for info in methods() if info.available]
    if settings:
        if len(chosen) != 1:
            raise ValueError("--set changes options of one method: name one by --method.")
        options = read_options(chosen[0], settings)
        chosen = {label(chosen[0], options): (chosen[0], options)}
    data, runs = load_dataset(dataset, root, split=split, seed=seed), []
    for number, path in seed_paths(out, seeds, seed).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FailedObjects)  # the report names them
            results = evaluate(
                chosen,
                data,
                path,
                robot=robot,
                max_clicks=max_clicks,
                limit=limit,
                every=every,
                workers=workers,
                seed=number,
                force=force,
            )
        *lines, last = report_lines(results)
        print(*lines, f"{path}: {last}", sep="\n")
        runs.append(results)
    if any(map(failures, runs)):
        raise typer.Exit(1)
    if seeds > 1:
        print(*seed_lines(runs), sep="\n")


@app.command("fit-robot")
def fit_robot(
    logs: Annotated[
        list[Path], typer.Argument(help="Click logs, or folders of files ...-clicks.json.")
    ],
    root: Annotated[
        Path | None,
        typer.Option(help="The photos and known masks; the bundled photos if not given."),
    ] = None,
    dataset: Annotated[str, typer.Option(help="Layout of --root, such as folder.")] = "folder",
) -> None:
    """Fit the robot `human` to a class's own click logs.

    The exit code is 1 if logs were left out: they are named.
    """
    from tutorial_lib.data.datasets import load_dataset
    from tutorial_lib.data.samples import sample_examples
    from tutorial_lib.study.observed import read_observed
    from tutorial_lib.users.fitting import fit_lines

    examples = sample_examples() if root is None else load_dataset(dataset, root)
    observed = read_observed(logs, examples)
    for path, reason in observed.bad.items():
        print(f"left out: {path}: {reason}")
    print(*fit_lines(observed.clicks), sep="\n")
    print(f"{observed.logs} log{'s'[: observed.logs != 1]}, {len(observed.bad)} left out.")
    if observed.bad:
        raise typer.Exit(1)


@app.command("train")
def train_network(
    recipe: Annotated[
        str, typer.Argument(help="Such as dos-8s or dos-toy; a wrong name lists all.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the log, checkpoint and weights.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the datasets; toy recipes need none.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Discard the run in --out, if there is one.")
    ] = False,
    minutes: Annotated[float | None, typer.Option(help="Duration of the run.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set a setting of the recipe; repeatable."),
    ] = None,
) -> None:
    """Train a network. Ctrl-C ends the run with usable weights; --resume continues it."""
    # Threads that spin while they wait take cores from the processes that prepare samples: on two
    # busy cores a step then takes five times as long. This must be set before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from tutorial_lib.training.run import train
    from tutorial_lib.training.setup import launched_first

    split(settings or (), "setting")  # refuses two values for one key
    result = train(
        recipe, out, data, resume=resume, force=force, minutes=minutes, settings=settings or ()
    )
    if launched_first():  # of several processes, one prints
        ended = "" if result.finished else " Stopped early: --resume goes on."
        print(
            f"{result.weights}: {result.step} steps in {result.minutes:.1f} minutes, loss "
            f"{result.loss:.3f}, SHA-256 {result.sha256}.{ended}"
        )


@app.command("fetch")
def fetch_dataset(
    dataset: Annotated[str, typer.Argument(help="grabcut, berkeley, davis, coco, voc, sbd, ...")],
    root: Annotated[Path, typer.Argument(help="Folder for the dataset; made if there is none.")],
    split: Annotated[str | None, typer.Option(help="Download only what this split needs.")] = None,
    addresses: Annotated[
        bool,
        typer.Option("--addresses", help="List the addresses and who reached them; no download."),
    ] = False,
) -> None:
    """Download a dataset from its home, or from a mirror. The same command continues a download."""
    from tutorial_lib.data.datasets import DATASETS, fetch
    from tutorial_lib.data.fetching import address_lines

    if addresses:
        print(*address_lines(dataset), sep="\n")
        return
    folder = fetch(dataset, root, split=split)
    print(f"{folder}: {DATASETS[dataset].title}. Its terms: {DATASETS[dataset].terms}")


@app.command("bench")
def time_methods(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of the photos.")] = "640x480",
    method: Annotated[
        list[str] | None, typer.Option(help="Measure this method only; repeatable.")
    ] = None,
    runs: Annotated[int, typer.Option(help="Timed rounds; medians are reported.")] = 3,
) -> None:
    """Measure the speed of methods on this machine, beside the papers and other libraries.

    Progress goes to the error stream, results go to the output.
    """
    from tutorial_lib.evaluation.records import to_plain
    from tutorial_lib.evaluation.speed.bench import as_table, bench, parse_size

    results = bench(
        parse_size(size),
        method or (),
        runs,
        log=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(json.dumps(to_plain(results), indent=2) if as_json else as_table(results))


@app.command("student")
def write_student(
    out: Annotated[Path, typer.Option(help="Folder for the notebooks.")] = Path("build/student"),
) -> None:
    """Write the notebooks for students: with gaps, hints and checks in the place of answers."""
    from tutorial_lib.course.student import write_student_notebooks

    written = write_student_notebooks(out)
    print(f"{out}: {len(written)} notebooks.")


@app.command("submit")
def submit_answers(
    out: Annotated[Path, typer.Option(help="JSON file to hand in.")],
    name: Annotated[str | None, typer.Option(help="Your name; asked for if missing.")] = None,
    folder: Annotated[Path, typer.Option(help="Folder of your notebooks.")] = Path(),
) -> None:
    """Pack your answers and click logs into one file to hand in."""
    from tutorial_lib.course.submission import collect, pack
    from tutorial_lib.targets import check_target

    check_target(out)
    if name is None:
        if not sys.stdin.isatty():
            raise ValueError("Say who you are, such as --name 'Ada Lovelace'.")
        name = typer.prompt("Your name")
    found = collect(folder, name)
    _write(out, pack(found, folder))
    right = sum(entry.get("right") is True for entry in found.answers.values())
    words = sum("words" in entry for entry in found.answers.values())
    print(
        f"{out}: {found.name}, {len(found.answers)} answers ({right} right, {words} in words), "
        f"{len(found.logs)} click logs."
    )


@app.command("grade")
def grade_submissions(
    folder: Annotated[Path, typer.Argument(help="Folder of the files that were handed in.")],
    out: Annotated[Path, typer.Option(help="Folder for grades.csv and report.html.")],
    seconds: Annotated[int, typer.Option(min=10, help="Longest time for one submission.")] = 600,
) -> None:
    """Check all submissions again, in fresh and confined processes, and write the grades."""
    from tutorial_lib.course.grading import grade_folder
    from tutorial_lib.course.report import write_reports
    from tutorial_lib.targets import check_folder

    check_folder(out)
    graded, unread = grade_folder(folder, seconds, log=lambda line: print(line, file=sys.stderr))
    write_reports(graded, unread, out)
    print(f"{out}: {len(graded)} submissions graded, {len(unread)} files not read.")


@app.command("quiz")
def print_quiz(
    session: Annotated[int, typer.Argument(help="1, 2 or 3.")],
    out: Annotated[Path, typer.Option(help="HTML file to print.")],
    key: Annotated[bool, typer.Option("--key", help="Add the answers on a second page.")] = False,
) -> None:
    """Write the quiz of a session as a sheet to print."""
    from tutorial_lib.course.quiz import quiz_sheet
    from tutorial_lib.targets import check_target

    check_target(out)
    _write(out, quiz_sheet(session).as_page(key).encode("utf-8"))
    print(f"{out}: quiz {session}{' with key' if key else ''}.")


@app.command()
def doctor(
    data: Annotated[
        Path | None, typer.Option(help="Check this dataset instead, as evaluate reads it.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Its layout, such as folder; guessed by default.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Part of the dataset, such as val2017.")] = None,
    show: Annotated[
        Path | None, typer.Option(help="PNG file to write: some photos with their masks.")
    ] = None,
) -> None:
    """Check this installation, or a dataset. The exit code is 1 if something is wrong."""
    from tutorial_lib.doctor import examine_data, print_report

    if data is not None:
        raise typer.Exit(examine_data(data, dataset, split, show))
    if dataset is not None or split is not None or show is not None:
        raise ValueError("--dataset, --split and --show go with --data DIR.")
    raise typer.Exit(print_report())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of the notebooks; they are copied there if missing.")
    ] = None,
    afresh: Annotated[
        list[str] | None,
        typer.Option(help="Start this notebook afresh, such as 02; your copy is kept beside it."),
    ] = None,
) -> None:
    """Open copies of the notebooks in JupyterLab; further options go to `jupyter lab`."""
    from tutorial_lib.paths import UPLOAD_VARIABLE
    from tutorial_lib.working_copies import begin_afresh, copy_notebooks

    folder = copy_notebooks(folder)
    for name in afresh or ():
        print(begin_afresh(folder, name))
    print(
        f"You work on copies in {folder}. To start one of them afresh, add --afresh and its number."
    )
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # as in containers and on Binder
    # A photo is uploaded in one message, and servers close the connection above 10 MB.
    settings = f"{{'websocket_max_message_size': {MAX_UPLOAD + 1_000_000}}}"
    command.append(f"--ServerApp.tornado_settings={settings}")
    environment = {**os.environ, UPLOAD_VARIABLE: str(MAX_UPLOAD)}
    command += context.args
    raise typer.Exit(subprocess.call(command, cwd=folder, env=environment))


def main() -> None:
    """Run the command line. Bad input ends with one sentence and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # file names may have any letters
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except (ValueError, TypeError, ImportError, OSError, MethodError) as error:
        print(f"tutorial_lib: {error}", file=sys.stderr)
        sys.exit(2)

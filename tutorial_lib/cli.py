"""The command line: ``python -m tutorial_lib lab | doctor | methods | segment``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.segmenter import Segmentation, get_segmenter, methods

FIRST_NOTEBOOK = "00_first_click.ipynb"

app = typer.Typer(
    name="tutorial_lib",
    help="Learn interactive image segmentation by clicking.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
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
        missing = f" (needs {', '.join(info.missing)})" if info.missing else ""
        print(f"{info.name:{width}}  {info.kind:9}  {info.summary} [{info.source}]{missing}")


@app.command()
def segment(
    image: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, ...")],
    method: Annotated[str, typer.Option(help="One of the names `methods` lists.")] = "graph-cut",
    click: Annotated[
        list[str] | None,
        typer.Option(help="ROW,COL,+ on the object or ROW,COL,- on the background; repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Mask to write, an 8-bit PNG, 255 = object.")] = Path(
        "mask.png"
    ),
    candidates: Annotated[
        Path | None, typer.Option(help="Folder for one PNG a candidate, best first.")
    ] = None,
) -> None:
    """Segment one photo with clicks given as text."""
    from tutorial_lib.render import encode_png

    if out.suffix.lower() != ".png":
        raise ValueError(f"--out names a PNG file, but {out} does not end in .png.")
    if not click:
        raise ValueError("Give at least one --click ROW,COL,+ to say where the object is.")
    clicks = Clicks(Click.parse(text) for text in click)
    segmenter = get_segmenter(method)
    answer = segmenter.segment(segmenter.prepare(image), clicks)
    _write(out, encode_png(answer.mask))
    print(f"{out}: {int(answer.mask.sum())} of {answer.mask.size} pixels are object.")
    if candidates is not None:
        _write_candidates(answer, candidates)


def _write_candidates(answer: Segmentation, folder: Path) -> None:
    """Write one PNG a candidate; a method with a single answer has that one candidate."""
    from tutorial_lib.render import encode_png

    masks, order = answer.mask[None], [0]
    if answer.candidates is not None:
        masks = answer.candidates >= 0.5
        order = [int(k) for k in (-answer.scores).argsort(kind="stable")]
    for old in folder.glob("candidate-*.png"):
        old.unlink()  # of an earlier run, which may have had more
    for place, index in enumerate(order):
        _write(folder / f"candidate-{place:02d}.png", encode_png(masks[index]))
    print(f"{folder}: {len(order)} candidate{'s'[: len(order) != 1]}, best first.")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@app.command()
def doctor() -> None:
    """Check this installation: versions, device, browser, data. Exit code 1 if one is wrong."""
    from tutorial_lib.doctor import examine

    checks = examine()
    for check in checks:
        print(f"{check.mark:5} {check.name:18} {check.finding}")
    failed = [check for check in checks if check.state == "fail"]
    if failed:
        print(f"\n{len(failed)} problem(s): {', '.join(check.name for check in failed)}.")
        raise typer.Exit(1)
    print("\nReady: start with `python -m tutorial_lib lab`.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Where the notebooks are, or are copied to.")
    ] = None,
) -> None:
    """Open the first notebook in JupyterLab; further options go to `jupyter lab`."""
    folder = _notebook_folder(folder)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers and Binder run as root
    raise typer.Exit(subprocess.call([*command, *context.args], cwd=folder))


def _notebook_folder(folder: Path | None) -> Path:
    """Return the notebooks' folder; copies them out of an installed package, never over others."""
    from tutorial_lib.paths import bundled, in_checkout

    source = bundled("notebooks")
    if folder is None:
        if in_checkout():
            return source
        folder = Path("tutorial-notebooks")
    for path in sorted(source.rglob("*.ipynb")):
        target = folder / path.relative_to(source)
        if not target.exists() and ".ipynb_checkpoints" not in path.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return folder.resolve()


def main() -> None:
    """Run the command line; bad input ends in one sentence and exit code 2."""
    try:
        app()
    except (ValueError, TypeError, ImportError, OSError) as error:
        print(f"tutorial_lib: {error}", file=sys.stderr)
        sys.exit(2)

"""Train Latent Diversity without one of its components at a time, and measure the loss.

``python tools/measure_ablations.py --data DATA --root PHOTOS`` (or ``make ablations DATA=DATA
ROOT=PHOTOS``) repeats Table 3, Table 4 and Figure 5 of Li et al. in two hours on two cores,
and writes ``assets/results/ablations.json``. DATA holds the training sets (duts-tr,
clothing-co-parsing, BSDS500). PHOTOS holds the validation photos: a folder of images/ and masks/.
``--toy`` (``make ablations-toy``) does the same with generated scenes, in minutes and without any
data, and writes ``assets/results/ablations_toy.json``.

*Budget.* Every f is trained for the same number of steps, and so is every g: 600 and 100 by
default. Crops of 128 and 160 pixels, and the scales of the photos, are half of those of the shipped
recipes. ``--steps`` and ``--steps-g`` set other budgets; ``--steps-g 0`` leaves g out.
``--workers 2`` trains two recipes at a time with one core each, which is a little faster than one
recipe at a time on two cores. After each recipe the tool prints how many are left.

*Figures.* The paper's tables count a user's clicks with f and g. So do ours. But g is a second
network with noise of its own, and 100 steps are few. So each f is also measured with an oracle
instead of g, with its best fixed candidate, and with its first candidate. The best fixed candidate
is chosen on the same photos, which favours it a little. The oracle picks the best of M candidates,
which favours a large M: compare networks of different M by what is shown, or by the fixed
candidate. With M = 1 there is nothing to select, and with the ranked diversity loss the first
candidate is shown: neither gets a g. :mod:`tutorial_lib.evaluation.ablations` says which figure is
fair for which table.

Every finished recipe is written at once. After an interruption the same command continues: with a
recipe at its last checkpoint, and with the recipes that are not in the file yet.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from joblib import Parallel, delayed

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.data.toy_world import ToyWorld
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.evaluation.ablations import (
    AblationRecipe,
    AblationResults,
    SelectorSummary,
    read_ablations,
    write_ablations,
)
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.oracle import (
    Oracle,
    best_fixed_candidate,
    simulate_on,
    summarise_curves,
)
from tutorial_lib.options import latest, split
from tutorial_lib.segmenter import Segmenter
from tutorial_lib.training.latent_diversity.recipes import (
    ABLATION_STEPS,
    ABLATION_STEPS_G,
    ABLATIONS,
    TOY_SCALE,
)
from tutorial_lib.training.recipes import RECIPES, get_recipe
from tutorial_lib.training.run import train_or_resume
from tutorial_lib.training.settings import current_texts
from tutorial_lib.training.task import TrainingResult

PRECISION = "float32"  # of all measured answers
RESULTS = Path(__file__).parents[1] / "assets" / "results"
#: Scenes from seed 2,148,000,000 on: training uses smaller seeds.
HELD_OUT = {"n": 60, "size": (64, 85), "seed": 2148}


@dataclass(frozen=True)
class Scale:
    """The settings in which photos and generated scenes differ.

    Parameters
    ----------
    out : Path
        JSON file for the figures.
    steps, steps_g : int
        The budget of f and of g.
    size : int
        Long side of the photos in the networks, in pixels; 0 for their own size.
    max_clicks : int
        Most clicks per object.
    settings : tuple of str
        ``key=value``: settings of the recipes.
    """

    out: Path
    steps: int
    steps_g: int
    size: int
    max_clicks: int
    settings: tuple[str, ...] = ()


PHOTOS = Scale(RESULTS / "ablations.json", ABLATION_STEPS, ABLATION_STEPS_G, 224, 20)
TOYS = Scale(
    RESULTS / "ablations_toy.json",
    steps=160,
    steps_g=80,
    size=0,
    max_clicks=5,
    settings=(
        *(f"{key}={value}" for key, value in TOY_SCALE.items()),
        "crop=64",  # the later of two texts for a key counts
        "lr=0.004",
        "single_click=0.65",
        "corrections=1",
    ),
)


def has_setting(name: str, key: str) -> bool:
    """Return whether a recipe has a setting."""
    return any(field.name == key for field in dataclasses.fields(RECIPES[f"ablation-{name}"]))


def settings_for(name: str, settings: Sequence[str]) -> list[str]:
    """Drop the settings that a recipe changes itself, and those that it does not have."""
    changed, texts = ABLATIONS.get(name, {}), latest(current_texts(settings))
    given = split(texts, "setting")
    return [f"{k}={v}" for k, v in given.items() if has_setting(name, k) and k not in changed]


def trained(
    name: str, out: Path, data: Path | None, settings: Sequence[str], steps: int
) -> TrainingResult:
    """Train a recipe, or resume its run."""
    # Samples are prepared in this process: with several recipes at a time each has one core, and
    # processes of joblib cannot start others.
    texts = ["workers=0", *settings_for(name, settings), f"steps={steps}", "minutes=0"]
    return train_or_resume(f"ablation-{name}", out, data, settings=texts)


def use(
    segmenters: Sequence[Segmenter],
    examples: Sequence[Example],
    most: int,
    candidate: int | None = None,
) -> SelectorSummary:
    """Let the robot click on each object, with a segmenter of its own."""
    pairs = zip(examples, segmenters, strict=True)
    curves = [simulate_on(example, segmenter, most).ious for example, segmenter in pairs]
    fixed = {} if candidate is None else {"candidate": candidate}
    return SelectorSummary(**summarise_curves(curves, most), **fixed)


def measure(
    weights: Path, examples: Sequence[Example], size: int, most: int
) -> dict[str, SelectorSummary]:
    """Use a network with each of :data:`tutorial_lib.evaluation.ablations.SELECTOR_NAMES`."""
    options: dict[str, Any] = {"weights": weights, "size": size, "zoom": False}
    options |= {"precision": PRECISION}
    method = LatentDiversity(**options)
    oracles = [Oracle(method, example) for example in examples]
    found = {"oracle": use(oracles, examples, most)}
    if method.networks.f.design.heads == 1:
        return found

    def always(candidate: int) -> SelectorSummary:
        fixed = LatentDiversity(**options, show=candidate)
        return use([fixed] * len(examples), examples, most, candidate)

    best = best_fixed_candidate(oracles)
    found["fixed"] = always(best)
    found["first"] = found["fixed"] if best == 0 else always(0)
    if method.networks.g is not None:
        found["g"] = use([method] * len(examples), examples, most)
    return found


def ablate(
    name: str, scale: Scale, examples: Sequence[Example], data: Path | None, work: Path
) -> AblationRecipe:
    """Train one recipe, with a g if it needs one, and measure it."""
    f = trained(name, work / f"{name}-{scale.steps}", data, scale.settings, scale.steps)
    recipe = RECIPES[f"ablation-{name}"]
    g = None
    if scale.steps_g and recipe.heads > 1 and not recipe.ranking:
        settings = (*scale.settings, f"start={f.weights}")
        out = work / f"{name}-{scale.steps}-g-{scale.steps_g}"
        g = trained("g", out, data, settings, scale.steps_g)
    batches = {each: _batch(each, scale.settings) for each in (name, "g")}
    first = recipe.heads == 1 or recipe.ranking
    return AblationRecipe(
        changes=dict(ABLATIONS[name]),
        heads=recipe.heads,
        shown="g" if g else "first" if first else "fixed",
        images=f.step * batches[name],
        images_g=g.step * batches["g"] if g else 0,
        minutes=round(f.minutes, 2),
        minutes_g=round(g.minutes, 2) if g else 0,
        loss=round(f.loss, 4),
        commit=commit(),
        ways=measure((g or f).weights, examples, scale.size, scale.max_clicks),
    )


def _batch(name: str, settings: Sequence[str]) -> int:
    return get_recipe(f"ablation-{name}", settings_for(name, settings)).batch


def objects(toy: bool, dataset: str, root: Path | None, limit: int | None) -> tuple[Any, list]:
    """Open the validation objects; return their dataset and the objects."""
    if toy:  # only the main object of each scene, which comes first: parts take longer to learn
        world = ToyWorld(**HELD_OUT)
        first: dict[str, int] = {}
        for index, name in enumerate(world.ids):
            first.setdefault(name.partition(".")[0], index)
        return world, [world[index] for index in list(first.values())[:limit]]
    if root is None:
        raise typer.BadParameter("Say where the validation photos are with --root, or use --toy.")
    photos = load_dataset(dataset, root)
    return photos, [photos[index] for index in range(len(photos))[:limit]]


def opened(out: Path, empty: AblationResults) -> AblationResults:
    """Return the rows measured so far; refuse them if they were measured in another way."""
    if not out.exists():
        return empty
    kept = read_ablations(out)
    for key in ("budget", "protocol", "precision"):
        if getattr(kept, key) != getattr(empty, key):
            raise typer.BadParameter(
                f"The figures in {out} are of another {key}: choose another --out, or delete it."
            )
    return kept.model_copy(update={"machine": empty.machine})


def report(name: str, found: AblationRecipe) -> None:
    oracle = found.selectors["oracle"]
    shown = found.selectors.get(found.shown, oracle)
    print(
        f"{name:<28} shown {found.shown:<6} NoC@85 {shown.noc['85']:5.2f}   oracle "
        f"{oracle.noc['85']:5.2f}   one click {shown.miou[0]:.2f}   "
        f"{found.minutes + found.minutes_g:.1f} minutes of training",
        flush=True,
    )


def main(
    data: Annotated[Path | None, typer.Option(help="Folder of the training sets.")] = None,
    root: Annotated[Path | None, typer.Option(help="Validation photos.")] = None,
    dataset: Annotated[str, typer.Option(help="Their layout.")] = "folder",
    recipe: Annotated[list[str] | None, typer.Option(help="Only this one; repeatable.")] = None,
    toy: Annotated[bool, typer.Option("--toy", help="Generated scenes instead of photos.")] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of each f.")] = None,
    steps_g: Annotated[int | None, typer.Option(min=0, help="Budget of each g; 0: none.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value for all.")] = None,
    size: Annotated[int | None, typer.Option(help="Long side to measure at; 0: its own.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first objects.")] = None,
    work: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("build/ablations"),
    workers: Annotated[int, typer.Option(help="Recipes at a time; -1 for one a core.")] = 1,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Train and measure every recipe that is not in the file yet."""
    chosen = list(dict.fromkeys(recipe or ABLATIONS))
    for name in chosen:
        if name not in ABLATIONS:
            raise typer.BadParameter(
                f"The ablations are {', '.join(ABLATIONS)}; there is no {name!r}."
            )
    if not toy and data is None:
        raise typer.BadParameter("Say where the training sets are with --data, or use --toy.")
    check(settings or ())
    usual = TOYS if toy else PHOTOS
    scale = Scale(
        out or usual.out,
        steps or usual.steps,
        usual.steps_g if steps_g is None else steps_g,
        usual.size if size is None else size,
        usual.max_clicks,
        (*usual.settings, *(settings or ())),
    )
    source, examples = objects(toy, dataset, root, limit)
    command = command_line(scale, source, toy, limit)
    results = opened(scale.out, without_recipes(scale, source, len(examples), command))
    place = work / ("toy" if toy else "photos")
    failed = run(chosen, results, scale, examples, data, place, workers)
    print(scale.out)
    if failed:
        print("Not measured:", "; ".join(f"{name}: {why}" for name, why in failed.items()))
        raise typer.Exit(1)


def check(settings: Sequence[str]) -> None:
    """Refuse settings that neither f nor g has, or that do not fit, before training begins."""
    try:
        given = split(current_texts(settings), "setting")
        for_f = [f"{k}={v}" for k, v in given.items() if has_setting("full", k)]
        for_g = [
            f"{k}={v}"
            for k, v in given.items()
            if has_setting("g", k) or not has_setting("full", k)
        ]
        get_recipe("ablation-full", for_f)
        get_recipe("ablation-g", for_g)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def command_line(scale: Scale, source: Any, toy: bool, limit: int | None) -> str:
    """Return the command that makes these figures, with names instead of folders."""
    usual = TOYS if toy else PHOTOS
    parts = ["python tools/measure_ablations.py", "--toy" if toy else "--data DATA --root PHOTOS"]
    if not toy and source.name != "folder":
        parts.append(f"--dataset {source.name}")
    parts.append(f"--steps {scale.steps} --steps-g {scale.steps_g}")
    if scale.size != usual.size:
        parts.append(f"--size {scale.size}")
    if limit is not None:
        parts.append(f"--limit {limit}")
    return " ".join(parts + [f"--set {text}" for text in scale.settings[len(usual.settings) :]])


def without_recipes(scale: Scale, source: Any, count: int, command: str) -> AblationResults:
    """Return the entries of the file that describe the measurement, without any rows."""
    return AblationResults(
        schema=1,
        command=command,
        machine=machine(),
        precision=PRECISION,
        budget={"steps": scale.steps, "steps_g": scale.steps_g, "settings": scale.settings},
        protocol={
            "dataset": source.name,
            "root_name": source.root.resolve().name,
            "objects": count,
            "robot": "center",
            "seed": 0,
            "max_clicks": scale.max_clicks,
            "size": scale.size,
        },
        recipes={},
    )


def run(
    chosen: Sequence[str],
    results: AblationResults,
    scale: Scale,
    examples: Sequence[Example],
    data: Path | None,
    work: Path,
    workers: int,
) -> dict[str, str]:
    """Train and measure the recipes; return those that failed, with the reasons."""
    failed: dict[str, str] = {}
    todo = [name for name in chosen if name not in results.recipes]
    began = time.monotonic()
    rows = Parallel(n_jobs=workers, return_as="generator_unordered")(
        delayed(run_guarded)(name, scale, examples, data, work) for name in todo
    )
    for done, (name, found) in enumerate(rows, start=1):
        if isinstance(found, str):
            failed[name] = found
            continue
        results.recipes[name] = found
        write_ablations(results, scale.out)
        report(name, found)
        left = (len(todo) - done) * (time.monotonic() - began) / done / 3600
        print(f"{len(todo) - done} to go, about {left:.1f} hours", flush=True)
    return failed


def run_guarded(name: str, *given: Any) -> tuple[str, AblationRecipe | str]:
    """Return a recipe's row, or the reason of its failure: one failure must not end the run."""
    try:
        return name, ablate(name, *given)
    except ValueError as error:  # such as a loss that stays infinite
        return name, str(error)


if __name__ == "__main__":
    typer.run(main)

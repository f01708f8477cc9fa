"""Train DOS and Latent Diversity alike, and compare them: ``assets/results/fair.json``.

``python tools/measure_fair.py --data DATA --root PHOTOS`` (or ``make fair DATA=DATA ROOT=PHOTOS``)
gives every row the same training photos, the same crops of 128 pixels and the same minutes on one
core. DATA holds the training sets, PHOTOS the validation photos: a folder of images/ and masks/.
Both methods start with the same backbone from ImageNet, which is frozen or learns. DOS spends all
its minutes on FCN-32s, 16s and 8s. Latent Diversity spends three quarters of them on f and a
quarter on g. Our g and the paper's g get the same minutes beside the same f.

The recipes have their own losses, optimiser settings and simulated corrections, as the shipped
networks have. Minutes are minutes of this machine: a faster one trains all rows longer.

Every finished row is written at once. After an interruption the same command continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
import typer

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.evaluation.ablations import AblationProtocol, SelectorSummary
from tutorial_lib.evaluation.fair import FairResults, FairRow, read_fair, write_fair
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.oracle import simulate_on, summarise_curves
from tutorial_lib.registry import get_segmenter
from tutorial_lib.training.recipes import get_recipe
from tutorial_lib.training.run import train_or_resume
from tutorial_lib.training.task import TrainingResult

OUT = Path(__file__).parents[1] / "assets" / "results" / "fair.json"
MIXTURE = (
    "duts:duts-tr:0.5,clothing-co-parsing:clothing-co-parsing:0.2,bsds500:BSDS500:0.2,"
    "coco:coco-train:0.1"
)
SIZE, MOST_CLICKS, SHARE_OF_G = 224, 20, 0.25
#: Every length is half of that in the shipped recipes, as in the ablations.
COMMON = ("crop=128", "scale_low=0.4", "scale_high=0.9", "workers=0", "device=cpu")
COMMON_G = ("crop=160", "scale_low=0.5", "scale_high=0.8", "workers=0", "device=cpu")


class Plan(NamedTuple):
    """A row of the table before it is measured."""

    method: str
    backbone: str
    selector: str | None = None


ROWS = {
    "DOS, frozen backbone": Plan("dos", "frozen"),
    "DOS, learned backbone": Plan("dos", "learned"),
    "LD, frozen backbone": Plan("latent-diversity", "frozen", "ours"),
    "LD, learned backbone": Plan("latent-diversity", "learned", "ours"),
    "LD, frozen backbone, g of the paper": Plan("latent-diversity", "frozen", "paper"),
    "LD, learned backbone, g of the paper": Plan("latent-diversity", "learned", "paper"),
}
G_RECIPES = {"ours": "latent-diversity-g", "paper": "latent-diversity-g-dense"}


def trained(
    recipe: str, out: Path, data: Path, minutes: float, settings: Sequence[str]
) -> tuple[TrainingResult, int]:
    """Train or resume; return how it ended, and the number of images."""
    done = train_or_resume(recipe, out, data, minutes=minutes, settings=settings)
    return done, done.step * get_recipe(recipe, settings).batch


def train_row(
    plan: Plan, data: Path, work: Path, minutes: float, settings: Sequence[str]
) -> tuple[dict[str, Any], Path]:
    """Train one row; return its training figures, and the weights."""
    learned = plan.backbone == "learned"
    if plan.selector is None:
        share = () if learned else ("backbone_lr=0",)
        out = work / f"dos-{plan.backbone}"
        done, images = trained("dos", out, data, minutes, (*COMMON, *settings, *share))
        return {"minutes": done.minutes, "minutes_g": 0, "images": images, "images_g": 0}, (
            done.weights
        )
    kind = ("architecture=pyramid", f"learned={learned}".lower())
    f, images = trained(
        "latent-diversity-f", work / f"f-{plan.backbone}", data, minutes * (1 - SHARE_OF_G),
        (*COMMON, *settings, *kind),
    )  # fmt: skip
    g, images_g = trained(
        G_RECIPES[plan.selector], work / f"g-{plan.selector}-{plan.backbone}", data,
        minutes * SHARE_OF_G, (*COMMON_G, *settings, f"start={f.weights}"),
    )  # fmt: skip
    found = {"minutes": f.minutes, "minutes_g": g.minutes, "images": images, "images_g": images_g}
    return found, g.weights


def measure(method: str, weights: Path, size: int, examples: Sequence[Example]) -> SelectorSummary:
    """Let the robot ``center`` click on each object."""
    options: dict[str, Any] = {"weights": weights, "size": size}
    if method == "latent-diversity":
        options["zoom"] = False
    segmenter = get_segmenter(method, **options)
    curves = [simulate_on(example, segmenter, MOST_CLICKS).ious for example in examples]
    return SelectorSummary(**summarise_curves(curves, MOST_CLICKS))


def opened(out: Path, empty: FairResults) -> FairResults:
    """Return the rows measured so far; refuse them if they were measured in another way."""
    if not out.exists():
        return empty
    kept = read_fair(out)
    for key in ("minutes", "settings", "protocol"):
        if getattr(kept, key) != getattr(empty, key):
            raise typer.BadParameter(
                f"The figures in {out} are of other {key}: choose another --out, or delete it."
            )
    return kept


def main(
    data: Annotated[Path, typer.Option(help="Folder of the training sets.")],
    root: Annotated[Path, typer.Option(help="Validation photos.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="Training time of each row.")] = 12.0,
    mixture: Annotated[str, typer.Option(help="Training photos.")] = MIXTURE,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value for all.")] = None,
    row: Annotated[list[str] | None, typer.Option(help="Only this one; repeatable.")] = None,
    size: Annotated[int, typer.Option(help="Long side to measure at, in pixels.")] = SIZE,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first objects.")] = None,
    work: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("build/fair"),
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = OUT,
) -> None:
    """Train and measure every row that is not in the file yet."""
    for name in row or ():
        if name not in ROWS:
            raise typer.BadParameter(f"The rows are {'; '.join(ROWS)}; there is no {name!r}.")
    torch.set_num_threads(1)
    photos = load_dataset("folder", root)
    examples = [photos[index] for index in range(len(photos))[:limit]]
    given = (f"mixture={mixture}", *(settings or ()))
    results = opened(
        out,
        FairResults(
            schema=1,
            command=f"python tools/measure_fair.py --data DATA --root PHOTOS --minutes {minutes:g}",
            machine=machine(),
            precision="float32",
            minutes=minutes,
            settings=given,
            protocol=AblationProtocol(
                dataset=photos.name, root_name=photos.root.resolve().name, objects=len(examples),
                robot="center", seed=0, max_clicks=MOST_CLICKS, size=size,
            ),
            rows={},
        ),
    )  # fmt: skip
    for name in row or ROWS:
        if name in results.rows:
            continue
        plan = ROWS[name]
        figures, weights = train_row(plan, data, work, minutes, given)
        for key in ("minutes", "minutes_g"):
            figures[key] = round(figures[key], 2)
        reached = measure(plan.method, weights, size, examples)
        results.rows[name] = FairRow(**plan._asdict(), **figures, commit=commit(), reached=reached)
        write_fair(results, out)
        print(f"{name:<38}{reached.noc['85']:6.2f}{reached.noc['90']:6.2f}   one click "
              f"{reached.miou[0]:.2f}   {figures['images']} images", flush=True)  # fmt: skip
    print(out)


if __name__ == "__main__":
    typer.run(main)

"""Notebooks and library tell the same story: what a cell defines is what the package runs."""

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from scipy.sparse import csr_array, issparse

from tests.support import ROOT, forbidden, leaves
from tests.test_imports import TREES, public_definitions
from tools.execute_notebooks import MOST_BYTES
from tutorial_lib import get_segmenter, guidance, metrics
from tutorial_lib.classical import (
    colour_models,
    geodesic_matting,
    graph_cut,
    growcut,
    image_network,
    min_cut,
    neighbours,
    random_walker,
    star_paths,
)
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep import layers, losses
from tutorial_lib.deep.backbones.levels import Level
from tutorial_lib.deep.latent_diversity import losses as diversity
from tutorial_lib.deep.networks import hypercolumn
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.users import region_depth, robots, simulation, training_clicks

pytestmark = pytest.mark.slow  # it compares definitions, not answers
PICTURES = ("image/png", "image/jpeg")
WIDGET = "application/vnd.jupyter.widget-view+json"
MOST_LINES = 15
ROUNDS = 50

PATHS = [
    path
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb"))
    if ".ipynb_checkpoints" not in path.parts
]
NOTEBOOKS = {
    path.relative_to(ROOT / "notebooks").as_posix(): nbformat.read(path, as_version=4)
    for path in PATHS
}


def code_cells(name):
    return [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]


def parse(cell):
    """Parse a cell's Python; lines for IPython (``%magic``, ``!shell``) are blanked."""
    return ast.parse(re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE))


# -- same code ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """How to compare one definition: the library's, and how to draw arguments for both.

    ``draw`` returns arguments by name. A notebook's version may have fewer parameters than the
    library's; both are then called with those the notebook's version has.
    """

    library: Callable[..., Any]
    draw: Callable[[np.random.Generator], dict[str, Any]]


def residuals(rng: np.random.Generator) -> dict[tuple[str, str], int]:
    nodes = ["s", "t", *"abcd"]
    edges = [(a, b) for a in nodes for b in nodes if a != b]
    chosen = rng.choice(len(edges), rng.integers(4, 20), replace=False)
    return {edges[index]: int(rng.integers(0, 8)) for index in chosen}


def with_path(rng: np.random.Generator) -> dict[str, Any]:
    path = ["s", *map(str, rng.permutation(list("abcd"))[: rng.integers(0, 5)]), "t"]
    links = {edge: int(rng.integers(1, 9)) for edge in pairwise(path)}
    return {"residual": {**residuals(rng), **links}, "path": path}


def photo(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (*rng.integers(2, 7, 2), 3), dtype=np.uint8)


def chances(rng: np.random.Generator, shape: tuple[int, ...] = (4, 5)) -> np.ndarray:
    return rng.choice([0.0, 1.0, *rng.random(30)], shape)


def labelling(rng: np.random.Generator) -> dict[str, Any]:
    image = photo(rng)
    shape = image.shape[:2]
    return {
        "mask": rng.random(shape) < 0.5,
        "object_cost": rng.random(shape),
        "background_cost": rng.random(shape),
        "weights": graph_cut.pairwise_weights(image),
        "lam": float(rng.random()),
    }


def clicked(rng: np.random.Generator) -> dict[str, Any]:
    image = photo(rng)
    positive = np.zeros(image.shape[:2], bool)
    positive.flat[: rng.integers(1, positive.size)] = True
    return {
        "model": colour_models.HistogramModel(),
        "palette": colour_models.Palette.of(image),
        "image": image,
        "positive": positive,
        "negative": ~positive,
    }


def sizes(rng: np.random.Generator, smallest: int = 2) -> tuple[int, int]:
    return int(rng.integers(smallest, 7)), int(rng.integers(smallest, 7))


def steps(rng: np.random.Generator) -> dict[str, np.ndarray]:
    height, width = sizes(rng)
    return {"right": rng.random((height, width - 1)), "down": rng.random((height - 1, width))}


def arrival_in_sparse(graph: np.ndarray, fixed: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Call the library's version, whose matrix is sparse, with the notebook's dense one."""
    return random_walker.first_arrival(csr_array(graph), fixed, value)


def partly_clicked(rng: np.random.Generator) -> dict[str, Any]:
    graph = random_walker.laplacian(**steps(rng)).toarray()
    fixed = np.zeros((1, len(graph)), dtype=bool)
    fixed[0, rng.choice(len(graph), rng.integers(1, len(graph)), replace=False)] = True
    return {"graph": graph, "fixed": fixed, "value": rng.random(fixed.shape)}


def stars(rng: np.random.Generator) -> dict[str, Any]:
    shape = sizes(rng, smallest=1)
    some = rng.choice(shape[0] * shape[1], rng.integers(1, 4))
    return {"centres": tuple(divmod(int(place), shape[1]) for place in some), "shape": shape}


def armies(rng: np.random.Generator) -> dict[str, Any]:
    image = photo(rng)
    shape = image.shape[:2]
    cells = growcut.CellStates(rng.integers(-1, 2, shape).astype(np.int8), chances(rng, shape))
    return {"cells": cells, "strengths": growcut.attack_strengths(image)}


def maybe(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray | None:
    return rng.random(shape) < 0.2 if rng.random() < 0.7 else None


def seen_by_a_robot(rng: np.random.Generator) -> dict[str, Any]:
    shape = tuple(map(int, rng.integers(2, 8, 2)))
    mask, truth = rng.random((2, *shape)) < rng.choice([0, 0.5, 1], (2, 1, 1), p=[0.1, 0.8, 0.1])
    places = rng.integers(0, shape, (rng.integers(0, 4), 2))
    clicks = Clicks(Click(row, col, bool(truth[row, col])) for row, col in places)
    return {
        "mask": mask,
        "truth": truth,
        "ignore": maybe(rng, shape),
        "clicks": clicks,
        "seed": int(rng.integers(9)),
    }


class Discs:
    """A method that is not registered, so that robots take it to answer from the first click."""

    def prepare(self, image: np.ndarray) -> tuple[int, ...]:
        return image.shape

    def segment(self, prepared: tuple[int, ...], clicks: Clicks) -> Segmentation:
        return Segmentation(clicks.discs(prepared, 1)[0].astype(np.float32))


def robot_run(rng: np.random.Generator) -> dict[str, Any]:
    image, both = rng.integers(0, 256, (7, 9, 3), dtype=np.uint8), bool(rng.random() < 0.5)
    return {
        "segmenter": get_segmenter("geodesic-matting", radius=1) if both else Discs(),
        "image": image,
        "truth": rng.random(image.shape[:2]) < rng.random(),
        "robot": rng.choice(list(robots.ROBOTS.values())),
        "max_clicks": int(rng.integers(0, 6)),
        "seed": int(rng.integers(9)),
        "both": both,
    }


def library_run(both: bool, **arguments: Any) -> tuple[Clicks, tuple[float, ...]]:
    """Run the library's loop, which asks the registry whether a method needs both kinds."""
    trajectory = simulation.simulate(**arguments)
    return trajectory.clicks, trajectory.ious


def ious(rng: np.random.Generator, least: int = 1) -> list[float]:
    return np.round(rng.random(rng.integers(least, 9)), 2).tolist()


def points(rng: np.random.Generator) -> dict[str, Any]:
    shape = sizes(rng)
    return {
        "points": rng.integers(0, shape, (rng.integers(0, 4), 2)),
        "shape": shape,
        "truncation": float(rng.choice([1.5, 255.0])),
    }


def outlined(rng: np.random.Generator) -> dict[str, Any]:
    """Draw an object of one or two rectangles, other objects that may overlap it, and a seed."""
    shape = rng.integers(20, 90, 2)

    def rectangle() -> np.ndarray:
        mask = np.zeros(shape, dtype=bool)
        top, left = rng.integers(0, shape - 10)
        mask[top : top + rng.integers(1, 60), left : left + rng.integers(1, 9)] = True
        return mask

    truth = rectangle() | rectangle()
    others = [rectangle() for _ in range(rng.integers(0, 3))]
    return {"truth": truth, "others": others, "seed": int(rng.integers(99))}


def without_others(rng: np.random.Generator) -> dict[str, Any]:
    drawn = outlined(rng)
    return {"truth": drawn["truth"], "seed": drawn["seed"]}


def columns_to_be(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a hypercolumn without statistics, and maps for it."""
    stride, size = int(rng.choice([1, 2])), sizes(rng)
    levels = [
        Level("any", stride * 2**power, int(rng.integers(1, 5)), float(rng.choice([0, 0.5])))
        for power in range(rng.integers(1, 4))
    ]
    columns = hypercolumn.Hypercolumn(levels, 3, normalise=False, stride=stride)
    columns.load_state_dict(
        {name: random_like(values, rng) for name, values in columns.state_dict().items()}
    )
    cells = [[-(-side * stride // level.stride) for side in size] for level in levels]
    maps = [
        random_like(torch.empty(2, level.channels, *shape), rng)
        for level, shape in zip(levels, cells, strict=True)
    ]
    return {"hypercolumn": columns.requires_grad_(False), "maps": maps, "size": size}


def random_like(tensor: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(rng.normal(size=tuple(tensor.shape)).astype(np.float32))


def soft_masks(rng: np.random.Generator) -> dict[str, Any]:
    shape = sizes(rng)
    return {"A": (rng.random(shape) < 0.5) * 1.0, "B": chances(rng, shape).clip(1e-3)}


def clicked_masks(rng: np.random.Generator) -> dict[str, Any]:
    shape = sizes(rng)
    kind = rng.integers(-1, 2, shape)
    return {"Sp": (kind > 0) * 1.0, "Sn": (kind < 0) * 1.0, "B": chances(rng, shape)}


def candidate_losses(rng: np.random.Generator) -> dict[str, Any]:
    shape = sizes(rng, smallest=1)
    return {"losses": rng.random(shape), "distances": rng.random(shape)}


def of_one_mask(loss: Callable[..., torch.Tensor]) -> Callable[..., float]:
    """Call a loss for batches of masks with arrays ``(H, W)``, by the names of the paper."""

    def with_arrays(**arrays: np.ndarray) -> float:
        masks = {name: torch.tensor(array)[None] for name, array in arrays.items()}
        answer = masks.pop("B")
        return loss(answer, *masks.values()).item()

    return with_arrays


def ranked_in_arrays(**arrays: np.ndarray) -> np.ndarray:
    return diversity.ranked_diversity_loss(*map(torch.tensor, arrays.values())).numpy()


COMPARISONS = {
    "shortest_augmenting_path": Comparison(
        min_cut.shortest_augmenting_path,
        lambda rng: {"residual": residuals(rng), "source": "s", "sink": "t"},
    ),
    "push_flow": Comparison(min_cut.push_flow, with_path),
    "reachable": Comparison(
        min_cut.reachable, lambda rng: {"residual": residuals(rng), "source": "s"}
    ),
    "cut_capacity": Comparison(
        min_cut.cut_capacity,
        lambda rng: {
            "capacity": residuals(rng),
            "source_side": {"s", *rng.choice(list("abcd"), rng.integers(0, 5)).tolist()},
        },
    ),
    "unary_capacities": Comparison(
        image_network.unary_capacities,
        lambda rng: {"q": rng.uniform(0.01, 0.99, (3, 4)), "scale": int(rng.integers(1, 20))},
    ),
    "contrast_capacities": Comparison(
        image_network.contrast_capacities,
        lambda rng: {
            "grey": rng.integers(0, 256, (3, 4)),
            "strength": int(rng.integers(0, 20)),
            "sigma": float(rng.uniform(10, 90)),
        },
    ),
    "squared_differences": Comparison(
        neighbours.squared_differences, lambda rng: {"image": photo(rng)}
    ),
    "pair_slices": Comparison(
        neighbours.pair_slices,
        lambda rng: dict(zip(("row", "col"), neighbours.OFFSETS[rng.integers(4)], strict=True)),
    ),
    "contrast_sigma": Comparison(neighbours.contrast_sigma, lambda rng: {"image": photo(rng)}),
    "pairwise_weights": Comparison(
        graph_cut.pairwise_weights,
        lambda rng: {"image": photo(rng), "sigma": float(rng.uniform(5, 90))},
    ),
    "unary_costs": Comparison(
        graph_cut.unary_costs,
        lambda rng: {"probability": chances(rng), "clip": float(rng.uniform(0.001, 0.2))},
    ),
    "cut_energy": Comparison(graph_cut.cut_energy, labelling),
    "object_posterior": Comparison(colour_models.object_posterior, clicked),
    "step_weights": Comparison(
        random_walker.step_weights,
        lambda rng: {"image": photo(rng), "beta": float(rng.uniform(0, 200)), "epsilon": 1e-5},
    ),
    "laplacian": Comparison(random_walker.laplacian, steps),
    "first_arrival": Comparison(arrival_in_sparse, partly_clicked),
    "likelihood_steps": Comparison(
        geodesic_matting.likelihood_steps,
        lambda rng: {"likelihood": chances(rng), "step": float(rng.random())},
    ),
    "nearer_to_object": Comparison(
        geodesic_matting.nearer_to_object,
        lambda rng: {"to_object": chances(rng), "to_background": chances(rng)},
    ),
    "ray_parents": Comparison(star_paths.ray_parents, stars),
    "step_lengths": Comparison(
        star_paths.step_lengths,
        lambda rng: {"image": photo(rng), "gamma": float(rng.uniform(0, 0.99))},
    ),
    "is_star": Comparison(
        star_paths.is_star,
        lambda rng: {
            "mask": rng.random((2, 3)) < 0.6,
            "parents": star_paths.ray_parents(((1, 1),), (2, 3)),
        },
    ),
    "attack_strengths": Comparison(growcut.attack_strengths, lambda rng: {"image": photo(rng)}),
    "attack": Comparison(growcut.attack, armies),
    "bilinear_kernel": Comparison(
        layers.bilinear_kernel, lambda rng: {"factor": int(rng.integers(1, 17))}
    ),
    "upsample_concatenate_project": Comparison(
        hypercolumn.upsample_concatenate_project, columns_to_be
    ),
    "simulate": Comparison(library_run, robot_run),
    "depth": Comparison(
        region_depth.depth, lambda rng: {"region": rng.random((5, 7)) < rng.choice([0, 0.8, 1])}
    ),
    "center": Comparison(robots.center, seen_by_a_robot),
    "geodesic": Comparison(robots.geodesic, seen_by_a_robot),
    "iou": Comparison(
        metrics.iou,
        lambda rng: {
            "mask": rng.random((2, 3)) < 0.4,
            "truth": rng.random((2, 3)) < 0.4,
            "ignore": maybe(rng, (2, 3)),
        },
    ),
    "clicks_to_reach": Comparison(
        metrics.clicks_to_reach,
        lambda rng: {
            "ious": ious(rng),
            "threshold": float(rng.choice([0.5, 0.9])),
            "maximum": int(rng.integers(1, 10)),
        },
    ),
    "mean_iou_curve": Comparison(
        metrics.mean_iou_curve,
        lambda rng: {
            "samples": [ious(rng) for _ in range(rng.integers(1, 5))],
            "maximum": int(rng.integers(1, 10)),
        },
    ),
    "area_under_curve": Comparison(
        metrics.area_under_curve, lambda rng: {"curve": ious(rng, least=2)}
    ),
    "distance_map": Comparison(guidance.distance_map, points),
    "surroundings": Comparison(
        training_clicks.surroundings,
        lambda rng: {"truth": outlined(rng)["truth"], "distance": int(rng.integers(2, 50))},
    ),
    "positive_clicks": Comparison(training_clicks.positive_clicks, without_others),
    "clicks_near": Comparison(training_clicks.clicks_near, without_others),
    "clicks_on_others": Comparison(training_clicks.clicks_on_others, outlined),
    "clicks_around": Comparison(training_clicks.clicks_around, without_others),
    "relaxed_jaccard": Comparison(of_one_mask(losses.relaxed_jaccard), soft_masks),
    "click_constraint": Comparison(of_one_mask(losses.click_constraint), clicked_masks),
    "ranked_diversity_loss": Comparison(ranked_in_arrays, candidate_losses),
    "bootstrap_interval": Comparison(
        metrics.bootstrap_interval,
        lambda rng: {
            "values": rng.integers(1, 21, rng.integers(1, 9)).tolist(),
            "confidence": float(rng.uniform(0.5, 0.99)),
            "resamples": int(rng.integers(1, 50)),
            "seed": int(rng.integers(9)),
        },
    ),
}


def library_names() -> set[str]:
    return {
        name for tree in TREES.values() for name, _ in public_definitions(tree) if "." not in name
    }


def definitions_in(cell: Any) -> list[str]:
    nodes = parse(cell).body
    return [node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def shared_definitions() -> set[tuple[str, str]]:
    library = library_names()
    return {
        (notebook, name)
        for notebook in NOTEBOOKS
        for cell in code_cells(notebook)
        for name in definitions_in(cell)
        if name in library
    }


SHARED = sorted(shared_definitions())


def is_constant(node):
    if not isinstance(node, ast.Assign):
        return False
    if not all(isinstance(target, ast.Name) for target in node.targets):
        return False  # changes something that the cell has made
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    return True


def definition(notebook: str, wanted: str) -> Callable[..., Any]:
    """Take one definition out of a notebook, with its imports, constants and other functions."""
    scope: dict[str, Any] = {}
    for cell in code_cells(notebook):
        for node in parse(cell).body:
            if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)) or (
                is_constant(node)
            ):
                exec(compile(ast.Module([node], []), notebook, "exec"), scope)
                if getattr(node, "name", "") == wanted:
                    return scope[wanted]
    raise LookupError(wanted)


def settled(value):
    """Return a value in a form that ``agree`` compares number by number."""
    if inspect.isgenerator(value):
        return list(value)
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, torch.Tensor):
        return value.numpy()
    return value.toarray() if issparse(value) else value


def agree(first, second):
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(agree, first, second))
    if isinstance(first, (np.ndarray, float, np.number)):
        close = np.allclose(first, second, rtol=1e-6, atol=1e-9, equal_nan=False)
        return np.shape(first) == np.shape(second) and close
    return first == second


def test_the_first_notebook_is_compared():
    assert ("01_minimum_cut_by_hand.ipynb", "push_flow") in SHARED


@pytest.mark.parametrize(("notebook", "name"), SHARED)
def test_what_a_cell_defines_is_what_the_package_runs(notebook, name):
    assert name in COMPARISONS, f"{notebook} defines {name} as the library does; compare them here"
    theirs = COMPARISONS[name].library
    taught = definition(notebook, name)
    for seed in range(ROUNDS):
        drawn = COMPARISONS[name].draw(np.random.default_rng(seed))
        again = COMPARISONS[name].draw(np.random.default_rng(seed))
        known = inspect.signature(taught).parameters
        first = settled(taught(**{key: value for key, value in drawn.items() if key in known}))
        second = settled(theirs(**{key: value for key, value in again.items() if key in known}))
        assert agree(first, second), f"{name} differs for {again}: {first} is not {second}"


def test_the_comparison_notices_a_difference():
    assert not agree([np.ones(3), 2], [np.ones(3), 3])
    assert not agree((1, 2), (1, 2, 3))
    assert not agree(np.ones((2, 2)), np.ones((2, 1)))
    assert not agree({"a": 1}, {"a": 2})
    assert not agree(None, ["s", "t"])
    assert not agree(settled(csr_array(np.eye(2))), np.ones((2, 2)))
    first, second = (
        growcut.CellStates(np.ones(2), np.full(2, strength)) for strength in (0.1, 0.2)
    )
    assert not agree(settled(first), settled(second))


# -- form --------------------------------------------------------------------------------------

every_notebook = pytest.mark.parametrize("name", list(NOTEBOOKS))


def outputs_with(cell, kind):
    return [output for output in cell.outputs if kind in output.get("data", {})]


@every_notebook
def test_is_a_valid_notebook(name):
    nbformat.validate(NOTEBOOKS[name])


@every_notebook
def test_is_executed_from_top_to_bottom(name):
    counts = [cell.execution_count for cell in code_cells(name) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_shows_no_error_and_no_warning(name):
    for cell in code_cells(name):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", cell.id


@every_notebook
def test_cells_are_short(name):
    for cell in code_cells(name):
        classes = [node for node in parse(cell).body if isinstance(node, ast.ClassDef)]
        network = any("Module" in ast.unparse(base) for node in classes for base in node.bases)
        assert network or len(cell.source.splitlines()) <= MOST_LINES, cell.id


@every_notebook
def test_is_small(name):
    assert (ROOT / "notebooks" / name).stat().st_size < MOST_BYTES


@every_notebook
def test_metadata_say_python_3_and_nothing_of_widgets(name):
    metadata = NOTEBOOKS[name].metadata
    assert metadata.kernelspec.name == "python3"
    assert "widgets" not in metadata


@every_notebook
def test_cells_have_names_that_stay(name):
    ids = [cell.id for cell in NOTEBOOKS[name].cells]
    assert len(ids) == len(set(ids))
    for cell_id in ids:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", cell_id)
        assert not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", cell_id)  # as Jupyter draws them


@every_notebook
def test_says_nothing_of_the_machine_it_ran_on(name):
    assert forbidden("\n".join(leaves(NOTEBOOKS[name]))) == []


@every_notebook
def test_begins_with_a_title(name):
    first = NOTEBOOKS[name].cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")


@every_notebook
def test_every_widget_is_followed_by_a_plain_picture(name):
    cells = code_cells(name)
    for place, cell in enumerate(cells):
        if outputs_with(cell, WIDGET):
            following = cells[place + 1 : place + 3]  # one to make the clicks, one to show them
            plain = (*PICTURES, "text/markdown")  # a quiz is followed by its questions as text
            pictures = [c for c in following if any(outputs_with(c, kind) for kind in plain)]
            assert pictures, f"no plain picture follows {cell.id}"
            assert not outputs_with(pictures[0], WIDGET), f"{pictures[0].id} shows a widget too"

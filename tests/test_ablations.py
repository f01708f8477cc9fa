"""What each component is worth: the file, how rows are compared, and the tool that measures it."""

import copy
import json
import subprocess
import sys

import numpy as np
import pytest
import typer
from PIL import Image
from pydantic import ValidationError

from tests.support import easy_scene, one_sentence
from tools import measure_ablations as tool
from tools import measure_selection as selection_tool
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.evaluation.ablations import (
    FIGURE_5,
    OWN,
    TABLE_3,
    TABLE_4,
    AblationRecipe,
    AblationResults,
    paired_difference,
    read_ablations,
    summary,
    write_ablations,
)
from tutorial_lib.evaluation.oracle import Oracle, best_fixed_candidate
from tutorial_lib.evaluation.published import LI_TABLE_3, LI_TABLE_4
from tutorial_lib.evaluation.records import to_plain
from tutorial_lib.metrics import iou
from tutorial_lib.training.folder import CHECKPOINT
from tutorial_lib.training.latent_diversity.recipes import ABLATIONS
from tutorial_lib.training.recipes import RECIPES, get_recipe
from tutorial_lib.training.run import train

pytestmark = pytest.mark.slow  # tools that train, measure and start again
FAST = ("crop=64", "batch=2", "augmented=false", "workers=0", "device=cpu", "precision=float32")


@pytest.fixture(autouse=True, scope="module")
def _few_scenes():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "HELD_OUT", {**tool.HELD_OUT, "n": 2})
        yield


def reached(*counts):
    return {
        "counts": {"85": list(counts), "90": [20] * len(counts)},
        "noc": {"85": float(np.mean(counts)), "90": 20.0},
        "miou": [0.5, 0.6],
    }


def row(shown="g", heads=6, **selectors):
    return AblationRecipe(
        changes={},
        heads=heads,
        shown=shown,
        images=16,
        images_g=0,
        minutes=0.1,
        minutes_g=0,
        loss=0.5,
        commit=None,
        ways=selectors,
    )


FULL = row(oracle=reached(1, 2, 3), fixed=reached(3, 3, 3), g=reached(2, 4, 6))
SINGLE = row("first", heads=1, oracle=reached(3, 5, 10))
RESULT = {
    "schema": 1,
    "command": "python tools/measure_ablations.py --toy",
    "machine": {},
    "precision": "float32",
    "budget": {"steps": 2, "steps_g": 0, "settings": []},
    "protocol": {
        "dataset": "toy-world",
        "root_name": "all",
        "objects": 3,
        "robot": "center",
        "seed": 0,
        "max_clicks": 20,
        "size": 0,
    },
    "recipes": {"full": to_plain(FULL), "without-diversity": to_plain(SINGLE)},
}


# -- the file --------------------------------------------------------------------------------------


def test_what_was_written_can_be_read(tmp_path):
    path = tmp_path / "new" / "ablations.json"
    results = AblationResults(**RESULT)
    write_ablations(results, path)
    assert read_ablations(path) == results
    assert json.loads(path.read_text()) == json.loads(json.dumps(RESULT))
    assert [file.name for file in path.parent.iterdir()] == ["ablations.json"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("recipes", "full", "shown"), "best"),
        (("recipes", "full", "ways", "fixed", "miou"), [50]),
        (("recipes", "full", "ways"), {"g": reached(1)}),
        (("budget", "steps"), 0),
        (("protocol",), {}),
    ],
)
def test_what_does_not_fit_is_neither_made_nor_read(tmp_path, place, value):
    wrong = copy.deepcopy(RESULT)
    part = wrong
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    with pytest.raises(ValidationError):
        AblationResults(**wrong)
    path = tmp_path / "ablations.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(ValueError, match="holds no results at"):
        read_ablations(path)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="make ablations") as error:
        read_ablations(tmp_path / "ablations.json")
    assert one_sentence(error.value)


# -- comparing rows --------------------------------------------------------------------------------


def test_what_is_shown_is_what_counts():
    assert summary(FULL).noc["85"] == 4
    assert summary(FULL, "oracle").noc["85"] == 2
    assert summary(FULL, "first") is None


@pytest.mark.parametrize("chosen", ["shown", "oracle", "fixed", "first"])
def test_of_a_single_candidate_all_ways_are_the_same(chosen):
    assert summary(SINGLE, chosen).noc["85"] == 6


def test_a_difference_is_taken_object_by_object():
    mean, low, high = paired_difference(SINGLE, FULL)  # 3-2, 5-4, 10-6
    assert mean == 2
    assert 1 <= low <= mean <= high <= 4
    assert paired_difference(FULL, FULL) == (0, 0, 0)
    assert paired_difference(SINGLE, FULL, threshold=90) == (0, 0, 0)


def test_what_was_not_measured_has_no_difference():
    assert (
        paired_difference(row("fixed", oracle=reached(1), fixed=reached(1)), FULL, selector="g")
        is None
    )


def test_other_objects_cannot_be_compared():
    with pytest.raises(ValueError, match="not 1 with 3") as error:
        paired_difference(row(oracle=reached(1), g=reached(1)), FULL)
    assert one_sentence(error.value)


def test_every_row_of_the_paper_is_a_recipe_and_a_published_figure():
    assert set(TABLE_3) | set(TABLE_4) | set(FIGURE_5) | set(OWN) == set(ABLATIONS)
    assert list(TABLE_3.values()) == list(LI_TABLE_3.rows)
    assert list(TABLE_4.values()) == list(LI_TABLE_4.rows)
    for name, heads in FIGURE_5.items():
        assert RECIPES[f"ablation-{name}"].heads == heads


# -- the oracle ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    settings = ("minutes=0", "steps=1", "heads=3", *FAST)
    out = tmp_path_factory.mktemp("f")
    return train("latent-diversity-toy", out, settings=settings).weights


def test_an_oracle_shows_the_candidate_nearest_to_the_known_mask(weights):
    photo, truth, _ = easy_scene(64, 64)
    ignore = np.zeros_like(truth)
    ignore[:20] = True
    method = LatentDiversity(weights, size=64, device="cpu")
    oracle = Oracle(method, Example("0", photo, truth, ignore))
    prepared = oracle.prepare(photo)
    one = Clicks([Click(32, 32)])
    answer = oracle.segment(prepared, one)
    ious = [iou(candidate >= 0.5, truth, ignore) for candidate in answer.candidates]
    assert iou(answer.mask, truth, ignore) == max(ious)
    assert oracle.judged[0].tolist() == ious
    two = oracle.segment(prepared, one.add(Click(5, 5, positive=False)))
    best = int(np.argmax(ious))
    corrected = one.prefer(best).add(Click(5, 5, positive=False))
    expected = method.segment(method.prepare(photo), corrected)
    assert np.array_equal(two.candidates, expected.candidates)
    assert len(oracle.judged) == 2
    oracle.judged = [np.array([0.2, 0.9, 0.1]), np.array([0.6, 0.1, 0.5])]
    assert best_fixed_candidate([oracle]) == 1


def test_oracles_that_judged_nothing_know_no_best():
    with pytest.raises(ValueError, match="before anything was answered") as error:
        best_fixed_candidate([])
    assert one_sentence(error.value)


def test_every_way_of_choosing_is_measured_in_processes_of_its_own(weights, tmp_path):
    photo, truth, _ = easy_scene(64, 64)
    for part, picture in (("images", photo), ("masks", 255 * truth.astype(np.uint8))):
        (tmp_path / "set" / part).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / "set" / part / "a.png")
    out = tmp_path / "selection.json"
    args = ["--weights", weights, "--root", tmp_path / "set", "--dataset", "folder", "--size", "64"]
    command = [sys.executable, selection_tool.__file__, *args, "--workers", "2", "--out", out]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    ways = json.loads(out.read_text())["datasets"]["set"]["ways"]
    assert list(ways) == ["g", "oracle", "candidate 0", "candidate 1", "candidate 2"]
    assert ways["g"] == ways["candidate 0"]  # without g the first candidate is shown
    assert ways["oracle"]["miou"][0] == max(ways[f"candidate {k}"]["miou"][0] for k in range(3))


# -- the tool --------------------------------------------------------------------------------------


def call(tmp_path, *names, **options):
    usual = {"toy": True, "steps": 2, "steps_g": 1, "settings": list(FAST), "limit": 2}
    arguments = {
        "data": None, "root": None, "dataset": "folder", "recipe": list(names),
        "work": tmp_path / "work", "out": tmp_path / "out.json",
    }  # fmt: skip
    tool.main(**{**arguments, **usual, **options})
    return read_ablations(tmp_path / "out.json")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablations")
    return folder, call(folder, "full", "without-diversity", "rdl")


def test_each_recipe_is_shown_as_a_user_would_see_it(measured):
    _, found = measured
    rows = found.recipes
    assert {name: rows[name].shown for name in rows} == {
        "full": "g",
        "without-diversity": "first",
        "rdl": "first",
    }
    assert set(rows["full"].selectors) == {"oracle", "fixed", "first", "g"}
    assert set(rows["without-diversity"].selectors) == {"oracle"}
    assert set(rows["rdl"].selectors) == {"oracle", "fixed", "first"}
    assert rows["full"].images == 2 * 2
    assert rows["full"].images_g == 1 * 2
    assert rows["rdl"].images_g == 0
    assert rows["rdl"].changes == ABLATIONS["rdl"]


def test_the_file_says_how_it_came_about(measured):
    _, found = measured
    flags = "".join(f" --set {text}" for text in FAST)
    begun = "python tools/measure_ablations.py --toy --steps 2 --steps-g 1 --limit 2"
    assert found.command == begun + flags
    assert found.budget.steps_g == 1
    assert found.protocol.objects == 2
    assert found.machine["python"]


def test_no_candidate_beats_the_oracle_at_the_first_click(measured):
    for recipe in measured[1].recipes.values():
        best = recipe.selectors["oracle"].miou[0]
        assert all(found.miou[0] <= best for found in recipe.selectors.values())


def test_what_was_measured_is_not_measured_again(measured, monkeypatch):
    folder, found = measured
    monkeypatch.setattr(tool, "ablate", lambda *_: pytest.fail("this was done already"))
    assert call(folder, "full", "rdl").recipes == found.recipes


def test_a_recipe_goes_on_at_its_checkpoint(measured, monkeypatch, tmp_path):
    resumed = []

    def watched(*arguments, resume, **options):
        resumed.append(resume)
        return train(*arguments, resume=resume, **options)

    monkeypatch.setattr("tutorial_lib.training.run.train", watched)
    folder, _ = measured
    call(folder, "full", out=folder / "again.json")
    assert resumed == [True, True]
    again = read_ablations(folder / "again.json").recipes["full"]
    assert again.images == 2 * 2


def test_a_recipe_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path):
    name = "without-diversity"
    killed = tmp_path / "work" / "toy" / f"{name}-2"
    killed.mkdir(parents=True)
    (killed / "log.jsonl").write_text("", encoding="utf-8")
    assert call(tmp_path, name).recipes.keys() == {name}
    assert (killed / CHECKPOINT).exists()


def test_two_at_a_time_measure_what_one_after_the_other_does(measured, tmp_path):
    _, found = measured
    side_by_side = call(tmp_path, "without-diversity", "rdl", workers=2).recipes
    assert side_by_side.keys() == {"without-diversity", "rdl"}
    for name, row in side_by_side.items():
        assert row.loss == pytest.approx(found.recipes[name].loss, abs=1e-3)
        assert row.selectors.keys() == found.recipes[name].selectors.keys()


def test_figures_of_another_budget_are_not_mixed(measured):
    folder, _ = measured
    with pytest.raises(typer.BadParameter, match="another budget") as error:
        call(folder, "full", steps=3)
    assert one_sentence(error.value)


def test_an_interrupted_run_stops_everything(tmp_path, monkeypatch):
    stopped = tool.TrainingResult(1, 0.1, 0.5, tmp_path / "weights", "", finished=False)
    monkeypatch.setattr("tutorial_lib.training.run.train", lambda *_, **__: stopped)
    with pytest.raises(KeyboardInterrupt):
        call(tmp_path, "full")
    assert not (tmp_path / "out.json").exists()


def test_a_recipe_that_fails_costs_only_its_own_row(tmp_path, monkeypatch, capsys):
    def ablate(name, *_):
        if name == "l1":
            raise ValueError("No gradient was finite.")
        return FULL

    monkeypatch.setattr(tool, "ablate", ablate)
    with pytest.raises(typer.Exit):
        call(tmp_path, "l1", "full")
    assert list(read_ablations(tmp_path / "out.json").recipes) == ["full"]
    assert "Not measured: l1: No gradient was finite." in capsys.readouterr().out


def test_a_setting_does_not_undo_what_a_recipe_is_about():
    given = ["corrections=1", "heads=6", "crop=96", "loss=l1"]
    assert tool.settings_for("full", given) == given
    assert tool.settings_for("without-corrections", given) == ["heads=6", "crop=96", "loss=l1"]
    assert tool.settings_for("without-diversity", given) == ["corrections=1", "crop=96", "loss=l1"]
    assert tool.settings_for("g", given) == ["corrections=1", "crop=96"]
    assert tool.settings_for("full", ["selector=paper"]) == []


@pytest.mark.parametrize("name", ABLATIONS)
def test_all_recipes_take_the_toy_settings(name):
    recipe = get_recipe(f"ablation-{name}", tool.settings_for(name, tool.TOYS.settings))
    assert (recipe.crop, recipe.mixture) == (64, "toy-world::1")
    assert recipe.corrections == ABLATIONS[name].get("corrections", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": ["no-such"]}, "there is no 'no-such'"),
        ({"toy": False}, "with --data, or use --toy"),
        ({"settings": ["nonsense=1"]}, "has no setting nonsense"),
        ({"settings": ["loss=l3"]}, "one of jaccard"),
        ({"settings": ["crop"]}, "written key=value"),
    ],
)
def test_bad_input_is_refused_at_once(tmp_path, options, message):
    with pytest.raises(typer.BadParameter, match=message) as error:
        call(tmp_path, **options)
    assert one_sentence(error.value)


def test_photos_without_a_folder_are_refused(tmp_path):
    with pytest.raises(typer.BadParameter, match="with --root, or use --toy") as error:
        call(tmp_path, toy=False, data=tmp_path)
    assert one_sentence(error.value)


def test_photos_are_measured_in_the_layout_they_have(tmp_path, monkeypatch):
    for part in ("images", "masks"):
        (tmp_path / "photos" / part).mkdir(parents=True)
    photo, truth, _ = easy_scene(40, 50)
    Image.fromarray(photo).save(tmp_path / "photos" / "images" / "a.png")
    Image.fromarray(255 * truth.astype(np.uint8)).save(tmp_path / "photos" / "masks" / "a.png")
    seen = []
    monkeypatch.setattr(tool, "ablate", lambda name, scale, examples, *_: seen.append(examples))
    monkeypatch.setattr(tool, "write_ablations", lambda *_: None)
    monkeypatch.setattr(tool, "report", lambda *_: None)
    monkeypatch.setattr(tool, "read_ablations", lambda *_: None)
    arguments = {"toy": False, "data": tmp_path, "root": tmp_path / "photos"}
    with pytest.raises(FileNotFoundError):  # nothing was written
        call(tmp_path, "full", **arguments)
    assert [example.truth.sum() for example in seen[0]] == [truth.sum()]


def test_of_each_drawn_scene_the_main_thing_is_asked_for():
    world, examples = tool.objects(True, "", None, None)
    scenes = [world.scene(number) for number in range(2)]
    assert len(examples) == 2
    for example, scene in zip(examples, scenes, strict=True):
        assert np.array_equal(example.truth, scene.mask(scene.kind))


def test_scenes_to_measure_on_were_not_trained_on():
    assert tool.HELD_OUT["seed"] * 1_000_000 >= 2**31


def test_measuring_needs_the_selection_network_only_for_g(weights):
    scene = easy_scene(48, 48)
    found = tool.measure(weights, [Example("0", scene[0], scene[1], None)], 64, 2)
    assert set(found) == {"oracle", "fixed", "first"}
    assert found["first"].candidate == 0
    shown = LatentDiversity(weights, size=64, show=found["fixed"].candidate)
    assert found["fixed"].counts == tool.use([shown], [_example(scene)], 2).counts


def _example(scene):
    return Example("0", scene[0], scene[1], None)

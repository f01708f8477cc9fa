"""Recipes: what can be set, and what is refused."""

import dataclasses
from dataclasses import dataclass

import pytest
from torch import nn

from tests.support import one_sentence
from tutorial_lib.training import recipes
from tutorial_lib.training.object_selection import ObjectSelectionTask
from tutorial_lib.training.recipes import RECIPES, get_recipe, make_task, register_recipe
from tutorial_lib.training.run import train
from tutorial_lib.training.settings import (
    RENAMED_SETTINGS,
    RUN_SETTINGS,
    Recipe,
    number,
    with_current_names,
)
from tutorial_lib.training.sources import MixturePart, parse_mixture
from tutorial_lib.training.task import TrainingTask


def test_the_recipes():
    names = [name for name in RECIPES if not name.startswith("ablation-")]
    assert names == [
        "dos-32s", "dos-16s", "dos-8s", "dos", "dos-toy", "semantic-fcn", "semantic-crf-rnn",
        "latent-diversity-f", "latent-diversity-rdl", "latent-diversity-f-paper",
        "latent-diversity-toy", "latent-diversity-g", "latent-diversity-g-dense",
        "latent-diversity-g-paper", "latent-diversity-g-toy",
    ]  # fmt: skip
    assert [RECIPES[f"dos-{stride}s"].shares for stride in (32, 16, 8)] == [
        ((32, 1.0),),
        ((16, 1.0),),
        ((8, 1.0),),
    ]


def test_photos_are_mixed_in_the_shares_that_worked():
    parts = parse_mixture(RECIPES["dos"].mixture)
    assert [(part.kind, part.share) for part in parts] == [
        ("duts", 0.55),
        ("clothing-co-parsing", 0.2),
        ("bsds500", 0.25),
    ]


def test_the_crf_alone_tells_the_semantic_recipes_apart():
    fcn, crf = RECIPES["semantic-fcn"], RECIPES["semantic-crf-rnn"]
    assert (fcn.crf_steps, crf.crf_steps) == (0, 5)
    assert fcn.mixture == crf.mixture == "clothing-co-parsing:clothing-co-parsing:1"
    assert get_recipe("semantic-fcn", ["crf_steps=3", "jaccard=0"]).crf_steps == 3


@pytest.mark.parametrize(
    ("progress", "stride"), [(0, 32), (0.199, 32), (0.2, 16), (0.39, 16), (0.41, 8), (1, 8)]
)
def test_a_staged_run_goes_from_stride_to_stride(progress, stride):
    assert RECIPES["dos"].stride(progress) == stride


def test_settings_replace_values_of_their_type():
    settings = ["lr=0.0005", "batch = 4", "pretrained=false", "start=a=b.safetensors", "batch=6"]
    recipe = get_recipe("dos", settings, minutes=2)
    assert (recipe.lr, recipe.batch, recipe.pretrained) == (0.0005, 6, False)
    assert (recipe.start, recipe.minutes) == ("a=b.safetensors", 2.0)


def test_a_recipe_is_left_as_it_is():
    get_recipe("dos", ["lr=5"])
    assert RECIPES["dos"].lr == 1e-3


def test_every_setting_that_may_change_on_resuming_exists():
    known = {field.name for recipe in RECIPES.values() for field in dataclasses.fields(recipe)}
    assert known >= RUN_SETTINGS


def test_a_mixture_is_read_piece_by_piece():
    assert parse_mixture("folder:C:/photos:0.4, toy-world::0.6") == (
        MixturePart("folder", "C:/photos", 0.4),
        MixturePart("toy-world", "", 0.6),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("duts", "written kind:folder:share"),
        ("duts:a:much", "written kind:folder:share"),
        ("duts:a:0", "written kind:folder:share"),
        ("cats:a:1", "there is no 'cats'"),
    ],
)
def test_a_mixture_that_cannot_be_read_is_refused(text, message):
    with pytest.raises(ValueError, match=message) as error:
        parse_mixture(text)
    assert one_sentence(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["lr"], "setting is written key=value"),
        (["speed=3"], "'dos' has no setting speed; it has: mixture"),
        (["name=mine"], "has no setting name; it has: mixture"),
        (["lr=fast"], "lr is a number, not 'fast'"),
        (["lr=nan"], "lr is a number"),
        (["lr=-1"], "lr is at least 0"),
        (["seed=1.0"], "seed is a whole number, not '1.0'"),
        (["batch=1.5"], "batch is a whole number"),
        (["batch=0"], "batch is at least 1"),
        (["pretrained=perhaps"], "true or false"),
        (["optimiser=adam"], "one of adamw, sgd"),
        (["warmup=2"], "between 0 and 1"),
        (["crop=100"], "multiple of 32"),
        (["scale_low=2"], "scale_low <= scale_high"),
        (["devices=3"], "batch of 8 cannot be shared evenly"),
        (["minutes=0"], "needs an end"),
        (["stages=32"], "written stride:share"),
        (["stages=32:0.5,8:0.5"], "32 to 16 to 8"),
        (["stages=16:0.5,32:0.5"], "32 to 16 to 8"),
        (["stages=16:0.5,8:0.6"], "sum to 1, not to 1.1"),
        (["stages=16:2,8:-1"], "positive"),
    ],
)
def test_a_bad_setting_ends_in_one_sentence(settings, message):
    with pytest.raises(ValueError, match=message) as error:
        get_recipe("dos", settings)
    assert one_sentence(error.value)


@pytest.mark.parametrize(
    ("recipe", "setting"),
    [("latent-diversity-f", "learned=true"), ("latent-diversity-g", "selector=views")],
)
def test_what_needs_one_device_says_so_before_it_waits_for_ever(recipe, setting):
    assert get_recipe(recipe, [setting]).devices == 1
    with pytest.raises(ValueError, match="trained on one device") as error:
        get_recipe(recipe, [setting, "devices=2"])
    assert one_sentence(error.value)


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ValueError, match="The recipes are dos-32s, .*; there is no 'cake'"):
        get_recipe("cake")


@pytest.mark.parametrize("minutes", [0, -1, float("inf"), float("nan")])
def test_a_run_lasts_a_while(minutes):
    with pytest.raises(ValueError, match="more than 0 minutes"):
        get_recipe("dos", minutes=minutes)


# -- recipes of one's own --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SlopeRecipe(Recipe):
    slope: float = number(2.0, 0)


class SlopeTask(TrainingTask):
    """Fit a line through the origin: the smallest task there is."""

    def build(self, stage=None):
        return nn.Linear(1, 1, bias=False)

    def stage(self, network):
        return 1

    def groups(self, network):
        return [{"params": list(network.parameters()), "share": 1.0, "weight_decay": 0.0}]

    def batches(self, step, rank, world):
        while True:
            yield [1.0]

    def loss(self, model, batch, device):
        return (model.weight - self.recipe.slope).square().mean()

    def metadata(self, network):
        return {"recipe": self.recipe.to_dict()}


SLOPE = SlopeRecipe(name="slope", summary="A line.", steps=2, minutes=0, workers=0, device="cpu")


@pytest.fixture
def registry(monkeypatch):
    """Undo what a test registers."""
    monkeypatch.setattr(recipes, "RECIPES", dict(recipes.RECIPES))
    monkeypatch.setattr(recipes, "_TASKS", dict(recipes._TASKS))


@pytest.mark.usefixtures("registry")
def test_a_recipe_of_ones_own_is_trained_by_its_name(tmp_path):
    assert register_recipe(SLOPE, lambda recipe, data: SlopeTask(recipe)) is SLOPE
    found = train("slope", tmp_path, settings=["slope=3", "steps=1"])
    assert (found.step, found.finished) == (1, True)
    with pytest.raises(ValueError, match="'slope' has no setting heads"):
        get_recipe("slope", ["heads=3"])


@pytest.mark.usefixtures("registry")
def test_a_recipe_may_be_registered_twice_but_not_another_one_of_its_name():
    register_recipe(SLOPE, SlopeTask)
    register_recipe(SLOPE, SlopeTask)
    others = (dataclasses.replace(SLOPE, slope=5.0), SlopeTask), (SLOPE, ObjectSelectionTask)
    for recipe, task in others:
        with pytest.raises(ValueError, match="A recipe named 'slope' is registered") as error:
            register_recipe(recipe, task)
        assert one_sentence(error.value)


@pytest.mark.usefixtures("registry")
def test_a_task_of_the_running_notebook_is_replaced(monkeypatch):
    monkeypatch.setattr(SlopeTask, "__module__", "__main__")
    register_recipe(SLOPE, SlopeTask)
    changed = dataclasses.replace(SLOPE, slope=5.0)
    assert register_recipe(changed, SlopeTask) is recipes.RECIPES["slope"]


def test_every_recipe_has_a_task():
    assert isinstance(make_task(get_recipe("dos-toy")), ObjectSelectionTask)
    assert set(recipes._TASKS) == set(RECIPES)


# -- former names of settings ----------------------------------------------------------------------


def test_former_names_of_settings_are_understood():
    former = get_recipe("latent-diversity-f", ["stray=0.4", "scatter = 0.1"])
    assert (former.exploration, former.random_clicks) == (0.4, 0.1)
    assert get_recipe("latent-diversity-f", ["exploration=0.3", "stray=0.4"]).exploration == 0.4
    with pytest.raises(ValueError, match="The setting exploration is between 0 and 1, not 2"):
        get_recipe("latent-diversity-f", ["stray=2"])


def test_stored_settings_get_the_names_that_they_have_now():
    recipe = get_recipe("latent-diversity-f")
    former = {now: before for before, now in RENAMED_SETTINGS.items()}
    stored = {former.get(name, name): value for name, value in recipe.to_dict().items()}
    assert "stray" in stored
    assert with_current_names(stored) == recipe.to_dict()
    assert not set(RENAMED_SETTINGS) & set(recipe.to_dict())

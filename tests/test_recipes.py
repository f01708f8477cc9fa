"""Recipes: what can be set, and what is refused."""

import dataclasses

import pytest

from tests.support import one_sentence
from tutorial_lib.training.recipes import RECIPES, get_recipe
from tutorial_lib.training.settings import RUN_SETTINGS
from tutorial_lib.training.sources import Part, parse_mixture


def test_the_recipes():
    names = [name for name in RECIPES if not name.startswith("ablation-")]
    assert names == [
        "dos-32s", "dos-16s", "dos-8s", "dos", "dos-toy", "semantic-fcn", "semantic-crf-rnn",
        "latent-diversity-f", "latent-diversity-g", "latent-diversity-g-dense",
        "latent-diversity-rdl", "latent-diversity-f-paper", "latent-diversity-g-paper",
        "latent-diversity-toy", "latent-diversity-g-toy",
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
        Part("folder", "C:/photos", 0.4),
        Part("toy-world", "", 0.6),
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
        (["devices=3"], "batch of 8 cannot be shared out"),
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


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ValueError, match="The recipes are dos-32s, .*; there is no 'cake'"):
        get_recipe("cake")


@pytest.mark.parametrize("minutes", [0, -1, float("inf"), float("nan")])
def test_a_run_lasts_a_while(minutes):
    with pytest.raises(ValueError, match="more than 0 minutes"):
        get_recipe("dos", minutes=minutes)

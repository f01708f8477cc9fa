"""Training f and g: users who correct what they are shown, and what is learned from them."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.support import one_sentence
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep.latent_diversity.networks import load_networks
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity as Segmenter
from tutorial_lib.deep.weights import read_metadata, read_weights
from tutorial_lib.training.data import Sample, collate
from tutorial_lib.training.latent_diversity.proposal import LatentDiversity
from tutorial_lib.training.latent_diversity.recipes import ABLATION_STEPS, ABLATIONS
from tutorial_lib.training.latent_diversity.rollouts import clicked_cells, on_cells
from tutorial_lib.training.latent_diversity.selection import Selection
from tutorial_lib.training.recipes import RECIPES, get_recipe
from tutorial_lib.training.run import train

pytestmark = pytest.mark.slow

TINY = ("minutes=0", "steps=2", "crop=64", "batch=2", "workers=0", "device=cpu", "log_steps=1")
PLAIN = (*TINY, "precision=float32", "augmented=false", "heads=3")


def batch(corrections=1, count=1, first=0):
    """Return samples of 8 x 8 pixels: the left half is the object, the last row does not count."""
    image = np.zeros((8, 8, 3), np.uint8)
    target = np.zeros((8, 8), bool)
    target[:, :4] = True
    valid = np.ones((8, 8), bool)
    valid[7] = False
    clicks = Clicks([Click(3, 1)])
    numbers = range(first, first + count)
    return collate([Sample(image, target, valid, clicks, corrections, n) for n in numbers])


def task(*settings, name="latent-diversity-toy"):
    return LatentDiversity(get_recipe(name, [*PLAIN, "scatter=0", "stray=0", *settings]))


def answers(*masks):
    """Return what stands in for f: candidates on 4 x 4 cells, sure of themselves."""
    logits = torch.tensor(np.stack(masks), dtype=torch.float32) * 20 - 10

    def predict(*inputs, call="forward"):
        if call == "features":
            return torch.zeros(len(inputs[0]), 64, 4, 4)
        if call == "scores":
            return torch.tensor([[0.0, 1.0, 0.0]]).expand(len(inputs[1]), 3)
        count = len(inputs[0])
        return torch.zeros(count, 64, 4, 4), logits.expand(count, *logits.shape)

    return predict


EMPTY, ALL = np.zeros((4, 4)), np.ones((4, 4))
RIGHT = np.zeros((4, 4))
RIGHT[:, :2] = 1


# -- cells -----------------------------------------------------------------------------------------


def test_cells_hold_shares_and_count_only_if_all_their_pixels_do():
    samples = batch()
    samples.target[0, 0, 1] = False
    target, valid = on_cells(samples, 2)
    assert target[0, 0].tolist() == [0.75, 1, 0, 0]
    assert valid[0, :, 0].tolist() == [True, True, True, False]


def test_clicks_are_cells():
    samples = batch()
    samples.clicks[0] = samples.clicks[0].add(Click(0, 7, positive=False))
    positive, negative = clicked_cells(samples, task().told)
    assert positive[0].nonzero().tolist() == [[1, 0]]
    assert negative[0].nonzero().tolist() == [[0, 3]]


# -- users -----------------------------------------------------------------------------------------


def test_users_correct_the_best_candidate():
    turn = task().amend(batch(), answers(EMPTY, ALL, RIGHT))
    assert len(turn.batch.clicks[0]) == 1  # nothing was wrong with it
    assert turn.batch.corrections == [0]


def test_with_the_ranked_loss_they_correct_the_first():
    turn = task("follow=first").amend(batch(), answers(EMPTY, ALL, RIGHT))
    assert turn.batch.clicks[0][1].positive
    assert turn.batch.target[0, turn.batch.clicks[0][1].row, turn.batch.clicks[0][1].col]


def test_they_correct_as_often_as_they_are_to_and_see_what_they_corrected():
    turn = task().amend(batch(corrections=2), answers(ALL, ALL, ALL))
    clicks = turn.batch.clicks[0]
    assert [click.positive for click in clicks] == [True, False, False]
    assert len({(click.row, click.col) for click in clicks}) == 3
    assert turn.interaction[0, 4].numpy() == pytest.approx(ALL, abs=1e-4)  # the mask before
    assert turn.interaction[0, 3].sum() > 0


def test_few_rounds_hold_several_corrections_of_the_same_mask():
    shown = []

    def watched(*inputs, call):
        shown.append(call)
        return answers(ALL, ALL, ALL)(*inputs, call=call)

    turn = task("rounds=2").amend(batch(corrections=3), watched)
    assert shown == ["features", "answer", "answer"]
    assert turn.batch.corrections == [0]
    assert len({(click.row, click.col) for click in turn.batch.clicks[0]}) == 4


def test_samples_that_need_no_correction_are_left_alone():
    samples = batch(corrections=1, count=2)
    samples.corrections[1] = 0
    turn = task().amend(samples, answers(ALL, ALL, ALL))
    assert [len(clicks) for clicks in turn.batch.clicks] == [2, 1]
    assert not turn.interaction[1, 4].any()


def test_they_may_stray():
    strays = task("stray=1")
    turn = strays.turn(batch(count=40))
    chosen = strays.strayed(turn, list(range(40)), torch.zeros(40, dtype=torch.long), 3)
    assert set(chosen.tolist()) == {0, 1, 2}


def test_they_may_scatter():
    turn = task("scatter=1").amend(batch(count=20), answers(ALL, ALL, ALL))
    assert len({clicks[1] for clicks in turn.batch.clicks}) > 3


def scattered(samples):
    """Return the clicks of users who stray and scatter."""
    taught = task("scatter=0.5", "stray=0.5")
    return taught.amend(samples, answers(ALL, EMPTY, EMPTY)).batch.clicks


def test_what_a_user_does_does_not_depend_on_who_shares_the_batch():
    whole = scattered(batch(corrections=3, count=8))
    parts = [scattered(batch(corrections=3, count=4, first=first)) for first in (0, 4)]
    assert [*parts[0], *parts[1]] == whole
    assert len({tuple(clicks) for clicks in whole}) > 2


def test_what_users_do_leaves_the_networks_chance_alone():
    before = torch.get_rng_state()
    scattered(batch(corrections=3))
    assert torch.equal(torch.get_rng_state(), before)


# -- losses ----------------------------------------------------------------------------------------


def loss_of(*masks, settings=()):
    trained = task("corrections=0", "share=0", *settings)
    turn = trained.turn(batch(corrections=0))
    logits = torch.tensor(np.stack(masks), dtype=torch.float32)[None] * 40 - 20
    return trained.loss(lambda *_: logits, turn, torch.device("cpu")).item()


def test_the_best_candidate_alone_counts():
    assert loss_of(EMPTY, ALL, RIGHT) == pytest.approx(0, abs=1e-4)
    assert loss_of(ALL, ALL, ALL) == pytest.approx(0.5, abs=1e-4)


def test_a_candidate_that_misses_a_click_pays_for_it():
    assert loss_of(EMPTY, EMPTY, EMPTY) == pytest.approx(2, abs=1e-4)
    assert loss_of(EMPTY, EMPTY, EMPTY, settings=("constraint=0",)) == pytest.approx(1, abs=1e-4)


def test_the_ranked_loss_holds_the_first_candidate_to_the_mask():
    ranked = ("ranking=0.01", "constraint=0")
    first, last = (
        loss_of(RIGHT, ALL, ALL, settings=ranked),
        loss_of(ALL, ALL, RIGHT, settings=ranked),
    )
    assert first == pytest.approx((0.02 + 0.01) * 0.5, abs=1e-4)
    assert last == pytest.approx((0.04 + 0.02) * 0.5, abs=1e-4)


@pytest.mark.parametrize(("kind", "expected"), [("l1", 0.5), ("cross-entropy", 10)])
def test_the_loss_can_be_exchanged(kind, expected):
    settings = (f"loss={kind}", "constraint=0")
    assert loss_of(ALL, ALL, ALL, settings=settings) == pytest.approx(expected, abs=1e-3)


# -- whole runs ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained_f(tmp_path_factory):
    return train("latent-diversity-toy", tmp_path_factory.mktemp("f"), settings=PLAIN)


@pytest.fixture(scope="module")
def trained_g(tmp_path_factory, trained_f):
    settings = (*TINY, "precision=float32", f"start={trained_f.weights}")
    return train("latent-diversity-g-toy", tmp_path_factory.mktemp("g"), settings=settings)


def test_a_trained_f_is_a_method_that_shows_its_first_candidate(trained_f):
    method = Segmenter(trained_f.weights, size=64, device="cpu")
    answer = method.segment(method.prepare(np.zeros((64, 64, 3), np.uint8)), Clicks([Click(9, 9)]))
    assert answer.candidates.shape == (3, 64, 64)
    assert answer.scores.argmax() == 0


def test_a_trained_g_is_stored_beside_its_f(trained_f, trained_g):
    _, before, _ = load_networks(trained_f.weights)
    _, after, about = load_networks(trained_g.weights)
    same = [
        torch.equal(a, b)
        for a, b in zip(before.f.state_dict().values(), after.f.state_dict().values(), strict=True)
    ]
    assert all(same)
    assert after.g.norm.num_batches_tracked == 2
    assert about["recipe"]["name"] == "latent-diversity-g-toy"
    assert about["recipe_f"]["name"] == "latent-diversity-toy"


def test_weights_do_not_say_where_files_lay(trained_g):
    assert read_metadata(trained_g.weights)["recipe"]["start"] == "weights.safetensors"


def test_f_goes_on_with_users_who_follow_g(trained_g, tmp_path):
    settings = (*PLAIN, "follow=selected", f"start={trained_g.weights}")
    found = train("latent-diversity-toy", tmp_path, settings=settings)
    _, before, _ = load_networks(trained_g.weights)
    _, after, _ = load_networks(found.weights)
    assert torch.equal(after.g.prior, before.g.prior)
    assert not torch.equal(after.f.heads.weight, before.f.heads.weight)


def test_g_goes_on_from_a_g_of_its_kind(trained_g):
    settings = (*TINY, f"start={trained_g.weights}")
    _, before, _ = load_networks(trained_g.weights)
    for selector in ("shared", "intent"):  # the same tensors
        told = [*settings, f"selector={selector}"]
        same = Selection(get_recipe("latent-diversity-g-toy", told)).build()
        assert same.g.name == selector
        assert torch.equal(same.g.judge[0].weight, before.g.judge[0].weight)
    other = Selection(get_recipe("latent-diversity-g-toy", [*settings, "selector=paper"])).build()
    assert other.g.name == "paper"


def test_every_state_of_a_conversation_is_a_lesson(trained_f):
    taught = Selection(get_recipe("latent-diversity-g-toy", (*TINY, f"start={trained_f.weights}")))
    networks = taught.build()
    samples = batch(corrections=2, count=2)
    samples.corrections[1] = 0

    def predict(*inputs, call="forward"):
        with torch.no_grad():
            return getattr(networks.eval(), call)(*inputs)

    lessons = taught.amend(samples, predict)
    rounds = [len(distances) for distances in lessons.distances]
    assert (len(lessons), rounds[0]) == (2, 2)
    assert rounds[1:] == [1] * (len(samples.clicks[0]) - 1)
    assert torch.isfinite(taught.loss(networks.train(), lessons, torch.device("cpu")))


def test_g_without_f_is_refused():
    with pytest.raises(ValueError, match="name f's weights by --set start=FILE") as error:
        Selection(get_recipe("latent-diversity-g-toy"))
    assert one_sentence(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [(("heads=4",), "are those of another network"), (("follow=selected",), "hold no selection")],
)
def test_f_does_not_start_from_weights_that_do_not_fit(trained_f, settings, message):
    recipe = get_recipe("latent-diversity-toy", [*PLAIN, f"start={trained_f.weights}", *settings])
    with pytest.raises(ValueError, match=message) as error:
        LatentDiversity(recipe).build()
    assert one_sentence(error.value)


# -- recipes ---------------------------------------------------------------------------------------


def test_ablations_differ_from_the_full_model_in_one_component_each():
    full = RECIPES["ablation-full"]
    for name, changes in ABLATIONS.items():
        recipe = RECIPES[f"ablation-{name}"]
        assert (recipe.steps, recipe.minutes, recipe.batch) == (ABLATION_STEPS, 0, 8)
        named = {"name": recipe.name, "summary": recipe.summary}
        assert dataclasses.replace(full, **changes, **named) == recipe


def test_every_row_of_tables_3_and_4_has_its_recipe():
    table3 = ["without-augmented-input", "cross-entropy", "l1", "without-diversity",
              "without-distance-transforms", "without-click-input", "without-soft-constraints",
              "rdl", "full"]  # fmt: skip
    heads = {RECIPES[f"ablation-{name}"].heads for name in ABLATIONS}
    assert set(ABLATIONS) >= {*table3, "unet"}
    assert heads == {1, 2, 3, 4, 6, 8}


def test_the_published_recipe_has_nothing_that_was_added_since():
    recipe = RECIPES["latent-diversity-f-paper"]
    assert (recipe.preset, recipe.batch, recipe.lr) == ("paper", 1, 1e-4)
    assert (recipe.previous, recipe.share, recipe.corrections, recipe.stray) == (False, 0, 0, 0)
    assert recipe.steps == 100 * 8498


def test_following_a_selection_needs_one():
    with pytest.raises(ValueError, match="start from weights that hold a selection") as error:
        get_recipe("latent-diversity-f", ["follow=selected"])
    assert one_sentence(error.value)


# -- resuming --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["f", "g"])
def test_a_resumed_run_takes_the_same_steps_bit_for_bit(kind, trained_f, tmp_path):
    def run(folder, steps, resume=False):
        mine = [f"steps={steps}", "schedule=constant", "corrections=2", "warmup=0"]
        if kind == "f":
            return train("latent-diversity-toy", folder, resume=resume, settings=[*PLAIN, *mine])
        settings = [*TINY, "precision=float32", f"start={trained_f.weights}", *mine]
        return train("latent-diversity-g-toy", folder, resume=resume, settings=settings)

    whole = run(tmp_path / "whole", 3)
    run(tmp_path / "parts", 1)
    parts = run(tmp_path / "parts", 3, resume=True)
    one, two = read_weights(whole.weights), read_weights(parts.weights)
    assert all(torch.equal(one[name], two[name]) for name in one)

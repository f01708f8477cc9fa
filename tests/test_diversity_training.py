"""Training f and g: users who correct what they are shown, and what is learned from them."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.support import one_sentence
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep.backbones.by_name import backbone
from tutorial_lib.deep.latent_diversity.networks import load_networks
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.deep.weights import read_metadata, read_weights
from tutorial_lib.training.latent_diversity.proposal import ProposalTask
from tutorial_lib.training.latent_diversity.recipes import ABLATION_STEPS, ABLATIONS
from tutorial_lib.training.latent_diversity.rollouts import clicked_cells, on_cells
from tutorial_lib.training.latent_diversity.selection import SelectionTask, _running_statistics
from tutorial_lib.training.recipes import RECIPES, get_recipe
from tutorial_lib.training.run import train
from tutorial_lib.training.samples import ClickSample, collate_clicks
from tutorial_lib.training.settings import RENAMED_SETTINGS

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
    sample = ClickSample(image, target, valid, clicks, corrections)
    numbers = range(first, first + count)
    return collate_clicks([dataclasses.replace(sample, number=number) for number in numbers])


def task(*settings, name="latent-diversity-toy"):
    plain = [*PLAIN, "random_clicks=0", "exploration=0"]
    return ProposalTask(get_recipe(name, [*plain, *settings]))


def answers(*masks):
    """Return a stand-in for f: candidates on 4 x 4 cells, certain everywhere."""
    logits = torch.tensor(np.stack(masks), dtype=torch.float32) * 20 - 10

    def answer(features, _):
        return features[0], logits.expand(len(features[0]), *logits.shape)

    def features(image):
        return (torch.zeros(len(image), 64, 4, 4),)

    return SimpleNamespace(features=features, answer=answer)


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
    positive, negative = clicked_cells(samples, task().click_maps)
    assert positive[0].nonzero().tolist() == [[1, 0]]
    assert negative[0].nonzero().tolist() == [[0, 3]]


# -- users -----------------------------------------------------------------------------------------


def test_users_correct_the_best_candidate():
    rollout = task().simulate_corrections(batch(), answers(EMPTY, ALL, RIGHT))
    assert len(rollout.batch.clicks[0]) == 1  # nothing was wrong with it
    assert rollout.batch.corrections == [0]


def test_with_the_ranked_loss_they_correct_the_first():
    rollout = task("follow=first").simulate_corrections(batch(), answers(EMPTY, ALL, RIGHT))
    assert rollout.batch.clicks[0][1].positive
    assert rollout.batch.target[0, rollout.batch.clicks[0][1].row, rollout.batch.clicks[0][1].col]


def test_they_correct_as_often_as_they_are_to_and_see_what_they_corrected():
    rollout = task().simulate_corrections(batch(corrections=2), answers(ALL, ALL, ALL))
    clicks = rollout.batch.clicks[0]
    assert [click.positive for click in clicks] == [True, False, False]
    assert len({(click.row, click.col) for click in clicks}) == 3
    assert rollout.interaction[0, 4].numpy() == pytest.approx(ALL, abs=1e-4)  # the mask before
    assert rollout.interaction[0, 3].sum() > 0


def test_few_rounds_hold_several_corrections_of_the_same_mask():
    network, passes = answers(ALL, ALL, ALL), []
    answer = network.answer
    network.answer = lambda *inputs: passes.append(inputs) or answer(*inputs)
    rollout = task("rounds=2").simulate_corrections(batch(corrections=3), network)
    assert len(passes) == 2
    assert rollout.batch.corrections == [0]
    assert len({(click.row, click.col) for click in rollout.batch.clicks[0]}) == 4


def test_samples_that_need_no_correction_are_left_alone():
    samples = batch(corrections=1, count=2)
    samples.corrections[1] = 0
    rollout = task().simulate_corrections(samples, answers(ALL, ALL, ALL))
    assert [len(clicks) for clicks in rollout.batch.clicks] == [2, 1]
    assert not rollout.interaction[1, 4].any()


def test_they_may_explore_other_candidates():
    explorer = task("exploration=1")
    rollout = explorer.begin_rollout(batch(count=40))
    selected = torch.zeros(40, dtype=torch.long)
    explored = explorer.explore(rollout, list(range(40)), selected, 3)
    assert set(explored.tolist()) == {0, 1, 2}


def test_their_clicks_may_be_random():
    rollout = task("random_clicks=1").simulate_corrections(batch(count=20), answers(ALL, ALL, ALL))
    assert len({clicks[1] for clicks in rollout.batch.clicks}) > 3


def random_clicks(samples):
    """Return the clicks of users who explore and click at random."""
    taught = task("random_clicks=0.5", "exploration=0.5")
    return taught.simulate_corrections(samples, answers(ALL, EMPTY, EMPTY)).batch.clicks


def test_what_a_user_does_does_not_depend_on_who_shares_the_batch():
    whole = random_clicks(batch(corrections=3, count=8))
    parts = [random_clicks(batch(corrections=3, count=4, first=first)) for first in (0, 4)]
    assert [*parts[0], *parts[1]] == whole
    assert len({tuple(clicks) for clicks in whole}) > 2


def test_what_users_do_leaves_the_networks_chance_alone():
    before = torch.get_rng_state()
    random_clicks(batch(corrections=3))
    assert torch.equal(torch.get_rng_state(), before)


# -- losses ----------------------------------------------------------------------------------------


def loss_of(*masks, settings=()):
    trained = task("corrections=0", "share=0", *settings)
    rollout = trained.begin_rollout(batch(corrections=0))
    logits = torch.tensor(np.stack(masks), dtype=torch.float32)[None] * 40 - 20
    return trained.loss(lambda *_: logits, rollout, torch.device("cpu")).item()


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
    method = LatentDiversity(trained_f.weights, size=64, device="cpu")
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


def test_a_g_that_compares_views_learns_from_three_of_them(trained_f, tmp_path):
    settings = (*TINY, f"start={trained_f.weights}", "selector=views", "single_click=1")
    taught = SelectionTask(get_recipe("latent-diversity-g-toy", settings))
    samples, networks = next(taught.batches(0, 0, 1)), taught.build().eval()
    with torch.no_grad():
        visited = taught.simulate_corrections(samples, networks)
    assert len(visited.views) == 3
    assert [inputs[2][0, 0, -1].item() for inputs, _ in visited.views] == [1, 0.5, 0.25]
    for _, distances in visited.views:
        assert distances.shape == (len(samples), 3)
        assert ((distances >= 0) & (distances <= 1)).all()
    alone = taught.loss(networks, dataclasses.replace(visited, views=[]), torch.device("cpu"))
    assert taught.loss(networks, visited, torch.device("cpu")) > alone
    inputs, _ = visited.views[0]
    closer = [x.clone() for x in inputs]
    closer[2][..., -1] = 0.25
    networks.train()
    before = networks.g.norm.running_mean.clone()
    with torch.no_grad(), _running_statistics(networks):
        beliefs = [networks(*each, beliefs=True) for each in (inputs, closer)]
    assert not torch.allclose(*beliefs)  # batch norm must not hide how large a view is
    assert networks.g.training and torch.equal(networks.g.norm.running_mean, before)


def test_in_a_closer_view_the_rest_of_the_object_counts_as_missed(trained_f, monkeypatch):
    settings = (*TINY, f"start={trained_f.weights}", "selector=views")
    taught = SelectionTask(get_recipe("latent-diversity-g-toy", settings))
    networks = taught.build().eval()
    everything = torch.full((1, 3, 16, 16), 20.0)
    monkeypatch.setattr(
        networks, "answer", lambda *_: (torch.zeros(1, networks.f.channels, 16, 16), everything)
    )
    target = np.zeros((64, 64), bool)
    target[:, :32] = True
    sample = ClickSample(
        np.zeros((64, 64, 3), np.uint8), target, np.ones_like(target), Clicks([Click(32, 16)]), 0
    )
    with torch.no_grad():
        rollout = taught.begin_rollout(collate_clicks([sample]))
        _, distances = taught._closer(rollout, networks, [0], 0.5)
    # The view of 32 x 32 pixels lies within the object, which has 64 x 32.
    assert distances[0].tolist() == pytest.approx([0.5] * 3)


def test_weights_do_not_say_where_files_lay(trained_g):
    assert read_metadata(trained_g.weights)["recipe"]["start"] == "weights.safetensors"


def test_f_goes_on_with_users_who_follow_g(trained_g, tmp_path):
    settings = (*PLAIN, "follow=selected", f"start={trained_g.weights}")
    found = train("latent-diversity-toy", tmp_path, settings=settings)
    _, before, _ = load_networks(trained_g.weights)
    _, after, _ = load_networks(found.weights)
    assert torch.equal(after.g.prior, before.g.prior)
    assert not torch.equal(after.f.heads.weight, before.f.heads.weight)


def test_an_encoder_that_learns_is_stored_and_used(tmp_path):
    learning = [s for s in PLAIN if s != "augmented=false"]
    settings = (*learning, "architecture=pyramid", "learned=true", "encoder_lr=1")
    trained = train("latent-diversity-toy", tmp_path / "f", settings=settings)
    published = backbone("efficientnet-lite0").state_dict()
    encoder, networks, _ = load_networks(trained.weights)
    assert encoder is networks.encoder
    changed = {
        name.split(".")[1]
        for name, x in encoder.backbone.state_dict().items()
        if name in published and not torch.allclose(x, published[name], atol=1e-4, rtol=1e-3)
    }
    assert changed == {f"block{number}" for number in range(3, 16)}
    with pytest.raises(ValueError, match="trained on one device"):
        get_recipe("latent-diversity-toy", (*settings, "devices=2"))
    start = f"start={trained.weights}"
    g = train("latent-diversity-g-toy", tmp_path / "g", settings=(*TINY, start))
    kept, _, about = load_networks(g.weights)
    assert about["design"]["learned"]
    for name, x in kept.state_dict().items():
        assert torch.equal(x, encoder.state_dict()[name])
    method = LatentDiversity(g.weights, size=64, device="cpu")
    answer = method.segment(method.prepare(np.zeros((64, 64, 3), np.uint8)), Clicks([Click(9, 9)]))
    assert answer.candidates.shape == (3, 64, 64)


def test_g_goes_on_from_a_g_of_its_kind(trained_g):
    settings = (*TINY, f"start={trained_g.weights}")
    _, before, _ = load_networks(trained_g.weights)
    for selector in ("shared", "intent"):  # the same tensors
        recipe = get_recipe("latent-diversity-g-toy", [*settings, f"selector={selector}"])
        same = SelectionTask(recipe).build()
        assert same.g.name == selector
        assert torch.equal(same.g.judge[0].weight, before.g.judge[0].weight)
    recipe = get_recipe("latent-diversity-g-toy", [*settings, "selector=paper"])
    other = SelectionTask(recipe).build()
    assert other.g.name == "paper"


def test_g_is_trained_on_every_state_that_a_rollout_visits(trained_f):
    recipe = get_recipe("latent-diversity-g-toy", (*TINY, f"start={trained_f.weights}"))
    taught = SelectionTask(recipe)
    networks = taught.build()
    samples = batch(corrections=2, count=2)
    samples.corrections[1] = 0
    with torch.no_grad():
        visited = taught.simulate_corrections(samples, networks.eval())
    rounds = [len(distances) for distances in visited.distances]
    assert (len(visited), rounds[0]) == (2, 2)
    assert rounds[1:] == [1] * (len(samples.clicks[0]) - 1)
    assert torch.isfinite(taught.loss(networks.train(), visited, torch.device("cpu")))


def test_g_without_f_is_refused():
    with pytest.raises(ValueError, match="name f's weights by --set start=FILE") as error:
        SelectionTask(get_recipe("latent-diversity-g-toy"))
    assert one_sentence(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [(("heads=4",), "are those of another network"), (("follow=selected",), "hold no selection")],
)
def test_f_does_not_start_from_weights_that_do_not_fit(trained_f, settings, message):
    recipe = get_recipe("latent-diversity-toy", [*PLAIN, f"start={trained_f.weights}", *settings])
    with pytest.raises(ValueError, match=message) as error:
        ProposalTask(recipe).build()
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
    assert not recipe.previous
    assert (recipe.share, recipe.corrections, recipe.exploration) == (0, 0, 0)
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


def test_a_run_of_an_earlier_release_is_resumed_under_the_former_names_of_its_settings(tmp_path):
    settings = [*PLAIN, "schedule=constant"]
    train("latent-diversity-toy", tmp_path, settings=[*settings, "steps=1"])
    path = tmp_path / "checkpoint.pt"
    saved = torch.load(path)
    for before, now in RENAMED_SETTINGS.items():
        saved["recipe"][before] = saved["recipe"].pop(now)
    torch.save(saved, path)
    assert train("latent-diversity-toy", tmp_path, resume=True, settings=settings).step == 2
    with pytest.raises(ValueError, match="began with another exploration; resume"):
        train("latent-diversity-toy", tmp_path, resume=True, settings=[*settings, "stray=0.9"])

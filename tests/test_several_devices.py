"""Several devices train on the same samples, users and shuffles as one, and learn the same."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from tests.support import ROOT, one_sentence
from tests.test_semantic_training import labelled_photos
from tutorial_lib.deep.weights import read_metadata, read_weights
from tutorial_lib.training.checkpoints import read_training_log
from tutorial_lib.training.distributed import synchronise_layers
from tutorial_lib.training.recipes import get_recipe
from tutorial_lib.training.seeds import seed_step, user_rng
from tutorial_lib.training.setup import make_fabric

pytestmark = pytest.mark.slow  # several processes, with settings of their own
# AdamW would turn rounding errors into whole steps.
PLAIN = (
    "minutes=0;steps=2;crop=64;batch=4;workers=0;device=cpu;log_steps=1;precision=float32;warmup=0;"
    "optimiser=sgd;lr=0.01"
)
USERS = "corrections=4;seed=3"
RUNS = ("dos", "f", "g", "paper-g", "semantic")


def several(folder, devices, *runs):
    command = [sys.executable, "-m", "tests.several", str(folder), str(devices), *runs]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the folders of all runs on one device, and on two."""
    folder = tmp_path_factory.mktemp("devices")
    f = folder / "one" / "1" / "weights.safetensors"
    g = f"latent-diversity-g-toy;{PLAIN};{USERS};exploration=0.5;start={f}"
    runs = [
        f"dos-toy;{PLAIN};{USERS};stages=16:0.5,8:0.5",
        f"latent-diversity-toy;{PLAIN};{USERS};exploration=0.5;random_clicks=0.5;rounds=2",
        g,
        f"{g};selector=paper",
        f"semantic-fcn;{PLAIN};pretrained=false;data={labelled_photos(folder)}",
    ]
    return several(folder / "one", 1, *runs), several(folder / "two", 2, *runs)


def clicks_of(folder, index):
    lines = [
        line
        for path in sorted((folder / str(index)).glob("clicks-*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return dict(json.loads(line) for line in lines)


@pytest.mark.parametrize("index", range(4), ids=RUNS[:4])
def test_users_click_where_they_would_click_on_one_device(trained, index):
    one, two = (clicks_of(folder, index) for folder in trained)
    assert sorted(one) == list(range(8))
    assert sum(len(json.loads(clicks)) for clicks in one.values()) > 16
    assert two == one


@pytest.mark.parametrize("index", range(5), ids=RUNS)
def test_losses_and_weights_are_those_of_one_device(trained, index):
    one, two = (folder / str(index) for folder in trained)
    losses = [[line["loss"] for line in read_training_log(run)] for run in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    alone, shared = (read_weights(run / "weights.safetensors") for run in (one, two))
    assert alone.keys() == shared.keys()
    apart = max((alone[key] - shared[key]).abs().max().item() for key in alone)
    assert apart < 2e-3


def test_weights_say_on_how_many_devices_they_were_trained(trained):
    paths = [folder / "0" / "weights.safetensors" for folder in trained]
    assert [read_metadata(path)["devices"] for path in paths] == [1, 2]


def dropped(rank, world, batch):
    layer = nn.Sequential(nn.Dropout(0.5))
    synchronise_layers(layer, rank, world)
    seed_step(7, 2)
    return layer.train()(torch.ones(batch, 5, 3, 3))


def test_dropout_drops_what_it_would_on_one_device():
    whole = dropped(0, 1, 4)
    assert torch.equal(torch.cat([dropped(rank, 2, 2) for rank in (0, 1)]), whole)
    assert set(whole.unique().tolist()) == {0, 2}


def test_dropout_that_is_not_trained_drops_nothing():
    layer = nn.Sequential(nn.Dropout(0.5)).eval()
    synchronise_layers(layer, 0, 2)
    assert layer(torch.ones(4, 3)).all()


def test_a_steps_chance_depends_on_seed_and_step_alone():
    draws = []
    for seed, step in ((0, 0), (0, 1), (1, 0), (0, 0)):
        seed_step(seed, step)
        draws.append(torch.rand(1).item())
    assert draws[0] == draws[3]
    assert len(set(draws)) == 3


def test_a_users_chance_is_another_than_the_samples():
    first = user_rng(0, 5).random()
    assert first == user_rng(0, 5).random()
    assert first not in {user_rng(0, 6).random(), user_rng(1, 5).random()}


@pytest.mark.parametrize("device", ["cuda", "mps", "cuda:1"])
def test_devices_that_are_not_there_are_refused_in_one_sentence(monkeypatch, device):
    monkeypatch.setattr("tutorial_lib.deep.device._available", lambda _: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="A run on 4 devices .* is not possible") as error:
        make_fabric(get_recipe("dos-toy", [f"device={device}", "devices=4"]))
    assert one_sentence(error.value)

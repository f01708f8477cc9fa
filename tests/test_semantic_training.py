"""Training on maps of classes: what is drawn, what a run makes of it, where it may begin."""

import os
import pickle
import signal
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from tests.support import one_sentence
from tutorial_lib.data.layouts.clothing import ClothingCoParsing
from tutorial_lib.deep.semantic.losses import UNLABELLED
from tutorial_lib.deep.semantic.network import load_semantic, semantic_network
from tutorial_lib.deep.weights import read_metadata, save_weights
from tutorial_lib.training.checkpoints import read_training_log
from tutorial_lib.training.recipes import get_recipe
from tutorial_lib.training.run import train
from tutorial_lib.training.samples import batches
from tutorial_lib.training.semantic.label_maps import (
    CLASSES,
    NAMES,
    LabelledPhotos,
    LabelStream,
    class_numbers,
    collate_labels,
)
from tutorial_lib.training.semantic.task import SemanticTask
from tutorial_lib.training.sources import OTHERS

pytestmark = pytest.mark.slow

SIDE = 64
TINY = (
    "minutes=0", "steps=3", "crop=64", "batch=2", "workers=0", "device=cpu", "log_steps=1",
    "precision=float32", "pretrained=false", "scale_low=1", "scale_high=1", "brightness=0",
)  # fmt: skip
LABELS = ("null", "jacket", "hair", "loafers", "ring")
PIXELS = np.zeros((SIDE, SIDE), np.uint8)
PIXELS[8:16, 16:48], PIXELS[16:48, 16:48], PIXELS[48:60, 16:48], PIXELS[30:32, 20:22] = 2, 1, 3, 4
SHOWN = {"background", "hair", "coat or jacket", "shoes", "other garment"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder with ten labelled photos, the last of them held out."""
    return labelled_photos(tmp_path_factory.mktemp("data"))


def labelled_photos(folder):
    base = folder / "clothing-co-parsing"
    (base / "photos").mkdir(parents=True)
    (base / "annotations" / "pixel-level").mkdir(parents=True)
    names = np.empty((1, len(LABELS)), object)
    names[0, :] = LABELS
    savemat(base / "label_list.mat", {"label_list": names})
    noise = np.random.default_rng(0).integers(0, 60, (10, SIDE, SIDE, 3))
    for number in range(10):
        photo = (noise[number] + 40 * PIXELS[..., None]).astype(np.uint8)
        Image.fromarray(photo).save(base / "photos" / f"{number:04}.jpg", quality=95)
        place = base / "annotations" / "pixel-level" / f"{number:04}.mat"
        savemat(place, {"groundtruth": PIXELS})
    return folder


def recipe(*settings, name="semantic-fcn"):
    return get_recipe(name, [*TINY, *settings])


# -- classes and crops -----------------------------------------------------------------------------


def test_no_label_stands_for_two_classes():
    labels = [label for group in CLASSES.values() for label in group]
    assert len(labels) == len(set(labels))
    assert NAMES[0] == "background"


def test_labels_are_merged_and_unknown_ones_are_other_garments():
    numbers = class_numbers(("null", "jeans", "pants", "watch", "cape"))
    found = [NAMES[number] for number in numbers]
    assert found == ["background", "trousers", "trousers", "other garment", "coat or jacket"]
    assert numbers.dtype == np.uint8


def test_the_first_label_is_the_background_whatever_its_name():
    assert class_numbers(("nothing", "skin")).tolist() == [0, NAMES.index("skin")]


def test_each_class_on_a_photo_is_as_likely_to_be_looked_at(data):
    source = LabelledPhotos(ClothingCoParsing(data / "clothing-co-parsing"))
    rng = np.random.default_rng(0)
    scenes = [source.draw(rng) for _ in range(60)]
    assert {NAMES[s.chosen - OTHERS] for s in scenes} == SHOWN - {"background"}
    assert {NAMES[n - OTHERS] for n in np.unique(scenes[0].labels)} == SHOWN
    assert all(scene.truth.any() for scene in scenes)


def test_photos_that_are_held_out_are_never_seen(data):
    assert LabelStream(recipe(), data).source.stems == tuple(f"{n:04}" for n in range(9))


def test_a_crop_of_a_whole_photo_is_its_map_or_the_mirror_image(data):
    stream = LabelStream(recipe(), data)
    expected = class_numbers(LABELS)[PIXELS]
    for sample in (stream[number] for number in range(4)):
        assert np.array_equal(sample.classes, expected) or np.array_equal(
            sample.classes, expected[:, ::-1]
        )


def test_what_lies_beyond_the_photo_has_no_class(data):
    sample = LabelStream(recipe("scale_low=0.5", "scale_high=0.5"), data)[0]
    assert (sample.classes == UNLABELLED).mean() == pytest.approx(0.75)
    assert sample.classes[sample.classes != UNLABELLED].max() < len(NAMES)


def test_a_batch_is_the_same_crops_as_tensors(data):
    stream = LabelStream(recipe(), data)
    batch = collate_labels([stream[0], stream[1]])
    assert (len(batch), batch.image.shape, batch.image.dtype) == (2, (2, 3, 64, 64), torch.uint8)
    assert batch.image[1, :, 7, 9].tolist() == stream[1].image[7, 9].tolist()
    assert np.array_equal(batch.classes[0], stream[0].classes)


def test_samples_depend_on_number_and_seed_alone_in_any_process(data):
    stream = LabelStream(recipe("seed=1"), data)
    again = pickle.loads(pickle.dumps(stream))
    assert np.array_equal(again[7].image, stream[7].image)
    assert not np.array_equal(LabelStream(recipe("seed=2"), data)[7].image, stream[7].image)


def test_batches_go_on_where_a_run_stopped(data):
    task = SemanticTask(recipe(), data)
    third = list(islice(task.batches(0, 0, 1), 3))[2]
    assert torch.equal(next(task.batches(2, 0, 1)).image, third.image)


def test_worker_processes_change_no_sample(data):
    streams = [LabelStream(recipe(f"workers={count}"), data) for count in (0, 1)]
    alone, helped = (next(batches(s, collate_fn=collate_labels)) for s in streams)
    assert torch.equal(alone.classes, helped.classes)


@pytest.mark.parametrize(
    ("mixture", "folder", "kind", "text"),
    [
        ("duts:duts-tr:1", True, ValueError, "learned from one source"),
        ("clothing-co-parsing:a:0.5,toy-world::0.5", True, ValueError, "learned from one source"),
        ("clothing-co-parsing:gone:1", True, FileNotFoundError, "There is no folder .*gone"),
        ("clothing-co-parsing:gone:1", False, ValueError, "with --data DIR"),
    ],
)
def test_classes_need_labelled_photos(data, mixture, folder, kind, text):
    with pytest.raises(kind, match=text) as error:
        LabelStream(recipe(f"mixture={mixture}"), data if folder else None)
    assert one_sentence(error.value)


# -- runs ------------------------------------------------------------------------------------------


def run(folder, data, *settings, name="semantic-crf-rnn", **options):
    return train(name, folder, data, settings=[*TINY, *settings], **options)


@pytest.fixture(scope="module")
def straight(tmp_path_factory, data):
    return run(tmp_path_factory.mktemp("straight"), data)


def test_exported_weights_make_a_method(straight):
    about = read_metadata(straight.weights)
    assert (about["classes"], about["crf_steps"], about["stride"]) == (list(NAMES), 5, 8)
    network, _ = load_semantic(straight.weights)
    assert (network.stride, network.crf.steps) == (8, 5)


def test_steps_resume_steps_are_the_same_steps_bit_for_bit(straight, data, tmp_path):
    def stop(step):
        if step.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    assert not run(tmp_path, data, on_step=stop).finished
    resumed = run(tmp_path, data, resume=True)
    one, two = (torch.load(r.weights.with_name("checkpoint.pt")) for r in (straight, resumed))
    assert one["network"].keys() == two["network"].keys()
    assert all(torch.equal(one["network"][k], two["network"][k]) for k in one["network"])
    losses = [
        [line["loss"] for line in read_training_log(r.weights.parent)] for r in (straight, resumed)
    ]
    assert losses[0] == losses[1]


def test_the_crf_learns_with_the_network(straight, data):
    network, _ = load_semantic(straight.weights)
    fresh = semantic_network(len(NAMES), crf_steps=5, pretrained=False).crf
    for name, value in network.crf.named_parameters():
        assert not torch.allclose(value, fresh.get_parameter(name), atol=2e-3)
    assert network.fcn.score8.weight.abs().max() > 0


def test_backbone_crf_and_the_rest_have_rates_of_their_own(data):
    task = SemanticTask(recipe("crf_lr=7", name="semantic-crf-rnn"), data)
    network = task.build()
    groups = task.groups(network)
    assert {group["share"] for group in groups} == {0.3, 1.0, 7.0}
    crf = sum(p.numel() for group in groups if group["share"] == 7 for p in group["params"])
    assert crf == sum(p.numel() for p in network.crf.parameters()) == 3 + 2 * 19 + 19 * 19


def test_learning_makes_the_classes_right(data, tmp_path):
    settings = ("steps=12", "lr=0.01", "stages=8:1", "freeze_statistics=false")
    run(tmp_path, data, *settings, name="semantic-fcn")
    losses = [line["loss"] for line in read_training_log(tmp_path)]
    assert losses[0] == pytest.approx(np.log(len(NAMES)) + 1, abs=0.2)
    assert np.mean(losses[-3:]) < 0.75 * losses[0]


# -- starting from weights -------------------------------------------------------------------------


def weights_of(folder, stride=8, crf_steps=0, **changes):
    path = folder / "start.safetensors"
    classes = changes.get("classes", list(NAMES))
    network = semantic_network(len(classes), stride=stride, crf_steps=crf_steps, pretrained=False)
    torch.nn.init.constant_(network.fcn.score32.weight, 0.25)
    about = {"preset": "lite", "stride": stride, "classes": classes, "crf_steps": crf_steps}
    save_weights(network.state_dict(), path, {**about, **changes})
    return path


@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("after", [0, 5])
def test_a_crf_comes_or_goes_with_the_recipe(data, tmp_path, before, after):
    start = weights_of(tmp_path, stride=16, crf_steps=before)
    task = SemanticTask(recipe(f"start={start}", f"crf_steps={after}"), data)
    network = task.build()
    assert (network.crf.steps if after else network.crf) == (after or None)
    assert (network.stride, network.training) == (8, True)
    assert (network.fcn.score32.weight == 0.25).all()
    assert task.metadata(network)["recipe"]["start"] == start.name


@pytest.mark.parametrize(
    ("about", "settings", "text"),
    [
        ({}, ("stages=16:1",), "those of an FCN-8s"),
        ({}, ("preset=paper",), "have the preset lite"),
        ({"classes": ["background", "cat"]}, (), "have other classes"),
    ],
)
def test_a_run_cannot_start_from_other_weights(data, tmp_path, about, settings, text):
    start = weights_of(tmp_path, **about)
    with pytest.raises(ValueError, match=text) as error:
        SemanticTask(recipe(f"start={start}", *settings), data).build()
    assert one_sentence(error.value)

"""Files that cannot be read, and processes that are killed, while a network is trained."""

import os
import signal
from itertools import islice

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import Dataset

from tests.support import disc_mask, one_sentence
from tests.test_semantic_training import labelled_photos
from tests.test_training import Dot
from tutorial_lib.deep.weights import read_metadata
from tutorial_lib.training.checkpoints import read_training_log
from tutorial_lib.training.loop import Loop
from tutorial_lib.training.recipes import get_recipe
from tutorial_lib.training.samples import SampleStream, batches, collate_clicks
from tutorial_lib.training.semantic.label_maps import LabelStream, collate_labels

pytestmark = pytest.mark.slow

SIDE = 64
FOLDER = ("minutes=0", "steps=1", "crop=64", "batch=2", "workers=0", "mixture=folder:mine:1")


@pytest.fixture
def data(tmp_path):
    """Return a folder with four photos and masks; the photo ``b.jpg`` is cut short."""
    for kind in ("images", "masks"):
        (tmp_path / "mine" / kind).mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    for stem in "abcd":
        Image.fromarray(noise).save(tmp_path / "mine" / "images" / f"{stem}.jpg")
        mask = disc_mask((SIDE, SIDE), 32, 32, 16) * np.uint8(255)
        Image.fromarray(mask).save(tmp_path / "mine" / "masks" / f"{stem}.png")
    cut_short(tmp_path / "mine" / "images" / "b.jpg")
    return tmp_path


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def stream(data, *settings):
    return SampleStream(get_recipe("dos", [*FOLDER, *settings]), data)


# -- samples ---------------------------------------------------------------------------------------


def test_a_photo_that_cannot_be_read_is_skipped_and_named(data):
    batch = collate_clicks([stream(data)[number] for number in range(12)])
    assert 0 < len(batch.unreadable) < 12
    assert all("b.jpg" in reason and one_sentence(reason) for reason in batch.unreadable)
    assert len(batch) == 12


def test_what_is_drawn_instead_is_the_same_each_time(data):
    samples, again = ([s[n] for n in range(8)] for s in (stream(data), stream(data)))
    assert [s.unreadable for s in samples] == [s.unreadable for s in again]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(samples, again, strict=True))


def test_a_broken_label_map_costs_one_photo(tmp_path):
    data = labelled_photos(tmp_path)
    settings = ["minutes=0", "steps=1", "crop=64", "workers=0"]
    labels = LabelStream(get_recipe("semantic-fcn", settings), data)
    cut_short(data / "clothing-co-parsing" / "photos" / "0003.jpg")
    batch = collate_labels([labels[number] for number in range(30)])
    assert 0 < len(batch.unreadable) < 15
    assert all("0003.jpg" in reason for reason in batch.unreadable)


@pytest.mark.parametrize("workers", [0, 1])
def test_where_nothing_can_be_read_the_run_ends_in_one_sentence(data, workers):
    nothing = stream(data, f"workers={workers}")
    for path in (data / "mine" / "images").iterdir():
        path.write_bytes(b"nonsense")
    with pytest.raises(OSError, match=r"No photo could be read in 100 draws.*\.jpg") as error:
        next(batches(nothing))
    assert one_sentence(error.value)


def test_objects_that_are_too_small_are_one_sentence_from_another_process_too(data):
    small = stream(data, "workers=1", "scale_low=0.1", "scale_high=0.1")
    with pytest.raises(ValueError, match="no object had 64 pixels") as error:
        next(batches(small))
    assert one_sentence(error.value)


# -- the run ---------------------------------------------------------------------------------------


class Numbers(list):
    """A batch with reasons why it is another than it would have been."""

    def __init__(self, number, unreadable):
        super().__init__([number])
        self.unreadable = unreadable


class Reading(Dot):
    """A task for which a share of what it draws cannot be read."""

    def __init__(self, *settings, failing):
        super().__init__(*settings)
        self.failing = failing

    def batches(self, step, rank, world):
        while True:
            yield Numbers(1.0, self.failing(step))
            step += 1


def once(step):
    return ["The file b.jpg is broken."] if step in (1, 3) else []


def mostly(step):
    return [f"The file {step % 4}.jpg is broken."] * 2


def test_it_is_warned_of_once_and_counted_in_log_and_weights(tmp_path):
    with pytest.warns(RuntimeWarning, match="Skipped: The file b.jpg is broken") as warned:
        weights = Loop(Reading(failing=once), tmp_path).run().weights
    assert len(warned) == 1
    assert [line["unreadable"] for line in read_training_log(tmp_path)] == [0, 1, 1, 1]
    assert read_metadata(weights)["unreadable"] == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_resumed_run_goes_on_counting(tmp_path):
    Loop(Reading(failing=once), tmp_path).run()
    weights = Loop(Reading("steps=6", failing=once), tmp_path).run(resume=True).weights
    assert read_metadata(weights)["unreadable"] == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_run_ends_in_one_sentence_if_most_cannot_be_read(tmp_path):
    text = r"Of the 21 photos drawn so far, 14 could not be read; .*The file 0.jpg is broken"
    with pytest.raises(OSError, match=text) as error:
        Loop(Reading("steps=100", failing=mostly), tmp_path).run()
    assert one_sentence(error.value)


def test_what_was_broken_when_the_data_was_opened_is_warned_of_and_counted(tmp_path):
    task = Dot()
    task.unreadable = ["The mask a.png is broken.", "The mask b.png is broken."]
    with pytest.warns(RuntimeWarning, match=r"Skipped: The mask a.png is broken. \(and 1 more\)"):
        weights = Loop(task, tmp_path).run().weights
    assert read_metadata(weights)["unreadable"] == 2
    assert read_training_log(tmp_path)[0]["unreadable"] == 2


# -- killed processes ------------------------------------------------------------------------------


class Killed(Dataset):
    """Samples that kill the process that prepares them."""

    recipe = get_recipe("dos-toy", ["workers=1", "batch=1"])

    def __getitem__(self, number):
        os.kill(os.getpid(), signal.SIGKILL)


class Starving(Dot):
    """A task whose samples are prepared by a process that is killed."""

    def batches(self, step, rank, world):
        return batches(Killed(), step, rank, world)


def test_a_killed_process_that_prepares_samples_is_one_sentence(tmp_path):
    with pytest.raises(ChildProcessError, match="prepares samples was killed") as error:
        Loop(Starving(), tmp_path).run()
    assert one_sentence(error.value)


def test_an_error_of_the_networks_stays_what_it_is(tmp_path):
    class Wrong(Dot):
        def loss(self, model, batch, device):
            raise RuntimeError("a mistake in the program")

    with pytest.raises(RuntimeError, match="a mistake in the program"):
        Loop(Wrong(), tmp_path).run()


def test_too_little_memory_is_one_sentence(tmp_path):
    class Large(Dot):
        def loss(self, model, batch, device):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")

    with pytest.raises(ValueError, match="too little memory for a batch of 2 crops") as error:
        Loop(Large(), tmp_path).run()
    assert one_sentence(error.value)


def test_samples_of_an_unbroken_folder_have_nothing_to_tell(data):
    (data / "mine" / "images" / "b.jpg").unlink()
    (data / "mine" / "masks" / "b.png").unlink()
    for batch in islice(batches(stream(data)), 4):
        assert batch.unreadable == []

"""Training samples: scenes from each kind of dataset, crops, clicks, tensors, and their order."""

import json
import pickle
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from tests.support import disc_mask, one_sentence
from tutorial_lib.clicks import Clicks
from tutorial_lib.data.layouts.bsds import Bsds500
from tutorial_lib.data.layouts.clothing import ClothingCoParsing
from tutorial_lib.guidance import distance_maps
from tutorial_lib.training import sources
from tutorial_lib.training.object_selection import ObjectSelectionTask
from tutorial_lib.training.recipes import get_recipe
from tutorial_lib.training.samples import SampleStream, batches, collate_clicks, random_crop
from tutorial_lib.training.sources import IGNORED, OBJECT, OTHERS, TrainingScene
from tutorial_lib.users.corrections import corrective_click

pytestmark = pytest.mark.slow

SIDE = 64
DISC_MASK = disc_mask((SIDE, SIDE), 32, 32, 16)
TOY = ("minutes=0", "steps=3", "crop=64", "batch=2", "workers=0")


def recipe(*settings):
    return get_recipe("dos-toy", [*TOY, *settings])


def rng(seed=0):
    return np.random.default_rng(seed)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def data(tmp_path):
    """Return a folder with one photo in each of the three datasets."""
    photo = rng().integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    save(tmp_path / "duts-tr" / "images" / "a.png", photo)
    save(
        tmp_path / "duts-tr" / "masks" / "a.png",
        disc_mask((SIDE, SIDE), 32, 32, 16) * np.uint8(255),
    )
    quarters = np.kron([[1, 2], [3, 4]], np.ones((32, 32))).astype(np.uint16)
    for stem in ("1", "21077", "3096"):
        save(tmp_path / f"BSDS500/data/images/train/{stem}.jpg", photo)
        cells = np.empty((1, 1), object)
        cells[0, 0] = {"Segmentation": quarters, "Boundaries": quarters}
        (tmp_path / "BSDS500/data/groundTruth/train").mkdir(parents=True, exist_ok=True)
        savemat(tmp_path / f"BSDS500/data/groundTruth/train/{stem}.mat", {"groundTruth": cells})
    for part in ("val", "test"):
        for kind in ("images", "groundTruth"):
            (tmp_path / "BSDS500/data" / kind / part).mkdir(parents=True)
    save(tmp_path / "clothing-co-parsing" / "photos" / "0001.jpg", photo)
    names = np.empty((1, 5), object)
    names[0, :] = ["null", "coat", "hair", "shoes", "skin"]
    savemat(tmp_path / "clothing-co-parsing" / "label_list.mat", {"label_list": names})
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[8:16, 16:48], labels[16:48, 16:48], labels[48:60, 16:48] = 2, 1, 3
    (tmp_path / "clothing-co-parsing" / "annotations" / "pixel-level").mkdir(parents=True)
    place = tmp_path / "clothing-co-parsing" / "annotations" / "pixel-level" / "0001.mat"
    savemat(place, {"groundtruth": labels})
    return tmp_path


# -- scenes ----------------------------------------------------------------------------------------


def test_a_photo_gives_its_object(data):
    (source,), shares = sources.open_mixture("duts:duts-tr:1", data, (64, 64))
    scene = source.draw(rng())
    assert np.array_equal(scene.truth, DISC_MASK)
    assert shares.tolist() == [1]


def test_clothes_give_the_person_or_a_garment_among_the_others(data):
    source = sources.Garments(ClothingCoParsing(data / "clothing-co-parsing"))
    draw = rng()
    found = {int(scene.truth.sum()): scene for scene in (source.draw(draw) for _ in range(30))}
    person, coat, shoes = 52 * 32, 32 * 32, 12 * 32
    assert set(found) == {person, coat, shoes}  # hair alone is never the object
    assert found[person].labels.max() == OBJECT
    assert np.unique(found[coat].labels).tolist() == [0, OBJECT, OTHERS, OTHERS + 1]
    assert not (found[coat].labels == IGNORED).any()


def test_segments_are_single_or_unions_of_neighbours(data):
    dataset = Bsds500(data / "BSDS500")
    single = sources.Segments(dataset, union=0)
    assert {single.draw(rng(seed)).truth.mean() for seed in range(8)} == {0.25}
    unions = sources.Segments(dataset, union=1)
    for seed in range(8):
        truth = unions.draw(rng(seed)).truth
        assert truth.mean() == 0.5  # of three neighbours to add only one fits into one half
        assert not truth.all()


def test_photos_of_the_grabcut_and_berkeley_tests_are_left_out(data):
    (source,), _ = sources.open_mixture("bsds500:BSDS500:1", data, (64, 64))
    assert source.stems == ("1",)  # 21077 is in GrabCut and Berkeley, 3096 in Berkeley


def rectangle(number, image, top, left, bottom, right, crowd=0):
    corners = [[left, top, right, top, right, bottom, left, bottom]]
    return {"id": number, "image_id": image, "category_id": 1, "iscrowd": crowd,
            "segmentation": corners}  # fmt: skip


def test_a_collage_shows_what_is_visible_of_each_object():
    red, blue = np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE, 3), 80, np.uint8)
    red[DISC_MASK], blue[DISC_MASK] = (250, 0, 0), (0, 0, 250)

    class Two:
        def __getitem__(self, index):
            return SimpleNamespace(image=(red, blue)[index], truth=DISC_MASK)

        def __len__(self):
            return 2

    areas, counts = [], []
    for seed in range(40):
        scene = sources.Collages(Two()).draw(rng(seed))
        strong = scene.image[scene.truth].max(axis=1) > 100  # edges are blended
        assert strong.mean() > 0.7  # the pixels of an object are those of its disc
        areas.append(scene.truth.mean())
        counts.append(len(np.unique(scene.labels)) - 2)  # neither background nor the object
    assert min(areas) >= sources.SMALLEST_PASTED
    assert np.median(areas) < DISC_MASK.mean()  # pasted objects are small
    assert max(counts) >= 3
    again = sources.Collages(Two()).draw(rng(0))
    assert np.array_equal(again.image, sources.Collages(Two()).draw(rng(0)).image)


def test_coco_gives_objects_among_others_and_never_a_held_out_or_a_test_photo(tmp_path):
    names = [f"{number:012d}.webp" for number in range(1, 9)]
    for name in names:
        save(tmp_path / "coco-train" / "train2017" / name, np.zeros((SIDE, SIDE, 3), np.uint8))
    content = {
        "images": [
            {"id": n, "file_name": name, "height": SIDE, "width": SIDE}
            for n, name in enumerate(names, start=1)
        ],
        "categories": [{"id": 1, "name": "cup"}],
        "annotations": [rectangle(10 * n, n, 0, 0, 40, 40) for n in range(1, 9)]
        + [rectangle(11, 1, 8, 8, 16, 16), rectangle(12, 1, 40, 0, 64, 64, crowd=1)],
    }
    lists = tmp_path / "coco-train" / "annotations"
    lists.mkdir()
    (lists / "instances_train2017.json").write_text(json.dumps(content))
    (source,), _ = sources.open_mixture("coco:coco-train:1", tmp_path, (64, 64))
    photos = {source.dataset.photo_file(group[0]).stem for group in source.photos}
    assert photos == {f"{n:012d}" for n in (1, 2, 3, 5, 6, 7)}
    (first, *_), draw = source.photos, rng()
    source.photos = (first,)
    found = {
        int(scene.truth.sum()): scene.labels for scene in (source.draw(draw) for _ in range(8))
    }
    large, small = 40 * 40, 8 * 8
    assert set(found) == {large, small}
    assert (found[large][8:16, 8:16] == OBJECT).all()  # the object hides the others
    assert (found[small] == OTHERS).sum() == large - small
    assert (found[small][40:] == IGNORED).all()
    (lists / "instances_train2017.json").rename(lists / "instances_val2017.json")
    with pytest.raises(ValueError, match="can be val2017, .* not 'train2017'"):
        sources.open_mixture("coco:coco-train:1", tmp_path, (64, 64))


def test_toys_are_ever_new_and_their_parts_have_company():
    source, draw = sources.Toys((64, 96)), rng()
    scenes = [source.draw(draw) for _ in range(4)]
    assert len({scene.image.tobytes() for scene in scenes}) == 4
    assert all(scene.truth.any() for scene in scenes)
    assert max(scene.labels.max() for scene in scenes) >= OTHERS


def test_a_mixture_draws_from_all_its_sources(data):
    stream = SampleStream(get_recipe("dos", [*TOY, "scale_low=1", "scale_high=1"]), data)
    assert [type(source).__name__ for source in stream.sources] == [
        "Photos",
        "Garments",
        "Segments",
    ]
    assert stream.shares.tolist() == pytest.approx([0.55, 0.2, 0.25])
    areas = {int(stream[number].target.sum()) for number in range(30)}
    assert {int(DISC_MASK.sum()), 1024, 52 * 32} <= areas


def test_a_stream_can_be_sent_to_another_process(data):
    stream = SampleStream(get_recipe("dos", TOY), data)
    again = pickle.loads(pickle.dumps(stream))
    assert np.array_equal(again[3].image, stream[3].image)


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        (["mixture=duts:gone:1"], FileNotFoundError, "There is no folder .*gone; get it with"),
        (["mixture=duts:duts-tr:0.5"], ValueError, "sum to 0.5, not to 1"),
        (["mixture=duts:gone:1", "renormalise=true"], FileNotFoundError, "None of gone is a"),
    ],
)
def test_a_mixture_that_cannot_be_had_is_named(data, settings, kind, message):
    with pytest.raises(kind, match=message) as error:
        SampleStream(get_recipe("dos", settings), data)
    assert one_sentence(error.value)


def test_shares_are_scaled_only_when_asked(data):
    mixture = "mixture=duts:duts-tr:0.5,folder:gone:0.2,bsds500:BSDS500:0.3"
    stream = SampleStream(get_recipe("dos", [mixture, "renormalise=true"]), data)
    assert stream.shares.tolist() == pytest.approx([0.625, 0.375])


def test_photos_need_a_folder():
    with pytest.raises(ValueError, match="say where they are with --data DIR") as error:
        SampleStream(get_recipe("dos"))
    assert one_sentence(error.value)


def test_objects_that_are_all_too_small_are_an_error(data):
    Image.fromarray(disc_mask((SIDE, SIDE), 32, 32, 2) * np.uint8(255)).save(
        data / "duts-tr" / "masks" / "a.png"
    )
    stream = SampleStream(get_recipe("dos", [*TOY, "mixture=duts:duts-tr:1"]), data)
    with pytest.raises(ValueError, match="no object had 64 pixels") as error:
        stream[0]
    assert one_sentence(error.value)


# -- crops -----------------------------------------------------------------------------------------

GRADIENT = np.repeat(np.arange(SIDE, dtype=np.uint8)[None, :, None] * 2, SIDE, axis=0)
RAMP = np.ascontiguousarray(np.repeat(GRADIENT, 3, axis=2))
DISC = TrainingScene(RAMP, disc_mask((SIDE, SIDE), 20, 40, 9).astype(np.uint8))
STILL = ("scale_low=1", "scale_high=1", "brightness=0")


def test_at_scale_1_a_crop_is_a_piece_of_the_photo_or_its_mirror_image():
    seen = set()
    for seed in range(8):
        labels, image = random_crop(DISC, recipe(*STILL), rng(seed))
        mirrored = bool(image[0, 0, 0] > image[0, -1, 0])
        seen.add(mirrored)
        assert np.array_equal(image[:, ::-1] if mirrored else image, RAMP)
        assert np.array_equal(labels[:, ::-1] if mirrored else labels, DISC.labels)
    assert seen == {False, True}


def test_an_object_that_fits_is_never_cut():
    for seed in range(20):
        labels, _ = random_crop(DISC, recipe(*STILL, "crop=32"), rng(seed))
        assert (labels == OBJECT).sum() == DISC.truth.sum()


def test_scales_change_the_area_by_their_square():
    twice = random_crop(DISC, recipe("scale_low=2", "scale_high=2"), rng())[0]
    assert (twice == OBJECT).sum() == pytest.approx(4 * DISC.truth.sum(), rel=0.05)


def test_what_lies_beyond_the_photo_does_not_count():
    labels, _ = random_crop(DISC, recipe("scale_low=0.5", "scale_high=0.5"), rng())
    assert (labels == IGNORED).mean() == pytest.approx(0.75)


def test_brightness_multiplies_the_colours():
    gains = []
    for seed in range(12):
        _, image = random_crop(DISC, recipe(*STILL[:2], "brightness=0.2"), rng(seed))
        gains.append(image.max() / RAMP.max())
    assert 0.79 < min(gains) < 0.95 < 1.05 < max(gains) < 1.21


# -- samples and batches ---------------------------------------------------------------------------


def test_a_sample_depends_on_its_number_and_the_seed_alone():
    stream, other = SampleStream(recipe()), SampleStream(recipe("seed=1"))
    first = stream[5]
    _ = stream[6]
    assert np.array_equal(stream[5].image, first.image)
    assert stream[5].clicks == first.clicks
    assert not np.array_equal(other[5].image, first.image)


def test_half_of_the_samples_begin_with_one_positive_click():
    stream = SampleStream(recipe("single_click=1"))
    assert all(len(stream[n].clicks) == len(stream[n].clicks.positives) == 1 for n in range(5))
    several = SampleStream(recipe("single_click=0"))
    assert max(len(several[n].clicks) for n in range(8)) > 2


def test_clicks_tell_the_truth():
    stream = SampleStream(recipe("single_click=0"))
    for sample in (stream[n] for n in range(8)):
        assert all(sample.target[c.row, c.col] == c.positive for c in sample.clicks)
        assert all(sample.valid[c.row, c.col] for c in sample.clicks)


def test_a_batch_is_the_same_samples_as_tensors():
    stream = SampleStream(recipe())
    samples = [stream[0], stream[1]]
    batch = collate_clicks(samples)
    assert (len(batch), batch.image.shape, batch.image.dtype) == (2, (2, 3, 64, 64), torch.uint8)
    assert batch.image[1, :, 7, 9].tolist() == samples[1].image[7, 9].tolist()
    assert np.array_equal(batch.maps[0], distance_maps(samples[0].clicks, (64, 64)))
    assert (batch.target.dtype, batch.valid.shape) == (torch.bool, (2, 64, 64))


def images(stream, count, **where):
    return [batch.image for batch in islice(batches(stream, **where), count)]


def test_batches_go_on_where_a_run_stopped():
    stream = SampleStream(recipe())
    assert torch.equal(images(stream, 3)[2], images(stream, 1, step=2)[0])


def test_worker_processes_change_no_sample():
    alone = images(SampleStream(recipe()), 2)
    helped = images(SampleStream(recipe("workers=1")), 2)
    assert all(torch.equal(a, b) for a, b in zip(alone, helped, strict=True))


def test_devices_share_a_batch():
    stream = SampleStream(recipe())
    parts = [images(stream, 1, step=1, rank=rank, world=2)[0] for rank in (0, 1)]
    assert torch.equal(torch.cat(parts), images(stream, 1, step=1)[0])


def test_preparing_samples_leaves_the_networks_chance_alone():
    before = torch.get_rng_state()
    images(SampleStream(recipe()), 1)
    assert torch.equal(torch.get_rng_state(), before)


# -- corrective clicks -----------------------------------------------------------------------------

TRUTH = disc_mask((SIDE, SIDE), 20, 40, 12)
ALL = np.ones_like(TRUTH)


def test_a_corrective_click_lies_in_the_middle_of_the_error():
    click = corrective_click(~ALL, TRUTH, ALL, Clicks())
    assert click.positive
    assert np.hypot(click.row - 20, click.col - 40) <= 2
    assert TRUTH[click.row, click.col]


def test_a_corrective_click_on_too_much_is_negative():
    click = corrective_click(ALL, TRUTH, ALL, Clicks())
    assert not click.positive
    assert not TRUTH[click.row, click.col]


def test_nothing_wrong_or_nothing_that_counts_gets_no_click():
    assert corrective_click(TRUTH, TRUTH, ALL, Clicks()) is None
    assert corrective_click(ALL, TRUTH, TRUTH, Clicks()) is None


def test_no_cell_is_clicked_twice():
    first = corrective_click(~ALL, TRUTH, ALL, Clicks())
    assert corrective_click(~ALL, TRUTH, ALL, Clicks([first])) != first


def test_a_batch_gets_the_clicks_it_lacks_and_only_those():
    stream = SampleStream(recipe())
    batch = collate_clicks([stream[0], stream[1], stream[2]])
    before = [len(clicks) for clicks in batch.clicks]
    batch.corrections = [0, 1, 3]
    asked = []

    def nothing(inputs):
        asked.append(tuple(inputs.shape))
        return torch.full((len(inputs), 1, 64, 64), -1.0)

    ObjectSelectionTask(recipe()).simulate_corrections(batch, nothing)
    assert [len(c) - n for c, n in zip(batch.clicks, before, strict=True)] == [0, 1, 3]
    assert asked == [(2, 5, 64, 64), (1, 5, 64, 64), (1, 5, 64, 64)]
    for clicks, maps in zip(batch.clicks, batch.maps, strict=True):
        assert np.array_equal(maps, distance_maps(clicks, (64, 64)))


def test_a_right_answer_is_not_corrected():
    batch = collate_clicks([SampleStream(recipe())[0]])
    batch.corrections, before = [3], batch.clicks[0]
    answer = batch.target[:, None].float() - 0.5
    ObjectSelectionTask(recipe()).simulate_corrections(batch, lambda inputs: answer)
    assert batch.clicks == [before]

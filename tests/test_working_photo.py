"""Copies of a photo are recognised, and a small copy is used to work on."""

import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support import disc_mask, easy_scene, one_sentence
from tutorial_lib.data.samples import load_sample, sample_names
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.working_photo import WorkingPhoto, fingerprint, is_sketch, same_photo, sketch

PHOTO, _, _ = easy_scene(480, 640)
SAMPLES = {name: load_sample(name).image for name in sample_names()}


def jpeg(image, quality=80, **settings):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality, **settings)
    return stream.getvalue()


def compressed(image, quality):
    return np.asarray(Image.open(io.BytesIO(jpeg(image, quality))))


def resized(image, factor, mode=Image.Resampling.LANCZOS):
    height, width = image.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(image).resize(size, mode))


COPIES = {
    "the same": lambda image: image,
    "one value off by one": lambda image: np.where(np.arange(3) == 0, image ^ 1, image),
    "half": lambda image: resized(image, 0.5),
    "every third pixel": lambda image: resized(image, 1 / 3, Image.Resampling.NEAREST),
    "double": lambda image: resized(image, 2.0),
    "JPEG 90": lambda image: compressed(image, 90),
    "JPEG 20": lambda image: compressed(image, 20),
    "a third, JPEG 50": lambda image: compressed(resized(image, 1 / 3), 50),
}
OTHERS = {
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "moved by 20 pixels": lambda image: np.roll(image, 20, axis=1),
    "negative": lambda image: 255 - image,
    "other colours": lambda image: image[..., ::-1],
}


def sketched(image):
    return sketch(np.ascontiguousarray(image))


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("name", SAMPLES)
def test_copies_of_a_photo_are_recognised(name, copy):
    image = SAMPLES[name]
    assert same_photo(sketched(image), sketched(COPIES[copy](image).astype(np.uint8)))


@pytest.mark.parametrize("pair", list(itertools.combinations(SAMPLES, 2)), ids="-".join)
def test_different_photos_are_told_apart(pair):
    one, other = (sketched(SAMPLES[name]) for name in pair)
    assert not same_photo(one, other)


@pytest.mark.parametrize("change", OTHERS)
def test_a_changed_photo_is_not_recognised(change):
    image = SAMPLES["chelsea"]
    assert not same_photo(sketched(image), sketched(OTHERS[change](image)))


def test_a_photo_with_a_moved_object_is_not_recognised():
    image = np.full((300, 400, 3), 90, np.uint8)
    one, other = image.copy(), image.copy()
    one[disc_mask((300, 400), 80, 80, 30)] = 200
    other[disc_mask((300, 400), 200, 300, 30)] = 200
    assert not same_photo(sketched(one), sketched(other))


@pytest.mark.parametrize("shape", [(48, 64), (480, 640), (683, 1024)])
def test_two_noise_images_are_told_apart(shape):
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(2))
    assert same_photo(sketched(one), sketched(compressed(one, 90)))
    assert not same_photo(sketched(one), sketched(other))


def test_flat_photos_are_compared_by_colour():
    grey = np.full((50, 60, 3), 100, np.uint8)
    assert same_photo(sketched(grey), sketched(grey + 1))
    assert not same_photo(sketched(grey), sketched(grey + 30))
    stripes = grey.copy()
    stripes[:, np.arange(60) % 8 < 4] = 110
    assert not same_photo(sketched(grey), sketched(stripes))


@pytest.mark.parametrize("text", ["", "AAAA", None, 5, "é" * 1024, ["A"] * 1024, "A" * 1023])
def test_other_texts_are_not_sketches(text):
    assert not is_sketch(text)
    assert is_sketch(sketched(PHOTO))


def test_a_fingerprint_depends_on_the_shape():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert fingerprint(image) != fingerprint(image.reshape(4, 2, 3))


# -- a small copy ----------------------------------------------------------------------------------


def test_without_a_size_the_copy_is_the_photo():
    photo = WorkingPhoto(PHOTO)
    assert photo.full() is photo.pixels
    assert photo.full_shape == photo.shape == (480, 640)


@pytest.mark.parametrize("kind", ["array", "bytes", "path", "PIL image"])
def test_a_copy_is_small_and_the_photo_is_kept(kind, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(PHOTO).save(path)
    given = {
        "array": PHOTO,
        "bytes": path.read_bytes(),
        "path": path,
        "PIL image": Image.fromarray(PHOTO),
    }[kind]
    photo = WorkingPhoto(given, 100)
    path.unlink()
    assert photo.shape == (75, 100)
    assert photo.full_shape == (480, 640)
    assert np.array_equal(photo.full(), PHOTO)


def test_a_turned_photo_is_upright_in_both_sizes():
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = WorkingPhoto(jpeg(PHOTO, exif=exif.tobytes()), 100)
    assert photo.shape == (100, 75)
    assert photo.full_shape == photo.full().shape[:2] == (640, 480)


@pytest.mark.parametrize("longest", [0, -3, float("nan")])
def test_a_copy_without_pixels_is_refused(longest):
    with pytest.raises(ValueError, match="at least 1 pixel") as caught:
        WorkingPhoto(PHOTO, longest)
    assert one_sentence(caught.value)


def test_an_enlarged_mask_agrees_where_the_small_one_has_its_pixels():
    photo, small = WorkingPhoto(PHOTO[:477, :636], 212), disc_mask((159, 212), 60, 80, 30)
    mask = photo.full_mask(Segmentation(small.astype(float)))
    assert mask.shape == (477, 636)
    assert np.array_equal(mask[1::3, 1::3], small)


def test_a_thresholded_mask_is_enlarged_through_its_probability():
    photo = WorkingPhoto(PHOTO[:4, :8], 4)
    probability = np.array([[0, 0.4, 0.8, 1], [0, 0.4, 0.8, 1]], np.float32)
    expected = cv2.resize(probability, (8, 4)) >= 0.5
    assert np.array_equal(photo.full_mask(Segmentation(probability)), expected)


def test_any_other_mask_is_enlarged_directly():
    photo = WorkingPhoto(PHOTO[:4, :8], 4)
    own = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], bool)
    mask = photo.full_mask(Segmentation(np.ones((2, 4)), own))
    assert np.array_equal(mask, np.repeat(np.repeat(own, 2, 0), 2, 1))


def test_a_mask_of_the_photo_is_shrunk():
    photo = WorkingPhoto(PHOTO[:4, :8], 4)
    small = np.array([[1, 0, 0, 1], [0, 1, 1, 0]], bool)
    assert np.array_equal(photo.small_mask(np.repeat(np.repeat(small, 2, 0), 2, 1)), small)
    assert photo.small_mask(small) is small

"""What the values of a mask mean, whatever wrote the file."""

import numpy as np
import pytest
from PIL import Image

from tests.support import disc_mask, one_sentence
from tutorial_lib.data.mask_files import read_numbers, read_trimap, read_union, voc_palette
from tutorial_lib.data.mask_values import MaskError, trimap

OBJECT = np.zeros((16, 20), bool)
OBJECT[4:11, 5:14] = True


def coded(*values, shape=(16, 20)):
    """Return stripes of four columns, one for each value."""
    grey = np.zeros(shape, np.uint16)
    for place, value in enumerate(values):
        grey[:, 4 * place : 4 * place + 4] = value
    return grey[:, : 4 * len(values)]


def save(path, array, mode=None):
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path)
    return path


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 128), (1, 2), (3, 7), (0, 38), (100, 200)])
def test_of_two_values_the_higher_one_is_the_object(low, high):
    truth, ignore = trimap(np.where(OBJECT, high, low).astype(np.uint8))
    assert (truth == OBJECT).all()
    assert ignore is None


@pytest.mark.parametrize("kind", [bool, np.uint16, np.int32, np.float32])
def test_two_values_may_be_of_any_type(kind):
    assert (trimap(OBJECT.astype(kind))[0] == OBJECT).all()


@pytest.mark.parametrize("scale", [1 / 255, 257])
def test_shares_and_16_bits_are_scaled(scale):
    values = coded(0, 128, 255) * scale
    truth, ignore = trimap(values if scale < 1 else values.astype(np.uint16))
    assert (truth == (coded(0, 0, 1) > 0)).all()
    assert (ignore == (coded(0, 1, 0) > 0)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value):
    values = coded(0, 1, 2).astype(np.float32)
    values[0, 0] = value
    with pytest.raises(MaskError, match="NaN or infinite"):
        trimap(values)


@pytest.mark.parametrize(
    "values", [(0, 1, 2), (0, 1, 255), (0, 1, 2, 255), (0, 50, 100), (0, 100, 255), (1, 2, 3)]
)
def test_a_map_of_labels_is_refused(values):
    with pytest.raises(MaskError, match="several things"):
        trimap(coded(*values))


def test_a_photo_is_no_mask():
    with pytest.raises(MaskError, match="photo"):
        trimap(np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8))


@pytest.mark.parametrize(
    "box", [(11, 51, 21, 61), (10, 50, 21, 60), (10, 50, 21, 61), (11, 50, 0, 80)]
)
def test_a_halved_rectangle_ignores_nothing(box):
    mask = np.zeros((60, 80), np.uint8)
    mask[box[0] : box[1], box[2] : box[3]] = 255
    truth, ignore = trimap(np.asarray(Image.fromarray(mask).reduce(2)))
    assert ignore is None
    whole = mask.reshape(30, 2, 40, 2).mean(axis=(1, 3))
    assert (truth == (whole >= 127)).all()


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_shrunken_disc_ignores_nothing(factor):
    mask = Image.fromarray(disc_mask((96, 120), 50, 61, 33).astype(np.uint8) * 255)
    small = np.asarray(mask.reduce(factor))
    truth, ignore = trimap(small)
    assert ignore is None
    assert (truth == (small >= 128)).all()


def test_a_halved_disc_that_was_enlarged_again_ignores_nothing():
    small = Image.fromarray(disc_mask((96, 120), 50, 61, 33).astype(np.uint8) * 255).reduce(2)
    truth, ignore = trimap(np.asarray(small.resize((120, 96), Image.Resampling.NEAREST)))
    assert ignore is None
    assert truth.sum() == 4 * (np.asarray(small) >= 128).sum()


def test_a_band_and_an_outline_are_ignored():
    wide = np.where(disc_mask((60, 60), 30, 30, 20), 128, 0)
    wide[disc_mask((60, 60), 30, 30, 16)] = 255
    thin = np.zeros((60, 60), int)
    thin[10:40, 10:40] = 128
    thin[11:39, 11:39] = 255
    for grey in (wide, thin):
        truth, ignore = trimap(grey.astype(np.uint8))
        assert (truth == (grey == 255)).all()
        assert (ignore == (grey == 128)).all()


def test_a_band_beside_soft_edges_is_ignored_alone():
    grey = np.zeros((60, 60), np.uint8)
    grey[10:30, 10:30], grey[40:55, 40:55] = 255, 128
    grey[9, 10:30] = 100
    truth, ignore = trimap(grey)
    assert (ignore == (grey == 128)).all()
    assert (truth == (grey == 255)).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_transparent_mask_is_its_alpha_channel(tmp_path, mode):
    colours = np.random.default_rng(0).integers(0, 256, (*OBJECT.shape, 3), np.uint8)
    picture = Image.fromarray(colours).convert(mode)
    picture.putalpha(Image.fromarray(OBJECT.astype(np.uint8) * 255))
    picture.save(tmp_path / "a.png")
    truth, ignore = read_trimap(tmp_path / "a.png")
    assert (truth == OBJECT).all()
    assert ignore is None


def test_a_mask_that_hides_its_colours_is_refused(tmp_path):
    picture = Image.fromarray(OBJECT.astype(np.uint8) * 255).convert("RGBA")
    picture.putalpha(0)
    picture.save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="a.png is transparent everywhere") as caught:
        read_trimap(tmp_path / "a.png")
    assert one_sentence(caught.value)


def palette_file(path, numbers, colours):
    picture = Image.new("P", numbers.shape[::-1])
    picture.putpalette(np.ravel(colours).tolist())
    picture.putdata(numbers.ravel().tolist())
    picture.save(path)
    return path


def test_a_grey_palette_means_its_brightness(tmp_path):
    path = palette_file(tmp_path / "a.png", (~OBJECT).astype(np.uint8), [[255] * 3, [0] * 3])
    assert (read_trimap(path)[0] == OBJECT).all()


def test_one_colour_on_black_is_the_object(tmp_path):
    colours = np.where(OBJECT[..., None], (200, 30, 10), 0).astype(np.uint8)
    assert (read_trimap(save(tmp_path / "a.png", colours))[0] == OBJECT).all()


NUMBERS = np.zeros((16, 20), np.uint8)
NUMBERS[2:8, 2:8], NUMBERS[2:8, 10:16], NUMBERS[8] = 1, 2, 255


def test_voc_colours_are_mapped_back(tmp_path):
    path = save(tmp_path / "a.png", voc_palette()[NUMBERS])
    assert (read_numbers(path) == NUMBERS).all()


def test_a_reordered_voc_palette_is_mapped_back(tmp_path):
    order = [255, 2, 0, 1]
    places = np.zeros(256, np.uint8)
    places[order] = np.arange(4)
    path = palette_file(tmp_path / "a.png", places[NUMBERS], voc_palette()[order])
    assert (read_numbers(path) == NUMBERS).all()


def test_other_colours_and_jpeg_are_no_numbers(tmp_path):
    colours = voc_palette()[NUMBERS]
    save(tmp_path / "b.jpg", colours)
    colours[0, 0] = 5, 99, 7
    for path in (save(tmp_path / "a.png", colours), tmp_path / "b.jpg"):
        with pytest.raises(ValueError, match=path.name) as caught:
            read_numbers(path)
        assert one_sentence(caught.value)


def test_one_voc_object_is_a_mask_and_two_are_not(tmp_path):
    one = np.where(NUMBERS == 2, 0, NUMBERS)
    truth, ignore = read_trimap(save(tmp_path / "a.png", voc_palette()[one]))
    assert (truth == (one == 1)).all()
    assert (ignore == (one == 255)).all()
    with pytest.raises(ValueError, match="numbers 2 things"):
        read_trimap(save(tmp_path / "b.png", voc_palette()[NUMBERS]))


def test_voc_colours_turned_to_grey_are_refused(tmp_path):
    path = save(tmp_path / "a.png", voc_palette()[NUMBERS], "L")
    with pytest.raises(ValueError, match="turned to grey"):
        read_numbers(path)


def test_several_pictures_in_one_file_are_refused(tmp_path):
    pages = [Image.fromarray(OBJECT.astype(np.uint8))] * 2
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match="2 pictures"):
        read_trimap(tmp_path / "a.tif")


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    from tests.support import empty_png

    (tmp_path / "a.png").write_bytes(empty_png(12000, 12000))
    with pytest.raises(ValueError, match="12000 x 12000"):
        read_trimap(tmp_path / "a.png")


def test_of_several_numbers_all_are_the_union(tmp_path):
    grey = np.where(NUMBERS == 255, 0, NUMBERS)
    assert (read_union(save(tmp_path / "a.png", grey))[0] == (grey > 0)).all()

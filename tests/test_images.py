import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from tests.support import empty_png, one_sentence, png
from tutorial_lib.images.reading import MAX_PIXELS, ImageError, as_rgb

RAMP = np.array([[0, 51], [102, 255]], dtype=np.uint8)
COLOUR = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10


def saved(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "grey",
    [
        RAMP,
        RAMP[..., None],
        RAMP.astype(np.int64),
        RAMP.astype(np.int16),
        RAMP.astype(np.uint16) * 257,
        (RAMP.astype(np.uint16) * 257).astype(">u2"),
        RAMP / 255,
        (RAMP / 255).astype(np.float32),
        (RAMP / 255).astype(np.float16),
    ],
    ids=["uint8", "one-channel", "int64", "int16", "uint16", "big-endian", "f8", "f4", "f2"],
)
def test_grey_arrays_of_every_type_give_three_equal_channels(grey):
    assert as_rgb(grey).tolist() == np.dstack([RAMP] * 3).tolist()


def test_sixteen_bits_are_rounded_to_the_nearest_of_eight():
    levels = np.array([[128, 129, 32896, 65406, 65407]], dtype=np.uint16)
    assert as_rgb(levels)[..., 0].tolist() == [[0, 1, 128, 254, 255]]


def test_bool_is_black_and_white():
    assert as_rgb(np.array([[True, False]]))[..., 0].tolist() == [[255, 0]]


def test_rgb_stays_as_it_is():
    assert (as_rgb(COLOUR) == COLOUR).all()


def test_transparent_pixels_lie_over_white():
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 51]]], dtype=np.uint8)
    assert as_rgb(rgba).tolist() == [[[10, 20, 30], [255, 255, 255], [204, 224, 244]]]


def test_float_rgba_lies_over_white():
    assert as_rgb(np.array([[[0.0, 0.0, 0.0, 0.2]]])).tolist() == [[[204, 204, 204]]]


def test_floats_a_hair_outside_the_range_are_clipped():
    assert as_rgb(np.array([[-1e-4, 1 + 1e-4]]))[..., 0].tolist() == [[0, 255]]


def test_a_view_with_odd_strides_is_read_right():
    assert (as_rgb(COLOUR[::-1, ::2]) == COLOUR[::-1, ::2]).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F"])
def test_pil_images_of_every_mode_are_black_where_they_are_black(mode):
    black = Image.new("RGB", (3, 2)).convert("L" if mode in "IF" else mode)
    assert as_rgb(black.convert(mode)).tolist() == np.zeros((2, 3, 3)).tolist()


def test_grey_with_alpha():
    picture = Image.fromarray(np.array([[[0, 51], [100, 255]]], dtype=np.uint8), "LA")
    assert as_rgb(saved(picture)).tolist() == [[[204] * 3, [100] * 3]]


def test_premultiplied_alpha_lies_over_white():
    assert as_rgb(Image.new("RGBA", (1, 1), (9, 9, 9, 0)).convert("RGBa")).tolist() == [
        [[255, 255, 255]]
    ]


def test_palette_file():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putdata([0, 1])
    assert as_rgb(saved(picture)).tolist() == [[[255, 0, 0], [0, 0, 255]]]


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_a_colour_declared_transparent_lies_over_white(mode):
    black = (0, 0, 0) if mode == "RGB" else 0
    content = saved(Image.new(mode, (1, 1), black), transparency=black)
    assert as_rgb(content).tolist() == [[[255, 255, 255]]]


def test_cmyk_file():
    picture = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = as_rgb(saved(picture, "JPEG", quality=100))[4, 4]
    assert np.abs(red.astype(int) - [255, 0, 0]).max() <= 3


def test_sixteen_bit_png():
    content = saved(Image.fromarray(np.array([[0, 257, 65535]], dtype=np.uint16)))
    assert as_rgb(content)[..., 0].tolist() == [[0, 1, 255]]


def test_path_and_text_of_a_path(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(png(COLOUR))
    assert (as_rgb(path) == COLOUR).all()
    assert (as_rgb(str(path)) == COLOUR).all()


def test_bytes_of_every_kind():
    for kind in (bytes, bytearray, memoryview):
        assert (as_rgb(kind(png(COLOUR))) == COLOUR).all()


@pytest.fixture
def sideways():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways: turn a quarter clockwise
    return saved(Image.fromarray(COLOUR), exif=exif)


def test_camera_files_are_turned_upright(sideways):
    assert (as_rgb(sideways) == np.rot90(COLOUR, -1)).all()


def test_a_pil_image_is_turned_like_its_file(sideways):
    assert (as_rgb(Image.open(io.BytesIO(sideways))) == as_rgb(sideways)).all()


def test_pillows_own_limit_is_put_back():
    before = Image.MAX_IMAGE_PIXELS
    as_rgb(png(COLOUR))
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((0, 4, 3), np.uint8), "is empty: its shape is (0, 4, 3)"),
        (np.zeros((4, 0), np.uint8), "is empty"),
        (np.array([[np.nan]]), "NaN or infinite"),
        (np.array([[np.inf]]), "NaN or infinite"),
        (np.zeros(4, np.uint8), "has shape (4,)"),
        (np.array(4, np.uint8), "has shape ()"),
        (np.zeros((1, 4, 4, 3), np.uint8), "has shape (1, 4, 4, 3)"),
        (np.zeros((5, 4, 2), np.uint8), "has 2;"),
        (np.array([[1.5]]), "spans 1.5..1.5"),
        (np.array([[-0.5, 1.0]]), "spans -0.5..1"),
        (np.array([[-1, 5]]), "spans -1..5"),
        (np.array([[0, 256]]), "spans 0..256"),
        (np.array([["a"]]), "holds <U1"),
        (np.array([[1j]]), "holds complex128"),
        (np.array([[None]]), "holds object"),
    ],
)
def test_other_arrays_are_refused(array, text):
    with pytest.raises(ImageError) as caught:
        as_rgb(array)
    assert text in str(caught.value)
    assert one_sentence(caught.value)


def test_channels_first_gets_a_hint():
    with pytest.raises(ImageError, match=r"channels come last, so pass image\.transpose"):
        as_rgb(np.zeros((3, 20, 30), np.uint8))


def test_two_channels_get_no_such_hint():
    with pytest.raises(ImageError) as caught:
        as_rgb(np.zeros((5, 5, 2), np.uint8))
    assert "transpose" not in str(caught.value)


def test_too_many_pixels_in_an_array():
    side = 6325  # 6325^2 is just over 40 million; no stride, so no memory
    with pytest.raises(ImageError, match="6325 x 6325 pixels, more than the limit of 40 mega"):
        as_rgb(np.broadcast_to(np.uint8(0), (side, side)))


def test_an_image_of_exactly_the_limit_is_accepted():
    rows, cols = 4, MAX_PIXELS // 4
    with pytest.raises(ImageError, match="has 2"):  # the next complaint, not the size
        as_rgb(np.broadcast_to(np.uint8(0), (rows, cols, 2)))


@pytest.mark.parametrize(("width", "height"), [(8000, 5001), (60_000, 60_000)])
def test_too_many_pixels_in_a_file(width, height):
    with pytest.raises(ImageError, match=f"{width} x {height} pixels") as caught:
        as_rgb(empty_png(width, height))
    assert one_sentence(caught.value)


def test_too_many_pixels_in_a_pil_image():
    with pytest.raises(ImageError, match="8000 x 5001 pixels"):
        as_rgb(Image.open(io.BytesIO(empty_png(8000, 5001))))


def test_unreadable_bytes():
    with pytest.raises(ImageError, match="These bytes hold no picture") as caught:
        as_rgb(b"\x00\x01\x02 no picture")
    assert one_sentence(caught.value)


def test_a_file_cut_short():
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    with pytest.raises(ImageError, match="These bytes could not be decoded"):
        as_rgb(png(noise)[:2000])


def test_a_pil_image_of_a_file_cut_short():
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    with pytest.raises(ImageError, match="This PIL image could not be decoded"):
        as_rgb(Image.open(io.BytesIO(png(noise)[:2000])))


def test_a_text_file(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no picture here")
    with pytest.raises(ImageError, match=r"notes\.txt hold no picture") as caught:
        as_rgb(path)
    assert one_sentence(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(ImageError, match=r"There is no file .*gone\.png\.") as caught:
        as_rgb(tmp_path / "gone.png")
    assert one_sentence(caught.value)


def test_a_folder(tmp_path):
    with pytest.raises(ImageError, match="cannot be read") as caught:
        as_rgb(tmp_path)
    assert one_sentence(caught.value)


def test_a_text_that_cannot_be_a_path():
    with pytest.raises(ImageError, match="not the path of a file"):
        as_rgb("a\0b")


@pytest.mark.parametrize("thing", [None, 3, [[1, 2]], {"a": 1}])
def test_other_objects_are_refused(thing):
    with pytest.raises(ImageError, match=f"not {type(thing).__name__}") as caught:
        as_rgb(thing)
    assert one_sentence(caught.value)


SIDES = st.integers(1, 4)
SHAPES = st.one_of(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, st.sampled_from([1, 3, 4])))
PICTURES = SHAPES.flatmap(
    lambda shape: st.one_of(
        hnp.arrays(np.uint8, shape),
        hnp.arrays(np.uint16, shape),
        hnp.arrays(bool, shape),
        hnp.arrays(np.int32, shape, elements=st.integers(0, 255)),
        hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)),
    )
)


@given(PICTURES)
def test_the_answer_is_always_a_fresh_contiguous_rgb_array(array):
    before = array.copy()
    rgb = as_rgb(array)
    assert rgb.shape == (*array.shape[:2], 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert rgb.flags.writeable
    assert not np.shares_memory(rgb, array)
    rgb[:] = 7
    assert (array == before).all()


@given(PICTURES)
def test_reading_a_result_again_changes_nothing(array):
    assert (as_rgb(as_rgb(array)) == as_rgb(array)).all()

"""All readers see the same photo, and other files are refused without harm."""

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import EpsImagePlugin, Image

from tests.support import empty_png, one_sentence, png
from tutorial_lib.data import photo_files
from tutorial_lib.images import pixels as photo_pixels
from tutorial_lib.images.files import FORMATS
from tutorial_lib.images.reading import MAX_FILE_PIXELS, ImageError, as_rgb, shrink_photo
from tutorial_lib.render import fit

GREY = np.array([[0, 51, 102], [153, 204, 255]], np.uint8)
COLOUR = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10
WHITE = [255, 255, 255]


def saved(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(depth, colour, *rows, width, chunks=()):
    """Build a PNG of packed rows: ``colour`` is 0 for grey and 2 for RGB."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def held(orientation, kind="JPEG"):
    """Return a picture with a camera's note; as JPEG its pixels are 8 x 8 blocks of one grey."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    blocks = np.kron(GREY, np.ones((8, 8), np.uint8))
    return saved(Image.fromarray(blocks), kind, exif=exif)


def refused(image, *texts, action=as_rgb):
    with pytest.raises(ImageError) as caught:
        action(image)
    assert one_sentence(caught.value), str(caught.value)
    assert [text for text in texts if text not in str(caught.value)] == []


# -- one reader -----------------------------------------------------------------------------------

FILES = {
    "grey of 1 bit": saved(Image.fromarray(GREY > 100)),
    "grey of 8 bits": png(GREY),
    "grey of 16 bits": saved(Image.fromarray(GREY.astype(np.uint16) * 257)),
    "grey of 16 bits as TIFF": tiff(GREY.astype(np.uint16) * 257),
    "colour of 16 bits": cv2.imencode(".png", COLOUR.astype(np.uint16) * 257)[1].tobytes(),
    "colour of 16 bits as TIFF": tiff(COLOUR.astype(np.uint16) * 257, photometric="rgb"),
    "float TIFF": tiff((GREY / 255).astype(np.float32)),
    "grey with opacity": saved(Image.fromarray(np.dstack([GREY, GREY]), "LA")),
    "colour with opacity": png(np.dstack([COLOUR, GREY])),
    "palette": saved(Image.fromarray(COLOUR).convert("P")),
    "palette with a transparent entry": saved(Image.fromarray(GREY, "P"), transparency=0),
    "palette with opacities": saved(
        Image.fromarray(GREY // 51, "P"), transparency=bytes([0, 50, 100, 150, 200, 255])
    ),
    "CMYK JPEG": saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"),
    "CMYK TIFF": saved(Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "TIFF"),
    "GIF": saved(Image.fromarray(GREY), "GIF"),
    "WebP": saved(Image.fromarray(COLOUR), "WEBP", lossless=True),
    "BMP": saved(Image.fromarray(COLOUR), "BMP"),
    "turned JPEG": held(6),
}


@pytest.mark.parametrize("case", FILES)
def test_datasets_and_methods_read_the_same(tmp_path, case):
    path = tmp_path / "photo.png"
    path.write_bytes(FILES[case])
    assert (photo_files.read_photo(path, upright=True) == as_rgb(path)).all()
    assert (photo_files.read_photo(path) == as_rgb(path, upright=False)).all()
    assert photo_files.photo_size(path, upright=True) == as_rgb(path).shape[:2]
    assert photo_files.photo_size(path) == as_rgb(path, upright=False).shape[:2]


@pytest.mark.parametrize("case", ["grey of 16 bits", "grey of 16 bits as TIFF", "float TIFF"])
def test_wide_grey_is_scaled_in_a_dataset_too(tmp_path, case):
    path = tmp_path / "photo.png"
    path.write_bytes(FILES[case])
    assert photo_files.read_photo(path)[..., 0].tolist() == GREY.tolist()


def test_wide_colours_are_scaled(tmp_path):
    assert (as_rgb(FILES["colour of 16 bits"]) == COLOUR[..., ::-1]).all()
    assert (as_rgb(FILES["colour of 16 bits as TIFF"]) == COLOUR).all()


def test_transparent_pixels_lie_over_white_in_a_dataset_too(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(png(np.dstack([COLOUR, np.zeros((2, 3), np.uint8)])))
    assert photo_files.read_photo(path).tolist() == np.full((2, 3, 3), 255).tolist()


def test_a_missing_photo_of_a_dataset_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*gone\.png\."):
        photo_files.read_photo(tmp_path / "gone.png")
    with pytest.raises(FileNotFoundError, match=r"There is no file .*gone\.png\."):
        photo_files.photo_size(tmp_path / "gone.png")


TURNED = {
    1: GREY,
    2: GREY[:, ::-1],
    3: GREY[::-1, ::-1],
    4: GREY[::-1],
    5: GREY.T,
    6: np.rot90(GREY, -1),
    7: GREY[::-1, ::-1].T,
    8: np.rot90(GREY),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNED)
def test_all_eight_orientations(orientation, kind):
    upright = as_rgb(held(orientation, kind))[4::8, 4::8, 0].astype(int)
    assert upright.shape == TURNED[orientation].shape
    assert np.abs(upright - TURNED[orientation]).max() <= 6  # WebP and JPEG lose a little


@pytest.mark.parametrize("orientation", TURNED)
def test_pixels_as_they_are_stored(orientation):
    assert (as_rgb(held(orientation, "PNG"), upright=False)[4::8, 4::8, 0] == GREY).all()


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_invalid_orientation_is_ignored(orientation):
    assert as_rgb(held(orientation, "PNG"))[4::8, 4::8, 0].tolist() == GREY.tolist()


def test_damaged_exif_data_is_ignored():
    content = saved(Image.fromarray(GREY), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x05broken")
    assert as_rgb(content)[..., 0].tolist() == GREY.tolist()


def test_one_transparent_grey_of_sixteen_bits():
    row = np.array([0, 257, 40000, 65535], ">u2").tobytes()
    key = chunk(b"tRNS", struct.pack(">H", 257))
    grey = as_rgb(raw_png(16, 0, row, width=4, chunks=[key]))[0, :, 0]
    assert grey.tolist() == [0, 255, 156, 255]


def test_one_transparent_colour_of_sixteen_bits():
    row = np.repeat(np.array([0, 257, 40000, 65535], ">u2"), 3).tobytes()
    key = chunk(b"tRNS", struct.pack(">HHH", 40000, 40000, 40000))
    grey = as_rgb(raw_png(16, 2, row, width=4, chunks=[key]))[0, :, 0]
    assert grey.tolist() == [0, 1, 255, 255]


@pytest.mark.parametrize(
    ("depth", "row", "greys"),
    [(2, b"\x1b", [0, 255, 170, 255]), (4, b"\x01\x9f", [0, 255, 153, 255])],
)
def test_one_transparent_grey_of_few_bits(depth, row, greys):
    key = chunk(b"tRNS", struct.pack(">H", 1))
    assert as_rgb(raw_png(depth, 0, row, width=4, chunks=[key]))[0, :, 0].tolist() == greys


def test_grey_of_sixteen_bits_as_ppm():
    content = b"P5 3 1 65535\n" + np.array([0, 257, 65535], ">u2").tobytes()
    assert as_rgb(content)[..., 0].tolist() == [[0, 1, 255]]


def test_grey_with_opacity_that_was_multiplied_already():
    picture = Image.fromarray(np.array([[[100, 255], [0, 0]]], np.uint8), "LA").convert("La")
    assert as_rgb(picture)[..., 0].tolist() == [[100, 255]]


FRAMES = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1])]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_the_first_of_several_pictures_is_read_with_a_warning(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    content = saved(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], **options)
    with pytest.warns(UserWarning, match="These bytes hold several pictures; only the first"):
        assert (as_rgb(content) == COLOUR).all()


def test_the_second_picture_of_a_camera_file_is_ignored_silently():
    content = saved(FRAMES[0], "MPO", save_all=True, append_images=FRAMES[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert as_rgb(content).shape == (2, 3, 3)


# -- TIFF files that Pillow reads wrongly ---------------------------------------------------------

WIDE = COLOUR.astype(np.uint16) * 257
ODD_TIFFS = {
    "planes": (tiff(WIDE.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), "planes"),
    "sign": (tiff(np.full((2, 3), -1, np.int8)), "signed"),
    "white to black": (tiff(WIDE[..., 0], photometric="miniswhite"), "from white to black"),
    "raw of a camera": (tiff(COLOUR, photometric="rgb", subfiletype=1), "starts with a preview"),
    "twelve bits": (
        tiff(GREY, photometric="minisblack").replace(
            struct.pack("<HHIHH", 258, 3, 1, 8, 0), struct.pack("<HHIHH", 258, 3, 1, 12, 0)
        ),
        "12-bit",
    ),
    "colours of 32 bits": (
        tiff(WIDE.astype(np.float32), photometric="rgb"),
        "a TIFF file of a kind",
    ),
    "floats of 64 bits": (tiff(GREY / 255), "a TIFF file of a kind"),
    "floats up to 255": (tiff(GREY.astype(np.float32)), "must lie in [0, 1]"),
    "NaN": (tiff(np.full((2, 3), np.nan, np.float32)), "NaN or infinite"),
}


@pytest.mark.parametrize("case", ODD_TIFFS)
def test_tiffs_that_would_be_read_wrongly_are_refused(case):
    content, text = ODD_TIFFS[case]
    refused(content, text, "These bytes")


def test_a_pil_image_of_such_a_tiff_is_refused_too():
    refused(Image.open(io.BytesIO(ODD_TIFFS["planes"][0])), "planes", "This PIL image")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_usual_tiffs_are_read(dtype):
    scale = np.iinfo(dtype).max // 255
    for options in ({}, {"compression": "zlib"}, {"tile": (16, 16)}, {"byteorder": ">"}):
        content = tiff(COLOUR.astype(dtype) * dtype(scale), photometric="rgb", **options)
        assert (as_rgb(content) == COLOUR).all()


# -- files that are no photos ---------------------------------------------------------------------


def icon(content):
    header = struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, 0, 22)
    return header[:14] + struct.pack("<II", len(content), 22) + content


def mac_icon(content):
    return b"icns" + struct.pack(">I", 16 + len(content)) + b"ic10" + struct.pack(
        ">I", 8 + len(content)
    ) + content  # fmt: skip


OTHERS = {
    "icon": (icon(empty_png(40_000, 40_000)), "an icon"),
    "mac icon": (mac_icon(empty_png(40_000, 40_000)), "an icon"),
    "EPS": (saved(Image.fromarray(COLOUR), "EPS"), "an EPS drawing"),
    "PDF": (saved(Image.fromarray(COLOUR), "PDF"), "a PDF document"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 file"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC file"),
    "web page": (b"\n<!DOCTYPE html><html></html>", "a web page"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    "empty": (b"", "nothing at all"),
    "head of a PNG": (b"\x89PNG\r\n broken", "a damaged PNG file"),
    "something": (b"\1\2\3\4", "hold no picture that can be read; use"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_refused_file_is_told_its_type_and_the_readable_ones(tmp_path, monkeypatch, case):
    content, text = OTHERS[case]
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("it was started"))
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    refused(
        path, "holiday.jpg hold no picture", text, "use a PNG, JPEG, WebP, AVIF, BMP, GIF, TIFF"
    )
    with pytest.raises(ValueError, match="hold no picture"):
        photo_files.photo_size(path)


@pytest.mark.parametrize("kind", ["EPS", "ICO", "PCX"])
def test_a_lazy_pil_image_of_another_kind_is_refused(monkeypatch, kind):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("it was started"))
    picture = Image.open(io.BytesIO(saved(Image.new("RGB", (16, 16)), kind)))
    refused(picture, f"of type {kind}", "image.convert('RGB')")


def test_a_converted_pil_image_of_another_kind_is_accepted():
    picture = Image.open(io.BytesIO(saved(Image.fromarray(COLOUR), "PCX"))).convert("RGB")
    assert (as_rgb(picture) == COLOUR).all()


def test_every_kind_on_the_list_is_known_to_pillow():
    Image.init()
    assert set(FORMATS) - set(Image.OPEN) <= {"HEIF", "AVIF", "MPO"}  # MPO is opened as JPEG


# -- files that grow ------------------------------------------------------------------------------

GROWING = zlib.compress(bytes(100 << 20), 9)


@pytest.mark.parametrize(
    "bomb",
    [
        chunk(b"zTXt", b"key\0\0" + GROWING),
        chunk(b"iTXt", b"key\0\1\0\0\0" + GROWING),
        chunk(b"iCCP", b"key\0\0" + GROWING),
    ],
    ids=["zTXt", "iTXt", "iCCP"],
)
def test_notes_in_a_png_do_not_grow_without_limit(bomb):
    refused(raw_png(8, 0, b"abcd", width=4, chunks=[bomb]), "too large", "save it again")


@pytest.mark.parametrize("action", [as_rgb, lambda image: shrink_photo(image, 100)])
@pytest.mark.parametrize(
    "content",
    [
        empty_png(40_000, 40_000),
        b"GIF89a" + struct.pack("<HH", 40_000, 40_000) + b"\0\0\0" + b",\0\0\0\0\1\0\1\0\0\2\0;",
        b"P6 40000 40000 255\n",
    ],
    ids=["PNG", "GIF", "PPM"],
)
def test_the_size_is_checked_before_decoding(content, action):
    refused(content, "40000 x 40000 pixels, more than the limit", action=action)


def test_a_frame_that_is_larger_than_its_file_says():
    frame = b"," + struct.pack("<HHHH", 0, 0, 40_000, 40_000) + b"\0\2\0;"
    refused(b"GIF89a" + struct.pack("<HH", 4, 4) + b"\0\0\0" + frame, "40000 x 40000 pixels")


def test_tiles_that_are_larger_than_the_photo():
    content = tiff(COLOUR, photometric="rgb", tile=(16, 16))
    for key in (322, 323):
        small, huge = (struct.pack("<HHII", key, 4, 1, side) for side in (16, 65520))
        assert small in content
        content = content.replace(small, huge)
    refused(content, "tiles that are larger than any photo")


def test_a_jpeg_of_very_many_scans():
    content = saved(Image.fromarray(COLOUR), "JPEG", progressive=True)
    assert as_rgb(content).shape == COLOUR.shape
    refused(content[:-2] + b"\xff\xda\0\2" * 600 + content[-2:], "scans", "limit of 500")


def test_a_file_of_many_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "photo.webp"
    with path.open("wb") as stream:
        stream.write(b"RIFF\xff\xff\xff\x7fWEBPVP8 ")
        stream.truncate(2**31 + 1)  # a hole: it takes no room on the disk
    refused(path, "photo.webp is larger than 2 GB")


# -- paths ----------------------------------------------------------------------------------------


def test_the_users_folder(tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "photo.png").write_bytes(png(COLOUR))
    assert (as_rgb("~/photo.png") == COLOUR).all()
    assert shrink_photo("~/photo.png", 10)[1] == (2, 3)


def test_the_folder_of_an_unknown_user():
    refused("~nobody-of-this-name/photo.png", "~nobody-of-this-name/photo.png")


def test_a_device_is_refused():
    refused("/dev/null", "cannot be read", "not a file")


def test_a_web_address_is_refused():
    refused("https://example.org/cat.jpg", "https://example.org/cat.jpg", "download the photo")


def test_an_error_in_the_pixels_of_a_file_names_the_file(tmp_path):
    path = tmp_path / "depth.tif"
    path.write_bytes(tiff(np.full((2, 2), 4000, np.int32)))
    refused(path, "depth.tif cannot be used: images of int32 must lie within 0..255")


# -- large photos ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large():
    """A JPEG of 48 megapixels: four quarters of one colour each."""
    quarters = Image.fromarray(np.array([[0, 80], [160, 255]], np.uint8))
    return saved(quarters.resize((8000, 6000), Image.Resampling.NEAREST), "JPEG", quality=30)


def test_a_photo_of_48_megapixels_is_shrunk(large):
    small, size = shrink_photo(large, 1024)
    assert (small.shape, size) == ((768, 1024, 3), (6000, 8000))
    assert np.abs(small[192::384, 256::512, 0] - np.array([[0, 80], [160, 255]])).max() <= 2


def test_a_photo_over_the_limit_is_read_with_a_higher_limit(large):
    refused(large, "8000 x 6000 pixels, more than the limit of 40 megapixels", "shrink")
    assert as_rgb(large, max_pixels=MAX_FILE_PIXELS).shape == (6000, 8000, 3)


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size(large, monkeypatch):
    sizes, decoded = [], photo_pixels.decoded
    monkeypatch.setattr(
        photo_pixels,
        "decoded",
        lambda picture, *a: sizes.append(picture.size) or decoded(picture, *a),
    )
    shrink_photo(large, 1000)
    assert sizes == [(1000, 750)]


def test_a_long_strip_is_decoded_at_a_fraction_too(monkeypatch):
    monkeypatch.setattr("tutorial_lib.images.reading.MAX_PIXELS", 1000)
    content = saved(Image.new("RGB", (1600, 16), "red"), "JPEG")
    small, size = shrink_photo(content, 200)
    assert (small.shape, size) == ((2, 200, 3), (16, 1600))


@pytest.mark.parametrize("pixels", [100, 10_000])
def test_size_and_turn_of_a_shrunk_photo(monkeypatch, pixels):
    monkeypatch.setattr("tutorial_lib.images.reading.MAX_PIXELS", pixels)
    small, size = shrink_photo(held(6), 12)
    assert (small.shape, size) == ((12, 8, 3), (24, 16))
    assert shrink_photo(held(6), 12, upright=False)[1] == (16, 24)


def test_a_photo_of_usual_size_is_averaged_over_areas():
    photo = np.random.default_rng(0).integers(0, 256, (30, 41, 3), np.uint8)
    assert (shrink_photo(png(photo), 20)[0] == fit(photo, 20)).all()


def test_a_small_photo_stays_as_it_is():
    small, size = shrink_photo(COLOUR, 3)
    assert (small == COLOUR).all()
    assert size == (2, 3)
    assert not np.shares_memory(small, COLOUR)


def test_other_files_of_more_than_100_megapixels_are_not_shrunk():
    refused(
        empty_png(12_000, 9_000),
        "12000 x 9000 pixels, more than the limit of 100 megapixels",
        action=lambda image: shrink_photo(image, 100),
    )


@pytest.mark.parametrize("longest", [0, -1, 2.5, "8", True])
def test_a_length_is_a_whole_number(longest):
    with pytest.raises((ValueError, TypeError)) as caught:
        shrink_photo(COLOUR, longest)
    assert one_sentence(caught.value)


# -- arrays ---------------------------------------------------------------------------------------


def readonly(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def mapped(array, folder):
    kept = np.memmap(folder / "kept", array.dtype, "w+", shape=array.shape)
    kept[:] = array
    return kept


def test_views_and_maps_of_arrays_are_read(tmp_path):
    for array in (readonly(COLOUR), COLOUR[::-1, ::-1][::-1, ::-1], mapped(COLOUR, tmp_path)):
        rgb = as_rgb(array)
        assert type(rgb) is np.ndarray
        assert (rgb == COLOUR).all()


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<f4", ">f4", ">f8", ">i4", ">u4", "f2", "g"])
def test_both_byte_orders(dtype):
    scale = {"u2": 257, "i4": 1, "u4": 1}.get(dtype[-2:], 1 / 255)
    assert (as_rgb((GREY.astype(float) * scale).astype(dtype))[..., 0] == GREY).all()


def test_every_value_of_sixteen_bits_goes_to_the_nearest_of_eight():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert (as_rgb(values)[..., 0] == np.rint(values / 257)).all()


@pytest.mark.parametrize(("highest", "bits", "grey"), [(1, 8, 1), (255, 8, 255), (4095, 12, 255)])
def test_few_bits_in_sixteen_are_scaled_with_a_warning(highest, bits, grey):
    with pytest.warns(UserWarning, match=f"no value above {highest} of.*read as one of {bits} b"):
        assert as_rgb(np.array([[0, highest]], np.uint16))[0, 1, 0] == grey


@pytest.mark.parametrize("highest", [0, 4096])
def test_black_and_usual_sixteen_bits_cause_no_warning(highest):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert as_rgb(np.array([[0, highest]], np.uint16))[0, 1, 0] == round(highest / 257)


def test_what_opencv_returns_for_a_file_it_cannot_read():
    refused(
        cv2.imread("gone.png"), "not NoneType, which OpenCV returns for a file that it cannot read."
    )


def test_a_masked_array_that_hides_nothing_is_read():
    rgb = as_rgb(np.ma.masked_array(COLOUR, mask=False))
    assert type(rgb) is np.ndarray
    assert (rgb == COLOUR).all()


HIDING = np.ma.masked_greater(GREY, 200)
ODD_ARRAYS = {
    "masked pixels": (HIDING, "hides 2 of its 6 values; fill them with image.filled"),
    "masked NaN": (np.ma.masked_invalid([[0.5, np.nan]]), "hides 1 of its 2 values"),
    "masked everywhere": (np.ma.masked_all((2, 2), np.uint8), "hides 4 of its 4"),
    "NaN under an open mask": (np.ma.masked_array([[np.nan]], mask=False), "NaN or infinite"),
    "matrix": (np.asmatrix(GREY), "np.matrix is not an image; pass np.asarray(image)"),
    "spans of time": (GREY.astype("m8[s]"), "holds timedelta64[s]"),
    "dates": (GREY.astype("M8[s]"), "holds datetime64[s]"),
    "complex": (GREY.astype(complex), "holds complex128"),
    "objects": (GREY.astype(object), "holds object"),
    "text": (GREY.astype(str), "holds <U"),
    "bytes": (GREY.astype("S3"), "holds |S3"),
    "fields": (np.zeros((2, 2), [("r", "u1"), ("g", "u1")]), "holds [('r'"),
    "NaN of half precision": (np.array([[np.nan]], np.float16), "NaN or infinite"),
    "a stack": (np.zeros((7, 4, 5, 3), np.uint8), "pass one image of the stack, such as image[0]"),
    "a stack of one": (np.zeros((1, 4, 5, 3), np.uint8), "such as image[0]"),
    "grey in front": (np.zeros((1, 40, 50), np.uint8), "image[0]"),
    "colours in front": (np.zeros((3, 40, 50), np.uint8), "image.transpose(1, 2, 0)"),
    "opacity in front": (np.zeros((4, 40, 50), np.uint8), "image.transpose(1, 2, 0)"),
    "grey and opacity": (np.zeros((40, 50, 2), np.uint8), "image[..., 0]"),
    "a stack of greys": (
        np.zeros((7, 40, 50), np.uint8),
        "this array of shape (7, 40, 50) has 50.",
    ),
    "nothing": (np.zeros((0, 0, 3), np.uint8), "is empty"),
    "no channel": (np.zeros((4, 4, 0), np.uint8), "is empty"),
    "below zero": (np.array([[-1]], np.int8), "spans -1..-1"),
    "larger than a byte": (np.array([[2**40]]), "spans 1099511627776.."),
}


@pytest.mark.parametrize("case", ODD_ARRAYS)
def test_arrays_that_hold_no_photo_are_refused_with_the_reason(case):
    array, text = ODD_ARRAYS[case]
    refused(array, text)

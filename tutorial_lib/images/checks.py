"""Check a picture file before it is decoded: its type, and cases that Pillow reads wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from tutorial_lib.images.arrays import MAX_PIXELS, ImageError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

JPEGS = ("JPEG", "MPO")  # an MPO file is a JPEG followed by another one
MAX_SCANS = 500  # a progressive JPEG has about ten

_BEGINNINGS = (
    (b"\x89PNG", "a damaged PNG file"),
    (b"\xff\xd8\xff", "a damaged JPEG file"),
    (b"GIF8", "a damaged GIF file"),
    (b"II*\0", "a TIFF file of a kind that Pillow does not read"),
    (b"MM\0*", "a TIFF file of a kind that Pillow does not read"),
    (b"%!PS", "an EPS drawing"),
    (b"\xc5\xd0\xd3\xc6", "an EPS drawing"),
    (b"%PDF", "a PDF document"),
    (b"\0\0\1\0", "an icon"),
    (b"icns", "an icon"),
    (b"8BPS", "a Photoshop file"),
    (b"\0\0\0\x0cjP", "a JPEG 2000 file"),
    (b"\0\0\0\x0cJXL", "a JPEG XL file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"version https://git-lfs", "a pointer of Git LFS instead of the file"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an SVG drawing or other XML"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
)
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1")


def kind_of(beginning: bytes) -> str:
    """Name the type of a file that is not a photo.

    Parameters
    ----------
    beginning : bytes
        The first bytes of the file.

    Returns
    -------
    str
        Such as ``"an EPS drawing"``; empty if the type is unknown.
    """
    if not beginning:
        return "nothing at all"
    if beginning[4:8] == b"ftyp" and beginning[8:12] in _HEIC:
        return "a HEIC file, which needs the package pillow-heif"
    text = beginning.lstrip().lower()
    for start, kind in _BEGINNINGS:
        if beginning.startswith(start) or text.startswith(start):
            return kind
    return ""


def check_tiff(picture: PILImage) -> None:
    """Refuse the TIFF files that Pillow reads without an error, but wrongly.

    Parameters
    ----------
    picture : PIL.TiffImagePlugin.TiffImageFile
        Opened, not decoded.

    Raises
    ------
    ImageError
        If it is one of them, or if its tiles are too large.
    """
    from PIL.TiffTags import TAGS_V2

    tags = {TAGS_V2[key].name: value for key, value in picture.tag_v2.items() if key in TAGS_V2}
    bits, several = tags.get("BitsPerSample", (1,))[0], tags.get("SamplesPerPixel", 1) > 1
    if tags.get("TileWidth", 0) * tags.get("TileLength", 0) > MAX_PIXELS:
        fault = "has tiles that are larger than any photo"
    elif tags.get("NewSubfileType", 0) & 1:
        fault = "starts with a preview, as raw camera files do"
    elif tags.get("PlanarConfiguration", 1) == 2 and several and bits != 8:
        fault = f"stores {bits}-bit colours in separate planes"
    elif bits == 12:
        fault = "has 12-bit values"
    elif bits == 8 and 2 in tags.get("SampleFormat", ()):
        fault = "has signed values"
    elif tags.get("PhotometricInterpretation") == 0 and bits > 8:
        fault = f"stores {bits}-bit values from white to black"
    else:
        return
    raise ImageError(f"The TIFF file {fault}, which is not supported; save it as an 8-bit PNG.")


def check_scans(stream: BinaryIO) -> None:
    """Refuse a JPEG with hundreds of scans, which takes minutes to decode.

    Parameters
    ----------
    stream : file
        The whole file. Its position stays.

    Raises
    ------
    ImageError
        If it has more than :data:`MAX_SCANS` scans.
    """
    place, scans, last = stream.tell(), 0, b""
    stream.seek(0)
    while block := stream.read(1 << 20):
        scans += (last + block).count(b"\xff\xda")
        last = block[-1:]
    stream.seek(place)
    if scans > MAX_SCANS:
        raise ImageError(
            f"The JPEG file has {scans} scans, more than the limit of {MAX_SCANS}; "
            "open it in another program and save it again."
        )


def fix_transparency(picture: PILImage) -> None:
    """Convert the transparent colour of a PNG to the scale of its decoded pixels.

    Parameters
    ----------
    picture : PIL.PngImagePlugin.PngImageFile
        Opened, not decoded. Its ``info["transparency"]`` is changed.
    """
    key, raw = picture.info.get("transparency"), picture.tile[0][3] if picture.tile else ""
    if raw == "RGB;16B" and isinstance(key, tuple):
        picture.info["transparency"] = tuple(value >> 8 for value in key)
    elif raw in ("L;2", "L;4") and isinstance(key, int):
        picture.info["transparency"] = key * 255 // (3 if raw == "L;2" else 15)

"""Look at a picture file before it is decoded: what it is, and what Pillow would read wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from tutorial_lib.images.arrays import MAX_PIXELS, ImageError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

JPEGS = ("JPEG", "MPO")  # an MPO file is a JPEG with a second one behind
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
    (b"version https://git-lfs", "a pointer of Git LFS in the place of the file"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an SVG drawing or other XML"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
)
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1")


def kind_of(beginning: bytes) -> str:
    """Say what a file is that holds no photo.

    Parameters
    ----------
    beginning : bytes
        Its first bytes.

    Returns
    -------
    str
        Such as ``"an EPS drawing"``; empty if it is not known.
    """
    if not beginning:
        return "no byte at all"
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
        Opened and not decoded.

    Raises
    ------
    ImageError
        If it is one of them, or if its tiles are much larger than the picture.
    """
    from PIL.TiffTags import TAGS_V2

    tags = {TAGS_V2[key].name: value for key, value in picture.tag_v2.items() if key in TAGS_V2}
    bits, several = tags.get("BitsPerSample", (1,))[0], tags.get("SamplesPerPixel", 1) > 1
    if tags.get("TileWidth", 0) * tags.get("TileLength", 0) > MAX_PIXELS:
        fault = "has tiles that are larger than any photo"
    elif tags.get("NewSubfileType", 0) & 1:
        fault = "holds only a preview first, as raw files of cameras do"
    elif tags.get("PlanarConfiguration", 1) == 2 and several and bits != 8:
        fault = f"keeps colours of {bits} bits in separate planes"
    elif bits == 12:
        fault = "has 12 bits"
    elif bits == 8 and 2 in tags.get("SampleFormat", ()):
        fault = "has numbers with a sign"
    elif tags.get("PhotometricInterpretation") == 0 and bits > 8:
        fault = f"counts {bits} bits from white to black"
    else:
        return
    raise ImageError(f"The TIFF file {fault}, which is not read here; save it as a PNG of 8 bits.")


def check_scans(stream: BinaryIO) -> None:
    """Refuse a JPEG that goes over its pixels hundreds of times, which takes minutes.

    Parameters
    ----------
    stream : file
        The whole file; its position is kept.

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


def mend_transparency(picture: PILImage) -> None:
    """Give the transparent colour of a PNG on the scale that its decoded pixels have.

    Parameters
    ----------
    picture : PIL.PngImagePlugin.PngImageFile
        Opened and not decoded; its entry ``info["transparency"]`` is changed.
    """
    key, raw = picture.info.get("transparency"), picture.tile[0][3] if picture.tile else ""
    if raw == "RGB;16B" and isinstance(key, tuple):
        picture.info["transparency"] = tuple(value >> 8 for value in key)
    elif raw in ("L;2", "L;4") and isinstance(key, int):
        picture.info["transparency"] = key * 255 // (3 if raw == "L;2" else 15)

"""Any picture a learner has at hand becomes one thing: an (H, W, 3) uint8 RGB array."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

MAX_PIXELS = 40_000_000
_PILLOW = Lock()

ImageLike: TypeAlias = "np.ndarray | PILImage | str | PathLike[str] | bytes"


class ImageError(ValueError):
    """An input that cannot be read as a photo; its text says what is wrong and what to do."""


def as_rgb(image: ImageLike) -> np.ndarray:
    """Turn anything that holds a picture into an RGB array.

    Parameters
    ----------
    image : array, PIL image, path or bytes
        Grey ``(H, W)`` or ``(H, W, 1)``, RGB ``(H, W, 3)`` or RGBA ``(H, W, 4)`` arrays of
        dtype bool, uint8, uint16, float in [0, 1], or another integer within 0..255; a PIL
        image of any mode; the path of an image file; or the bytes of such a file. Transparent
        pixels are laid over white. Camera files are turned upright (EXIF orientation).

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``, a fresh contiguous copy.

    Raises
    ------
    ImageError
        If the input is empty, not finite, of a wrong rank or type, unreadable, or has more than
        40 million pixels.
    """
    if isinstance(image, np.ndarray):
        return _array_to_rgb(image)
    return _array_to_rgb(_decode(image))


def _array_to_rgb(array: np.ndarray) -> np.ndarray:
    _check_shape(array.shape)
    values = _to_uint8(array)
    if values.ndim == 2:
        values = values[..., None]
    colour, alpha = values[..., :3], values[..., 3:]
    if colour.shape[-1] == 1:
        colour = np.repeat(colour, 3, axis=-1)
    if alpha.size:
        colour = _over_white(colour, alpha)
    return np.array(colour, dtype=np.uint8, order="C")


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) not in (2, 3):
        raise ImageError(
            f"An image has shape (H, W) or (H, W, channels), but this array has shape {shape}."
        )
    if 0 in shape:
        raise ImageError(f"The image is empty: its shape is {shape}.")
    if shape[0] * shape[1] > MAX_PIXELS:
        raise ImageError(_too_large(shape[1], shape[0]))
    if len(shape) == 3 and shape[2] not in (1, 3, 4):
        hint = ""
        if shape[0] in (1, 3, 4):
            hint = " Channels come last here: try image.transpose(1, 2, 0)."
        raise ImageError(
            f"An image has 1, 3 or 4 channels, but this array of shape {shape} has {shape[2]}."
            + hint
        )


def _too_large(width: int, height: int) -> str:
    return (
        f"The image has {width} x {height} pixels, more than the limit of "
        f"{MAX_PIXELS // 1_000_000} megapixels; shrink it first."
    )


def _to_uint8(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if np.issubdtype(array.dtype, np.uint16):  # either byte order
        return np.rint(array / 257).astype(np.uint8)
    if np.issubdtype(array.dtype, np.floating):
        return _unit_range_to_uint8(array)
    if np.issubdtype(array.dtype, np.integer):
        if array.min() < 0 or array.max() > 255:
            raise ImageError(
                f"Images of {array.dtype} must lie within 0..255, but this one spans "
                f"{array.min()}..{array.max()}; scale it and convert it to uint8."
            )
        return array.astype(np.uint8)
    raise ImageError(f"An image holds numbers, but this array holds {array.dtype}.")


def _unit_range_to_uint8(array: np.ndarray) -> np.ndarray:
    if not np.isfinite(array).all():
        raise ImageError("The image contains NaN or infinite values; replace them first.")
    low, high = float(array.min()), float(array.max())
    if low < -1e-3 or high > 1 + 1e-3:
        raise ImageError(
            f"Float images must lie in [0, 1], but this one spans {low:.4g}..{high:.4g}; "
            "divide it by its largest possible value."
        )
    return np.rint(np.clip(array.astype(np.float64), 0, 1) * 255).astype(np.uint8)


def _over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    opacity = alpha.astype(np.float32) / 255
    return np.rint(colour * opacity + 255 * (1 - opacity)).astype(np.uint8)


def _decode(source: PILImage | str | PathLike[str] | bytes) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    if isinstance(source, Image.Image):
        return _pil_image_to_array(source, "This PIL image")
    if isinstance(source, (bytes, bytearray, memoryview)):
        name, stream = "These bytes", io.BytesIO(bytes(source))
    elif isinstance(source, (str, PathLike)):
        name, stream = _open_path(Path(source))
    else:
        raise ImageError(
            "An image is an array, a PIL image, a path or the bytes of an image file, "
            f"not {type(source).__name__}."
        )
    try:
        with _no_pillow_limit(), Image.open(stream) as picture:
            return _pil_image_to_array(picture, name)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} hold no picture that can be read; use a PNG, JPEG or WebP file."
        ) from error
    except ImageError:
        raise
    except Exception as error:  # headers too are read by code that raises anything
        raise ImageError(f"{name} could not be decoded: {error}") from error


@contextmanager
def _no_pillow_limit() -> Iterator[None]:
    """Lift Pillow's own limit on size, which is global: our check comes first and says more."""
    from PIL import Image

    with _PILLOW:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _open_path(path: Path) -> tuple[str, io.BytesIO]:
    try:
        return f"The contents of {path}", io.BytesIO(path.read_bytes())
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {path}.") from error
    except OSError as error:
        raise ImageError(f"The file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ImageError(f"{str(path)!r} is no path of a file: {error}.") from error


def _pil_image_to_array(picture: PILImage, name: str) -> np.ndarray:
    from PIL import ImageOps

    if picture.width * picture.height > MAX_PIXELS:
        raise ImageError(_too_large(picture.width, picture.height))
    try:
        return _pixels(ImageOps.exif_transpose(picture))
    except Exception as error:  # decoders raise anything from OSError to SyntaxError
        raise ImageError(f"{name} could not be decoded: {error}") from error


def _pixels(picture: PILImage) -> np.ndarray:
    if picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in ("I", "F"):
        return np.asarray(picture)
    return np.asarray(picture.convert("RGBA" if picture.has_transparency_data else "RGB"))

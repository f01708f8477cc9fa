"""Turn an array that holds a photo into (H, W, 3) uint8, or refuse it with the reason."""

from __future__ import annotations

import warnings

import numpy as np

MAX_PIXELS = 40_000_000


class ImageError(ValueError):
    """An input that cannot be read as a photo. The message says what is wrong and what to do."""


class ImageNotFoundError(ImageError, FileNotFoundError):
    """There is no file at the path of a photo."""


def array_to_rgb(array: np.ndarray, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Turn an array into an RGB photo.

    Parameters
    ----------
    array : np.ndarray
        Grey ``(H, W)`` or ``(H, W, 1)``, RGB ``(H, W, 3)`` or RGBA ``(H, W, 4)``. uint8 stays as it
        is; bool becomes 0 and 255; uint16 is scaled from 0..65535, or from 0..4095 or 0..255 if
        no value is larger; float is scaled from [0, 1]; other integers must lie within 0..255.
    max_pixels : int
        Largest accepted number of pixels.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``, a fresh contiguous copy. Transparent pixels are laid over white.

    Raises
    ------
    ImageError
        If the array is masked, a matrix, empty, too large, not finite, or of a wrong shape or type.
    """
    array = _plain(array)
    _check_shape(array.shape)
    check_pixel_count(array.shape[1], array.shape[0], max_pixels)
    _check_channels(array.shape)
    values = _to_uint8(array)
    if values.ndim == 2:
        values = values[..., None]
    colour, alpha = values[..., :3], values[..., 3:]
    if colour.shape[-1] == 1:
        colour = np.repeat(colour, 3, axis=-1)
    if alpha.size:
        colour = _over_white(colour, alpha)
    return np.array(colour, dtype=np.uint8, order="C")


def check_pixel_count(width: int, height: int, max_pixels: int) -> None:
    """Refuse a photo with too many pixels.

    Parameters
    ----------
    width, height : int
        Its size in pixels.
    max_pixels : int
        Largest accepted number of pixels.

    Raises
    ------
    ImageError
        If width times height is more than that.
    """
    if width * height > max_pixels:
        raise ImageError(
            f"The image has {width} x {height} pixels, more than the limit of "
            f"{max_pixels // 1_000_000} megapixels; shrink it first."
        )


def _plain(array: np.ndarray) -> np.ndarray:
    """Return a plain array; a subclass may compute, index or hide values in its own way."""
    if isinstance(array, np.matrix):
        raise ImageError("An np.matrix is not an image; pass np.asarray(image).")
    if isinstance(array, np.ma.MaskedArray):
        hidden = int(np.ma.getmaskarray(array).sum())
        if hidden:
            raise ImageError(
                f"The image is a masked array that hides {hidden} of its {array.size} values; "
                "fill them with image.filled(value)."
            )
        return np.asarray(array.data)
    return np.asarray(array)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) == 4 and shape[-1] in (1, 3, 4):
        raise ImageError(
            f"An image has shape (H, W) or (H, W, channels), but this array has shape {shape}; "
            "pass one image of the stack, such as image[0]."
        )
    if len(shape) not in (2, 3):
        raise ImageError(
            f"An image has shape (H, W) or (H, W, channels), but this array has shape {shape}."
        )
    if 0 in shape:
        raise ImageError(f"The image is empty: its shape is {shape}.")


def _check_channels(shape: tuple[int, ...]) -> None:
    if len(shape) == 2 or shape[2] in (1, 3, 4):
        return
    hint = ""
    if shape[0] == 1:
        hint = "; for a grey image, pass image[0]"
    elif shape[0] in (3, 4):
        hint = "; channels come last, so pass image.transpose(1, 2, 0)"
    elif shape[2] == 2:
        hint = "; for a grey image without opacity, pass image[..., 0]"
    raise ImageError(
        f"An image has 1, 3 or 4 channels, but this array of shape {shape} has {shape[2]}{hint}."
    )


def _to_uint8(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:  # either byte order
        largest = _largest_of_bits(int(array.max()))
        return ((array.astype(np.uint32) * 255 + largest // 2) // largest).astype(np.uint8)
    if array.dtype.kind == "f":
        return _unit_range_to_uint8(array)
    if array.dtype.kind in "iu":
        if array.min() < 0 or array.max() > 255:
            raise ImageError(
                f"Images of {array.dtype} must lie within 0..255, but this one spans "
                f"{array.min()}..{array.max()}; scale it and convert it to uint8."
            )
        return array.astype(np.uint8)
    raise ImageError(f"An image holds numbers, but this array holds {array.dtype}.")


def _largest_of_bits(highest: int) -> int:
    """Return the value of white. Cameras store 12 bits in 16, which would be almost black."""
    if not 0 < highest < 4096:
        return 65535
    bits = 8 if highest < 256 else 12
    warnings.warn(
        f"This 16-bit image has no value above {highest} of 65535, so it is read as one of {bits} "
        "bits.",
        stacklevel=2,
    )
    return 2**bits - 1


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

"""The visual style of masks, probabilities and clicks, shared by plots and widgets.

A positive click is a green disc with a plus. A negative click is a red square with a minus. A
stroke is a line in the same colour that ends in the same sign. So shape and colour carry the same
information. A mask is translucent blue with a crisp contour, or another colour where the photo is
blue itself, see :func:`mask_colour`. The hues are those of Okabe and Ito, which colour-blind
readers can distinguish.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

import cv2
import numpy as np

from tutorial_lib.actions import Stroke
from tutorial_lib.clicks import Clicks

Colour: TypeAlias = "tuple[int, int, int]"  # red, green and blue, 0 to 255

POSITIVE = (0, 158, 115)  # bluish green
NEGATIVE = (213, 64, 0)  # vermilion
MASK = (0, 114, 178)  # blue
CONTOUR = (240, 228, 66)  # yellow: stands out from photos and from the blue
RIM = (20, 20, 20)  # around the contour, which yellow petals would hide
# Blue, orange, reddish purple, sky blue: green and vermilion mark clicks, yellow the contour.
MASK_COLOURS = (MASK, (230, 159, 0), (204, 121, 167), (86, 180, 233))
MIN_DISTANCE = 40.0  # CIELAB; a half-transparent tint changes the photo by half of it
SELECTED = MASK  # the frame of the candidate that a method selects
PREFERRED = (204, 121, 167)  # reddish purple: the frame of the candidate that the user prefers
LIGHT = 225  # the lightest grey of a map
VIEWS = ("mask", "contour", "cut-out", "spotlight", "probability")
CHECKS, CHECK_SIZE = (255, 214), 8  # greys and pixels of the board behind a cut-out
SHADE = 175  # opacity of the dark around a spotlight, of 255


def score_text(score: float) -> str:
    """Return a candidate's score as text.

    Parameters
    ----------
    score : float
        The score.

    Returns
    -------
    str
        A percentage such as ``63 %``, or a plain number if the score is not in [0, 1].
    """
    return f"{100 * score:.0f} %" if 0 <= score <= 1 else f"{score:.2g}"


def mask_colour(photo: np.ndarray, mask: np.ndarray, taken: Collection[Colour] = ()) -> Colour:
    """Choose a colour for a mask that stands out from the photo below it.

    It is blue unless the mean colour under the mask is too close to blue, or blue is taken. Then it
    is the colour of :data:`MASK_COLOURS` that is farthest from the mean colour, in CIELAB.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    mask : np.ndarray
        ``(H, W) bool``.
    taken : collection of tuple of int
        Colours of other masks on the photo. If all colours are taken, they are used again.

    Returns
    -------
    tuple of int
        Red, green and blue, 0 to 255. Blue for an empty mask.

    Examples
    --------
    >>> blue_cloth = np.full((4, 4, 3), (40, 58, 158), np.uint8)
    >>> mask_colour(blue_cloth, np.ones((4, 4), bool))
    (230, 159, 0)
    """
    free = [colour for colour in MASK_COLOURS if colour not in taken] or list(MASK_COLOURS)
    if not mask.any():
        return free[0]
    mean = np.array(cv2.mean(photo, mask.astype(np.uint8))[:3])
    lab = cv2.cvtColor(np.float32([[mean, *free]]) / 255, cv2.COLOR_RGB2LAB)[0]
    distances = np.linalg.norm(lab[1:] - lab[0], axis=1)
    if free[0] == MASK and distances[0] >= MIN_DISTANCE:
        return MASK
    return free[int(distances.argmax())]


def hex_colour(rgb: tuple[int, int, int]) -> str:
    """Return a colour as text for matplotlib and HTML.

    Parameters
    ----------
    rgb : tuple of int
        Red, green and blue, 0 to 255.

    Returns
    -------
    str
        ``#rrggbb``.
    """
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def contour_of(mask: np.ndarray, width: int = 1) -> np.ndarray:
    """Return the contour of a mask: the mask pixels that touch its outside, thickened to a width.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.
    width : int
        The thickness of the line, in pixels.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``: the pixels of the contour.
    """
    padded = np.pad(mask, 1, mode="edge").astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    return (mask & (cv2.erode(padded, kernel)[1:-1, 1:-1] == 0)).astype(bool)


def layer(
    mask: np.ndarray,
    probability: np.ndarray | None = None,
    view: str = "mask",
    opacity: float = 0.5,
    width: int = 2,
    colour: Colour = MASK,
    others: Sequence[tuple[np.ndarray, Colour]] = (),
) -> np.ndarray:
    """Paint an answer as a transparent layer over the photo.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.
    probability : np.ndarray, optional
        ``(H, W)`` in [0, 1]. The view ``"probability"`` needs it.
    view : {"mask", "contour", "cut-out", "spotlight", "probability"}
        What to show. A cut-out lies on a board of checks; a spotlight darkens the rest of the
        photo.
    opacity : float
        The opacity of the tint, 0 to 1. The contour is always opaque.
    width : int
        The thickness of the contour, in pixels. A dark rim of half of it lies around the contour.
    colour : tuple of int
        The colour of the tint, see :func:`mask_colour`.
    others : sequence of (np.ndarray, tuple of int)
        Masks of other objects, ``(H, W) bool``, and their colours. They lie below, and their
        contours have their own colours.

    Returns
    -------
    np.ndarray
        ``(H, W, 4) uint8``: red, green, blue, alpha.

    Raises
    ------
    ValueError
        If there is no such view, or if it needs a probability and none is given.
    """
    if view not in VIEWS:
        raise ValueError(f"A view is one of {', '.join(VIEWS)}, not {view!r}.")
    painted = np.zeros((*mask.shape, 4), dtype=np.uint8)
    alpha = round(255 * opacity)
    if view in ("cut-out", "spotlight"):
        outside = ~np.logical_or.reduce([mask, *(other for other, _ in others)])
        painted[outside] = _checks(mask.shape)[outside] if view == "cut-out" else (0, 0, 0, SHADE)
    elif view == "probability":
        if probability is None:
            raise ValueError("The probability view needs a probability map.")
        painted[..., :3] = probability_colours(probability)
        painted[..., 3] = alpha
    below = [(other, own, own) for other, own in others]
    for each, tint, line in [*below, (mask, colour, CONTOUR)]:
        if view == "mask":
            _fill(painted, each, (*tint, alpha))
        if view != "cut-out":
            _outline(painted, each, width, line)
    return painted


def _outline(painted: np.ndarray, mask: np.ndarray, width: int, colour: Colour = CONTOUR) -> None:
    """Draw the contour of a mask in a colour, and a dark rim around it."""
    kernel = np.ones((3, 3), np.uint8)
    wide = cv2.dilate(mask.astype(np.uint8), kernel, iterations=max(1, width // 2))
    _fill(painted, (wide > 0) & ~mask, (*RIM, 255))
    _fill(painted, contour_of(mask, width), (*colour, 255))


def _fill(painted: np.ndarray, where: np.ndarray, colour: tuple[int, int, int, int]) -> None:
    """Fill ``(H, W) bool`` of ``(H, W, 4) uint8``: a pixel as one number of 32 bits is faster."""
    painted.view(np.uint32)[where] = np.array(colour, np.uint8).view(np.uint32)


def _checks(shape: tuple[int, ...]) -> np.ndarray:
    """Return a board of light checks, ``(H, W, 4) uint8``."""
    rows, cols = (np.arange(length) // CHECK_SIZE for length in shape)
    greys = np.array(CHECKS, np.uint8)[(rows[:, None] + cols) % 2]
    return np.dstack([greys, greys, greys, np.full(shape, 255, np.uint8)])


def probability_colours(probability: np.ndarray) -> np.ndarray:
    """Colour a probability map. Dark is background, and bright is object.

    Parameters
    ----------
    probability : np.ndarray
        ``(H, W)`` in [0, 1].

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8`` in the cividis colours.
    """
    return _colours(probability, cv2.COLORMAP_CIVIDIS)


def disagreement_colours(share: np.ndarray) -> np.ndarray:
    """Colour a disagreement map. Candidates agree where it is black, and differ where it is bright.

    Parameters
    ----------
    share : np.ndarray
        ``(H, W)`` in [0, 1].

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8`` in the magma colours.
    """
    return _colours(share, cv2.COLORMAP_MAGMA)


def _colours(share: np.ndarray, colours: int) -> np.ndarray:
    level = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return cv2.applyColorMap(level, colours)[..., ::-1]


def disagreement_layer(
    share: np.ndarray, mask: np.ndarray, opacity: float = 0.5, width: int = 2
) -> np.ndarray:
    """Paint a disagreement map as a layer, with the contour of the shown mask.

    Parameters
    ----------
    share : np.ndarray
        ``(H, W)`` in [0, 1], as :func:`tutorial_lib.metrics.disagreement` computes it.
    mask : np.ndarray
        ``(H, W) bool``: the shown mask.
    opacity : float
        The opacity of the colours, 0 to 1. The contour is always opaque.
    width : int
        The thickness of the contour, in pixels.

    Returns
    -------
    np.ndarray
        ``(H, W, 4) uint8``: red, green, blue, alpha.
    """
    alpha = np.full(share.shape, round(255 * opacity), dtype=np.uint8)
    painted = np.dstack([disagreement_colours(share), alpha])
    _outline(painted, mask, width)
    return painted


def grey_colours(share: np.ndarray) -> np.ndarray:
    """Colour a click map. 0 is black, and 1 is a light grey that stands out from a white page.

    Parameters
    ----------
    share : np.ndarray
        ``(H, W)`` in [0, 1]: a distance divided by its truncation, a Gaussian, or a disc.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.
    """
    grey = np.rint(np.clip(share, 0, 1) * LIGHT).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def blend(photo: np.ndarray, over: np.ndarray) -> np.ndarray:
    """Blend an RGBA layer with a photo.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    over : np.ndarray
        ``(H, W, 4) uint8``.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.
    """
    alpha = over[..., 3:].astype(np.float32) / 255
    return np.rint(photo * (1 - alpha) + over[..., :3] * alpha).astype(np.uint8)


def draw_clicks(photo: np.ndarray, clicks: Clicks, radius: int = 7) -> np.ndarray:
    """Draw clicks, strokes and the box on a copy of a photo.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    clicks : Clicks
        The clicks and strokes, inside the photo.
    radius : int
        The radius of a click's mark, in pixels. A stroke is about as thick.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.
    """
    canvas = np.ascontiguousarray(photo).copy()
    arm = max(2, radius - 4)
    if clicks.box is not None:
        corners = (clicks.box.left, clicks.box.top), (clicks.box.right - 1, clicks.box.bottom - 1)
        for width, paint in ((5, (255, 255, 255)), (2, POSITIVE)):
            cv2.rectangle(canvas, *corners, paint, width)
    for mark in clicks:
        colour = POSITIVE if mark.positive else NEGATIVE
        if isinstance(mark, Stroke):
            line = [np.array(mark.points)[:, ::-1].astype(np.int32)]
            for width, paint in ((radius + 2, (255, 255, 255)), (radius, colour)):
                cv2.polylines(canvas, line, False, paint, width, cv2.LINE_AA)
        row, col = mark.points[-1]
        at = (col, row)
        if mark.positive:
            cv2.circle(canvas, at, radius + 1, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.circle(canvas, at, radius, colour, -1, cv2.LINE_AA)
            cv2.line(canvas, (at[0], at[1] - arm), (at[0], at[1] + arm), (255, 255, 255), 2)
        else:
            for half, paint in ((radius, (255, 255, 255)), (radius - 1, colour)):
                low, high = (at[0] - half, at[1] - half), (at[0] + half, at[1] + half)
                cv2.rectangle(canvas, low, high, paint, -1)
        cv2.line(canvas, (at[0] - arm, at[1]), (at[0] + arm, at[1]), (255, 255, 255), 2)
    return canvas


def composite(
    photo: np.ndarray,
    clicks: Clicks,
    mask: np.ndarray | None = None,
    probability: np.ndarray | None = None,
    view: str = "mask",
    opacity: float = 0.5,
    colour: Colour | None = None,
    others: Sequence[tuple[np.ndarray, Colour]] = (),
) -> np.ndarray:
    """Combine photo, answer and clicks in one picture, as the widget shows them.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    clicks : Clicks
        The clicks, inside the photo.
    mask : np.ndarray, optional
        ``(H, W) bool``. Without a mask, the photo has no overlay.
    probability : np.ndarray, optional
        ``(H, W)`` in [0, 1].
    view : {"mask", "contour", "cut-out", "spotlight", "probability"}
        What to show.
    opacity : float
        The opacity of the tint, 0 to 1.
    colour : tuple of int, optional
        The colour of the tint. By default :func:`mask_colour` chooses one.
    others : sequence of (np.ndarray, tuple of int)
        Masks of other objects, ``(H, W) bool``, and their colours.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.
    """
    picture = photo
    if mask is None and others:
        mask, probability = np.zeros(photo.shape[:2], bool), np.zeros(photo.shape[:2])
    if mask is not None:
        colour = colour or mask_colour(photo, mask)
        over = layer(mask, probability, view, opacity, colour=colour, others=others)
        picture = blend(photo, over)
    return draw_clicks(picture, clicks)


def fit(image: np.ndarray, side: int) -> np.ndarray:
    """Shrink an image so that its longer side has at most ``side`` pixels.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, ...) uint8``.
    side : int
        The largest height and width, in pixels.

    Returns
    -------
    np.ndarray
        ``(h, w, ...) uint8``. A small image is returned unchanged.
    """
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def encode_png(image: np.ndarray, compression: int = 3) -> bytes:
    """Encode an image as PNG.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)`` uint8, red first. Bool becomes 0 and 255.
    compression : int
        0 (fast) to 9 (small).

    Returns
    -------
    bytes
        The contents of a PNG file.
    """
    return _encode(image, ".png", [cv2.IMWRITE_PNG_COMPRESSION, compression])


def encode_jpeg(image: np.ndarray, quality: int = 85) -> bytes:
    """Encode an image as JPEG, with colours at full resolution.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W)`` or ``(H, W, 3)`` uint8, red first.
    quality : int
        0 (small) to 100 (good).

    Returns
    -------
    bytes
        The contents of a JPEG file.
    """
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _encode(image, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality, *sampling])


def _encode(image: np.ndarray, ending: str, settings: list[int]) -> bytes:
    if image.dtype == bool:
        image = image.astype(np.uint8) * 255
    if image.ndim == 3:
        code = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        image = cv2.cvtColor(image, code)
    ok, encoded = cv2.imencode(ending, image, settings)
    if not ok:
        kind = ending.removeprefix(".").upper()
        raise ValueError(f"An image of shape {image.shape} cannot be written as {kind}.")
    return encoded.tobytes()

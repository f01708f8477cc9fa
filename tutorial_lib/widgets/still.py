"""The picture that stands for a widget where no kernel runs."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tutorial_lib.render import encode_jpeg, fit

HINT = (
    "Run this cell (Shift+Enter) to click here yourself.\n"
    "If this picture stays, this page shows no widgets: open the notebook in JupyterLab."
)
LONGEST, TEXT_SIZE, MARGIN = 1600, 14, 6  # pixels
QUALITY = 78  # of the JPEG: a notebook with several stills stays below 1 MB
PAPER, INK = (240, 240, 240), (40, 40, 40)


def still(picture: np.ndarray) -> bytes:
    """Encode the picture of a widget, with a hint below it that says how it comes alive.

    A JPEG keeps the colours of a photo. A palette of 256 colours would not.

    Parameters
    ----------
    picture : np.ndarray
        ``(H, W, 3) uint8``.

    Returns
    -------
    bytes
        The contents of a JPEG file. The picture is in its upper left corner.
    """
    picture = fit(picture, LONGEST)
    font = ImageFont.load_default(TEXT_SIZE)
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    _, _, right, bottom = draw.multiline_textbbox((0, 0), HINT, font)
    height, width = picture.shape[:2]
    size = max(width, round(right) + 2 * MARGIN), height + round(bottom) + 2 * MARGIN
    page = Image.new("RGB", size, PAPER)
    page.paste(Image.fromarray(picture))
    ImageDraw.Draw(page).text((MARGIN, height + MARGIN), HINT, INK, font)
    return encode_jpeg(np.asarray(page), QUALITY)

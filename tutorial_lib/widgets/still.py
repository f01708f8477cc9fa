"""The picture that stands for a widget where no kernel runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import ipywidgets as w
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tutorial_lib.render import encode_jpeg, fit

HINT = (
    "Run this cell (Shift+Enter) to click here yourself.\n"
    "If this picture stays, this page shows no widgets: open the notebook in JupyterLab."
)
LONGEST, TEXT_SIZE, MARGIN = 1600, 14, 6  # pixels
BLOCK = 16  # pixels: the side of a JPEG's block of colours
QUALITY = 75  # of the JPEG: a notebook with several stills stays below 1 MB
PAPER, INK, FAINT = (240, 240, 240), (40, 40, 40), (150, 150, 150)
BUTTON, PRESSED = (255, 255, 255), (197, 220, 247)


class Control(NamedTuple):
    """A control as the picture shows it.

    Parameters
    ----------
    text : str
        What stands on it.
    pressed : bool
        Whether it is a tool that is chosen.
    enabled : bool
        Whether it can do something now.
    """

    text: str
    pressed: bool = False
    enabled: bool = True


def controls_above(widgets: Iterable[w.Widget]) -> list[Control]:
    """Return the controls of a widget above its photo: buttons, tools and lists.

    Parameters
    ----------
    widgets : iterable of ipywidgets.Widget
        The parts of the widget from top to bottom. The photo ends them.

    Returns
    -------
    list of Control
        In the order in which they stand.
    """
    found = []
    for part in _visible(widgets):
        if isinstance(part, w.ToggleButtons):
            options = zip(part._options_labels, part._options_values, strict=True)
            found += [Control(_plain(text), value == part.value) for text, value in options]
        elif isinstance(part, w.Dropdown):
            found.append(Control(f"{part.description} | {part.label}", False, not part.disabled))
        elif isinstance(part, (w.Button, w.ToggleButton)):
            pressed = isinstance(part, w.ToggleButton) and part.value
            found.append(Control(_plain(part.description), pressed, not part.disabled))
        elif not isinstance(part, w.HTML):
            break
    return found


def _visible(widgets: Iterable[w.Widget]) -> Iterator[w.Widget]:
    """Yield the visible parts that hold no others, from top to bottom."""
    for widget in widgets:
        if widget.layout.display != "none":
            yield from _visible(widget.children) if isinstance(widget, w.Box) else [widget]


def _plain(text: str) -> str:
    """Leave out symbols, which the font of the picture does not have."""
    return text.encode("ascii", "ignore").decode().strip()


def still(picture: np.ndarray, controls: Sequence[Control] = ()) -> bytes:
    """Encode the picture of a widget, with a hint below it that says how it comes alive.

    A JPEG keeps the colours of a photo. A palette of 256 colours would not.

    Parameters
    ----------
    picture : np.ndarray
        ``(H, W, 3) uint8``.
    controls : sequence of Control
        Drawn above the picture.

    Returns
    -------
    bytes
        The contents of a JPEG file. The picture is at its left border.
    """
    picture = fit(picture, LONGEST)
    font = ImageFont.load_default(TEXT_SIZE)
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    _, _, right, bottom = draw.multiline_textbbox((0, 0), HINT, font)
    height, width = picture.shape[:2]
    wide = max(width, round(right) + 2 * MARGIN)
    strip = _strip(controls, wide, font) if controls else Image.new("RGB", (wide, 0))
    above = strip.height
    page = Image.new("RGB", (wide, above + height + round(bottom) + 2 * MARGIN), PAPER)
    page.paste(strip)
    page.paste(Image.fromarray(picture), (0, above))
    ImageDraw.Draw(page).text((MARGIN, above + height + MARGIN), HINT, INK, font)
    return encode_jpeg(np.asarray(page), QUALITY)


def _strip(controls: Sequence[Control], width: int, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Draw controls side by side, and in further lines where they do not fit."""
    line, places, left, top = TEXT_SIZE + 2 * MARGIN, [], MARGIN, MARGIN
    for control in controls:
        long = round(font.getlength(control.text)) + 2 * MARGIN
        if left > MARGIN and left + long + MARGIN > width:
            left, top = MARGIN, top + line + MARGIN
        places.append((left, top, left + long, top + line))
        left += long + MARGIN
    # The photo below then begins with a block of the JPEG, and keeps its quality.
    height = -(-(top + line + MARGIN) // BLOCK) * BLOCK
    strip = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(strip)
    for control, place in zip(controls, places, strict=True):
        fill = PRESSED if control.pressed else BUTTON
        draw.rounded_rectangle(place, 3, fill, FAINT)
        ink = INK if control.enabled else FAINT
        draw.text((place[0] + MARGIN, place[1] + MARGIN - 1), control.text, ink, font)
    return strip

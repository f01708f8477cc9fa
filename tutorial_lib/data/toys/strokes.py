"""Scenes as vector graphics: outlines, paints, and the pen that collects strokes.

Coordinates are ``(row, col)``; rows increase downwards. A thing is drawn in its own frame, where it
is about one unit tall and stands on row 0. The pen moves it to its place in the picture. The
picture's shorter side is 1.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

Colour = tuple[float, float, float]
Outline = np.ndarray
WHITE: Colour = (252.0, 250.0, 244.0)
BLACK: Colour = (25.0, 22.0, 25.0)


@dataclass(frozen=True)
class Paint:
    """The filling of a stroke.

    Parameters
    ----------
    colour, second : tuple of float
        RGB, 0 to 255. A pattern mixes the second colour into the first one.
    pattern : str
        One of :data:`tutorial_lib.data.toys.canvas.PATTERNS`.
    period : float
        The size of the pattern, in units of the thing's frame.
    angle : float
        The direction of stripes and planks, in radians. At 0 they are horizontal.
    noise : float
        The strength of the irregular light and dark, 0 to 1.
    """

    colour: Colour
    second: Colour = (0.0, 0.0, 0.0)
    pattern: str = "plain"
    period: float = 0.1
    angle: float = 0.0
    noise: float = 0.12


@dataclass(frozen=True, eq=False)
class PaintedShape:
    """One filled outline.

    Parameters
    ----------
    outline : np.ndarray
        ``(n, 2) float64`` corners in picture units.
    paint : Paint
        The filling, with its period in picture units.
    part : str or None
        The part that the pixels belong to. None for the backdrop and for shadows.
    relief : float
        How rounded the stroke looks, 0 to 1.
    softness : float
        The blur of the edge, in picture units. A soft stroke is a shadow or a glow, and owns no
        pixel.
    opacity : float
        The opacity of the colour, 0 to 1.
    """

    outline: Outline
    paint: Paint
    part: str | None = None
    relief: float = 0.0
    softness: float = 0.0
    opacity: float = 1.0


@dataclass(eq=False)
class Pen:
    """A pen that collects strokes, and the whole that each part belongs to.

    Parameters
    ----------
    rng : np.random.Generator
        The source of all random choices.
    height, width : float
        The size of the picture. The shorter side is 1.
    palette : list of tuple
        Colours that are used in many places of the scene, so that colour alone does not identify
        an object.
    """

    rng: np.random.Generator
    height: float
    width: float
    palette: list[Colour]
    strokes: list[PaintedShape] = field(default_factory=list)
    parents: dict[str, str | None] = field(default_factory=dict)
    _place: tuple[float, float, float, float, float] = (0.0, 0.0, 1.0, 1.0, 0.0)

    def stand(
        self, row: float, col: float, scale: float = 1.0, mirrored: bool = False, angle: float = 0.0
    ) -> None:
        """Move the origin of the next thing's frame to a place in the picture.

        Parameters
        ----------
        row, col : float
            The place, in picture units.
        scale : float
            The size of one unit of the frame, in picture units.
        mirrored : bool
            Whether left and right are exchanged.
        angle : float
            The rotation of the frame, in radians.
        """
        self._place = (row, col, scale, -1.0 if mirrored else 1.0, angle)

    def part(self, name: str, parent: str | None = None) -> str:
        """Declare a part after its whole, and return the part's name."""
        self.parents.setdefault(name, parent)
        return name

    def side(self, sign: float) -> str:
        """Return the side of the picture where a column of the frame lies."""
        return "right" if sign * self._place[3] > 0 else "left"

    def draw(
        self,
        outline: Outline,
        paint: Paint,
        part: str | None = None,
        relief: float = 0.0,
        softness: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        """Add one stroke, in coordinates of the thing's frame."""
        row, col, scale, side, angle = self._place
        rows, cols = outline[:, 0], outline[:, 1] * side
        turned = np.stack(
            [
                row + scale * (rows * np.cos(angle) + cols * np.sin(angle)),
                col + scale * (cols * np.cos(angle) - rows * np.sin(angle)),
            ],
            axis=1,
        )
        scaled = replace(paint, period=paint.period * scale)
        self.strokes.append(PaintedShape(turned, scaled, part, relief, softness * scale, opacity))

    def shadow(self, outline: Outline, softness: float = 0.05, opacity: float = 0.45) -> None:
        """Darken what is below an outline."""
        self.draw(outline, Paint((15, 15, 25), noise=0), softness=softness, opacity=opacity)

    def between(self, low: float, high: float) -> float:
        """Draw a random number between two bounds."""
        return float(low + (high - low) * self.rng.random())

    def chance(self, probability: float) -> bool:
        """Return True with a given probability."""
        return bool(self.rng.random() < probability)

    def pick(self, *choices: str) -> str:
        """Choose one of several strings at random."""
        return choices[int(self.rng.integers(len(choices)))]

    def hue(
        self,
        hues: tuple[float, float] = (0, 1),
        strength: tuple[float, float] = (0.3, 0.75),
        light: tuple[float, float] = (0.4, 0.9),
    ) -> Colour:
        """Draw a random colour from ranges of hue, saturation and value, each 0 to 1."""
        parts = self.between(*hues) % 1, self.between(*strength), self.between(*light)
        red, green, blue = colorsys.hsv_to_rgb(*parts)
        return red * 255, green * 255, blue * 255

    def common(self) -> Colour:
        """Draw a random colour of the palette."""
        return vary(self, self.palette[int(self.rng.integers(len(self.palette)))])

    def cloth(self, period: float = 0.05) -> Paint:
        """Draw a random fabric."""
        pattern = self.pick("plain", "plain", "stripes", "checks", "dots", "leafy")
        colour, angle = self.common(), self.between(0, np.pi)
        second = self.common() if self.chance(0.5) else mix(colour, WHITE, 0.5)
        return Paint(colour, second, pattern, period, angle if self.chance(0.4) else 0.0, 0.2)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour between two: ``share`` of the way from the first to the second."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def darker(colour: Colour, share: float = 0.4) -> Colour:
    """Return a colour mixed with a near black."""
    return mix(colour, BLACK, share)


def vary(pen: Pen, colour: Colour, amount: float = 14) -> Colour:
    """Return a random colour close to a given one."""
    shift = (pen.rng.random(4) * 2 - 1) * amount
    red, green, blue = (
        min(250.0, max(5.0, c + shift[3] + s / 2)) for c, s in zip(colour, shift, strict=False)
    )
    return red, green, blue


def box(top: float, left: float, bottom: float, right: float) -> Outline:
    """Return the outline of an upright rectangle."""
    return polygon([(top, left), (top, right), (bottom, right), (bottom, left)])


def polygon(corners: Sequence[tuple[float, float]]) -> Outline:
    """Return the outline with straight lines between corners."""
    return np.array(corners, dtype=np.float64)


def ellipse(row: float, col: float, tall: float, wide: float, angle: float = 0.0) -> Outline:
    """Return the outline of a rotated ellipse.

    Parameters
    ----------
    row, col : float
        The centre.
    tall, wide : float
        The half axes.
    angle : float
        The rotation, in radians.

    Returns
    -------
    np.ndarray
        ``(n, 2)`` corners.
    """
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    rows, cols = tall * np.sin(turn), wide * np.cos(turn)
    return np.stack(
        [
            row + rows * np.cos(angle) + cols * np.sin(angle),
            col + cols * np.cos(angle) - rows * np.sin(angle),
        ],
        axis=1,
    )


def limb(
    start: tuple[float, float], end: tuple[float, float], wide: float, narrow: float
) -> Outline:
    """Return the outline of a rounded bar between two points.

    Parameters
    ----------
    start, end : tuple of float
        The two points, as ``(row, col)``.
    wide, narrow : float
        The half widths at ``start`` and at ``end``.

    Returns
    -------
    np.ndarray
        ``(n, 2)`` corners.
    """
    along = np.arctan2(end[0] - start[0], end[1] - start[1])
    turn = np.linspace(np.pi / 2, 3 * np.pi / 2, 12) + along
    first = np.stack([start[0] + wide * np.sin(turn), start[1] + wide * np.cos(turn)], axis=1)
    last = np.stack([end[0] - narrow * np.sin(turn), end[1] - narrow * np.cos(turn)], axis=1)
    return np.concatenate([first, last])


def blob(
    pen: Pen, row: float, col: float, tall: float, wide: float, wobble: float = 0.12, lobes: int = 6
) -> Outline:
    """Return the outline of an ellipse with a smooth, irregular edge.

    Parameters
    ----------
    pen : Pen
        The source of randomness.
    row, col : float
        The centre.
    tall, wide : float
        The half axes.
    wobble : float
        The strength of the irregularity, relative to the radius.
    lobes : int
        The approximate number of lobes.

    Returns
    -------
    np.ndarray
        ``(n, 2)`` corners.
    """
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = np.ones_like(turn)
    for waves in (2, 3, lobes):
        radius += wobble / 2 * np.cos(waves * turn + pen.between(0, 2 * np.pi))
    return np.stack(
        [row + tall * radius * np.sin(turn), col + wide * radius * np.cos(turn)], axis=1
    )


def curve(*points: tuple[float, float]) -> Outline:
    """Return a smooth closed curve near the corners (Chaikin's corner cutting, three times)."""
    corners = np.array(points, dtype=np.float64)
    for _ in range(3):
        after = np.roll(corners, -1, axis=0)
        halves = np.stack([0.75 * corners + 0.25 * after, 0.25 * corners + 0.75 * after], axis=1)
        corners = halves.reshape(-1, 2)
    return corners

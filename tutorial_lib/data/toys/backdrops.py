"""Backdrops behind the things: countryside, a room, a table, the sea, a flower bed.

Backdrops belong to no part. Each function draws with a pen whose origin is the picture's upper left
corner, with scale 1. It returns the row of the ground on which things stand.
"""

from __future__ import annotations

from tutorial_lib.data.toys.strokes import (
    WHITE,
    Outline,
    Paint,
    Pen,
    blob,
    box,
    darker,
    ellipse,
    mix,
    polygon,
    vary,
)


def outdoors(pen: Pen) -> float:
    """Draw sky, hills, and grass, sand or a pavement; return the row of the ground."""
    horizon = pen.height * pen.between(0.55, 0.7)
    _sky(pen, horizon)
    for _ in range(int(pen.rng.integers(1, 4))):
        _hill(pen, horizon)
    ground = pen.pick("grass", "grass", "sand", "pavement")
    if ground == "grass":
        colour = pen.hue((0.2, 0.36), (0.35, 0.65), (0.45, 0.7))
        paint = Paint(colour, mix(colour, (30, 70, 30), 0.4), "leafy", noise=0.15)
    elif ground == "sand":
        colour = pen.hue((0.08, 0.13), (0.2, 0.45), (0.65, 0.88))
        paint = Paint(colour, mix(colour, (120, 90, 50), 0.3), "leafy", noise=0.12)
    else:
        colour = pen.hue((0, 1), (0.02, 0.18), (0.5, 0.75))
        paint = Paint(colour, mix(colour, (60, 60, 60), 0.3), "bricks", pen.between(0.03, 0.05))
    pen.draw(_strip(pen, horizon, pen.height), paint)
    return horizon + (pen.height - horizon) * pen.between(0.45, 0.75)


def room(pen: Pen) -> float:
    """Draw a wall with wallpaper and a floor; return the row of the ground."""
    floor = pen.height * pen.between(0.66, 0.8)
    wall = pen.common() if pen.chance(0.6) else pen.hue((0, 1), (0.08, 0.4), (0.6, 0.9))
    pattern = pen.pick("plain", "stripes", "stripes", "dots", "checks", "leafy", "bricks")
    second = mix(wall, WHITE, pen.between(0.12, 0.4))
    angle = 1.5708 if pattern == "stripes" else 0.0
    period = pen.between(0.05, 0.13)
    pen.draw(_strip(pen, 0, floor), Paint(wall, second, pattern, period, angle, noise=0.06))
    wood = pen.hue((0.05, 0.1), (0.3, 0.6), (0.35, 0.75))
    pattern = pen.pick("planks", "planks", "checks", "leafy")
    period = pen.between(0.06, 0.12)
    paint = Paint(wood, mix(wood, (50, 30, 20), 0.4), pattern, period)
    pen.draw(_strip(pen, floor, pen.height), paint)
    board = vary(pen, mix(wall, WHITE, 0.7))
    pen.draw(_strip(pen, floor - 0.035, floor), Paint(board, noise=0.05), relief=0.3)
    if pen.chance(0.6):
        _picture(pen, floor)
    return floor + (pen.height - floor) * pen.between(0.35, 0.7)


def table(pen: Pen) -> float:
    """Draw a table seen from above; return the row of its middle."""
    colour = pen.common() if pen.chance(0.6) else pen.hue((0.04, 0.1), (0.3, 0.6), (0.35, 0.7))
    pattern = pen.pick("planks", "planks", "checks", "checks", "stripes", "plain")
    dark, light = mix(colour, (40, 25, 15), 0.45), mix(colour, WHITE, 0.6)
    paint = Paint(
        colour,
        dark if pattern == "planks" else light,
        pattern,
        pen.between(0.07, 0.18),
        pen.between(0, 3.14) if pen.chance(0.5) else 0.0,
        noise=0.1,
    )
    pen.draw(_strip(pen, 0, pen.height), paint)
    return pen.height / 2


def sea(pen: Pen) -> float:
    """Draw sky, an island, and waves; return the row of the waterline."""
    horizon = pen.height * pen.between(0.45, 0.6)
    _sky(pen, horizon)
    if pen.chance(0.7):
        _hill(pen, horizon)
    water = pen.hue((0.48, 0.63), (0.35, 0.7), (0.45, 0.8))
    light = mix(water, WHITE, pen.between(0.15, 0.35))
    paint = Paint(water, light, "waves", pen.between(0.05, 0.09), noise=0.12)
    pen.draw(_strip(pen, horizon, pen.height), paint)
    return horizon + (pen.height - horizon) * pen.between(0.35, 0.6)


def flower_bed(pen: Pen) -> float:
    """Draw blurred leaves and flowers; return the row of the middle."""
    green = pen.hue((0.2, 0.42), (0.3, 0.6), (0.35, 0.68))
    paint = Paint(green, darker(green, 0.35), "leafy", noise=0.2)
    pen.draw(_strip(pen, 0, pen.height), paint)
    bloom = pen.common()
    for _ in range(int(pen.rng.integers(22, 34))):
        size, (row, col) = pen.between(0.04, 0.15), _anywhere(pen)
        soft = pen.between(0.004, 0.02)
        if pen.chance(0.75):
            colour = mix(
                green, pen.hue((0.16, 0.4), (0.3, 0.8), (0.4, 0.85)), pen.between(0.2, 0.9)
            )
            leaf = ellipse(row, col, size, size * pen.between(0.25, 0.5), pen.between(0, 3.2))
            pen.draw(leaf, Paint(colour, noise=0.15), None, 0.3, soft, pen.between(0.5, 0.9))
        else:
            spot = ellipse(row, col, size * 0.6, size * 0.6)
            pen.draw(spot, Paint(vary(pen, bloom, 30)), None, 0.3, soft, pen.between(0.4, 0.8))
    return pen.height / 2


def _strip(pen: Pen, top: float, bottom: float) -> Outline:
    """Return a rectangle slightly wider than the picture."""
    return box(top - 0.02 * (top <= 0), -0.02, bottom + 0.02, pen.width + 0.02)


def _anywhere(pen: Pen) -> tuple[float, float]:
    return pen.between(0, pen.height), pen.between(0, pen.width)


def _sky(pen: Pen, horizon: float) -> None:
    evening = pen.chance(0.3)
    hues = (0.9, 1.1) if evening else (0.52, 0.63)
    high = pen.hue(hues, (0.25, 0.6), (0.6, 0.9))
    low = mix(high, (255, 226, 190) if evening else WHITE, pen.between(0.5, 0.85))
    paint = Paint(high, low, "gradient", horizon + 0.04, noise=0.03)
    pen.draw(_strip(pen, 0, horizon), paint)
    for _ in range(int(pen.rng.integers(0, 5))):
        row, col, wide = *_anywhere(pen), pen.between(0.08, 0.22)
        for _ in range(3):
            puff = ellipse(
                row * 0.45 + pen.between(-0.02, 0.02),
                col + pen.between(-wide, wide),
                wide * pen.between(0.2, 0.4),
                wide * pen.between(0.5, 0.9),
            )
            pen.draw(puff, Paint(WHITE, noise=0.06), softness=0.012, opacity=0.6)


def _hill(pen: Pen, horizon: float) -> None:
    colour = mix(pen.hue((0.2, 0.62), (0.2, 0.5), (0.4, 0.7)), WHITE, pen.between(0.1, 0.4))
    dark = mix(colour, (40, 60, 60), 0.3)
    tall, wide = pen.between(0.05, 0.22), pen.between(0.3, 0.8)
    col = pen.between(0, pen.width)
    if pen.chance(0.35):  # a row of distant trees
        for place in range(9):
            crown = blob(pen, horizon - 0.03, col + (place - 4) * 0.07, 0.06, 0.05)
            pen.draw(crown, Paint(colour, dark, "leafy", noise=0.2))
    else:
        pen.draw(blob(pen, horizon, col, tall, wide, 0.15), Paint(colour, dark, "leafy"))


def _picture(pen: Pen, floor: float) -> None:
    """Draw a picture on the wall."""
    row, col = floor * pen.between(0.2, 0.45), pen.between(0.05, pen.width - 0.05)
    tall, wide = pen.between(0.06, 0.13), pen.between(0.06, 0.15)
    frame = box(row - tall, col - wide, row + tall, col + wide)
    pen.shadow(frame + 0.012, 0.012)
    pen.draw(frame, Paint(pen.hue((0.05, 0.12), (0.2, 0.6), (0.3, 0.8))), relief=0.3)
    tall, wide = tall - 0.018, wide - 0.018
    sky = box(row - tall, col - wide, row + tall, col + wide)
    pen.draw(sky, Paint(pen.common(), pen.common(), "gradient", 2 * tall))
    peak = polygon([(row + tall, col - wide), (row - 0.02, col), (row + tall, col + wide)])
    pen.draw(peak, Paint(pen.common(), noise=0.2))

"""Living things: a person and a potted plant that stand on row 0, and a butterfly at the origin.

Every function declares its parts before it draws them and returns the name of the whole.
"""

from __future__ import annotations

import numpy as np

from tutorial_lib.data.toys.strokes import (
    BLACK,
    WHITE,
    Colour,
    Paint,
    Pen,
    blob,
    box,
    curve,
    darker,
    ellipse,
    limb,
    mix,
    polygon,
)


def person(pen: Pen) -> str:
    """Draw person > head > hat, hair; jacket > pocket; trousers or skirt; shoes; hands; bag."""
    whole = pen.part("person")
    skin = mix((245, 205, 175), (90, 55, 40), pen.between(0, 0.9))
    skirt = pen.chance(0.35)
    for name in ("jacket", "skirt" if skirt else "trousers", "hands", "shoes", "head"):
        pen.part(name, whole)
    pen.shadow(ellipse(0.01, 0.03, 0.035, 0.26))
    _legs(pen, skin, skirt)
    fabric, shoulder = pen.cloth(pen.between(0.035, 0.07)), pen.between(0.125, 0.16)
    strands = _hair(pen)
    pen.draw(limb((-0.84, 0), (-0.74, 0), 0.038, 0.05), Paint(darker(skin, 0.15)), "head")
    swing = pen.between(0.02, 0.3), pen.between(0.02, 0.3)
    for side, amount in zip((-1, 1), swing, strict=True):
        elbow = (-0.58, side * (shoulder + 0.03 + 0.1 * amount))
        wrist = (-0.44 - 0.25 * amount * (amount > 0.2), side * (shoulder + 0.02 + 0.45 * amount))
        reach = 1.22  # the hand lies beyond the end of the sleeve
        hand = [joint + reach * (end - joint) for joint, end in zip(elbow, wrist, strict=True)]
        pen.draw(ellipse(hand[0], hand[1], 0.038, 0.034), Paint(skin), "hands", relief=0.3)
        pen.draw(limb(elbow, wrist, 0.042, 0.036), fabric, "jacket", relief=0.3)
        pen.draw(limb((-0.71, side * (shoulder - 0.02)), elbow, 0.05, 0.042), fabric, "jacket", 0.3)
    _jacket(pen, fabric, shoulder)
    _head(pen, skin, strands)
    if pen.chance(0.45):
        pen.part("bag", whole)
        _bag(pen, shoulder + 0.02 + 0.45 * swing[1])
    return whole


def _legs(pen: Pen, skin: Colour, skirt: bool) -> None:
    fabric = pen.cloth(0.04)
    wide, shoe = pen.between(0.06, 0.11), pen.common()
    for side in (-1, 1):
        name = pen.part(f"{pen.side(side)}-shoe", "shoes")
        foot = side * wide
        sole = ellipse(-0.022, foot + side * 0.02, 0.03, 0.06)
        pen.draw(sole, Paint(darker(shoe, 0.3)), name, relief=0.5)
        paint, part = (Paint(skin), "person") if skirt else (fabric, "trousers")
        leg = limb((-0.46, side * 0.06), (-0.05, foot), 0.062, 0.035 if skirt else 0.046)
        pen.draw(leg, paint, part, relief=0.35)
    if skirt:
        hem = pen.between(0.15, 0.22)
        outline = curve((-0.52, -0.1), (-0.52, 0.1), (-0.24, hem), (-0.2, 0), (-0.24, -hem))
        pen.draw(outline, fabric, "skirt", relief=0.3)
    else:
        pen.draw(box(-0.5, -0.118, -0.42, 0.118), fabric, "trousers")


def _jacket(pen: Pen, fabric: Paint, shoulder: float) -> None:
    torso = curve(
        (-0.77, -shoulder),
        (-0.8, 0),
        (-0.77, shoulder),
        (-0.6, shoulder - 0.01),
        (-0.43, 0.135),
        (-0.43, 0),
        (-0.43, -0.135),
        (-0.6, -shoulder + 0.01),
    )
    pen.draw(torso, fabric, "jacket", relief=0.35)
    trim = Paint(pen.common() if pen.chance(0.5) else darker(fabric.colour))
    pen.draw(box(-0.76, -0.006, -0.44, 0.006), trim, "jacket")
    collar = polygon([(-0.79, -0.06), (-0.7, 0), (-0.79, 0.06), (-0.76, 0)])
    pen.draw(collar, trim, "jacket")
    if pen.chance(0.75):
        pen.part("pocket", "jacket")
        colour = pen.common()
        left = 0.025
        patch = polygon(
            [(-0.7, left), (-0.7, 0.105), (-0.62, 0.105), (-0.595, 0.065), (-0.62, left)]
        )
        pen.draw(
            patch, Paint(colour, mix(colour, WHITE, 0.5), "stripes", 0.03), "pocket", relief=0.2
        )


def _hair(pen: Pen) -> Paint:
    """Choose the hair, and draw the hair behind the neck."""
    hair = pen.hue((0.02, 0.12), (0.2, 0.7), (0.12, 0.75))
    strands = Paint(hair, darker(hair), "leafy", noise=0.3)
    pen.part("hair", "head")
    if pen.chance(0.45):
        length = pen.between(0.11, 0.17)
        pen.draw(blob(pen, -0.87, 0, length, 0.1, 0.08), strands, "hair", relief=0.3)
    return strands


def _head(pen: Pen, skin: Colour, strands: Paint) -> None:
    pen.draw(ellipse(-0.885, 0, 0.085, 0.068), Paint(skin, noise=0.06), "head", relief=0.4)
    fringe = [(-0.985, 0), (-0.95, 0.085), (-0.86, 0.075), (-0.92, 0.03), (-0.93, -0.04)]
    pen.draw(curve(*fringe, (-0.86, -0.075), (-0.95, -0.085)), strands, "hair", relief=0.3)
    for side in (-1, 1):
        pen.draw(ellipse(-0.89, side * 0.027, 0.008, 0.008), Paint(BLACK), "head")
    smile = curve((-0.848, -0.03), (-0.838, 0), (-0.848, 0.03), (-0.83, 0))
    pen.draw(smile, Paint(mix(skin, (170, 30, 40), 0.6)), "head")
    if pen.chance(0.5):
        pen.part("hat", "head")
        felt = pen.cloth(0.03)
        crown = curve((-0.93, -0.085), (-1.04, -0.075), (-1.06, 0), (-1.04, 0.075), (-0.93, 0.085))
        pen.draw(crown, felt, "hat", relief=0.35)
        brim = ellipse(-0.935, pen.between(-0.02, 0.02), 0.016, pen.between(0.1, 0.15))
        pen.draw(brim, Paint(darker(felt.colour, 0.3)), "hat", relief=0.2)


def _bag(pen: Pen, col: float) -> None:
    fabric = pen.cloth(0.04)
    strap = Paint(darker(fabric.colour))
    pen.draw(limb((-0.42, col), (-0.3, col - 0.05), 0.01, 0.01), strap, "bag")
    pen.draw(limb((-0.42, col), (-0.3, col + 0.05), 0.01, 0.01), strap, "bag")
    pen.draw(
        curve((-0.33, col - 0.1), (-0.33, col + 0.1), (-0.12, col + 0.13), (-0.12, col - 0.13)),
        fabric,
        "bag",
        relief=0.35,
    )


def plant(pen: Pen) -> str:
    """Draw plant > pot > pot-band, foliage > flowers > each flower > its heart."""
    whole = pen.part("plant")
    for name in ("pot", "foliage"):
        pen.part(name, whole)
    pen.part("pot-band", "pot")
    pen.part("flowers", "foliage")
    rim, base = pen.between(0.19, 0.25), pen.between(0.12, 0.18)
    pen.shadow(ellipse(0.0, 0.05, 0.045, rim * 1.2))
    green = pen.hue((0.22, 0.42), (0.35, 0.7), (0.35, 0.65))
    leafy, vein = Paint(green, darker(green), "leafy", noise=0.3), mix(green, WHITE, 0.3)
    for turn in np.linspace(0.35, np.pi - 0.35, int(pen.rng.integers(9, 15))):
        _leaf(pen, turn + pen.between(-0.12, 0.12), leafy, vein)
    pen.draw(blob(pen, -0.42, 0, 0.14, rim), leafy, "foliage", relief=0.3)
    _pot(pen, rim, base)
    count = int(pen.rng.integers(1, 4))
    petals = pen.common() if pen.chance(0.6) else pen.hue((0.8, 1.15), (0.4, 0.8), (0.7, 1))
    for number, turn in enumerate(np.linspace(0.5, 2.6, count + 2)[1:-1], start=1):
        reach = pen.between(0.32, 0.46)
        row, col = -0.42 - reach * np.sin(turn), reach * np.cos(turn)
        pen.draw(limb((-0.44, 0), (row, col), 0.012, 0.009), Paint(darker(green, 0.2)), "foliage")
        flower = pen.part(f"flower-{number}", "flowers")
        blossom(pen, row, col, pen.between(0.09, 0.13), petals, flower)
    return whole


def _leaf(pen: Pen, turn: float, paint: Paint, vein: Colour) -> None:
    length = pen.between(0.24, 0.5)
    row, col = -0.36 - length * np.sin(turn), length * 0.9 * np.cos(turn)
    across = pen.between(0.04, 0.065)
    middle = (-0.36 + row) / 2, col / 2
    side = np.cos(turn) * across, np.sin(turn) * across
    outline = curve(
        (-0.36, 0), (middle[0] + side[0], middle[1] + side[1]), (row, col), (row, col),
        (middle[0] - side[0], middle[1] - side[1]),
    )  # fmt: skip
    pen.draw(outline, paint, "foliage", relief=0.4)
    pen.draw(limb((-0.36, 0), (row * 0.95 - 0.02, col * 0.9), 0.006, 0.003), Paint(vein), "foliage")


def _pot(pen: Pen, rim: float, base: float) -> None:
    clay = pen.hue((0.02, 0.08), (0.4, 0.7), (0.55, 0.8)) if pen.chance(0.5) else pen.common()
    wall = polygon([(-0.36, -rim), (-0.36, rim), (0, base), (0, -base)])
    pen.draw(wall, Paint(clay, noise=0.12), "pot", relief=0.5)
    low, high = (rim * 0.62 + base * 0.38), (rim * 0.4 + base * 0.6)
    band = polygon([(-0.23, -low), (-0.23, low), (-0.13, high), (-0.13, -high)])
    pattern = pen.pick("stripes", "checks", "dots", "plain")
    pen.draw(band, Paint(pen.common(), mix(clay, WHITE, 0.6), pattern, 0.05, 0.8), "pot-band", 0.4)
    pen.draw(box(-0.4, -rim - 0.025, -0.33, rim + 0.025), Paint(mix(clay, WHITE, 0.1)), "pot", 0.4)


def blossom(pen: Pen, row: float, col: float, size: float, colour: Colour, part: str) -> None:
    """Draw the petals of a flower, and its heart as the part ``<part>-heart``."""
    heart = pen.part(f"{part}-heart", part)
    count, start = int(pen.rng.integers(5, 9)), pen.between(0, 6)
    paint = Paint(colour, mix(colour, WHITE, 0.4), "leafy", noise=0.1)
    for turn in start + np.arange(count) * 2 * np.pi / count:
        place = row + 0.58 * size * np.sin(turn), col + 0.58 * size * np.cos(turn)
        petal = ellipse(*place, 1.25 * size / count**0.5, 0.48 * size, np.pi / 2 - turn)
        pen.draw(petal, paint, part, relief=0.4)
    centre = pen.hue((0.08, 0.16), (0.5, 0.9), (0.6, 0.95))
    pen.draw(
        ellipse(row, col, size * 0.36, size * 0.36),
        Paint(centre, darker(centre), "dots", 0.02),
        heart,
        0.4,
    )


def butterfly(pen: Pen) -> str:
    """Draw butterfly > butterfly-body, wings > each wing > its spots."""
    whole = pen.part("butterfly")
    pen.part("wings", whole)
    pen.part("butterfly-body", whole)
    colour = pen.common() if pen.chance(0.5) else pen.hue((0, 1), (0.5, 0.85), (0.6, 0.95))
    edge, spot = darker(colour, pen.between(0.4, 0.8)), pen.common()
    rise, drop = pen.between(0.3, 0.44), pen.between(0.26, 0.4)
    reach, eye = pen.between(0.46, 0.58), pen.between(0.05, 0.085)
    pattern = pen.pick("leafy", "stripes", "dots", "plain")
    inner = Paint(colour, mix(colour, WHITE, 0.35), pattern, 0.08, pen.between(0, 3), 0.15)
    for side in (-1, 1):
        wing = pen.part(f"{pen.side(side)}-wing", "wings")
        eyes = pen.part(f"{pen.side(side)}-spots", wing)
        lower = curve(
            (0.02, 0),
            (0.02, side * 0.3),
            (drop * 0.7, side * 0.44),
            (drop, side * 0.3),
            (drop * 0.9, side * 0.1),
        )
        upper = curve(
            (0.06, 0),
            (-rise * 0.6, side * 0.1),
            (-rise, side * reach * 0.8),
            (-rise * 0.7, side * reach),
            (0.02, side * reach * 0.75),
        )
        for outline in (lower, upper):
            pen.shadow(outline + 0.02, 0.015, 0.35)
            pen.draw(outline, Paint(edge, noise=0.2), wing, relief=0.2)
            middle = outline.mean(axis=0)
            pen.draw((outline - middle) * 0.78 + middle * 0.96, inner, wing, relief=0.2)
            pen.draw(ellipse(middle[0], middle[1] * 1.15, eye, eye), Paint(spot), eyes, 0.3)
            pupil = ellipse(middle[0], middle[1] * 1.15, eye * 0.45, eye * 0.45)
            pen.draw(pupil, Paint(BLACK), eyes)
        tip = (-0.34, side * 0.13)
        pen.draw(limb((-0.17, 0), tip, 0.008, 0.006), Paint(edge), "butterfly-body")
        pen.draw(ellipse(*tip, 0.016, 0.016), Paint(edge), "butterfly-body")
    fur = Paint(darker(edge, 0.3), mix(colour, BLACK, 0.3), "stripes", 0.06)
    pen.draw(limb((-0.08, 0), (0.28, 0), 0.045, 0.022), fur, "butterfly-body", relief=0.4)
    pen.draw(ellipse(-0.15, 0, 0.05, 0.045), Paint(edge), "butterfly-body", relief=0.4)
    return whole

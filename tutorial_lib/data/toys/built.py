"""Built things: house, car and boat. Each is about one unit tall and stands on row 0.

Every function declares its parts before it draws them and returns the name of the whole.
"""

from __future__ import annotations

import numpy as np

from tutorial_lib.data.toys.strokes import (
    BLACK,
    WHITE,
    Colour,
    Outline,
    Paint,
    Pen,
    box,
    curve,
    darker,
    ellipse,
    limb,
    mix,
    polygon,
    vary,
)

GLASS = (120.0, 165.0, 195.0)


def house(pen: Pen) -> str:
    """Draw house > roof, chimney, front > door > door-window, and front > windows > each window."""
    whole = pen.part("house")
    for name in ("roof", "chimney", "front"):
        pen.part(name, whole)
    pen.part("door", "front")
    pen.part("door-window", "door")
    pen.part("windows", "front")
    half, eaves = pen.between(0.48, 0.64), pen.between(-0.6, -0.5)
    pen.shadow(ellipse(0.02, 0.06, 0.06, half * 1.1))
    chimney = pen.hue((0, 0.06), (0.3, 0.6), (0.4, 0.7))
    place = pen.between(0.15, 0.7) * half
    brick = Paint(chimney, mix(chimney, WHITE, 0.5), "bricks", 0.04)
    pen.draw(box(-1.02, place, -0.6, place + 0.13), brick, "chimney", relief=0.3)
    pen.draw(box(-1.05, place - 0.02, -1.01, place + 0.15), Paint(darker(chimney)), "chimney")
    pen.draw(box(eaves - 0.02, -half, 0, half), _wall(pen), "front")
    roof = pen.hue((0.97, 1.08), (0.3, 0.7), (0.35, 0.7)) if pen.chance(0.6) else pen.common()
    ridge, tip = pen.between(0.05, 0.7) * half, pen.between(-1, -0.88)
    outline = [
        (eaves + 0.03, -half - 0.07),
        (tip, -ridge),
        (tip, ridge),
        (eaves + 0.03, half + 0.07),
    ]
    tiles = pen.pick("bricks", "bricks", "stripes", "planks")
    pen.shadow(box(eaves, -half, eaves + 0.05, half), 0.015)
    pen.draw(polygon(outline), Paint(roof, darker(roof), tiles, 0.055), "roof", relief=0.25)
    _door(pen, half)
    for share in (-0.68, 0.68)[: 1 + pen.chance(0.75)]:
        _window(pen, f"{pen.side(share)}-window", eaves * 0.62, share * half)
    if pen.chance(0.6):
        pen.part("attic-window", "roof")
        pane = ellipse((eaves + tip) / 2 + 0.02, 0, 0.07, 0.07)
        _glass(pen, pane, ellipse((eaves + tip) / 2 + 0.02, 0, 0.05, 0.05), "attic-window")
    return whole


def _wall(pen: Pen) -> Paint:
    colour = pen.common() if pen.chance(0.4) else pen.hue((0, 0.16), (0.1, 0.5), (0.6, 0.95))
    pattern = pen.pick("bricks", "bricks", "planks", "leafy", "plain")
    second = mix(colour, WHITE, 0.55) if pattern == "bricks" else darker(colour, 0.2)
    return Paint(colour, second, pattern, pen.between(0.035, 0.07), noise=0.08)


def _door(pen: Pen, half: float) -> None:
    place, colour = pen.between(-0.1, 0.1) * half, pen.common()
    tall, wide = pen.between(0.34, 0.4), pen.between(0.09, 0.12)
    pen.draw(box(-tall - 0.02, place - wide - 0.02, 0, place + wide + 0.02), Paint(WHITE), "door")
    wood = Paint(colour, darker(colour), "planks", 0.06, 1.5708)
    pen.draw(box(-tall, place - wide, 0, place + wide), wood, "door", relief=0.2)
    pane = ellipse(-tall * 0.72, place, 0.05, 0.055)
    _glass(pen, pane, ellipse(-tall * 0.72, place, 0.038, 0.043), "door-window")
    pen.draw(ellipse(-tall * 0.42, place + wide * 0.7, 0.015, 0.015), Paint((235, 200, 80)), "door")
    pen.draw(
        box(-0.015, place - wide - 0.05, 0.02, place + wide + 0.05), Paint((150, 145, 140)), "front"
    )


def _window(pen: Pen, name: str, row: float, col: float) -> None:
    pen.part(name, "windows")
    frame = vary(pen, WHITE) if pen.chance(0.7) else pen.common()
    tall, wide = 0.11, 0.1
    inner = box(row - tall + 0.02, col - wide + 0.02, row + tall - 0.02, col + wide - 0.02)
    _glass(pen, box(row - tall, col - wide, row + tall, col + wide), inner, name, frame)
    pen.draw(box(row - tall, col - 0.008, row + tall, col + 0.008), Paint(frame), name)
    pen.draw(box(row - 0.008, col - wide, row + 0.008, col + wide), Paint(frame), name)
    sill = box(row + tall, col - wide - 0.02, row + tall + 0.025, col + wide + 0.02)
    pen.draw(sill, Paint(darker(frame, 0.2)), name)


def _glass(
    pen: Pen, frame: Outline, pane: Outline, part: str, colour: Colour = (235.0, 230.0, 220.0)
) -> None:
    pen.draw(frame, Paint(colour), part, relief=0.2)
    tint = vary(pen, GLASS, 30)
    pen.draw(pane, Paint(darker(tint, 0.5), mix(tint, WHITE, 0.5), "gradient", 0.22, 0.7), part)


def car(pen: Pen) -> str:
    """Draw car > car-door > handle, car-windows > each, wheels > each > its hub, headlight."""
    whole = pen.part("car")
    for name in ("car-windows", "car-door", "wheels", "headlight"):
        pen.part(name, whole)
    colour = pen.common() if pen.chance(0.6) else pen.hue((0, 1), (0.5, 0.85), (0.5, 0.9))
    roof, nose = pen.between(-0.66, -0.54), pen.between(0.66, 0.76)
    pen.shadow(ellipse(0.0, 0.02, 0.05, 0.78))
    body = curve(
        (-0.1, -0.74), (-0.36, -0.74), (-0.4, -0.6), (roof, -0.44), (roof - 0.02, -0.1),
        (roof, 0.12), (-0.4, 0.34), (-0.34, nose), (-0.12, nose + 0.04), (-0.08, 0),
    )  # fmt: skip
    paint = Paint(mix(colour, WHITE, 0.18), darker(colour, 0.25), "gradient", 0.7, noise=0.04)
    pen.draw(body, paint, whole, relief=0.3)
    top, pillar = roof + 0.07, pen.between(-0.2, -0.1)
    panes = {
        "rear-window": [(top, -0.4), (top, pillar), (-0.38, pillar), (-0.38, -0.52)],
        "front-window": [(top, pillar + 0.04), (top, 0.08), (-0.38, 0.26), (-0.38, pillar + 0.04)],
    }
    for name, corners in panes.items():
        pen.part(name, "car-windows")
        tint = vary(pen, GLASS, 25)
        glass = Paint(darker(tint, 0.55), mix(tint, WHITE, 0.6), "gradient", 0.3, 0.8)
        pen.draw(polygon(corners), glass, name)
    _car_door(pen, pillar, colour)
    pen.draw(ellipse(-0.27, nose - 0.02, 0.045, 0.035), Paint((250, 240, 190)), "headlight", 0.4)
    bumper = Paint((190, 190, 195), (90, 90, 95), "gradient", 0.1)
    pen.draw(limb((-0.12, nose - 0.06), (-0.12, nose + 0.03), 0.03, 0.03), bumper, whole)
    rim = vary(pen, (200, 200, 205), 30) if pen.chance(0.7) else pen.common()
    for name, col in (("rear-wheel", -0.45), ("front-wheel", 0.42)):
        _wheel(pen, name, col, rim)
    return whole


def _car_door(pen: Pen, pillar: float, colour: Colour) -> None:
    left, right = pillar + 0.02, 0.25
    frame = polygon(
        [(-0.37, left), (-0.37, right), (-0.2, right), (-0.11, right - 0.05), (-0.11, left)]
    )
    pen.draw(frame, Paint(darker(colour, 0.55)), "car-door")
    inner = (frame - frame.mean(axis=0)) * 0.94 + frame.mean(axis=0)
    shade = pen.common() if pen.chance(0.3) else mix(colour, WHITE, 0.08)
    pen.draw(inner, Paint(shade, noise=0.05), "car-door", relief=0.2)
    pen.draw(
        limb((-0.31, left + 0.05), (-0.31, left + 0.11), 0.012, 0.012), Paint(BLACK), "car-door"
    )


def _wheel(pen: Pen, name: str, col: float, rim: Colour) -> None:
    pen.part(name, "wheels")
    hub = pen.part(name.replace("wheel", "hub"), name)
    pen.draw(ellipse(-0.13, col, 0.15, 0.15), Paint((40, 38, 42), noise=0.2), name, relief=0.3)
    pen.draw(ellipse(-0.13, col, 0.085, 0.085), Paint(rim), hub, relief=0.5)
    for turn in np.arange(5) * 2 * np.pi / 5 + pen.between(0, 1):
        hole = ellipse(-0.13 + 0.05 * np.sin(turn), col + 0.05 * np.cos(turn), 0.014, 0.014)
        pen.draw(hole, Paint(darker(rim, 0.7)), hub)


def boat(pen: Pen) -> str:
    """Draw boat > hull > hull-stripe, portholes; sails > mainsail > emblem, jib; mast; flag."""
    whole = pen.part("boat")
    for name in ("hull", "mast", "sails", "flag"):
        pen.part(name, whole)
    pen.part("hull-stripe", "hull")
    pen.part("portholes", "hull")
    pen.part("mainsail", "sails")
    pen.part("jib", "sails")
    wood = pen.hue((0.05, 0.1), (0.3, 0.6), (0.4, 0.7))
    pen.shadow(ellipse(0.02, 0, 0.06, 0.5), 0.04, 0.4)
    pen.draw(limb((-1.0, 0), (-0.2, 0), 0.016, 0.022), Paint(wood, noise=0.3), "mast", relief=0.3)
    lift = pen.between(0.02, 0.09)
    flag = polygon([(-1, 0), (-0.965, 0.17), (-0.92, 0.02), (-0.93, 0)])
    pen.draw(flag, pen.cloth(0.05), "flag", relief=0.3)
    canvas = pen.cloth(0.09) if pen.chance(0.5) else Paint(vary(pen, WHITE, 10), noise=0.08)
    sail = [
        (-0.93, 0.02),
        (-0.93, 0.02),
        (-0.55, 0.3),
        (-0.28, 0.42),
        (-0.28, 0.42),
        (-0.28, 0.02),
        (-0.28, 0.02),
    ]
    pen.draw(curve(*sail), canvas, "mainsail", relief=0.35)
    jib = [(-0.9, -0.02), (-0.9, -0.02), (-0.5, -0.26), (-0.26, -0.4), (-0.26, -0.4), (-0.3, -0.02)]
    pen.draw(curve(*jib), pen.cloth(0.07) if pen.chance(0.4) else canvas, "jib", relief=0.35)
    if pen.chance(0.7):
        pen.part("emblem", "mainsail")
        pen.draw(ellipse(-0.46, 0.14, 0.075, 0.075), pen.cloth(0.05), "emblem")
    paint = pen.common()
    hull = curve(
        (-0.24, -0.5),
        (-0.24 - lift / 2, -0.5),
        (-0.2, 0),
        (-0.24 - lift, 0.54),
        (-0.24, 0.54),
        (0, 0.4),
        (0.02, 0),
        (0, -0.4),
    )
    pen.draw(hull, Paint(paint, darker(paint, 0.3), "planks", 0.06), "hull", relief=0.4)
    stripe = polygon(
        [(-0.185, -0.455), (-0.15, 0), (-0.19, 0.475), (-0.15, 0.455), (-0.11, 0), (-0.145, -0.435)]
    )
    pen.draw(stripe, Paint(pen.common()), "hull-stripe")
    for col in (-0.2, 0.0, 0.2):
        pen.draw(ellipse(-0.07, col, 0.032, 0.032), Paint((225, 200, 120)), "portholes", 0.3)
        pen.draw(ellipse(-0.07, col, 0.021, 0.021), Paint((50, 70, 90)), "portholes")
    return whole

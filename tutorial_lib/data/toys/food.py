"""A meal on a plate, seen from above and centred on the origin.

Every function declares its parts before it draws them and returns the name of the whole.
"""

from __future__ import annotations

import numpy as np

from tutorial_lib.data.toys.strokes import (
    BLACK,
    WHITE,
    Paint,
    Pen,
    blob,
    darker,
    ellipse,
    limb,
    mix,
    polygon,
    vary,
)


def meal(pen: Pen) -> str:
    """Draw meal > plate, food > egg > yolk, sausages > each, tomato, peas, lemon, salad."""
    whole = pen.part("meal")
    pen.part("plate", whole)
    pen.part("food", whole)
    china = vary(pen, WHITE, 10) if pen.chance(0.6) else pen.common()
    pen.shadow(ellipse(0.04, 0.04, 0.5, 0.5), 0.03)
    pen.draw(ellipse(0, 0, 0.5, 0.5), Paint(china, noise=0.03), "plate", relief=0.15)
    ring = Paint(pen.common(), mix(china, WHITE, 0.4), pen.pick("plain", "dots", "checks"), 0.06)
    pen.draw(ellipse(0, 0, 0.475, 0.475), ring, "plate")
    pen.draw(ellipse(0, 0, 0.44, 0.44), Paint(china, noise=0.03), "plate")
    pen.draw(ellipse(0, 0, 0.36, 0.36), Paint(mix(china, BLACK, 0.08), noise=0.03), "plate", 0.1)
    dishes = [_egg, _sausages, _tomato, _peas, _lemon, _salad]
    order = pen.rng.permutation(len(dishes))[: int(pen.rng.integers(3, 5))]
    start = pen.between(0, 6)
    for place, index in enumerate(order):
        turn, reach = start + place * 2 * np.pi / len(order), pen.between(0.18, 0.22)
        dishes[index](pen, reach * np.sin(turn), reach * np.cos(turn))
    return whole


def _egg(pen: Pen, row: float, col: float) -> None:
    pen.part("egg", "food")
    pen.part("yolk", "egg")
    white = blob(pen, row, col, 0.16, 0.18, 0.16, 5)
    pen.shadow(white + 0.012, 0.01, 0.3)
    pen.draw(white, Paint((250, 246, 235), noise=0.05), "egg", relief=0.2)
    yolk = pen.hue((0.1, 0.14), (0.7, 0.9), (0.85, 1))
    pen.draw(ellipse(row + 0.01, col - 0.01, 0.075, 0.078), Paint(yolk, noise=0.04), "yolk", 0.5)


def _sausages(pen: Pen, row: float, col: float) -> None:
    pen.part("sausages", "food")
    brown = pen.hue((0.02, 0.06), (0.5, 0.7), (0.45, 0.65))
    for name, shift in (("upper-sausage", -0.055), ("lower-sausage", 0.055)):
        pen.part(name, "sausages")
        tilt = pen.between(-0.04, 0.04)
        ends = (row + shift - tilt, col - 0.13), (row + shift + tilt, col + 0.13)
        pen.shadow(limb(*ends, 0.045, 0.045) + 0.012, 0.01, 0.3)
        skin = Paint(brown, darker(brown, 0.5), "stripes", 0.08, 1.2, 0.25)
        pen.draw(limb(*ends, 0.045, 0.045), skin, name, relief=0.5)


def _tomato(pen: Pen, row: float, col: float) -> None:
    pen.part("tomato", "food")
    pen.part("tomato-seeds", "tomato")
    red = pen.hue((0.98, 1.02), (0.7, 0.85), (0.7, 0.9))
    pen.shadow(ellipse(row + 0.012, col + 0.012, 0.13, 0.13), 0.01, 0.3)
    pen.draw(ellipse(row, col, 0.13, 0.13), Paint(red), "tomato", relief=0.3)
    pulp = Paint(mix(red, (250, 170, 90), 0.5), mix(red, (255, 220, 130), 0.8), "dots", 0.04)
    for turn in np.arange(4) * np.pi / 2 + pen.between(0, 1):
        place = row + 0.062 * np.sin(turn), col + 0.062 * np.cos(turn)
        pen.draw(ellipse(*place, 0.036, 0.044, np.pi / 2 - turn), pulp, "tomato-seeds")


def _peas(pen: Pen, row: float, col: float) -> None:
    pen.part("peas", "food")
    for turn in np.arange(17):
        reach, angle = 0.036 * turn**0.5, 2.4 * turn
        green = pen.hue((0.22, 0.3), (0.5, 0.75), (0.5, 0.75))
        pea = ellipse(row + reach * np.sin(angle), col + reach * np.cos(angle), 0.036, 0.036)
        pen.draw(pea, Paint(green, noise=0.05), "peas", relief=0.6)


def _lemon(pen: Pen, row: float, col: float) -> None:
    pen.part("lemon", "food")
    pen.part("lemon-flesh", "lemon")
    yellow = pen.hue((0.13, 0.17), (0.6, 0.85), (0.85, 1))
    pen.shadow(ellipse(row + 0.012, col + 0.012, 0.125, 0.125), 0.01, 0.3)
    pen.draw(ellipse(row, col, 0.125, 0.125), Paint(yellow), "lemon", relief=0.3)
    pen.draw(ellipse(row, col, 0.108, 0.108), Paint(mix(yellow, WHITE, 0.7)), "lemon")
    flesh = Paint(mix(yellow, WHITE, 0.35), yellow, "leafy", noise=0.1)
    for turn in np.arange(8) * np.pi / 4 + pen.between(0, 1):
        near, far = 0.018, 0.098
        corners = [
            (row + reach * np.sin(turn + lean), col + reach * np.cos(turn + lean))
            for reach, lean in ((near, 0), (far, -0.31), (far * 1.03, 0), (far, 0.31))
        ]
        pen.draw(polygon(corners), flesh, "lemon-flesh")


def _salad(pen: Pen, row: float, col: float) -> None:
    pen.part("salad", "food")
    green = pen.hue((0.2, 0.34), (0.4, 0.7), (0.45, 0.75))
    for _ in range(4):
        place = row + pen.between(-0.06, 0.06), col + pen.between(-0.06, 0.06)
        leaf = blob(pen, *place, pen.between(0.07, 0.1), pen.between(0.08, 0.12), 0.2, 9)
        paint = Paint(vary(pen, green, 25), mix(green, WHITE, 0.4), "leafy", noise=0.3)
        pen.draw(leaf, paint, "salad", relief=0.4)

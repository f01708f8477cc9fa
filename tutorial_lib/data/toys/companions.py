"""Smaller things in front of, behind or beside the main thing."""

from __future__ import annotations

import numpy as np

from tutorial_lib.data.toys.grown import blossom
from tutorial_lib.data.toys.strokes import (
    BLACK,
    WHITE,
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


def tree(pen: Pen) -> str:
    """Draw tree > trunk > tree-hollow, crown > apples."""
    whole = pen.part("tree")
    for name in ("trunk", "crown"):
        pen.part(name, whole)
    pen.part("tree-hollow", "trunk")
    pen.shadow(ellipse(0.01, 0.05, 0.035, 0.25))
    bark = pen.hue((0.04, 0.09), (0.3, 0.55), (0.3, 0.5))
    trunk = polygon([(-0.5, -0.05), (-0.5, 0.05), (-0.1, 0.06), (0, 0.1), (0, -0.1), (-0.1, -0.06)])
    pen.draw(trunk, Paint(bark, darker(bark), "planks", 0.03, 1.5708, 0.3), "trunk", relief=0.4)
    pen.draw(ellipse(-0.22, 0, 0.05, 0.032), Paint(darker(bark, 0.75)), "tree-hollow")
    green = pen.common() if pen.chance(0.25) else pen.hue((0.16, 0.4), (0.35, 0.7), (0.35, 0.65))
    paint = Paint(green, darker(green, 0.35), "leafy", noise=0.3)
    for row, col in ((-0.62, -0.16), (-0.62, 0.16), (-0.82, 0.0), (-0.68, 0.0)):
        size = pen.between(0.17, 0.22)
        pen.draw(blob(pen, row, col, size, size * 1.1, 0.12, 9), paint, "crown", relief=0.35)
    if pen.chance(0.6):
        pen.part("apples", "crown")
        red = pen.common() if pen.chance(0.4) else pen.hue((0.95, 1.05), (0.6, 0.85), (0.6, 0.9))
        for turn in np.arange(6) * np.pi / 3 + pen.between(0, 1):
            reach = pen.between(0.1, 0.24)
            place = -0.71 + 0.75 * reach * np.sin(turn), reach * np.cos(turn)
            pen.draw(ellipse(*place, 0.036, 0.036), Paint(red), "apples", relief=0.5)
    return whole


def bush(pen: Pen) -> str:
    """Draw bush > berries."""
    whole = pen.part("bush")
    pen.part("berries", whole)
    pen.shadow(ellipse(0, 0.03, 0.05, 0.5))
    green = pen.hue((0.18, 0.42), (0.3, 0.7), (0.3, 0.6))
    paint = Paint(green, darker(green, 0.35), "leafy", noise=0.3)
    for col in (-0.3, 0.28, 0.0):
        pen.draw(blob(pen, -0.3, col, 0.34, 0.3, 0.12, 10), paint, whole, relief=0.35)
    berry = Paint(pen.common())
    for number in range(1, 13):
        reach, turn = 0.075 * number**0.5, 2.4 * number
        row, col = -0.32 + 0.9 * reach * np.sin(turn), 1.5 * reach * np.cos(turn)
        pen.draw(ellipse(row, col, 0.04, 0.04), berry, "berries", relief=0.5)
    return whole


def ball(pen: Pen) -> str:
    """Draw ball > ball-star."""
    whole = pen.part("ball")
    pen.part("ball-star", whole)
    pen.shadow(ellipse(0.0, 0.1, 0.1, 0.5), 0.08)
    cover = pen.cloth(0.3)
    pen.draw(ellipse(-0.5, 0, 0.5, 0.5), cover, whole, relief=0.6)
    turn = np.arange(10) * np.pi / 5 + pen.between(0, 1)
    reach = np.where(np.arange(10) % 2, 0.14, 0.32)
    star = np.stack([-0.5 + reach * np.sin(turn), reach * np.cos(turn)], axis=1)
    pen.draw(star, Paint(pen.common()), "ball-star", relief=0.3)
    return whole


def lamp(pen: Pen) -> str:
    """Draw lamp > lamp-shade, lamp-foot."""
    whole = pen.part("lamp")
    for name in ("lamp-foot", "lamp-shade"):
        pen.part(name, whole)
    metal = Paint(pen.hue((0.08, 0.14), (0.2, 0.6), (0.4, 0.8)))
    pen.shadow(ellipse(0.01, 0.03, 0.03, 0.2))
    pen.draw(ellipse(-0.02, 0, 0.035, 0.15), metal, "lamp-foot", relief=0.4)
    pen.draw(limb((-0.75, 0), (-0.03, 0), 0.014, 0.02), metal, "lamp-foot", relief=0.3)
    shade = polygon([(-1, -0.11), (-1, 0.11), (-0.7, 0.22), (-0.7, -0.22)])
    pen.draw(shade, pen.cloth(0.06), "lamp-shade", relief=0.4)
    return whole


def cup(pen: Pen) -> str:
    """Draw cup > drink, seen from above, with a handle."""
    whole = pen.part("cup")
    pen.part("drink", whole)
    china = pen.common()
    pen.shadow(ellipse(0.06, 0.06, 0.5, 0.5), 0.06)
    turn = pen.between(-0.6, 0.6)
    end = 0.75 * np.sin(turn), 0.75 * np.cos(turn)
    pen.draw(limb((0, 0), end, 0.12, 0.1), Paint(darker(china, 0.1)), whole, relief=0.4)
    pen.draw(ellipse(0, 0, 0.5, 0.5), Paint(china, noise=0.04), whole, relief=0.25)
    tea = pen.hue((0.02, 0.1), (0.5, 0.8), (0.25, 0.65))
    pen.draw(
        ellipse(0, 0, 0.4, 0.4), Paint(tea, mix(tea, WHITE, 0.3), "leafy", noise=0.05), "drink"
    )
    return whole


def fork(pen: Pen) -> str:
    """Draw fork > fork-handle, upright in its frame."""
    whole = pen.part("fork")
    pen.part("fork-handle", whole)
    steel, grip = Paint((200, 202, 208), noise=0.15), Paint(pen.common(), noise=0.15)
    pen.shadow(limb((-0.3, 0.02), (0.5, 0.02), 0.03, 0.045), 0.02)
    for col in (-0.06, -0.02, 0.02, 0.06):
        pen.draw(limb((-0.48, col), (-0.25, col), 0.011, 0.013), steel, whole)
    neck = curve(
        (-0.3, -0.075), (-0.3, 0.075), (-0.14, 0.05), (0.02, 0.014), (0.02, -0.014), (-0.14, -0.05)
    )
    pen.draw(neck, steel, whole, relief=0.3)
    pen.draw(limb((-0.02, 0), (0.47, 0), 0.025, 0.042), grip, "fork-handle", relief=0.4)
    return whole


def flower(pen: Pen) -> str:
    """Draw flower > flower-heart, seen from above."""
    whole = pen.part("flower")
    pen.shadow(ellipse(0.05, 0.05, 0.42, 0.42), 0.05, 0.35)
    blossom(pen, 0, 0, 0.5, pen.common(), whole)
    return whole


def buoy(pen: Pen) -> str:
    """Draw buoy > buoy-band, buoy-lamp."""
    whole = pen.part("buoy")
    for name in ("buoy-band", "buoy-lamp"):
        pen.part(name, whole)
    red = pen.common() if pen.chance(0.5) else pen.hue((0.96, 1.06), (0.6, 0.9), (0.6, 0.9))
    pen.shadow(ellipse(0.02, 0, 0.08, 0.36), 0.05, 0.4)
    pen.draw(
        polygon([(-0.75, -0.09), (-0.75, 0.09), (-0.1, 0.26), (-0.1, -0.26)]),
        Paint(red),
        whole,
        0.4,
    )
    band = polygon([(-0.5, -0.145), (-0.5, 0.145), (-0.32, 0.195), (-0.32, -0.195)])
    pen.draw(band, Paint(WHITE), "buoy-band", relief=0.4)
    pen.draw(
        limb((-0.07, -0.26), (-0.07, 0.26), 0.08, 0.08), Paint(darker(red, 0.3)), whole, relief=0.4
    )
    pen.draw(box(-0.8, -0.03, -0.74, 0.03), Paint(BLACK), whole)
    pen.draw(ellipse(-0.87, 0, 0.09, 0.08), Paint((250, 225, 140)), "buoy-lamp", relief=0.4)
    return whole

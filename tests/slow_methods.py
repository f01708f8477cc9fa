"""Methods of known time and memory, which the benchmark's fresh processes can import quickly."""

import os
import signal
import sys
import time

import numpy as np

from tutorial_lib.segmenter import Segmentation


class Slow:
    """Takes 30 ms to prepare and 10 ms a click, and prints where it should not."""

    def prepare(self, image):
        time.sleep(0.03)
        return image

    def segment(self, prepared, clicks):
        print("noise")
        time.sleep(0.01 if len(clicks) > 1 else 0)
        return Segmentation(np.zeros(prepared.shape[:2]))


class Forward(Slow):
    """Takes 40 ms to look ahead."""

    def look_ahead(self, prepared, clicks):
        time.sleep(0.04)


class Greedy(Slow):
    """Holds 100 MB while it answers."""

    def segment(self, prepared, clicks):
        held = bytearray(b"1") * 100_000_000
        return Segmentation(np.full(prepared.shape[:2], min(len(held), 1)))


class Flat(Slow):
    """Answers with one row of pixels."""

    def segment(self, prepared, clicks):
        return Segmentation(np.zeros((1, prepared.shape[1])))


class Deadly(Slow):
    """Takes its process down with it, as a system short of memory would."""

    def segment(self, prepared, clicks):
        os._exit(9)


class Half(Slow):
    """Has a precision, as a network does; ``native`` stands for the processor."""

    native = False

    def __init__(self, precision: str = "float32") -> None:
        auto = "bfloat16" if self.native else "float32"
        self.precision = auto if precision == "auto" else precision


class Fragile:
    """Fails on dark photos, in a way of your choice; others it answers with its level."""

    def __init__(self, way="raise", level=0.0):
        self.way, self.level = way, level

    def prepare(self, image):
        if image.max() < 50:
            {
                "raise": self._raise,
                "exit": lambda: sys.exit("enough"),
                "die": lambda: os._exit(9),
                "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
            }[self.way]()
        return image

    @staticmethod
    def _raise():
        raise ZeroDivisionError("Too dark.\nGive me light")

    def segment(self, prepared, clicks):
        shape = prepared.shape[:2]
        if self.way == "shape":
            shape = shape[::-1]
        return Segmentation(np.full(shape, self.level))

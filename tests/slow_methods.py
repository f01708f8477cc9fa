"""Methods of known time and memory, which the benchmark's fresh processes can import quickly."""

import os
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

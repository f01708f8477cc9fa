"""The benchmarks that both papers report on, the column of each, and our files for it.

A benchmark and a robot have up to two files in the folder of results: ``<name>_<robot>.json`` with
the classical methods, and ``<name>_<robot>_networks.json``. A file that is missing counts as not
measured yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tutorial_lib.data.layouts.coco_objects import is_seen
from tutorial_lib.evaluation.results import MethodResults, read_results
from tutorial_lib.metrics import clicks_and_curve
from tutorial_lib.paths import bundled

Part = Literal["seen", "unseen"]


@dataclass(frozen=True)
class Benchmark:
    """A column of a paper's table, and what is measured here in its place.

    Parameters
    ----------
    column : str
        The dataset in the paper's table, such as ``"coco-seen"``.
    title : str
        The dataset's name for a heading.
    name : str
        The first part of our files' names, such as ``"coco-800"``.
    data : {"same data", "other data"}
        How our objects are related to the paper's.
    note : str
        What is measured, and how it differs from the paper's data.
    part : {"seen", "unseen"}, optional
        Only objects of COCO's 20 PASCAL categories, or only others.
    """

    column: str
    title: str
    name: str
    data: Literal["same data", "other data"]
    note: str
    part: Part | None = None

    def read(self, robot: str, folder: Path | None = None) -> dict[str, MethodResults]:
        """Read what was measured with one robot.

        Parameters
        ----------
        robot : str
            The simulated user.
        folder : Path, optional
            The folder of results. By default, the package's own.

        Returns
        -------
        dict of str to MethodResults
            By method. Empty if nothing was measured yet.

        Raises
        ------
        ValueError
            If a file holds something else. The message names the first wrong place.
        """
        folder = bundled("assets") / "results" if folder is None else folder
        found: dict[str, MethodResults] = {}
        for ending in ("", "_networks"):
            path = folder / f"{self.name}_{robot}{ending}.json"
            if path.is_file():
                found |= read_results(path).methods
        if self.part is None:
            return found
        halves = {name: _half(method, self.part) for name, method in found.items()}
        return {name: half for name, half in halves.items() if half is not None}


def _half(method: MethodResults, part: Part) -> MethodResults | None:
    """Keep the objects whose id begins with a category of that part, or return None."""
    kept = {
        key: sample for key, sample in method.samples.items() if is_seen(key) == (part == "seen")
    }
    if not kept:
        return None
    figures = clicks_and_curve([sample.iou for sample in kept.values()])
    return method.model_copy(update={**figures, "samples": kept})


GRABCUT = Benchmark("grabcut", "GrabCut", "grabcut", "same data", "the 49 photos of Li et al.")
BERKELEY = Benchmark(
    "berkeley", "Berkeley", "berkeley", "same data",
    "100 objects on 96 photos, of which `dos` and `latent-diversity` saw none in training",
)  # fmt: skip
DAVIS = Benchmark(
    "davis", "DAVIS", "davis-val", "other data",
    "every tenth frame of the 20 validation sequences, not 345 frames of all 50",
)  # fmt: skip
SBD = Benchmark(
    "sbd", "SBD", "iseg-voc", "other data",
    "the 102 objects of iseg-voc, our validation photos, not the 2,820 test photos of SBD",
)  # fmt: skip
COCO = Benchmark(
    "coco", "COCO", "coco-800", "other data",
    "ten objects of each category as the papers drew them, but another draw",
)  # fmt: skip
VOC = Benchmark(
    "voc", "PASCAL", "iseg-voc", "other data",
    "the 102 objects of iseg-voc, our validation photos, not the 1,449 of PASCAL VOC",
)  # fmt: skip
COCO_SEEN = Benchmark(
    "coco-seen", "COCO seen", "coco-800", "other data", "another draw of the 20 categories", "seen"
)
COCO_UNSEEN = Benchmark(
    "coco-unseen", "COCO unseen", "coco-800", "other data", "another draw of the 60 categories",
    "unseen",
)  # fmt: skip
#: Where we report: test sets only, none of which was used to choose anything.
BENCHMARKS = (GRABCUT, BERKELEY, DAVIS, COCO)
#: The columns of Table 2 and Figure 3 of Li et al., in their order.
LI_COLUMNS = (DAVIS, GRABCUT, SBD, COCO)
#: The columns of Table 1 and Figure 4 of Xu et al., in their order.
XU_COLUMNS = (VOC, GRABCUT, BERKELEY, COCO_SEEN, COCO_UNSEEN)

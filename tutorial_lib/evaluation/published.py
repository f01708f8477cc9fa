"""The figures that papers print, for comparison with ours.

Every number is as printed: nothing is rounded, corrected or read off a plot. Before you compare:

- The papers used different simulated users (:mod:`tutorial_lib.users.robots`). Li et al. trained
  the network of Deep Object Selection again, on SBD. So a method has two figures.
- Xu et al. used 50 GrabCut photos, Li et al. 49. Their COCO objects are different random samples.
- Two of the sixteen means in Table 2 of Li et al. are not the means of their rows: Euclidean star
  convexity at 85 % (printed 12.25, computed 12.225) and geodesic star convexity at 90 % (printed
  14.63, computed 14.71). The others agree to within 0.01.
- Li et al. call their method the fastest. In their Table 2 the network of Deep Object Selection
  without graph cut is faster (112 ms against 236 ms), but far less accurate.
- Figure 4 of Xu et al. and Figures 3, 5 and 6 of Li et al. are curves without numbers. The text
  gives two ratios of Figure 3 (:data:`LI_FIGURE_3`) and the means of Figure 6
  (:data:`LI_USER_STUDY`). About Figure 5 (the number M of candidates) it says that more candidates
  help up to M = 6. M = 6 is the full model of Table 3, and M = 1 is "without diversity".
- Neither paper measured the method GrabCut.

Two more papers' figures stand here. :data:`LATER_METHODS` are methods from 2019 to 2024, with
backbone, training data and source. :data:`RCLICKS_LOSS` and :data:`RCLICKS_DENSITY` are what
Antonov et al. found about people's clicks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from types import MappingProxyType

XU = "Xu et al., CVPR 2016"
LI = "Li et al., CVPR 2018"
RCLICKS = "Antonov et al., NeurIPS 2024"

Column = tuple[str, int] | str


@dataclass(frozen=True)
class PublishedTable:
    """One table of a paper.

    Parameters
    ----------
    paper : str
        :data:`XU` (Deep Interactive Object Selection), :data:`LI` (Interactive Image Segmentation
        with Latent Diversity) or :data:`RCLICKS` (RClicks: Realistic Click Simulation for
        Benchmarking Interactive Segmentation).
    place : str
        Place in the paper, such as ``"Table 1"``.
    quantity : str
        What the numbers are, with their unit.
    columns : tuple
        For each column a dataset and an IoU threshold in per cent, such as ``("grabcut", 90)``, or
        a word.
    rows : mapping of str to tuple of float
        The numbers of each method, by its name in this package. Variants that this package does not
        have are named in the paper's words.
    """

    paper: str
    place: str
    quantity: str
    columns: tuple[Column, ...]
    rows: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", MappingProxyType(dict(self.rows)))
        if any(len(values) != len(self.columns) for values in self.rows.values()):
            raise ValueError(f"Every row of {self.source} needs {len(self.columns)} values.")

    @property
    def source(self) -> str:
        """Paper and place, as in a citation."""
        return f"{self.paper}, {self.place}"

    def get(self, method: str, column: Column) -> float | None:
        """Return one number of the table.

        Parameters
        ----------
        method : str
            A row.
        column : str or tuple
            A column.

        Returns
        -------
        float or None
            None if the table does not have it.
        """
        if method not in self.rows or column not in self.columns:
            return None
        return self.rows[method][self.columns.index(column)]


XU_TABLE_1 = PublishedTable(
    XU,
    "Table 1",
    "mean number of clicks, at most 20",
    (("voc", 85), ("grabcut", 90), ("berkeley", 90), ("coco-seen", 85), ("coco-unseen", 85)),
    {
        "graph-cut": (15.06, 11.10, 14.33, 18.67, 17.80),
        "geodesic-matting": (14.75, 12.44, 15.96, 17.32, 14.86),
        "random-walker": (11.37, 12.30, 14.02, 13.91, 11.53),
        "euclidean-star": (11.79, 8.52, 12.11, 13.90, 11.63),
        "geodesic-star": (11.73, 8.38, 12.57, 14.37, 12.45),
        "growcut": (14.56, 16.74, 18.25, 17.40, 17.34),
        "dos": (6.88, 6.04, 8.65, 8.31, 7.82),
    },
)
XU_TABLE_2 = PublishedTable(
    XU,
    "Table 2",
    "mean IoU in per cent after a single positive click",
    ("coco-seen", "coco-unseen"),
    {
        "semantic-fcn": (42.37, 16.14),
        "semantic-crf-rnn": (47.01, 13.28),
        "dos": (48.35, 42.94),
    },
)
LI_TABLE_2 = PublishedTable(
    LI,
    "Table 2",
    "mean number of clicks, at most 20",
    tuple(
        (dataset, threshold)
        for dataset in ("davis", "grabcut", "sbd", "coco", "mean")
        for threshold in (85, 90)
    ),
    {
        "random-walker": (
            16.71, 18.31, 11.36, 13.77, 12.22, 15.04, 13.62, 16.74, 13.48, 15.96,
        ),
        "geodesic-matting": (
            18.59, 19.50, 13.32, 14.57, 15.36, 17.60, 16.91, 18.63, 16.04, 17.57,
        ),
        "graph-cut": (15.13, 17.41, 7.98, 10.00, 13.60, 15.96, 15.23, 17.61, 12.98, 15.24),
        "euclidean-star": (15.41, 17.70, 7.24, 9.20, 12.21, 14.86, 14.04, 16.98, 12.25, 14.68),
        "geodesic-star": (15.35, 17.52, 7.10, 9.12, 12.69, 15.31, 14.39, 16.89, 12.38, 14.63),
        "dos-no-graph-cut": (
            12.52, 17.11, 8.02, 12.59, 14.30, 16.79, 13.99, 16.88, 12.21, 15.84,
        ),
        "dos": (9.03, 12.58, 5.08, 6.08, 9.22, 12.80, 9.07, 13.55, 8.10, 11.25),
        "latent-diversity": (5.95, 9.57, 3.20, 4.79, 7.41, 10.78, 7.86, 12.45, 6.11, 9.39),
    },
)  # fmt: skip
LI_TIMES = PublishedTable(
    LI,
    "Table 2, last column",
    "milliseconds on VGA-resolution images, with an i7-5960X at 3.0 GHz and a Titan X",
    ("ms",),
    {
        "random-walker": (437,),
        "geodesic-matting": (919,),
        "graph-cut": (1348,),
        "euclidean-star": (1314,),
        "geodesic-star": (1249,),
        "dos-no-graph-cut": (112,),
        "dos": (549,),
        "latent-diversity": (236,),
    },
)
LI_FIGURE_3 = PublishedTable(
    LI,
    "section 5.2, on Figure 3",
    "Jaccard error on DAVIS above that of Latent Diversity, in per cent, after so many clicks",
    ("1 click", "2 clicks"),
    {"dos": (87, 81)},
)
LI_TABLE_3 = PublishedTable(
    LI,
    "Table 3",
    "mean number of clicks, at most 20",
    (("davis", 85),),
    {
        "without augmented input": (9.41,),
        "without IoU loss (replaced by cross-entropy)": (7.18,),
        "without IoU loss (replaced by L1)": (6.93,),
        "without diversity": (7.26,),
        "without distance transforms": (9.11,),
        "without click input": (9.67,),
        "without soft constraints": (6.32,),
        "latent-diversity-rdl": (6.13,),
        "latent-diversity": (5.95,),
    },
)
LI_TABLE_4 = PublishedTable(
    LI,
    "Table 4",
    "mean number of clicks, at most 20; the segmentation network is a U-net or a CAN",
    (("davis", 85), ("davis", 90), ("grabcut", 85), ("grabcut", 90)),
    {"U-net": (6.25, 9.96, 3.22, 4.81), "CAN": (5.95, 9.57, 3.20, 4.79)},
)
LI_USER_STUDY = PublishedTable(
    LI,
    "section 5.2, user study",
    "mean number of five people's clicks, at most 20; 50 tasks with each method",
    (("davis", 85),),
    {"graph-cut": (12.90,), "dos": (7.14,), "latent-diversity": (4.36,)},
)
RCLICKS_LOSS = PublishedTable(
    RCLICKS,
    "Table 4, on TETRIS, from the authors' notebook compute_benchmark_metrics.ipynb",
    "NoC@90 with clicks like people's: mean, standard deviation, and per cent above the robot",
    ("mean", "deviation", "above the center robot"),
    {
        "RITM (HRNet-18, SBD)": (4.80, 0.74, 11.96),
        "RITM (HRNet-32, COCO+LVIS)": (3.44, 0.65, 17.47),
        "SimpleClick (ViT-XTiny, SBD)": (5.49, 1.22, 28.57),
        "SimpleClick (ViT-B, COCO+LVIS)": (2.73, 0.41, 8.86),
        "SimpleClick (ViT-H, COCO+LVIS)": (2.36, 0.33, 6.94),
        "CFR-ICL (ViT-H, COCO+LVIS)": (2.12, 0.34, 8.76),
        "SAM (ViT-B, SA-1B)": (3.04, 0.51, 11.17),
        "SAM (ViT-H, SA-1B)": (2.66, 0.38, 5.95),
    },
)
RCLICKS_DENSITY = PublishedTable(
    RCLICKS,
    "Table 6 of the appendix, from the authors' file eval_cm_all.csv",
    "mean density per pixel at people's clicks, of two distributions over the error",
    ("uniform", "proportional to depth"),
    {
        "grabcut": (4.06e-5, 7.75e-5),
        "berkeley": (1.20e-4, 2.13e-4),
        "davis": (6.49e-5, 1.21e-4),
        "coco": (4.04e-4, 5.74e-4),
    },
)


TABLES = (
    XU_TABLE_1, XU_TABLE_2,
    LI_TABLE_2, LI_TIMES, LI_FIGURE_3, LI_TABLE_3, LI_TABLE_4, LI_USER_STUDY,
    RCLICKS_LOSS, RCLICKS_DENSITY,
)  # fmt: skip


@dataclass(frozen=True)
class LaterMethod:
    """A method of 2019 or later, and what it reached on the benchmarks of the two papers.

    Parameters
    ----------
    name : str
        The method.
    year : int
        Year of the publication.
    backbone, training : str
        Its backbone and the data that it learned from.
    source : str
        Where the figures are printed: not always the method's own paper.
    noc : mapping of (str, int) to float
        Mean number of clicks, at most 20, by dataset and IoU threshold in per cent. Only figures
        that the source has.
    """

    name: str
    year: int
    backbone: str
    training: str
    source: str
    noc: Mapping[tuple[str, int], float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "noc", MappingProxyType(dict(self.noc)))

    @property
    def label(self) -> str:
        """Name, backbone and training data in one line."""
        return f"{self.name} ({self.backbone}, {self.training})"


_SBD, _COCO_LVIS = "SBD", "COCO+LVIS"
_FBRS = "README of saic-vul/fbrs_interactive_segmentation: models that were trained again"
_RITM = "README of saic-vul/ritm_interactive_segmentation"
_CLICKSEG = "README of XavierCHEN34/ClickSEG"
_MFP = "Lee et al. (MFP), CVPR 2024, Tables 2 and 3"
_FOCSAM = "Huang et al. (FocSAM), CVPR 2024, Table 1"
_SEGNEXT = "README of uncbiag/SegNext"
_SEGNEXT_SAM = "uncbiag/SegNext, notebooks/eval_sam.ipynb"
_BOARD = "leaderboards of Papers with Code, as OpenCodePapers and SOTAVerified keep them"


def _both(**pairs: tuple[float | None, float | None]) -> dict[tuple[str, int], float]:
    """Turn pairs of clicks to 85 and 90 per cent into a mapping. None is not printed."""
    return {
        (dataset, percent): value
        for dataset, pair in pairs.items()
        for percent, value in zip((85, 90), pair, strict=True)
        if value is not None
    }


#: Every figure was read in the source that its row names. The robot of all rows clicks the deepest
#: error, as ``center``. The data differ from the two papers' data: 50 GrabCut photos, 345 DAVIS
#: frames, and for COCO the 800 instances of f-BRS. No row is later than 2024: figures of later
#: methods were not found in a source that could be read.
LATER_METHODS = (
    LaterMethod("BRS", 2019, "DenseNet", _SBD, _MFP, _both(
        grabcut=(2.60, 3.60), berkeley=(None, 5.08), davis=(5.58, 8.24), sbd=(6.59, 9.78))),
    LaterMethod("f-BRS-B", 2020, "ResNet-101", _SBD, _MFP, _both(
        grabcut=(2.30, 2.72), berkeley=(None, 4.57), davis=(5.04, 7.41), sbd=(4.81, 7.73))),
    LaterMethod("f-BRS-B", 2020, "HRNet-W32+OCR", _COCO_LVIS, _FBRS, _both(
        grabcut=(1.54, 1.69), berkeley=(1.64, 2.44), davis=(5.17, 6.50), sbd=(4.37, 7.26),
        coco=(2.35, 3.44))),
    LaterMethod("RITM", 2021, "HRNet-18", _SBD, _RITM, _both(
        grabcut=(1.76, 2.04), berkeley=(None, 3.22), davis=(4.94, 6.71), sbd=(3.39, 5.43),
        coco=(None, 4.39))),
    LaterMethod("RITM", 2021, "HRNet-32", _COCO_LVIS, _RITM, _both(
        grabcut=(1.46, 1.56), berkeley=(None, 2.10), davis=(4.11, 5.34), sbd=(3.59, 5.71),
        coco=(None, 2.97))),
    LaterMethod("FocalClick", 2022, "SegFormer-B0-S2", _COCO_LVIS, _CLICKSEG, _both(
        grabcut=(1.40, 1.66), berkeley=(1.59, 2.27), davis=(4.04, 5.49), sbd=(4.56, 6.86),
        coco=(2.65, 3.59))),
    LaterMethod("FocalClick", 2022, "SegFormer-B3-S2", _COCO_LVIS, _CLICKSEG, _both(
        grabcut=(1.44, 1.50), berkeley=(1.55, 1.92), davis=(3.61, 4.90), sbd=(3.53, 5.59),
        coco=(2.32, 3.12))),
    LaterMethod("SimpleClick", 2023, "ViT-B", _SBD, _MFP, _both(
        grabcut=(1.40, 1.54), berkeley=(1.44, 2.46), davis=(4.10, 5.48), sbd=(3.28, 5.24))),
    LaterMethod("SimpleClick", 2023, "ViT-B", _COCO_LVIS, _MFP, _both(
        grabcut=(1.38, 1.48), berkeley=(1.36, 1.97), davis=(3.66, 5.06), sbd=(3.43, 5.62))),
    LaterMethod("SimpleClick", 2023, "ViT-H", _COCO_LVIS, _FOCSAM, _both(
        grabcut=(None, 1.50), berkeley=(None, 1.75), davis=(None, 4.78), sbd=(None, 4.70))),
    LaterMethod("SAM", 2023, "ViT-B", "SA-1B", _SEGNEXT_SAM, _both(davis=(None, 5.15))),
    LaterMethod("SAM", 2023, "ViT-H", "SA-1B", _FOCSAM, _both(
        grabcut=(None, 1.88), berkeley=(None, 2.09), davis=(None, 5.19), sbd=(None, 7.62))),
    LaterMethod("CFR-ICL", 2024, "ViT-H", _COCO_LVIS, _BOARD, _both(
        berkeley=(None, 1.46), davis=(3.00, 4.24))),
    LaterMethod("SegNext", 2024, "ViT-B", _COCO_LVIS, _SEGNEXT, _both(davis=(None, 5.34))),
    LaterMethod("SegNext", 2024, "ViT-B", f"{_COCO_LVIS}+HQSeg-44K", _SEGNEXT, _both(
        davis=(None, 4.43))),
    LaterMethod("MFP", 2024, "ViT-B", _COCO_LVIS, _MFP, _both(
        grabcut=(1.34, 1.42), berkeley=(1.35, 1.90), davis=(3.37, 4.81), sbd=(3.26, 5.34))),
    LaterMethod("FocSAM", 2024, "ViT-H", f"SA-1B, {_COCO_LVIS}", _FOCSAM, _both(
        grabcut=(None, 1.32), berkeley=(None, 1.47), davis=(None, 4.77), sbd=(None, 4.69))),
)  # fmt: skip


def noc_by_year(dataset: str, threshold: int = 90) -> dict[str, float]:
    """Return the printed mean numbers of clicks of networks since 2016, oldest first.

    Deep Object Selection and Latent Diversity have the figures of Li et al., with their robot. All
    other rows are :data:`LATER_METHODS`.

    Parameters
    ----------
    dataset : str
        ``"grabcut"``, ``"berkeley"``, ``"davis"``, ``"sbd"`` or ``"coco"``.
    threshold : int
        The IoU to reach in per cent, 85 or 90.

    Returns
    -------
    dict of str to float
        Clicks by year, name, backbone and training data. Figures that no source prints are NaN, so
        the rows are the same for all datasets.

    Examples
    --------
    >>> rows = noc_by_year("davis")
    >>> list(rows.items())[1]
    ('2018 Latent Diversity (VGG-19, SBD)', 9.57)
    """
    column = (dataset, threshold)
    found = {
        "2016 Deep Object Selection (FCN-8s, SBD)": LI_TABLE_2.get("dos", column),
        "2018 Latent Diversity (VGG-19, SBD)": LI_TABLE_2.get("latent-diversity", column),
    }
    found |= {f"{one.year} {one.label}": one.noc.get(column) for one in LATER_METHODS}
    return {name: nan if value is None else value for name, value in found.items()}


def published_noc(dataset: str, threshold: int, method: str) -> dict[str, float]:
    """Return the mean number of clicks of simulated users that the papers report for a method.

    Parameters
    ----------
    dataset : str
        Name of a dataset, such as ``"grabcut"``. ``"coco-seen"`` and ``"coco-unseen"`` are the
        halves of COCO of Xu et al., ``"mean"`` is the mean of Li et al. over four datasets.
    threshold : int
        The IoU to reach in per cent, 85 or 90.
    method : str
        Name of a method, such as ``"graph-cut"``.

    Returns
    -------
    dict of str to float
        Figures by paper: :data:`XU`, :data:`LI`, both or none.

    Raises
    ------
    ValueError
        If the threshold is neither 85 nor 90.

    References
    ----------
    Xu et al., CVPR 2016, Table 1; Li et al., CVPR 2018, Tables 2 and 3.

    Examples
    --------
    >>> published_noc("grabcut", 90, "dos")
    {'Xu et al., CVPR 2016': 6.04, 'Li et al., CVPR 2018': 6.08}
    """
    if threshold not in (85, 90):
        raise ValueError(f"The papers count clicks to 85 and 90 per cent IoU, not to {threshold}.")
    found = {}
    for table in (XU_TABLE_1, LI_TABLE_3, LI_TABLE_2):
        value = table.get(method, (dataset, threshold))
        if value is not None:
            found[table.paper] = value
    return found


def published_ms(method: str) -> float | None:
    """Return the time per click that Li et al. report, in milliseconds at 640 x 480.

    Parameters
    ----------
    method : str
        Name of a method, such as ``"graph-cut"``.

    Returns
    -------
    float or None
        None for a method that they did not time.

    References
    ----------
    Li et al., CVPR 2018, Table 2, last column.
    """
    return LI_TIMES.get(method, "ms")

"""The catalogue of datasets: title, layout, terms, paper and downloads of each one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NO_REPORT = "no report known"


@dataclass(frozen=True)
class Mirror:
    """An address of a file.

    Parameters
    ----------
    url : str
        The address.
    report : str
        Who reported when that it works, or that it does not.
    """

    url: str
    report: str = NO_REPORT


@dataclass(frozen=True)
class Archive:
    """One file of an official download.

    Parameters
    ----------
    url : str
        The address of the file.
    sha256 : str, optional
        The checksum, as well-known projects document it. None if no project documents it. Then the
        first download that can be read as the dataset is trusted, and later ones must match it.
    split : str, optional
        The split that needs this file. None if every split needs it.
    name : str, optional
        The name of the stored file. By default, the last part of the address.
    whole : bool
        Whether this file is all that its split needs, and is no part of any other split.
    md5 : str, optional
        The MD5 that the home documents, where no SHA-256 is documented. It shows damage.
    report : str, optional
        Who reported when that the address works, or that it does not.
    mirrors : tuple of Mirror
        Other addresses of the same file. They are tried in this order if the first one fails.
    """

    url: str
    sha256: str | None = None
    split: str | None = None
    name: str | None = None
    whole: bool = False
    md5: str | None = None
    report: str = NO_REPORT
    mirrors: tuple[Mirror, ...] = ()

    @property
    def addresses(self) -> tuple[Mirror, ...]:
        """All addresses, with what is known about each one."""
        return (Mirror(self.url, self.report), *self.mirrors)

    @property
    def file_name(self) -> str:
        """The name of the stored archive."""
        return self.name or self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class DatasetInfo:
    """The catalogue entry of a dataset.

    Parameters
    ----------
    name : str
        The name for :func:`~tutorial_lib.data.datasets.load_dataset`.
    title : str
        The name of the dataset in papers.
    layout : str
        The files that the reader expects, in one phrase.
    home : str
        The official page, or the page of the common copy.
    terms : str
        The licence or terms of use, in one or two sentences.
    paper : str
        The paper to cite.
    splits : tuple of str
        The values of ``split``. The first one is the default.
    archives : tuple of Archive
        The files that :func:`~tutorial_lib.data.fetching.fetch` downloads. Empty if the dataset
        has no download.
    """

    name: str
    title: str
    layout: str
    home: str
    terms: str
    paper: str
    splits: tuple[str, ...] = ()
    archives: tuple[Archive, ...] = ()

    def how_to_get(self, root: str | Path) -> str:
        """Return a phrase that says how to get this dataset into a folder.

        Parameters
        ----------
        root : str or Path
            The folder.

        Returns
        -------
        str
            A phrase that begins with a verb and has no full stop.
        """
        if not self.archives:
            return "give the folder that holds your own photos and masks"
        call = f"python -m tutorial_lib fetch {self.name} {root}"
        return f"get it with `{call}`, or by hand from {self.home}"


# Papers on interactive segmentation since f-BRS (CVPR 2020) take these datasets from its release.
_FBRS = "https://github.com/saic-vul/fbrs_interactive_segmentation"
_RITM_REPORT = (
    "named by many projects; its sister repository RITM was reported deleted on 2025-07-02 "
    "(github.com/uncbiag/SegNext/issues/10)"
)


def _drive(identifier: str, report: str) -> Mirror:
    address = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
    return Mirror(f"{address}{identifier}", report)


def _fbrs_file(name: str, identifier: str, split: str | None = None) -> Archive:
    """Return one file of the release of f-BRS, and where its authors put it before."""
    release = "fbrs_interactive_segmentation/releases/download/v1.0"
    return Archive(
        f"https://github.com/saic-vul/{release}/{name}",
        split=split,
        whole=split is not None,
        report=_RITM_REPORT,
        mirrors=(
            Mirror(f"https://github.com/SamsungLabs/{release}/{name}", "the owner's later name"),
            _drive(identifier, "named in the first README of f-BRS, 2020"),
        ),
    )


_BERKELEY = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping"
_VOC = "http://host.robots.ox.ac.uk/pascal/VOC/voc2012"
_COCO = "images.cocodataset.org"
_DUTS = "http://saliencydetection.net/duts"
_DUTS_REPORT = (
    "reported unreachable on 2020-05-09, for a day or two at a time "
    "(github.com/hkchengrex/CascadePSP/issues/1)"
)
_CCP = "https://github.com/bearpaw/clothing-co-parsing"

_COCO_ANNOTATIONS = {
    "2014": "031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009",
    "2017": "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
}
_COCO_PHOTOS = {
    "val2017": "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
    "train2017": "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
    "val2014": "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
    "train2014": "ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
}


def _coco_archives() -> tuple[Archive, ...]:
    def file(place: str, sha256: str, split: str) -> Archive:
        same = Mirror(f"https://s3.amazonaws.com/{_COCO}/{place}", "the same storage, with https")
        return Archive(f"http://{_COCO}/{place}", sha256, split, mirrors=(same,))

    photos = [file(f"zips/{split}.zip", sha, split) for split, sha in _COCO_PHOTOS.items()]
    lists = [
        file(
            f"annotations/annotations_trainval{split[-4:]}.zip",
            _COCO_ANNOTATIONS[split[-4:]],
            split,
        )
        for split in _COCO_PHOTOS
    ]
    objects = _fbrs_file("COCO_MVal.zip", "1JYyJ7Sef30yLPAJBU5VwomZoE3Pt6fTj", "800-objects")
    return (*lists, *photos, objects)


_BSDS_TERMS = "The photos are free for non-commercial research and education."
_FLICKR_TERMS = "The photos come from Flickr and stay under the terms of their owners."

_INFOS = (
    DatasetInfo(
        name="grabcut",
        title="GrabCut",
        layout="photos in data_GT and masks of the same names in boundary_GT "
        "(0 background, 128 ignore, 255 object)",
        home=_FBRS,
        terms=f"No licence is stated; 19 of the photos are from BSDS500. {_BSDS_TERMS}",
        paper="Rother, Kolmogorov and Blake, GrabCut: Interactive Foreground Extraction using "
        "Iterated Graph Cuts, SIGGRAPH 2004",
        archives=(_fbrs_file("GrabCut.zip", "1Jh9_6nv7lLNJG5ZZNPAy30HUVpYEoVHT"),),
    ),
    DatasetInfo(
        name="berkeley",
        title="Berkeley",
        layout="photos in images and masks named <photo>#<n>.png in masks (anything but 0 is the "
        "object)",
        home=_FBRS,
        terms=f"No licence of the masks is stated. {_BSDS_TERMS}",
        paper="McGuinness and O'Connor, A Comparative Evaluation of Interactive Segmentation "
        "Algorithms, Pattern Recognition 43, 2010",
        archives=(_fbrs_file("Berkeley.zip", "18zG8WOSlYRLuW94RGir1CCSUAcruw7rw"),),
    ),
    DatasetInfo(
        name="davis",
        title="DAVIS",
        layout="JPEGImages/480p/<sequence>/00000.jpg and Annotations/480p/<sequence>/00000.png, "
        "with or without ImageSets (or single frames in img and gt, or in images and masks)",
        home="https://davischallenge.org/davis2016/code.html",
        terms="Free for research; the home page states the terms.",
        paper="Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object "
        "Segmentation, CVPR 2016",
        splits=("trainval", "train", "val", "val-tenth", "345-frames"),
        archives=(
            Archive(
                "https://graphics.ethz.ch/Downloads/Data/Davis/DAVIS-data.zip",
                md5="0cb3cf9c5617209fa3cc4794e52a2ffa",
                mirrors=(
                    _drive(
                        "198aRlh5CpAoFz0hfRgYbiNenn_K8DxWD",
                        "named in the download script of github.com/hkchengrex/STCN, 2021",
                    ),
                ),
            ),
            _fbrs_file("DAVIS.zip", "1DGLWvTFgkCHsWildp-gPSxFrtwwT0BrJ", "345-frames"),
        ),
    ),
    DatasetInfo(
        name="coco",
        title="Microsoft COCO",
        layout="annotations/instances_<split>.json and the photos in <split> or images (or one "
        "object in each file, <category><n>_<photo>, in img and gt, or in images and masks)",
        home="https://cocodataset.org/#download",
        terms=f"The annotations are CC BY 4.0. {_FLICKR_TERMS}",
        paper="Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014",
        splits=("val2017", "train2017", "val2014", "train2014", "seen", "unseen", "held-out")
        + ("800-objects",),
        archives=_coco_archives(),
    ),
    DatasetInfo(
        name="voc",
        title="PASCAL VOC 2012",
        layout="JPEGImages, SegmentationObject and ImageSets/Segmentation/<split>.txt, in "
        "VOCdevkit/VOC2012 or directly",
        home=f"{_VOC}/",
        terms=_FLICKR_TERMS,
        paper="Everingham et al., The PASCAL Visual Object Classes Challenge: A Retrospective, "
        "IJCV 2015",
        splits=("val", "train", "trainval"),
        archives=(
            Archive(
                f"{_VOC}/VOCtrainval_11-May-2012.tar",
                "e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
                report="reported unreachable on 2026-01-09 (github.com/pytorch/vision/pull/9335)",
                mirrors=(
                    Mirror(
                        "https://d2l-data.s3-accelerate.amazonaws.com/VOCtrainval_11-May-2012.tar",
                        "reported working on 2026-01-09 (github.com/pytorch/vision/pull/9335)",
                    ),
                ),
            ),
        ),
    ),
    DatasetInfo(
        name="sbd",
        title="SBD, the Semantic Boundaries Dataset",
        layout="dataset/img/*.jpg, dataset/inst/*.mat, dataset/train.txt and dataset/val.txt, in "
        "benchmark_RELEASE or directly",
        home="http://home.bharathh.info/pubs/codes/SBD/download.html",
        terms=_FLICKR_TERMS,
        paper="Hariharan et al., Semantic Contours from Inverse Detectors, ICCV 2011",
        splits=("val", "train"),
        archives=(
            Archive(
                f"{_BERKELEY}/semantic_contours/benchmark.tgz",
                "6a5a2918d5c73ce032fdeba876574d150d9d04113ab87540a1304cbcc715be53",
                name="sbd_benchmark.tgz",
                report="reported working on 2024-08-30 (github.com/valeoai/ZS3/issues/14)",
            ),
        ),
    ),
    DatasetInfo(
        name="bsds500",
        title="BSDS500",
        layout="data/images/{train,val,test}/*.jpg and data/groundTruth/{train,val,test}/*.mat",
        home=f"{_BERKELEY}/resources.html",
        terms=_BSDS_TERMS,
        paper="Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, PAMI 2011",
        splits=("all", "train", "val", "test"),
        archives=(
            Archive(
                f"{_BERKELEY}/BSR/BSR_bsds500.tgz",
                report="github.com/BIDS/BSDS500 holds the same folders, to copy by hand",
            ),
        ),
    ),
    DatasetInfo(
        name="duts",
        title="DUTS",
        layout="DUTS-TR-Image/*.jpg and DUTS-TR-Mask/*.png (DUTS-TE-... for the split test), or "
        "images and masks",
        home=f"{_DUTS}/",
        terms="The photos come from ImageNet and SUN, for research only.",
        paper="Wang et al., Learning to Detect Salient Objects with Image-level Supervision, "
        "CVPR 2017",
        splits=("train", "test"),
        archives=(
            Archive(f"{_DUTS}/download/DUTS-TR.zip", split="train", report=_DUTS_REPORT),
            Archive(f"{_DUTS}/download/DUTS-TE.zip", split="test", report=_DUTS_REPORT),
        ),
    ),
    DatasetInfo(
        name="clothing-co-parsing",
        title="Clothing Co-Parsing",
        layout="photos/*.jpg, annotations/pixel-level/*.mat and label_list.mat",
        home=_CCP,
        terms="Apache-2.0 repository, with the request to cite the paper.",
        paper="Yang, Luo and Lin, Clothing Co-Parsing by Joint Image Segmentation and Labeling, "
        "CVPR 2014",
        splits=("all", "train", "held-out"),
        archives=(
            Archive(f"{_CCP}/archive/refs/heads/master.zip", name="clothing-co-parsing.zip"),
        ),
    ),
    DatasetInfo(
        name="folder",
        title="a plain folder",
        layout="images/*.{png,jpg,jpeg,webp} and masks/<same stem>.png (0 background, 128 ignore, "
        "255 object)",
        home="",
        terms="Yours.",
        paper="",
    ),
)

#: Every dataset by name.
DATASETS: dict[str, DatasetInfo] = {info.name: info for info in _INFOS}

#: The photos that are in both GrabCut and BSDS500.
GRABCUT_IN_BSDS500 = frozenset(
    map(
        str,
        (21077, 227092, 37073, 326038, 153093, 376043, 69020, 181079, 86016, 271008)
        + (304074, 65019, 24077, 388016, 208001, 106024, 189080, 153077, 209070),
    )
)

#: The photos of the Berkeley test set, which are all in BSDS500.
BERKELEY_IN_BSDS500 = frozenset(
    map(
        str,
        (3096, 8023, 12003, 21077, 23080, 24077, 25098, 35008, 35010, 35058, 37073, 38082)
        + (38092, 41033, 42012, 42049, 42078, 43070, 43074, 56028, 58060, 62096, 65019, 65074)
        + (65132, 66053, 69020, 69040, 78004, 85048, 86016, 89072, 90076, 92059, 97033, 101085)
        + (101087, 102061, 106024, 108005, 108070, 108082, 109053, 118035, 123074, 124084)
        + (126007, 130026, 134035, 135037, 138078, 151087, 153077, 157055, 160068, 163014)
        + (163062, 167062, 170057, 175043, 181079, 187029, 188063, 189011, 189080, 196015)
        + (196073, 198023, 208001, 209070, 216053, 216066, 227092, 229036, 239007, 253027)
        + (253036, 253055, 268002, 271031, 271035, 285079, 286092, 291000, 293029, 296059)
        + (299091, 300091, 302008, 304034, 304074, 310007, 372047, 376020, 376043, 388016),
    )
)

#: The photos of BSDS500 that belong to a test set. Training never draws from them.
TEST_PHOTOS_IN_BSDS500 = GRABCUT_IN_BSDS500 | BERKELEY_IN_BSDS500

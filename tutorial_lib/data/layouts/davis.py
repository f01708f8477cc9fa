"""DAVIS: a random tenth of the annotated video frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tutorial_lib.data import photo_files
from tutorial_lib.data.layouts.dataset import Dataset, Entry, locate, one_of
from tutorial_lib.data.layouts.pairs import paired_folders, same_stem
from tutorial_lib.data.mask_files import read_union
from tutorial_lib.data.mask_values import Meaning

Frame = tuple[str, str, str]  # id, photo and mask below the dataset's folder

FRAMES, TENTH = "345-frames", "val-tenth"
#: The validation sequences of DAVIS 2016. The other 30 are for training.
VALIDATION = frozenset(
    ("blackswan", "bmx-trees", "breakdance", "camel", "car-roundabout", "car-shadow", "cows")
    + ("dance-twirl", "dog", "drift-chicane", "drift-straight", "goat", "horsejump-high")
    + ("kite-surf", "libby", "motocross-jump", "paragliding-launch", "parkour", "scooter-black")
    + ("soapbox",)
)


class Davis(Dataset):
    """Single frames of DAVIS 2016 or 2017, in the official layout.

    Frames of the split are drawn without replacement until the share is reached. Frames that do not
    show the object are skipped. DAVIS 2016 has 3,455 frames, so a tenth is 345, as in Latent
    Diversity. Several objects in a frame, as in DAVIS 2017, count as one object.

    Parameters
    ----------
    root : Path
        The folder with ``JPEGImages``, ``Annotations`` and ``ImageSets``, or the folder above it.
        From a folder of single frames, every frame is used: ``img`` and ``gt``, as f-BRS published
        345 frames, or ``images`` and ``masks``.
    split : str, optional
        ``"trainval"`` (the default), ``"train"`` or ``"val"``. Without ``ImageSets``, the folders
        are the sequences, and ``"val"`` means the 20 validation sequences of DAVIS 2016.
        ``"val-tenth"`` is every tenth frame of each validation sequence, without a random draw.
        ``"345-frames"`` requires a folder of single frames.
    seed : int
        The seed of the draw.
    share : float
        The share of the frames, above 0 and up to 1. The number of frames is rounded down.
    resolution : str
        ``"480p"``. ``"Full-Resolution"`` or ``"1080p"`` if the folder has them.

    References
    ----------
    Perazzi et al., CVPR 2016; Li, Chen and Koltun, Interactive Image Segmentation with Latent
    Diversity, CVPR 2018, section 5.1.
    """

    def __init__(
        self,
        root: Path,
        split: str | None = None,
        seed: int = 0,
        share: float = 0.1,
        resolution: str = "480p",
    ) -> None:
        split = split or "trainval"
        one_of("davis", "split", split, ("trainval", "train", "val", TENTH, FRAMES))
        if not 0 < share <= 1:
            raise ValueError(f"The share of the frames is above 0 and at most 1, not {share}.")
        if (found := paired_folders(root, ("DAVIS345", "DAVIS"))) is not None:
            base, photos, masks = found
            super().__init__("davis", root, base)
            self._draw(list(_single_frames(base / photos, base / masks, self.broken)), 1.0, seed)
            return
        needed = (f"JPEGImages/{resolution}", f"Annotations/{resolution}")
        if split == FRAMES:
            needed = ("img", "gt")
        super().__init__("davis", root, locate("davis", root, needed, ("DAVIS",)))
        if split == TENTH:
            frames = sorted(set(_frames(self.base, "val", resolution)))
            self._draw([frame for frame in frames if frame[0].endswith("0")], 1.0, seed)
        else:
            self._draw(sorted(set(_frames(self.base, split, resolution))), share, seed)

    def _draw(self, frames: list[Frame], share: float, seed: int) -> None:
        wanted = math.floor(share * len(frames) + 1e-9)  # 0.1 * 3455 is 345.5: 345 in the paper
        drawn, broken = [], 0
        for number in np.random.default_rng(seed).permutation(len(frames)):
            if len(drawn) + broken == wanted:
                break
            key, _, mask = frames[number]
            with self._guarded(key):
                if read_union(self.base / mask)[0].any():
                    drawn.append(frames[number])
                else:
                    self.skipped[key] = f"The frame {self.base / mask} does not show the object."
            broken += key in self.broken
        self._fill(Entry(*frame) for frame in sorted(drawn))

    def _mask(self, entry: Entry) -> Meaning:
        return read_union(self.base / entry.detail)


def _single_frames(photos: Path, masks: Path, broken: dict[str, str]) -> Iterator[Frame]:
    for stem, photo, mask in same_stem(photos, masks, broken):
        yield stem, f"{photos.name}/{photo.name}", f"{masks.name}/{mask.name}"


def _frames(base: Path, split: str, resolution: str) -> Iterator[Frame]:
    for line in _lines(base, split, resolution):
        if "/" in line:  # DAVIS 2016 lists pairs of files
            sequence, name = Path(line.split()[0]).parts[-2:]
            yield _frame(sequence, Path(name).stem, resolution)
        else:  # DAVIS 2017 lists sequences
            folder = base / "Annotations" / resolution / line
            if not folder.is_dir():
                raise FileNotFoundError(f"The sequence {line} has no folder {folder}.")
            for stem in photo_files.by_stem(folder, {".png"}):
                yield _frame(line, stem, resolution)


def _frame(sequence: str, stem: str, resolution: str) -> Frame:
    place = f"{resolution}/{sequence}/{stem}"
    return f"{sequence}-{stem}", f"JPEGImages/{place}.jpg", f"Annotations/{place}.png"


def _lines(base: Path, split: str, resolution: str) -> list[str]:
    """Read the list of the split, or name its sequences if there are no lists.

    The lists of 2016 come first, because the papers use them.
    """
    for folder in (resolution, "480p", "1080p", "2016", "2017"):
        lists = base / "ImageSets" / folder
        names = [split] if (lists / f"{split}.txt").is_file() else []
        if not names and split == "trainval":  # DAVIS 2017 has no such list
            names = [part for part in ("train", "val") if (lists / f"{part}.txt").is_file()]
        if names:
            return [
                line for name in names for line in photo_files.read_lines(lists / f"{name}.txt")
            ]
    if (base / "ImageSets").is_dir():
        raise FileNotFoundError(f"There is no list {base / 'ImageSets'}/480p/{split}.txt.")
    folders = (base / "Annotations" / resolution).iterdir()
    sequences = sorted(folder.name for folder in folders if folder.is_dir())
    kept = {"trainval": (False, True), "train": (False,), "val": (True,)}[split]
    return [name for name in sequences if (name in VALIDATION) in kept]

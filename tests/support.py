"""Scenes and files that several tests need."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.segmenter import Segmentation

ROOT = Path(__file__).resolve().parent.parent
BACKGROUND, OBJECT = (40, 60, 160), (210, 120, 40)


def disc_mask(shape: tuple[int, int], row: int, col: int, radius: int) -> np.ndarray:
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2


def easy_scene(height: int = 48, width: int = 64) -> tuple[np.ndarray, np.ndarray, Clicks]:
    """Return an orange disc on blue with noise, its mask, and one click of each kind."""
    row, col = height // 2, width // 2
    mask = disc_mask((height, width), row, col, height // 4)
    image = np.where(mask[..., None], OBJECT, BACKGROUND)
    image = image + np.random.default_rng(0).normal(0, 8, image.shape)
    clicks = Clicks([Click(row, col, True), Click(6, 6, False)])
    return np.clip(image, 0, 255).astype(np.uint8), mask, clicks


class Growing:
    """Proposes discs of three sizes around every click, joined with or cut from what was shown."""

    radii, scores = (4, 8, 12), (0.6, 0.3, 0.1)

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image

    def segment(self, image, clicks) -> Segmentation:
        clicks.check_candidates(3)
        shown = np.zeros(image.shape[:2], bool)
        candidates, selected = np.stack([shown] * 3), 0
        for count, click in enumerate(clicks, start=1):
            discs = [disc_mask(shown.shape, click.row, click.col, radius) for radius in self.radii]
            candidates = np.stack([shown | d if click.positive else shown & ~d for d in discs])
            selected = clicks.preferences.get(count, 0)
            shown = candidates[selected]
        return Segmentation(shown, None, candidates, self.scores, selected)


def png(array: np.ndarray, mode: str | None = None) -> bytes:
    stream = io.BytesIO()
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(stream, "PNG")
    return stream.getvalue()


def empty_png(width: int, height: int) -> bytes:
    """Return a PNG that promises a size and holds no pixel: a few bytes, however large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def one_sentence(text: object) -> bool:
    """Whether a message is one line, begins like a sentence, and stops once: at its end."""
    text = str(text)
    begins = text[0].isupper() or text[0] in "'\"-"
    return begins and "\n" not in text and text.endswith(".") and not re.search(r"\. [A-Z]", text)


def repository_files() -> list[Path]:
    """Return every file that is tracked or could be: all that git does not ignore."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    ignored = (ROOT / ".gitignore").read_text().split()  # an unpacked archive: no git here
    patterns = {entry.strip("/") for entry in ignored} | {".git"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(parent.match(p) for parent in [path, *path.parents] for p in patterns)
    ]


def leaves(value: object) -> list[str]:
    """Return all texts in a JSON value, pictures left out."""
    if isinstance(value, dict):
        return [t for k, v in value.items() if not k.startswith("image/") for t in leaves(v)]
    if isinstance(value, list):
        return [text for entry in value for text in leaves(entry)]
    return [value] if isinstance(value, str) else []


def text_of(path: Path) -> str | None:
    """Return a file's text, a notebook's without its JSON escapes, or None for a binary file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
    return "\n".join(leaves(json.loads(text))) if path.suffix == ".ipynb" else text


# Written in pieces, so that this file does not find itself.
_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "yarn" + "pkg.com",
    "ana" + "conda.org",
    "ana" + "conda.com",
    "crates" + ".io",
]
_HOMES = "|".join(["ho" + "me", "Us" + "ers", "ro" + "ot", "wo" + "rk", "tm" + "p/w"])
FORBIDDEN = [
    re.compile("|".join(map(re.escape, _HOSTS))),
    re.compile(r"https?://\S+/" + "sim" + r"ple\b"),  # any package index, a private one too
    re.compile(rf"(?:(?<![\w.:/~$}}>-])|file://)/(?:{_HOMES})/(?!jovyan)\w"),
    re.compile(r"\b[A-Z]:\\+" + "Us" + r"ers\\", re.IGNORECASE),
]


def forbidden(text: str) -> list[str]:
    """Return what a text says about the machine it was written on, or the index it used."""
    return [match.group() for pattern in FORBIDDEN for match in pattern.finditer(text)]

"""EfficientSAM and MobileSAM, small relatives of Segment Anything, from ONNX files of the user.

Segment Anything (Kirillov et al., ICCV 2023) encodes a photo once. A light decoder then answers
each prompt with three masks, and predicts the IoU of each. EfficientSAM (Xiong et al., CVPR 2024)
and MobileSAM (Zhang et al., 2023) have smaller encoders.

The package has no weights of these networks and downloads none. The user names the files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.deep.onnx_files import Engine, OnnxFile
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.paths import checksum
from tutorial_lib.registry import method_info
from tutorial_lib.segmenter import Segmentation

CHECKSUM_VARIABLE = "TUTORIAL_LIB_EFFICIENT_SAM_SHA256"
MASKS = 3
MOST_POINTS = 6  # what EfficientSAM's decoder was exported for
LATEST = 8  # answers that are remembered for a photo
SIDE = 1024  # longer side of the photo in Segment Anything
MEAN, SPREAD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)

#: SHA-256 of published files.
KNOWN_FILES = {
    "84ed466ffcc5c1f8d08409bc34a23bb364ab2c15e402cb12d4335a42be0e0951":
        "EfficientSAM-Ti, encoder of the authors",
    "a62f8fa5ea080447c0689418d69e58f1e83e0b7adf9c142e2bd9bcc8045c0b11":
        "EfficientSAM-Ti, decoder of the authors",
    "7a73ee65aa2c37237c89b4b18e73082f757ffb173899609c5d97a2bbd4ebb02d":
        "EfficientSAM-Ti, encoder of labelme",
    "e1afe46232c3bfa3470a6a81c7d3181836a94ea89528aff4e0f2d2c611989efd":
        "EfficientSAM-Ti, decoder of labelme",
    "4eb496e0a7259d435b49b66faf1754aa45a5c382a34558ddda9a8c6fe5915d77":
        "EfficientSAM-Ti, one file of OpenCV Zoo (2025april)",
    "5ecc8d59a2802c32246e68553e1cf8ce74cf74ba707b84f206eb9181ff774b4e":
        "EfficientSAM-Ti, one file of OpenCV Zoo (2025april, int8)",
    "20deef402855b31222b528f52b04807e41ebe47216ac0e39a0729f43491a0209":
        "MobileSAM, encoder of samexporter",
    "22cf85e35d14182f4b4712364264c06b22edbef63f065189586f080ef4e2f325":
        "MobileSAM, decoder of samexporter",
}  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """What the user said, as Segment Anything reads it.

    Parameters
    ----------
    points : tuple of (float, float)
        Columns and rows in pixels of the photo.
    labels : tuple of int
        1 for object, 0 for background, 2 and 3 for the corners of a box.
    """

    points: tuple[tuple[float, float], ...]
    labels: tuple[int, ...]

    @classmethod
    def of(cls, clicks: Clicks) -> Prompt:
        """Turn clicks into a prompt. A stroke becomes the point at its middle."""
        points, labels = [], []
        if (box := clicks.box) is not None:
            points += [(box.left, box.top), (box.right - 1, box.bottom - 1)]
            labels += [2, 3]
        for mark in clicks:
            row, col = mark.pixels[len(mark.pixels) // 2]
            points.append((float(col), float(row)))
            labels.append(int(mark.positive))
        return cls(tuple(points), tuple(labels))

    def only(self, *labels: int) -> Prompt:
        """Return the points with these labels."""
        kept = [(p, k) for p, k in zip(self.points, self.labels, strict=True) if k in labels]
        return Prompt(tuple(p for p, _ in kept), tuple(k for _, k in kept))


@dataclass(frozen=True)
class PromptAnswer:
    """The masks that answer a prompt.

    Parameters
    ----------
    logits : np.ndarray
        ``(3, H, W) float32`` at the size of the photo.
    scores : np.ndarray
        ``(3,) float32``: the predicted IoU of each.
    selected : int
        The mask that is shown.
    """

    logits: np.ndarray
    scores: np.ndarray
    selected: int


@dataclass(frozen=True)
class EfficientSAMPrepared:
    """A photo whose features are known.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the photo, in pixels.
    answer : callable
        Answers a :class:`Prompt`. It remembers the latest answers.
    """

    shape: tuple[int, int]
    answer: Callable[[Prompt], PromptAnswer]


class EfficientSAM:
    """EfficientSAM or MobileSAM from ONNX files that the user names.

    Three forms of files are read. What a file takes and returns decides, not its name.

    - EfficientSAM in two files: an encoder (``batched_images``) and a decoder
      (``image_embeddings``, ``batched_point_coords``, ``batched_point_labels``, ``orig_im_size``).
    - EfficientSAM in one file (``batched_images``, ``batched_point_coords``,
      ``batched_point_labels``), such as that of OpenCV Zoo. It encodes the photo at each click.
    - MobileSAM, or any Segment Anything, in two files: an encoder (one image) and the decoder that
      Segment Anything's own script exports (``point_coords``, ``point_labels``, ``mask_input``).

    EfficientSAM does not read negative clicks. Here they choose: a mask that contains the fewest of
    them is shown. MobileSAM reads them.

    Parameters
    ----------
    files : str
        One or two ONNX files, separated like the folders of PATH, or a folder that holds them. The
        default is the environment variable ``TUTORIAL_LIB_EFFICIENT_SAM``.
    sha256 : str
        Checksums of files that are not in :data:`KNOWN_FILES`, separated by commas. The default is
        the environment variable ``TUTORIAL_LIB_EFFICIENT_SAM_SHA256``.
    engine : str
        ``"onnxruntime"``, ``"opencv"``, or ``"auto"``: ONNX Runtime if it is installed.
    precision : str
        ``"float32"``; ``"auto"`` means the same. The files decide what they compute in.

    Attributes
    ----------
    files : tuple of Path
        The files.
    precision : str
        ``"float32"``.

    Raises
    ------
    FileNotFoundError
        If no file is named, or a file is missing.
    ValueError
        If the checksum of a file is not known, or the files do not fit together.
    ImportError
        If ONNX Runtime is asked for and not installed.

    References
    ----------
    Xiong et al., EfficientSAM, CVPR 2024. Zhang et al., MobileSAM, 2023. Kirillov et al., Segment
    Anything, ICCV 2023.
    """

    def __init__(
        self,
        files: str = "",
        sha256: str = "",
        engine: Engine = "auto",
        precision: str = "float32",
    ) -> None:
        if precision not in ("float32", "auto"):
            raise ValueError(f"The method 'efficient-sam' computes in float32, not {precision!r}.")
        self.precision = "float32"
        self.files = _named_files(files)
        _check_sums(self.files, sha256 or os.environ.get(CHECKSUM_VARIABLE, ""))
        self._network = _assembled([OnnxFile(path, engine) for path in self.files])

    def prepare(self, image: ImageLike) -> EfficientSAMPrepared:
        """Encode the photo.

        Parameters
        ----------
        image : image
            Anything that :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        EfficientSAMPrepared
            The first argument of :meth:`segment`.
        """
        photo = as_rgb(image)
        return EfficientSAMPrepared(
            photo.shape[:2], lru_cache(LATEST)(self._network.answering(photo))
        )

    def segment(self, prepared: EfficientSAMPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks.

        Parameters
        ----------
        prepared : EfficientSAMPrepared
            The value of :meth:`prepare`.
        clicks : Clicks
            All clicks so far, in pixels of the photo. A box is part of the prompt and needs no
            click. A preferred candidate is shown instead of the selected one.

        Returns
        -------
        Segmentation
            The shown mask, all three as candidates, and the predicted IoU of each as scores.
            Without a positive click or a box, all are the start mask, or empty.

        Raises
        ------
        ValueError
            If a click lies outside the photo, or a preferred candidate does not exist.
        """
        clicks.check(prepared.shape)
        clicks.check_candidates(MASKS)
        prompt, preferred = Prompt.of(clicks), clicks.preferred
        if not prompt.only(1, 2).labels:
            same = np.zeros((MASKS, *prepared.shape), dtype=np.float32)
            if clicks.start is not None:
                same[:] = clicks.start.mask
            return Segmentation(same[0], None, same, np.full(MASKS, 1 / MASKS), preferred or 0)
        answer = prepared.answer(prompt)
        masks = 1 / (1 + np.exp(-np.clip(answer.logits, -60, 60)))
        if clicks.box is not None:
            masks[:, ~clicks.box.inside(prepared.shape)] = 0
        selected = answer.selected if preferred is None else preferred
        return Segmentation(masks[selected], None, masks, answer.scores.copy(), selected)


# -- files -----------------------------------------------------------------------------------------


def _named_files(files: str) -> tuple[Path, ...]:
    variable = method_info("efficient-sam").variable
    named = files or os.environ.get(variable, "")
    if not named:
        raise FileNotFoundError(
            "The method 'efficient-sam' needs ONNX files of EfficientSAM or MobileSAM, and the "
            f"package downloads none; name yours by {variable} or by the option files."
        )
    paths = [Path(name).expanduser() for name in named.split(os.pathsep) if name]
    if len(paths) == 1 and paths[0].is_dir():
        paths = sorted(paths[0].glob("*.onnx"))
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"The ONNX file {path} does not exist.")
    if len(paths) not in (1, 2):
        raise ValueError(f"One or two ONNX files are needed, but {len(paths)} are named.")
    return tuple(paths)


def _check_sums(paths: tuple[Path, ...], stated: str) -> None:
    trusted = set(re.split(r"[\s,]+", stated.lower())) | set(KNOWN_FILES)
    for path in paths:
        if (found := checksum(path)) not in trusted:
            raise ValueError(
                f"The file {path.name} is none of the published files that are known here; if you "
                f"trust it, state its checksum by {CHECKSUM_VARIABLE} or by the option sha256: "
                f"{found}."
            )


def _assembled(files: list[OnnxFile]) -> EfficientSAMFiles | SegmentAnythingFiles:
    """Find out by the inputs of the files what they are."""
    takes = {file: set(file.signature.inputs) for file in files}
    decoders = [f for f in files if takes[f] & {"batched_point_coords", "point_coords"}]
    encoders = [f for f in files if f not in decoders and len(takes[f]) == 1]
    if len(decoders) == 1 and len(files) == 1 and "batched_images" in takes[decoders[0]]:
        return EfficientSAMFiles(None, decoders[0])
    if len(decoders) == 1 and len(encoders) == 1 and "image_embeddings" in takes[decoders[0]]:
        if "point_coords" in takes[decoders[0]]:
            return SegmentAnythingFiles(encoders[0], decoders[0])
        return EfficientSAMFiles(encoders[0], decoders[0])
    taken = "; ".join(f"{f.path.name} takes {', '.join(f.signature.inputs)}" for f in files)
    raise ValueError(f"These files are not EfficientSAM or MobileSAM, or one is missing: {taken}.")


# -- EfficientSAM ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class EfficientSAMFiles:
    """EfficientSAM: an encoder and a decoder, or both in one file.

    Parameters
    ----------
    encoder : OnnxFile or None
        None if the decoder reads the photo itself.
    decoder : OnnxFile
        Reads points of the object and corners of a box, and no points of the background.
    """

    encoder: OnnxFile | None
    decoder: OnnxFile

    def answering(self, photo: np.ndarray) -> Callable[[Prompt], PromptAnswer]:
        """Return the function that answers prompts on a photo, ``(H, W, 3) uint8``."""
        name = "batched_images" if self.encoder is None else self.encoder.only_input
        fixed = (self.encoder or self.decoder).signature.inputs[name][2:]
        size = tuple(
            own if given is None else given
            for given, own in zip(fixed, photo.shape[:2], strict=True)
        )
        pixels = cv2.resize(photo, size[::-1], interpolation=cv2.INTER_AREA)
        image = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / 255
        fed = {name: image}
        if self.encoder is not None:
            found = self.encoder.run(fed)[self.encoder.signature.outputs[0]]
            fed = {"image_embeddings": found, "orig_im_size": np.array(size, dtype=np.int64)}
        scale = np.array(size[::-1]) / photo.shape[1::-1]

        def answer(prompt: Prompt) -> PromptAnswer:
            outputs = self.decoder.run(fed | self._points(prompt.only(1, 2, 3), scale))
            logits = outputs["output_masks"].reshape(-1, *size)[:MASKS]
            scores = outputs["iou_predictions"].reshape(-1)[:MASKS]
            logits = _resized(logits, photo.shape[:2])
            cols, rows = np.array(prompt.only(0).points, dtype=int).reshape(-1, 2).T
            wrong = (logits[:, rows, cols] >= 0).sum(axis=1)
            return PromptAnswer(logits, scores, int(np.lexsort((-scores, wrong))[0]))

        return answer

    def _points(self, prompt: Prompt, scale: np.ndarray) -> dict[str, np.ndarray]:
        """Return at most six points: the first and the latest. A fixed number is filled up."""
        shape = self.decoder.signature.inputs["batched_point_coords"]
        labels_shape = self.decoder.signature.inputs["batched_point_labels"]
        fixed = shape[2] if shape[2] and shape[2] > 1 else None
        most = fixed or MOST_POINTS
        points = np.array(prompt.points, dtype=np.float32) * scale
        labels = np.array(prompt.labels, dtype=np.float32)
        if len(points) > most:
            first = 2 if 2 in prompt.labels else 1  # both corners of a box
            points = np.concatenate([points[:first], points[first - most :]])
            labels = np.concatenate([labels[:first], labels[first - most :]])
        if fixed:
            empty = fixed - len(points)
            points = np.pad(points, ((0, empty), (0, 0)))
            labels = np.pad(labels, (0, empty), constant_values=-1)
        labels = labels[None, None]
        return {
            "batched_point_coords": points[None, None].astype(np.float32),
            "batched_point_labels": labels[..., None] if len(labels_shape) == 4 else labels,
        }


# -- Segment Anything ------------------------------------------------------------------------------


@dataclass(frozen=True)
class SegmentAnythingFiles:
    """Segment Anything's encoder, or that of MobileSAM, and its decoder.

    Parameters
    ----------
    encoder : OnnxFile
        Reads ``(H, W, 3)`` or ``(1, 3, 1024, 1024)``.
    decoder : OnnxFile
        Returns four masks. The first one is for several points, the others are for one point.
    """

    encoder: OnnxFile
    decoder: OnnxFile

    def answering(self, photo: np.ndarray) -> Callable[[Prompt], PromptAnswer]:
        """Return the function that answers prompts on a photo, ``(H, W, 3) uint8``."""
        name = self.encoder.only_input
        shape = self.encoder.signature.inputs[name]
        frame = shape[:2] if len(shape) == 3 else shape[2:]
        frame = tuple(side or SIDE for side in frame)
        scale = min(inner / outer for inner, outer in zip(frame, photo.shape[:2], strict=True))
        size = tuple(max(1, round(side * scale)) for side in photo.shape[:2])
        pixels = cv2.resize(photo, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
        if len(shape) == 4:
            pixels = (pixels - np.float32(MEAN)) / np.float32(SPREAD)
        if len(shape) == 4 or None not in shape:
            rest = [(0, outer - inner) for outer, inner in zip(frame, size, strict=True)]
            pixels = np.pad(pixels, [*rest, (0, 0)])
        if len(shape) == 4:
            pixels = pixels.transpose(2, 0, 1)[None]
        features = self.encoder.run({name: np.ascontiguousarray(pixels)})
        known = {
            "image_embeddings": features[self.encoder.signature.outputs[0]],
            "mask_input": np.zeros((1, 1, SIDE // 4, SIDE // 4), dtype=np.float32),
            "has_mask_input": np.zeros(1, dtype=np.float32),
            "orig_im_size": np.array(size, dtype=np.float32),
        }

        def answer(prompt: Prompt) -> PromptAnswer:
            points, labels = [*prompt.points], [*prompt.labels]
            if 2 not in labels:  # Segment Anything expects a box or one empty point
                points, labels = [*points, (0, 0)], [*labels, -1]
            outputs = self.decoder.run(
                known
                | {
                    "point_coords": np.array([points], dtype=np.float32) * np.float32(scale),
                    "point_labels": np.array([labels], dtype=np.float32),
                }
            )
            masks, scores = outputs["low_res_masks"][0], outputs["iou_predictions"][0]
            whole = _resized(masks, (SIDE, SIDE))[:, : size[0], : size[1]]
            return _three(_resized(whole, photo.shape[:2]), scores, len(prompt.labels) > 1)

        return answer


def _three(logits: np.ndarray, scores: np.ndarray, several: bool) -> PromptAnswer:
    """Return three masks of four. After several points the first is shown, as its authors do."""
    if len(logits) == MASKS:
        return PromptAnswer(logits, scores, int(scores.argmax()))
    best = 1 + np.argsort(-scores[1:])
    kept = np.array([0, *best[:2]]) if several else np.arange(1, 1 + MASKS)
    return PromptAnswer(logits[kept], scores[kept], 0 if several else int(scores[kept].argmax()))


def _resized(masks: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return masks ``(M, h, w)`` at another size, ``(M, H, W) float32``."""
    return np.stack([cv2.resize(np.float32(mask), shape[::-1]) for mask in masks])

"""One person, one photo, one method: everything a widget does, without the widget."""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.choices import check_choices, choices_from_list, choices_to_list, takes_choices
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.evaluation.metrics import iou
from tutorial_lib.history import ClickHistory
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.paths import user_folder
from tutorial_lib.segmenter import Segmentation, Segmenter, get_segmenter, methods

LOG_SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Step:
    """One answer in a session's history.

    Parameters
    ----------
    clicks : Clicks
        The clicks it answers.
    method : str
        The method that answered.
    milliseconds : float
        Time the answer took, the image's preparation not included.
    iou : float or None
        Agreement with the known mask, where there is one.
    packed : np.ndarray
        The mask as bits, from :func:`numpy.packbits`.
    shape : tuple of int
        Height and width of the mask.
    choices : mapping of int to int
        What was preferred among the method's candidates: number of clicks to candidate.
    """

    clicks: Clicks
    method: str
    milliseconds: float
    iou: float | None
    packed: np.ndarray
    shape: tuple[int, int]
    choices: Mapping[int, int] = field(default_factory=dict)

    @property
    def mask(self) -> np.ndarray:
        """The answer, ``(H, W) bool``."""
        bits = np.unpackbits(self.packed, count=self.shape[0] * self.shape[1])
        return bits.reshape(self.shape).astype(bool)


class Session(ClickHistory):
    """An image, a method, the clicks so far, and every answer they got.

    Changing the clicks (``add``, ``undo``, ``redo``, ``clear``, ``replace``, which every
    :class:`~tutorial_lib.history.ClickHistory` has) is instant; :meth:`refresh` asks the method.
    :meth:`click` does both. A widget can thus show a click at once and let the answer come when it
    is ready. Where a method proposes several candidates, :meth:`choose` says which one is right,
    and the next click goes on from there.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    method : str or Segmenter
        One of the registered methods, such as ``"graph-cut"``, or a segmenter built already; its
        class then gives the name.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask, to measure against.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that do not count in the IoU.
    name : str
        Names the files that :meth:`export` writes.
    autosave : bool or path
        True keeps the click log in the user's folder, under the photo's fingerprint; a path keeps
        it there. Every change is written at once, so a dead kernel loses nothing.
    **options
        The method's own settings.

    Raises
    ------
    ValueError
        If image, method, option or known mask do not fit.
    """

    def __init__(
        self,
        image: ImageLike,
        method: str | Segmenter = "graph-cut",
        *,
        truth: np.ndarray | None = None,
        ignore: np.ndarray | None = None,
        name: str = "photo",
        autosave: bool | str | os.PathLike[str] = False,
        **options: Any,
    ) -> None:
        self.image = as_rgb(image)
        super().__init__(self.image.shape)
        for label, known in (("known mask", truth), ("ignore mask", ignore)):
            if known is not None and known.shape != self.shape:
                raise ValueError(f"The {label} has shape {known.shape}, the image {self.shape}.")
        self.truth, self.ignore, self.name = truth, ignore, name
        self._fingerprint = fingerprint(self.image)  # once a photo: every autosave writes it
        self.history: list[Step] = []
        self._answers: tuple[Clicks, dict[int, int], str, Segmentation] | None = None
        self._began = time.monotonic()
        self._made: dict[Clicks, float] = {}  # when the last click of these was made
        self._prepared: dict[str, tuple[Segmenter, Any]] = {}
        self._autosave, self._key = self._autosave_path(autosave), ""
        self.use(method, **options)

    # -- what is known -------------------------------------------------------------------------

    @property
    def method(self) -> str:
        """Name of the method in use."""
        return self._method

    @property
    def options(self) -> dict[str, Any]:
        """Settings of the method in use."""
        return dict(self._options)

    @property
    def result(self) -> Segmentation | None:
        """The latest answer, or None before the first."""
        return self._answers[3] if self._answers else None

    @property
    def mask(self) -> np.ndarray:
        """The latest answer's mask, ``(H, W) bool``; empty before the first."""
        return self.result.mask if self.result else np.zeros(self.shape, dtype=bool)

    @property
    def stale(self) -> bool:
        """Whether clicks, choices or method have changed since the latest answer."""
        asked = (self._clicks, self._choices, self._key)
        return self._answers is None or self._answers[:3] != asked

    @property
    def needs_negative(self) -> bool:
        """Whether the method answers only once there is a click of each kind."""
        return any(info.needs_negative for info in methods() if info.name == self._method)

    @property
    def iou(self) -> float | None:
        """Agreement of the latest mask with the known one, or None without one."""
        return None if self.truth is None else iou(self.mask, self.truth, self.ignore)

    @property
    def seconds(self) -> list[float | None]:
        """When each of the present clicks was made, in seconds since the session began.

        None for clicks that were not made one by one in this session, such as those of a log.
        """
        made = (self._made.get(self._clicks[:count]) for count in range(1, len(self._clicks) + 1))
        return [None if moment is None else round(moment - self._began, 2) for moment in made]

    # -- clicks --------------------------------------------------------------------------------

    def add(self, click: Click) -> None:
        """Add a click.

        Raises
        ------
        ValueError
            If the click lies outside the image; nothing changes then.
        """
        Clicks([click]).check(self.shape)
        self._made[self._clicks.add(click)] = time.monotonic()
        super().add(click)

    # -- asking the method ---------------------------------------------------------------------

    def use(self, method: str | Segmenter, **options: Any) -> None:
        """Take a method; the image is prepared for it when the next answer is due.

        Choices among the candidates of another method, or with other settings, are forgotten.

        Parameters
        ----------
        method : str or Segmenter
            A registered method, or a segmenter built already.
        **options
            The registered method's own settings.

        Raises
        ------
        ValueError
            If the method or an option is unknown; the method in use stays then.
        """
        if isinstance(method, str):
            key = f"{method} {json.dumps(options, sort_keys=True, default=_plain)}"
            name, build = method, lambda: get_segmenter(method, **options)
        else:
            name, build = _name_of(method, options), lambda: method
            key = f"{name} {id(method)}"  # kept in _prepared, so no other one gets this number
        if key not in self._prepared:
            self._prepared[key] = (build(), None)
        if key != self._key:
            self._forget_choices()
        self._method, self._options, self._key = name, options, key
        self._save()

    def prepare(self) -> None:
        """Prepare the image for the method in use, so that the next answer comes quicker."""
        self._prepare(self._key)

    def rehearse(self) -> float:
        """Prepare the image and answer two made-up clicks, to learn how long an answer takes.

        Leaves clicks, answer and history as they are.

        Returns
        -------
        float
            Milliseconds the answer took, the image's preparation not included.
        """
        segmenter, prepared = self._prepare(self._key)
        centre = Click(self.shape[0] // 2, self.shape[1] // 2)
        return _timed(segmenter, prepared, Clicks([centre, Click(0, 0, False)]))[1]

    def _prepare(self, key: str) -> tuple[Segmenter, Any]:
        segmenter, prepared = self._prepared[key]
        if prepared is None:
            prepared = segmenter.prepare(self.image)
            self._prepared[key] = (segmenter, prepared)
        return segmenter, prepared

    def refresh(self) -> Segmentation:
        """Answer the present clicks, remember the answer, and return it.

        Returns
        -------
        Segmentation
            The answer to clicks, choices and method as they were when the call began.
        """
        if not self.stale:
            return self.result
        # The method before the choices: another one has forgotten them before it is in use.
        method, key, clicks, choices = self._method, self._key, self._clicks, self._choices
        segmenter, prepared = self._prepare(key)
        result, milliseconds = _timed(segmenter, prepared, clicks, choices)
        agreement = None if self.truth is None else iou(result.mask, self.truth, self.ignore)
        packed = np.packbits(result.mask)
        self._answers = (clicks, choices, key, result)
        if len(clicks):
            self.history.append(
                Step(clicks, method, milliseconds, agreement, packed, self.shape, choices)
            )
        return result

    def catch_up(self) -> None:
        """Answer until the answer is that of the latest clicks, however many came meanwhile."""
        while self.stale:
            self.refresh()

    def click(self, row: int, col: int, positive: bool = True) -> Segmentation:
        """Add a click and answer it.

        Parameters
        ----------
        row, col : int
            Pixel position.
        positive : bool
            True on the object, False on the background.

        Returns
        -------
        Segmentation
            The answer to all clicks so far.

        Raises
        ------
        ValueError
            If the click lies outside the image; nothing changes then.
        """
        self.add(Click(row, col, positive))
        return self.refresh()

    def choose(self, candidate: int | None) -> None:
        """Prefer a candidate of the answer to the present clicks; the next click goes on from it.

        A change like a click: :meth:`undo` takes it back, and :meth:`refresh` gives the answer.
        The method is asked first if it has not answered yet: how many candidates are there?

        Parameters
        ----------
        candidate : int or None
            Its number, from 0; None leaves the choice to the method again.

        Raises
        ------
        TypeError
            If it is no whole number.
        ValueError
            If the method takes no choices, there is no click yet, or no such candidate; nothing
            changes then.
        """
        segmenter, _ = self._prepared[self._key]
        if not takes_choices(segmenter):
            raise ValueError(
                f"The method {self._method} cannot be told which candidate is right; "
                "latent-diversity can."
            )
        if candidate is not None and len(self._clicks):
            check_choices({len(self._clicks): candidate}, self._count_candidates())
        super().choose(candidate)

    def _count_candidates(self) -> int:
        answered = self._answers is not None and self._answers[2] == self._key
        candidates = (self.result if answered else self.refresh()).candidates
        if candidates is None:
            raise ValueError(f"The method {self._method} has no candidates to choose from.")
        return len(candidates)

    def picture(self, view: str = "mask", opacity: float = 0.5) -> np.ndarray:
        """Paint the photo, the latest answer and the clicks: what a widget shows.

        Parameters
        ----------
        view : {"mask", "contour", "cut-out", "probability"}
            What to lay over the photo.
        opacity : float
            Of the tint, 0 to 1.

        Returns
        -------
        np.ndarray
            ``(H, W, 3) uint8``; no answer is painted while the latest one is of other clicks.
        """
        from tutorial_lib.render import composite

        answer = self.result if len(self._clicks) and not self.stale else None
        mask, probability = (answer.mask, answer.probability) if answer else (None, None)
        return composite(self.image, self._clicks, mask, probability, view, opacity)

    # -- logs ----------------------------------------------------------------------------------

    def log(self) -> dict[str, Any]:
        """Return the click log: enough, with the photo, to get the same masks again.

        Only if something was chosen among candidates does it have a field ``choices``.
        """
        log = {
            "schema": LOG_SCHEMA,
            "name": self.name,
            "image": {"sha256": self._fingerprint, "shape": list(self.image.shape)},
            "method": self._method,
            "options": _as_json(self._options),
            "clicks": self._clicks.to_list(),
            "seconds": self.seconds,
        }
        return log | ({"choices": choices_to_list(self._choices)} if self._choices else {})

    @classmethod
    def replay(
        cls,
        image: ImageLike,
        log: dict[str, Any] | str | os.PathLike[str],
        method: Segmenter | None = None,
        **settings: Any,
    ) -> Session:
        """Make the clicks and choices of a log again, one by one.

        Parameters
        ----------
        image : image
            The photo the log was made on.
        log : dict or path
            What :meth:`log` returned, or the file that :meth:`export` or autosave wrote.
        method : Segmenter, optional
            The method, if the log was made with one that is not registered.
        **settings
            Further arguments of :class:`Session`, such as ``truth``.

        Returns
        -------
        Session
            Its history holds one answer a click, and one a choice: the same masks as the first
            time.

        Raises
        ------
        ValueError
            If the log is unreadable, belongs to another photo, or names an unknown method.
        """
        log = read_log(log)
        image = as_rgb(image)
        if log["image"]["sha256"] != fingerprint(image):
            raise ValueError(
                f"This log belongs to another photo ({log['name']}, shape "
                f"{tuple(log['image']['shape'])}); replay it on that one."
            )
        settings.setdefault("name", log["name"])
        options = log["options"] if method is None else {}
        session = cls(image, log["method"] if method is None else method, **settings, **options)
        clicks, choices = _read_clicks(log)
        for count, click in enumerate(clicks, start=1):
            session.click(click.row, click.col, click.positive)
            if count in choices:
                session.choose(choices[count])
                session.refresh()
        return session

    def saved(self) -> Clicks | None:
        """Return the clicks an earlier session autosaved on this photo, or None.

        An unreadable autosave counts as none: it must never stand in the way of new work.
        """
        if self._autosave is None or self._kept is None:
            return None
        try:
            clicks, _ = _read_clicks(self._kept)
            clicks.check(self.shape)
        except ValueError:
            return None
        return clicks if len(clicks) else None

    def restore(self) -> None:
        """Put what an earlier session autosaved in the place of the present clicks, if anything.

        Choices come back where the method is still the one whose candidates they were.
        """
        if (clicks := self.saved()) is not None:
            asked = (self._kept["method"], self._kept["options"])
            same = asked == (self._method, _as_json(self._options))
            self.replace(clicks, _read_clicks(self._kept)[1] if same else None)

    def _autosave_path(self, autosave: bool | str | os.PathLike[str]) -> Path | None:
        self._kept: dict[str, Any] | None = None
        if autosave is False:
            return None
        if autosave is True:
            path = user_folder() / "autosave" / f"{self._fingerprint[:16]}.json"
        else:
            path = Path(autosave)
        try:
            kept = read_log(path)
            if kept["image"]["sha256"] == self._fingerprint:
                self._kept = kept
        except ValueError:
            pass
        return path

    def _save(self) -> None:
        if self._autosave is None or not (len(self._clicks) or self._past or self._future):
            return
        draft = self._autosave.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._autosave.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(self.log()), encoding="utf-8")
            draft.replace(self._autosave)
        except OSError as error:
            self._autosave = None
            warnings.warn(
                f"The clicks are not autosaved any more: {error}.", RuntimeWarning, stacklevel=3
            )

    # -- export --------------------------------------------------------------------------------

    def export(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the present answer and how it came about.

        ``NAME-mask.png`` (8 bit, 255 = object), ``NAME-cutout.png`` (RGBA, background
        transparent), ``NAME-coco.json`` (run-length encoding and polygons in COCO's annotation
        format) and ``NAME-clicks.json`` (see :meth:`replay`).

        Parameters
        ----------
        folder : path
            Where to write; made if missing.

        Returns
        -------
        list of Path
            The files written.
        """
        from tutorial_lib.render import encode_png

        self.refresh()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        cutout = np.dstack([self.image, self.mask.astype(np.uint8) * 255])
        contents: dict[str, Callable[[], bytes]] = {
            "mask.png": lambda: encode_png(self.mask, 9),
            "cutout.png": lambda: encode_png(cutout, 9),
            "coco.json": lambda: json.dumps(coco_annotation(self.mask)).encode(),
            "clicks.json": lambda: json.dumps(self.log(), indent=1).encode(),
        }
        written = []
        for ending, content in contents.items():
            path = folder / f"{self.name}-{ending}"
            path.write_bytes(content())
            written.append(path)
        return written


def _timed(
    segmenter: Segmenter, prepared: Any, clicks: Clicks, choices: Mapping[int, int] | None = None
) -> tuple[Segmentation, float]:
    preferred = {"chosen": dict(choices)} if choices else {}  # most methods know nothing of choices
    start = time.perf_counter()
    result = segmenter.segment(prepared, clicks, **preferred)
    return result, 1000 * (time.perf_counter() - start)


def _name_of(segmenter: Segmenter, options: Mapping[str, Any]) -> str:
    """Name a segmenter that was built by its caller."""
    if not isinstance(segmenter, Segmenter):
        raise TypeError(
            "A method is a registered name, or an object with prepare and segment, "
            f"not {segmenter!r}."
        )
    if options:
        raise ValueError(f"This segmenter is built: it takes no option {', '.join(options)} now.")
    return type(segmenter).__name__


def fingerprint(image: np.ndarray) -> str:
    """Return the SHA-256 of an image's shape and pixels: which photo a log belongs to."""
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()


def coco_annotation(mask: np.ndarray) -> dict[str, Any]:
    """Describe a mask as COCO does.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.

    Returns
    -------
    dict
        ``rle`` (``size``, ``counts`` as text), ``segmentation`` (outer contours as polygons
        ``[x, y, x, y, ...]`` around the pixels' outer edges), ``area`` in pixels, ``bbox`` as
        ``[x, y, width, height]``.
    """
    from pycocotools import mask as coco

    rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {
        "rle": {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")},
        "segmentation": _polygons(mask),
        "area": int(mask.sum()),
        "bbox": [float(value) for value in coco.toBbox(rle)],
    }


def _polygons(mask: np.ndarray) -> list[list[float]]:
    from scipy.ndimage import binary_fill_holes
    from skimage.measure import approximate_polygon, find_contours

    filled = binary_fill_holes(np.pad(mask, 1), np.ones((3, 3)))  # a hole has no outer contour
    polygons = []
    for contour in find_contours(filled.astype(float), 0.5):
        # The contour runs through the middles of pixel edges and cuts every corner: put them back.
        corners = np.where(contour[:-1] % 1 == 0.5, contour[:-1], contour[1:])
        ring = np.concatenate([corners, corners[:1]])
        points = approximate_polygon(ring, tolerance=0.01) - 0.5  # padding off, centres to edges
        polygons.append([float(value) for value in points[:-1, ::-1].ravel()])
    return polygons


def read_log(log: dict[str, Any] | str | os.PathLike[str]) -> dict[str, Any]:
    """Read a click log, and see that it is one.

    Parameters
    ----------
    log : dict or path
        What :meth:`Session.log` returned, or the file that :meth:`Session.export` or autosave
        wrote.

    Returns
    -------
    dict
        At least ``name``, ``image``, ``method``, ``options`` and ``clicks``.

    Raises
    ------
    ValueError
        If it is unreadable or something else; the text says what is wrong.
    """
    if not isinstance(log, dict):
        path = Path(log)
        try:
            log = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"The click log {path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise ValueError(f"The click log {path} is no JSON: {error}.") from error
    if not isinstance(log, dict) or log.get("schema") != LOG_SCHEMA:
        raise ValueError(f"A click log of schema {LOG_SCHEMA} is needed; this is something else.")
    kinds = {"name": str, "image": dict, "method": str, "options": dict, "clicks": list}
    for name, kind in kinds.items():
        if not isinstance(log.get(name), kind):
            raise ValueError(f"The click log has no usable field {name!r}.")
    if not {"sha256", "shape"} <= set(log["image"]):
        raise ValueError("The click log does not say which photo it belongs to.")
    return log


def _read_clicks(log: dict[str, Any]) -> tuple[Clicks, dict[int, int]]:
    clicks = Clicks.from_list(log["clicks"])
    return clicks, choices_from_list(log.get("choices", []), len(clicks))


def _as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they are after a way through a file."""
    return json.loads(json.dumps(options, default=_plain))


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers and arrays into what JSON can hold, and anything else into text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)

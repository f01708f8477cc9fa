"""One person, one photo, one method: everything a widget does, without the widget."""

from __future__ import annotations

import json
import os
import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.autosave import Autosave
from tutorial_lib.click_log import (
    LOG_SCHEMA,
    Log,
    as_json,
    called,
    clicks_of,
    clicks_on,
    dump,
    fields_of,
    match_photo,
    options_of_log,
    read_logs,
)
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.exports import coco_dataset, write_files
from tutorial_lib.history import ClickHistory
from tutorial_lib.images import ImageLike
from tutorial_lib.metrics import iou
from tutorial_lib.paths import safe_stem, user_folder
from tutorial_lib.segmenter import (
    LooksAhead,
    Segmentation,
    Segmenter,
    check_answer,
    get_segmenter,
    methods,
)
from tutorial_lib.working_photo import WorkingPhoto

QUICKLY_PACKED = 8_000_000  # pixels: a larger cut-out is compressed little, to be there soon


@dataclass(frozen=True, eq=False)
class Step:
    """One answer in a session's history.

    Parameters
    ----------
    clicks : Clicks
        The clicks it answers, and what was preferred among candidates.
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
    """

    clicks: Clicks
    method: str
    milliseconds: float
    iou: float | None
    packed: np.ndarray
    shape: tuple[int, int]

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
        Anything :func:`tutorial_lib.images.as_rgb` takes; with ``longest``, a photo of up to 200
        megapixels too.
    method : str or Segmenter
        One of the registered methods, such as ``"graph-cut"``, or a segmenter built already; its
        class then gives the name.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask, to measure against.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that do not count in the IoU.
    name : str
        Names the files that :meth:`export` writes; any text, of which a safe file name is made.
    autosave : bool or path
        True keeps the click log in the user's folder, under the photo's fingerprint; a path keeps
        it there. Every change is written at once, so a dead kernel loses nothing, and at the end
        of the file, so no other session on the photo does either.
    longest : int, optional
        Work on a copy of the photo whose longer side has at most so many pixels, so that answers
        stay quick. Clicks, ``image`` and ``mask`` are those of the copy; :meth:`export` writes the
        photo's own size.
    **options
        The method's own settings.

    Attributes
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``: what is worked on.
    file_name : str
        The photo's file, as the exported COCO dataset names it; the path's last part, if the photo
        was given as a path.

    Raises
    ------
    ValueError
        If image, method, option or known mask do not fit.
    """

    def __init__(
        self,
        image: ImageLike | WorkingPhoto,
        method: str | Segmenter = "graph-cut",
        *,
        truth: np.ndarray | None = None,
        ignore: np.ndarray | None = None,
        name: str = "photo",
        autosave: bool | str | os.PathLike[str] = False,
        longest: int | None = None,
        **options: Any,
    ) -> None:
        self._photo = image if isinstance(image, WorkingPhoto) else WorkingPhoto(image, longest)
        self.image = self._photo.pixels
        super().__init__(self.image.shape)
        self.truth = self._of_photo("known mask", truth)
        self.ignore = self._of_photo("ignore mask", ignore)
        self.name = str(name)
        self.file_name = self._photo.file_name or f"{safe_stem(self.name)}.png"
        self.history: list[Step] = []
        self._answers: tuple[Clicks, str, Segmentation] | None = None
        self._at_work = threading.Lock()  # what a method keeps of a photo is for one at a time
        self._began = time.monotonic()
        self._made: dict[int, tuple[Click, float]] = {}  # by id: when each click was made
        self._prepared: dict[str, tuple[Segmenter, Any]] = {}
        self._key, self._autosave, self._restored = "", self._opened_autosave(autosave), 0
        self.use(method, **options)

    def _of_photo(self, label: str, mask: np.ndarray | None) -> np.ndarray | None:
        """Return a known mask at the size that is worked on."""
        if mask is None:
            return None
        mask = np.asarray(mask)
        if mask.shape not in (self.shape, self._photo.full_shape):
            raise ValueError(f"The {label} has shape {mask.shape}, the image {self.shape}.")
        return self._photo.small_mask(mask)

    # -- what is known -------------------------------------------------------------------------

    @property
    def full_shape(self) -> tuple[int, int]:
        """Height and width of the photo itself, in pixels: the size that :meth:`export` writes."""
        return self._photo.full_shape

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
        return self._answers[2] if self._answers else None

    @property
    def mask(self) -> np.ndarray:
        """The latest answer's mask, ``(H, W) bool``; empty before the first."""
        return self.result.mask if self.result else np.zeros(self.shape, dtype=bool)

    @property
    def stale(self) -> bool:
        """Whether clicks or method have changed since the latest answer."""
        return self._answers is None or self._answers[:2] != (self._clicks, self._key)

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
        return [self._moment(click) for click in self._clicks]

    def _moment(self, click: Click) -> float | None:
        made = self._made.get(id(click))
        return None if made is None else round(made[1] - self._began, 2)

    # -- clicks --------------------------------------------------------------------------------

    def add(self, click: Click) -> None:
        """Add a click.

        Raises
        ------
        ValueError
            If the click lies outside the image; nothing changes then.
        """
        Clicks([click]).check(self.shape)
        click = replace(click)  # of its own: an equal click may be made again, at another time
        self._made[id(click)] = (click, time.monotonic())
        super().add(click)

    # -- asking the method ---------------------------------------------------------------------

    def use(self, method: str | Segmenter, **options: Any) -> None:
        """Take a method; the image is prepared for it when the next answer is due.

        Preferences are forgotten: another method, or other settings, give other candidates.

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
            key = f"{method} {json.dumps(options, sort_keys=True, default=str)}"
            name, build = method, lambda: get_segmenter(method, **options)
        else:
            name, build = _name_of(method, options), lambda: method
            key = f"{name} {id(method)}"  # kept in _prepared, so no other one gets this number
        if key not in self._prepared:
            self._prepared[key] = (build(), None)
        if key != self._key:
            self._forget_preferences()
        self._method, self._options, self._key = name, options, key
        self._save()

    def prepare(self) -> None:
        """Prepare the image for the method in use, so that the next answer comes quicker."""
        with self._at_work:
            self._prepare(self._key)

    def rehearse(self) -> float:
        """Prepare the image and answer two made-up clicks, to learn how long an answer takes.

        Leaves clicks, answer and history as they are.

        Returns
        -------
        float
            Milliseconds the answer took, the image's preparation not included.
        """
        centre = Click(self.shape[0] // 2, self.shape[1] // 2)
        clicks = Clicks([centre, Click(0, 0, False)])
        return self._ask(self._key, self._method, clicks)[1]

    def _ask(self, key: str, method: str, clicks: Clicks) -> tuple[Segmentation, float]:
        """Return the method's answer, and how many milliseconds it took."""
        with self._at_work:
            segmenter, prepared = self._prepare(key)
            start = time.perf_counter()
            answer = segmenter.segment(prepared, clicks)
            milliseconds = 1000 * (time.perf_counter() - start)
        return check_answer(method, self.shape, answer).preferring(clicks.preferred), milliseconds

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
            The answer to clicks and method as they were when the call began.
        """
        if not self.stale:
            return self.result
        # The method before the clicks: no method ever gets the preferences meant for another one.
        method, key, clicks = self._method, self._key, self._clicks
        result, milliseconds = self._ask(key, method, clicks)
        agreement = None if self.truth is None else iou(result.mask, self.truth, self.ignore)
        packed = np.packbits(result.mask)
        if len(clicks):  # first the history: who sees the answer from another thread reads it too
            self.history.append(Step(clicks, method, milliseconds, agreement, packed, self.shape))
        self._answers = (clicks, key, result)
        return result

    def look_ahead(self) -> None:
        """Let the method compute what the next click is likely to need, if it knows how to.

        For the time in which a person looks at the answer; neither answer nor history changes.
        """
        key, clicks = self._key, self._clicks
        with self._at_work:
            segmenter, prepared = self._prepare(key)
            if isinstance(segmenter, LooksAhead):
                segmenter.look_ahead(prepared, clicks)

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
            If the method has no candidates, there is no click yet, or no such candidate; nothing
            changes then.
        """
        if candidate is not None and len(self._clicks):
            self._clicks.prefer(candidate).check_candidates(self._count_candidates())
        super().choose(candidate)

    def _count_candidates(self) -> int:
        answered = self._answers is not None and self._answers[1] == self._key
        scores = (self.result if answered else self.refresh()).scores  # candidates cost more
        if scores is None:
            raise ValueError(
                f"The method {self._method} has no candidates to choose from; latent-diversity has."
            )
        return len(scores)

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

        Only if a candidate was preferred does it have a field ``choices``.
        """
        return self._about() | {"seconds": self.seconds} | fields_of(self._clicks)

    def _about(self) -> Log:
        return {
            "schema": LOG_SCHEMA,
            "name": self.name,
            "image": self._photo.describe(),
            "method": self._method,
            "options": as_json(self._options),
        }

    @classmethod
    def replay(
        cls,
        image: ImageLike | WorkingPhoto,
        log: Mapping[str, Any] | str | os.PathLike[str],
        method: Segmenter | None = None,
        *,
        strict: bool = False,
        **settings: Any,
    ) -> Session:
        """Make the clicks and preferences of a log again, one by one.

        On the photo of the log, or the larger one it was shrunk from, the masks are the same to the
        pixel. Another copy of that photo, of another size or decoded by another program, gives
        nearly the same masks, and a warning says so.

        Parameters
        ----------
        image : image
            The photo the log was made on, or a copy of it.
        log : mapping or path
            What :meth:`log` returned, or the file that :meth:`export` or autosave wrote.
        method : Segmenter, optional
            The method, if the log was made with one that is not registered.
        strict : bool
            True refuses copies.
        **settings
            Further arguments of :class:`Session`, such as ``truth``, and options of the method,
            which count more than the log's. Options that may name a file, such as ``weights``, are
            never taken from a log.

        Returns
        -------
        Session
            Its history holds one answer for each click and each preference.

        Raises
        ------
        ValueError
            If the log is unreadable, belongs to another photo, names an unknown method, or sets an
            option that a log may not set.
        """
        where, own = called(log), set(signature(cls.__init__).parameters)
        photo, log = match_photo(image, read_logs(log), where, strict)
        options = {}
        if method is None:
            options = options_of_log(log, where, set(settings) - own, own)
        settings.setdefault("name", log["name"])
        try:
            session = cls(photo, method or log["method"], **settings, **options)
            session._make_again(clicks_on(photo, log))
        except ValueError as error:
            raise ValueError(f"{where} cannot be replayed: {error}") from error
        return session

    def _make_again(self, clicks: Clicks) -> None:
        preferences = clicks.preferences
        for count, click in enumerate(clicks, start=1):
            self.click(click.row, click.col, click.positive)
            if count in preferences:
                self.choose(preferences[count])
                self.refresh()

    # -- autosave ------------------------------------------------------------------------------

    def saved(self) -> Clicks | None:
        """Return the clicks an earlier session autosaved on this photo, or None.

        Of several sessions, those of the one with the most clicks; after :meth:`restore`, those of
        the next one. An unreadable autosave counts as none: it must never stand in the way of new
        work.
        """
        return clicks_of(log) if (log := self._offered()) else None

    def restore(self) -> None:
        """Put what an earlier session autosaved in the place of the present clicks, if anything.

        Preferences come back if the method is still the one whose candidates they were. Called
        again, it brings back what the next one of several sessions left.
        """
        if (log := self._offered()) is None:
            return
        clicks = clicks_of(log)
        same = (log["method"], log["options"]) == (self._method, as_json(self._options))
        self._autosave.continue_from(log)
        self._restored += 1
        self.replace(clicks if same else clicks.without_preferences())

    def _offered(self) -> Log | None:
        kept = self._autosave.kept if self._autosave else []
        return kept[self._restored % len(kept)] if kept else None

    def _opened_autosave(self, autosave: bool | str | os.PathLike[str]) -> Autosave | None:
        if autosave is False:
            return None
        if autosave is True:
            path = user_folder() / "autosave" / f"{self._photo.sha256[:16]}.json"
        else:
            path = Path(autosave).expanduser()
        return Autosave(path, self._photo.sha256)

    def _save(self) -> None:
        if self._autosave is None or not (len(self._clicks) or self._past or self._future):
            return
        try:
            self._autosave.write(self._about(), self._clicks, self._moment)
        except OSError as error:
            self._autosave = None
            warnings.warn(
                f"The clicks are not autosaved any more: {error}.", RuntimeWarning, stacklevel=3
            )

    # -- export --------------------------------------------------------------------------------

    def export(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the present answer and how it came about.

        ``NAME-mask.png`` (8 bit, 255 = object), ``NAME-cutout.png`` (RGBA, background
        transparent), ``NAME-coco.json`` (a COCO dataset of one photo, see
        :func:`tutorial_lib.exports.coco_dataset`) and ``NAME-clicks.json`` (see :meth:`replay`).
        The first three have the photo's own size, whatever the size that was worked on. NAME is
        :func:`tutorial_lib.paths.safe_stem` of the session's name.

        Parameters
        ----------
        folder : path
            Where to write; made if missing.

        Returns
        -------
        list of Path
            The files written.

        Raises
        ------
        OSError
            If the folder cannot be written; the text names it, and old files stay as they are.
        """
        from tutorial_lib.render import encode_png

        mask = self._photo.full_mask(self.refresh())
        cutout = np.dstack([self._photo.full(), mask.astype(np.uint8) * 255])
        compression = 9 if mask.size <= QUICKLY_PACKED else 1
        contents = {
            "mask.png": encode_png(mask, 9),
            "cutout.png": encode_png(cutout, compression),
            "coco.json": dump(coco_dataset(mask, self.file_name)).encode(),
            "clicks.json": dump(self.log(), indent=1).encode(),
        }
        return write_files(folder, self.name, contents)


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

"""A session: one photo, one method, the clicks, the strokes and every answer. No widget needed."""

from __future__ import annotations

import json
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tutorial_lib.actions import Box, Point, Stroke, TouchUp
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
    objects_of,
    options_of_log,
    read_logs,
    start_of,
)
from tutorial_lib.clicks import Action, Click, Clicks, Preference
from tutorial_lib.exports import (
    coco_dataset_of_objects,
    mask_endings,
    read_mask,
    soft_alpha,
    write_files,
)
from tutorial_lib.history import ClickHistory
from tutorial_lib.images import ImageLike
from tutorial_lib.metrics import iou
from tutorial_lib.objects import (
    FIRST_NAME,
    ObjectState,
    SessionObject,
    checked_name,
    free_name,
    settle_overlaps,
)
from tutorial_lib.paths import safe_stem, user_folder
from tutorial_lib.registry import check_answer, get_segmenter, methods
from tutorial_lib.render import MASK, Colour, composite, encode_png, mask_colour
from tutorial_lib.segmenter import LooksAhead, Segmentation, Segmenter
from tutorial_lib.working_photo import WorkingPhoto

MaskLike: TypeAlias = "np.ndarray | Segmentation | HistoryEntry | str | os.PathLike[str]"

QUICKLY_PACKED = 8_000_000  # pixels; a larger cut-out gets weak PNG compression to save time


@dataclass(frozen=True, eq=False)
class HistoryEntry:
    """One answer in a session's history.

    Parameters
    ----------
    clicks : Clicks
        The clicks and preferences that were answered.
    method : str
        Name of the method that answered.
    milliseconds : float
        Time of the method's answer, without the preparation of the image.
    iou : float or None
        IoU with the known mask, in [0, 1]. None without a known mask.
    packed : np.ndarray
        The mask as bits, ``uint8``, from :func:`numpy.packbits`.
    shape : tuple of int
        Height and width of the mask, in pixels.
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
    """An image, a method, the clicks and strokes so far, and every answer to them.

    A photo may hold several objects: :meth:`next_object` begins another one, and everything else
    then acts on that one. Each object has its own clicks, undo, method and answers.

    ``add``, ``move_mark``, ``delete_mark``, ``undo``, ``redo``, ``clear`` and ``replace`` change
    the clicks and return at once. :meth:`refresh` asks the method. :meth:`click` and :meth:`stroke`
    add a click or a stroke and ask the method. A widget can therefore show a click before its
    answer is ready. If a method proposes several candidates, :meth:`choose` prefers one of them,
    and the next click corrects it.

    Parameters
    ----------
    image : image
        Anything that :func:`tutorial_lib.images.as_rgb` takes. With ``longest``, the photo may
        have up to 200 megapixels.
    method : str or Segmenter
        Name of a registered method, such as ``"graph-cut"``, or a segmenter. A segmenter gets the
        name of its class.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask, for the IoU.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that the IoU leaves out.
    name : str
        Any text. :meth:`export` makes the names of its files from it.
    start : np.ndarray, Segmentation, HistoryEntry or path, optional
        A mask to go on from: ``(H, W) bool``, an answer of this or another method, or a mask file
        (255 is object). :attr:`MethodInfo.start` says what each method does with it.
    autosave : bool or path
        A path: the file that keeps the click log. True: a file in the user's folder, named after
        the photo's SHA-256. Each change is appended at once. A crash of the kernel therefore
        loses nothing, and several sessions on one photo can share the file.
    longest : int, optional
        Work on a copy of the photo. Its longer side has at most this many pixels, so that answers
        stay fast. Clicks, ``image`` and ``mask`` refer to the copy. :meth:`export` writes masks at
        the size of the photo.
    **options
        Options of the method.

    Attributes
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``: the photo or its copy that the method sees.
    truth, ignore : np.ndarray or None
        ``(H, W) bool``: the two masks at the size of ``image``.
    name : str
        The name given above.
    file_name : str
        File name of the photo in the exported COCO dataset.

    Raises
    ------
    ValueError
        If the image, the method, an option, a known mask or the start mask is invalid.
    TypeError
        If ``method`` is neither a name nor a segmenter.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((40, 40, 3), np.uint8)
    >>> image[10:30, 10:30] = 255
    >>> session = Session(image)
    >>> answer = session.click(20, 20)
    >>> answer = session.click(2, 2, positive=False)
    >>> int(session.mask.sum()), len(session.history)
    (400, 2)
    """

    def __init__(
        self,
        image: ImageLike | WorkingPhoto,
        method: str | Segmenter = "graph-cut",
        *,
        truth: np.ndarray | None = None,
        ignore: np.ndarray | None = None,
        start: MaskLike | None = None,
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
        self._object = ObjectState(FIRST_NAME)  # the one that the user works on
        self._objects, self._deleted = [self._object], []
        self._moving = threading.Lock()  # held while another object becomes the current one
        self._loading = threading.Lock()  # held while a method is built
        self._at_work = threading.Lock()  # one thread at a time may use a prepared image
        self._began = time.monotonic()
        self._made: dict[int, tuple[Action, float]] = {}  # by id: when each one was made
        if start is not None:
            self._clicks = Clicks().starting_from(self._start_mask(start))
        self._prepared: dict[str, tuple[Segmenter, Any]] = {}
        self._key, self._autosave, self._restored = "", self._opened_autosave(autosave), 0
        self.use(method, **options)

    def _of_photo(self, label: str, mask: np.ndarray | None) -> np.ndarray | None:
        """Return a known mask at the size of ``image``."""
        if mask is None:
            return None
        mask = np.asarray(mask)
        if mask.shape not in (self.shape, self._photo.full_shape):
            raise ValueError(
                f"The {label} has shape {mask.shape}, but the image has shape {self.shape}."
            )
        return self._photo.small_mask(mask)

    # -- state ---------------------------------------------------------------------------------

    @property
    def full_shape(self) -> tuple[int, int]:
        """Height and width of the photo itself, in pixels; :meth:`export` writes this size."""
        return self._photo.full_shape

    @property
    def method(self) -> str:
        """Name of the current method."""
        return self._method

    @property
    def options(self) -> dict[str, Any]:
        """Options of the current method, by name."""
        return dict(self._options)

    @property
    def history(self) -> list[HistoryEntry]:
        """Every answer for the current object so far, oldest first."""
        return self._object.history

    @property
    def result(self) -> Segmentation | None:
        """The latest answer, or None before the first one."""
        answers = self._object.answers
        return answers[2] if answers else None

    @property
    def mask(self) -> np.ndarray:
        """The mask of the latest answer, ``(H, W) bool``; empty before the first one."""
        return self.result.mask if self.result else np.zeros(self.shape, dtype=bool)

    @property
    def colour(self) -> Colour:
        """Red, green and blue of the current object's mask; see :func:`render.mask_colour`.

        It is chosen at the first answer, and stays as long as there are clicks.
        """
        return self._object.colour or MASK

    @property
    def others(self) -> list[tuple[np.ndarray, Colour]]:
        """Masks, ``(H, W) bool``, and colours of the visible objects but the current one."""
        return [
            (each.answers[2].mask, each.colour or MASK)
            for each in self._objects
            if each is not self._object and each.visible and each.answers and each.clicks.actions
        ]

    @property
    def stale(self) -> bool:
        """Whether the clicks or the method have changed since the latest answer."""
        answers = self._object.answers
        return answers is None or answers[:2] != (self._clicks, self._key)

    @property
    def needs_negative(self) -> bool:
        """Whether the method needs a positive and a negative click."""
        return any(info.needs_negative for info in methods() if info.name == self._method)

    @property
    def iou(self) -> float | None:
        """IoU of the latest mask with the known mask, or None without a known mask."""
        return None if self.truth is None else iou(self.mask, self.truth, self.ignore)

    @property
    def seconds(self) -> list[float | None]:
        """Time of each current click and stroke, in seconds since the session began.

        The time is None for one that came from elsewhere, such as an autosave.
        """
        return [self._moment(mark) for mark in self._clicks]

    def _moment(self, action: Action) -> float | None:
        made = self._made.get(id(action))
        return None if made is None else round(made[1] - self._began, 2)

    # -- clicks --------------------------------------------------------------------------------

    def add(self, action: Action) -> None:
        """Add a click, a stroke, a box or a touch-up; the method is not asked yet.

        Parameters
        ----------
        action : Click, Stroke, Box or TouchUp
            What the user adds, in pixels of ``image``.

        Raises
        ------
        ValueError
            If it lies outside the image. Nothing changes.
        """
        Clicks([action]).check(self.shape)
        action = replace(action)  # a copy: the same click may be added again at another time
        self._made[id(action)] = (action, time.monotonic())
        super().add(action)

    def _replaces(self, old: Action, new: Action) -> None:
        """Let a moved click keep the time at which it was made."""
        if id(old) in self._made:
            self._made[id(new)] = (new, self._made[id(old)][1])

    # -- asking the method ---------------------------------------------------------------------

    def use(self, method: str | Segmenter, **options: Any) -> None:
        """Change the method. The next answer prepares the image for it.

        Another method or other options give other candidates. Preferences are therefore removed.

        Parameters
        ----------
        method : str or Segmenter
            Name of a registered method, or a segmenter.
        **options
            Options of the registered method.

        Raises
        ------
        ValueError
            If the method or an option is unknown. The current method stays.
        TypeError
            If ``method`` is neither a name nor a segmenter.
        ImportError
            If the method needs a package that is not installed.
        """
        name, key = self._load(method, options)
        if key != self._key:
            self._forget_preferences()
        self._method, self._options, self._key = name, options, key
        self._save()

    def load(self, method: str, **options: Any) -> None:
        """Build a method now, so that :meth:`use` returns at once. The current method stays.

        A widget calls this in a thread, because networks need seconds to load.

        Parameters
        ----------
        method : str
            Name of a registered method.
        **options
            Options of the method.

        Raises
        ------
        ValueError, ImportError
            As :meth:`use`.
        """
        self._load(method, options)

    def has_loaded(self, method: str, **options: Any) -> bool:
        """Whether :meth:`use` returns at once for a method with these options.

        Parameters
        ----------
        method : str
            Name of a registered method.
        **options
            Options of the method.

        Returns
        -------
        bool
            True after :meth:`load` or :meth:`use`.
        """
        return _key_of(method, options) in self._prepared

    def _load(self, method: str | Segmenter, options: dict[str, Any]) -> tuple[str, str]:
        """Build a method unless it is there. Return its name and its key."""
        if isinstance(method, str):
            name, key = method, _key_of(method, options)
        else:
            name = _name_of(method, options)
            key = f"{name} {id(method)}"  # _prepared keeps the object, so its id stays unique
        with self._loading:
            if key not in self._prepared:
                built = get_segmenter(method, **options) if isinstance(method, str) else method
                self._prepared[key] = (built, None)
        return name, key

    def prepare(self) -> None:
        """Prepare the image for the current method now, so that the next answer is faster."""
        with self._at_work:
            self._prepare(self._key)

    def rehearse(self) -> float:
        """Measure an answer: prepare the image and answer two scripted clicks.

        The session's clicks, answer and history do not change.

        Returns
        -------
        float
            Time of the answer in milliseconds, without the preparation of the image.
        """
        centre = Click(self.shape[0] // 2, self.shape[1] // 2)
        clicks = Clicks([centre, Click(0, 0, False)])
        return self._ask(self._key, self._method, clicks)[1]

    def answer_to(self, clicks: Clicks) -> Segmentation:
        """Answer other clicks than the present ones. The session does not change.

        A widget shows this answer while the user drags a click.

        Parameters
        ----------
        clicks : Clicks
            Clicks on the photo.

        Returns
        -------
        Segmentation
            The answer of the current method.

        Raises
        ------
        ValueError
            If a click lies outside the photo.
        MethodError
            As :meth:`refresh`.
        """
        clicks.check(self.shape)
        answer, _ = self._ask(self._key, self._method, clicks.without_touch_ups())
        return answer.touched_up(clicks)

    def _ask(self, key: str, method: str, clicks: Clicks) -> tuple[Segmentation, float]:
        """Return the answer of a method and its time in milliseconds."""
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
        """Answer the current clicks, store the answer, and return it.

        Returns
        -------
        Segmentation
            The answer of the method to the clicks, both as they were at the start of the call.

        Raises
        ------
        MethodError
            If the method returns no :class:`Segmentation` of the image's size.
        """
        if not self.stale:
            return self.result
        with self._moving:
            # Read the method before the clicks: it must not get preferences of another method.
            current, method, key, clicks = self._object, self._method, self._key, self._clicks
        result, milliseconds = self._answered(current, key, method, clicks)
        agreement = None if self.truth is None else iou(result.mask, self.truth, self.ignore)
        packed = np.packbits(result.mask)
        if clicks.actions:  # history first: another thread that sees the answer may read it
            current.history.append(
                HistoryEntry(clicks, method, milliseconds, agreement, packed, self.shape)
            )
        if current.colour is None or not clicks.actions:
            current.colour = self._choose_colour(current, result.mask)
        current.answers = (clicks, key, result)
        return result

    def _answered(
        self, each: ObjectState, key: str, method: str, clicks: Clicks
    ) -> tuple[Segmentation, float]:
        """Return the answer with its touch-ups. They alone do not ask the method again."""
        plain = clicks.without_touch_ups()
        if each.untouched is None or each.untouched[:2] != (plain, key):
            each.untouched = (plain, key, *self._ask(key, method, plain))
        _, _, answer, milliseconds = each.untouched
        return answer.touched_up(clicks), milliseconds

    def _choose_colour(self, current: ObjectState, mask: np.ndarray) -> Colour | None:
        taken = [each.colour for each in self._objects if each is not current]
        return mask_colour(self.image, mask, taken) if mask.any() else None

    def look_ahead(self) -> None:
        """Let the method compute in advance what the next click probably needs.

        A widget calls this while the user looks at the answer. Neither the answer nor the history
        changes. A method that cannot look ahead does nothing.
        """
        key, clicks = self._key, self._clicks.without_touch_ups()
        with self._at_work:
            segmenter, prepared = self._prepare(key)
            if isinstance(segmenter, LooksAhead):
                segmenter.look_ahead(prepared, clicks)

    def catch_up(self) -> None:
        """Call :meth:`refresh` until the answer belongs to the latest clicks."""
        while self.stale:
            self.refresh()

    def click(self, row: int, col: int, positive: bool = True) -> Segmentation:
        """Add a click and answer it.

        Parameters
        ----------
        row, col : int
            Position in pixels of ``image``, from the top left corner.
        positive : bool
            True on the object, False on the background.

        Returns
        -------
        Segmentation
            The answer to all clicks so far.

        Raises
        ------
        ValueError
            If the click lies outside the image. Nothing changes.
        """
        self.add(Click(row, col, positive))
        return self.refresh()

    def stroke(self, points: Iterable[Point], positive: bool = True) -> Segmentation:
        """Add a stroke and answer it.

        Parameters
        ----------
        points : iterable of (int, int)
            Rows and columns in pixels of ``image``; see :class:`~tutorial_lib.actions.Stroke`.
        positive : bool
            True on the object, False on the background.

        Returns
        -------
        Segmentation
            The answer to all clicks and strokes so far.

        Raises
        ------
        ValueError
            If the stroke is empty or lies outside the image. Nothing changes.
        """
        self.add(Stroke(tuple(points), positive))
        return self.refresh()

    def draw_box(self, top: int, left: int, bottom: int, right: int) -> Segmentation:
        """Draw a box around the object and answer it. It replaces an earlier box.

        Parameters
        ----------
        top, left, bottom, right : int
            In pixels of ``image``; bottom and right lie behind the box. See
            :class:`~tutorial_lib.actions.Box`.

        Returns
        -------
        Segmentation
            The answer. :attr:`MethodInfo.box` says what each method does with a box.

        Raises
        ------
        ValueError
            If the box has no area or lies outside the image. Nothing changes.
        """
        self.add(Box(top, left, bottom, right))
        return self.refresh()

    def touch_up(
        self, points: Iterable[tuple[float, float]], radius: float, positive: bool = True
    ) -> Segmentation:
        """Paint into the mask with a round brush, or erase from it.

        The method is not asked. The touch-up stays on top of its later answers, until a click of
        the other kind is made on it; see :meth:`Clicks.paint_touch_ups`.

        Parameters
        ----------
        points : iterable of (float, float)
            Rows and columns in pixels of ``image``; see :class:`~tutorial_lib.actions.TouchUp`.
        radius : float
            Of the brush, in pixels of ``image``.
        positive : bool
            True paints into the mask, False erases from it.

        Returns
        -------
        Segmentation
            The answer with all touch-ups.

        Raises
        ------
        ValueError
            If there is no point, a point lies outside the image, or the radius is not above 0 and
            at most 256. Nothing changes.
        """
        self.add(TouchUp(tuple(points), radius, positive))
        return self.refresh()

    def start_from(self, mask: MaskLike) -> Segmentation:
        """Replace everything by a mask to go on from, and show it. :meth:`undo` restores the rest.

        Parameters
        ----------
        mask : np.ndarray, Segmentation, HistoryEntry or path
            As ``start`` of the session. ``session.start_from(session.mask)`` goes on from the
            present answer, also with another method.

        Returns
        -------
        Segmentation
            The start mask as an answer.

        Raises
        ------
        ValueError
            If the mask has another size than the photo, or the file holds no mask. Nothing changes.
        """
        self.begin_from(self._start_mask(mask))
        return self.refresh()

    def _start_mask(self, given: MaskLike) -> np.ndarray:
        if isinstance(given, str | os.PathLike):
            given = read_mask(given)
        mask = given.mask if isinstance(given, Segmentation | HistoryEntry) else np.asarray(given)
        return self._of_photo("start mask", mask)

    def choose(self, candidate: int | None) -> None:
        """Prefer one candidate of the answer to the current clicks.

        The next click corrects this candidate. :meth:`undo` undoes the choice like a click, and
        :meth:`refresh` returns the answer. If the method has not answered yet, it is asked first,
        because the number of candidates must be known.

        Parameters
        ----------
        candidate : int or None
            Index of the candidate, from 0. None lets the method select again.

        Raises
        ------
        TypeError
            If the index is not an integer.
        ValueError
            If the method has no candidates, there is no click yet, or the candidate does not
            exist. Nothing changes.
        """
        if candidate is not None and len(self._clicks):
            self._clicks.prefer(candidate).check_candidates(self._count_candidates())
        super().choose(candidate)

    def _count_candidates(self) -> int:
        answers = self._object.answers
        answered = answers is not None and answers[1] == self._key
        scores = (self.result if answered else self.refresh()).scores  # cheaper than candidates
        if scores is None:
            raise ValueError(
                f"The method {self._method} has no candidates to choose from; latent-diversity has."
            )
        return len(scores)

    def picture(
        self, view: str = "mask", opacity: float = 0.5, colour: Colour | None = None
    ) -> np.ndarray:
        """Paint the photo, the latest answers and the clicks, as a widget shows them.

        Parameters
        ----------
        view : {"mask", "contour", "cut-out", "spotlight", "probability"}
            How the answer is shown.
        opacity : float
            Opacity of the tint, from 0 to 1.
        colour : tuple of int, optional
            Red, green and blue of the mask, 0 to 255. By default :attr:`colour`.

        Returns
        -------
        np.ndarray
            ``(H, W, 3) uint8``. A stale answer and hidden objects are not painted.
        """
        answer = self.result if self._clicks.actions and not self.stale else None
        shown = answer is not None and self.visible
        mask, probability = (answer.mask, answer.probability) if shown else (None, None)
        return composite(
            self.image, self._clicks, mask, probability, view, opacity,
            colour or self.colour, self.others,
        )  # fmt: skip

    # -- logs ----------------------------------------------------------------------------------

    def log(self) -> dict[str, Any]:
        """Return the click log. Log and photo together reproduce the same masks.

        Returns
        -------
        dict
            ``schema``, ``name``, ``image``, ``method``, ``options``, ``seconds`` and ``clicks``.
            If the user preferred a candidate, drew a box, touched up the mask or started from a
            mask, there are also the fields ``choices``, ``boxes``, ``touch_ups`` and ``start``.
            With several objects, ``objects`` describes the others, and ``object`` is the place of
            the current one.
        """
        return self._about() | {"seconds": self.seconds} | fields_of(self._clicks)

    def _about(self) -> Log:
        return {
            "schema": LOG_SCHEMA,
            "name": self.name,
            "image": self._photo.describe(),
            "method": self._method,
            "options": as_json(self._options),
            **start_of(self._clicks),
            **self._about_objects(),
        }

    def _about_objects(self) -> Log:
        """Return the fields of a log for several objects; the current one is the log itself."""
        if len(self._objects) == 1 and self._object.name == FIRST_NAME:
            return {}
        others = [
            {
                "name": each.name,
                "visible": each.visible,
                **({} if each is self._object else self._about_object(each)),
            }
            for each in self._objects
        ]
        return {"objects": others, "object": self._objects.index(self._object)}

    def _about_object(self, each: ObjectState) -> Log:
        return {
            "method": each.method,
            "options": as_json(each.options),
            "seconds": [self._moment(mark) for mark in each.clicks],
            **start_of(each.clicks),
            **fields_of(each.clicks),
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
        """Repeat the clicks, strokes, boxes and preferences of a log, one by one.

        The masks are identical on the photo of the log, and on the larger photo that it was shrunk
        from. Another copy of the photo may have another size or another decoder. Its masks are
        nearly the same, and there is a warning.

        Parameters
        ----------
        image : image
            The photo of the log, or a copy of it.
        log : mapping or path
            The value of :meth:`log`, or a file that :meth:`export` or autosave wrote.
        method : Segmenter, optional
            The method, if the log names one that is not registered.
        strict : bool
            True refuses copies of the photo.
        **settings
            Further arguments of :class:`Session`, such as ``truth``, and options of the method.
            These options replace those of the log. A log cannot set options that may name a file,
            such as ``weights``.

        Returns
        -------
        Session
            Its history holds one answer for each click and every other action.

        Raises
        ------
        ValueError
            If the log is unreadable, belongs to another photo, names an unknown method, or sets an
            option that a log may not set.
        """
        where, own = called(log), set(signature(cls.__init__).parameters)
        photo, log = match_photo(image, read_logs(log), where, strict)
        objects, options = objects_of(log), []
        for _, _, each in objects:
            given = set(settings) - own if each["method"] == log["method"] else set()
            taken = {} if method else options_of_log(each, where, given, own)
            options.append(taken | {name: settings[name] for name in given})
        settings = {name: settings[name] for name in settings if name in own}
        settings.setdefault("name", log["name"])
        try:
            session = cls(photo, method or objects[0][2]["method"], **settings, **options[0])
            for (name, visible, each), chosen in zip(objects, options, strict=True):
                session._begin_object(name, visible)
                session.use(method or each["method"], **chosen)
                session._make_again(clicks_on(photo, each))
            session.go_to(objects[log.get("object", 0)][0])
        except ValueError as error:
            raise ValueError(f"{where} cannot be replayed: {error}") from error
        return session

    def _begin_object(self, name: str, visible: bool) -> None:
        """Begin an object of a log, in place of the first one if nothing was done yet."""
        if len(self._objects) > 1 or self._past or self._object.history:
            self.next_object(free_name(name, self.object_names))
        else:
            self._object.name = name
        self._object.visible = visible

    def _make_again(self, clicks: Clicks) -> None:
        for action in clicks.actions:
            if isinstance(action, Preference):
                self.choose(action.candidate)
            else:
                self.add(action)
            self.refresh()

    # -- autosave ------------------------------------------------------------------------------

    def saved(self) -> Clicks | None:
        """Return the clicks that an earlier session on this photo autosaved.

        If there are several sessions, the one with the most clicks comes first. After
        :meth:`restore`, the next one follows. An unreadable file counts as empty, so that it never
        blocks new work.

        Returns
        -------
        Clicks or None
            The clicks in pixels of ``image``, or None if nothing was saved.
        """
        return clicks_of(log) if (log := self._offered()) else None

    def restore(self) -> None:
        """Replace the current clicks by those that :meth:`saved` returns, if there are any.

        Preferences are restored only if the method and its options are the same as then. Several
        objects are restored with their names and methods. If there are several earlier sessions,
        each further call restores the next one.
        """
        if (log := self._offered()) is None:
            return
        self._autosave.continue_from(log)
        self._restored += 1
        objects = objects_of(log)
        if len(objects) == 1:
            self._restore_clicks(log)
            return
        names = []
        for name, visible, each in objects:
            self._begin_object(name, visible)
            names.append(self.object_name)
            with suppress(ValueError, ImportError):  # not registered here, or an option from code
                self.use(each["method"], **options_of_log(each, "The autosave"))
            self._restore_clicks(each)
        self.go_to(names[log["object"]])

    def _restore_clicks(self, log: Log) -> None:
        clicks = clicks_of(log)
        same = (log["method"], log["options"]) == (self._method, as_json(self._options))
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
        said = len(self._clicks) or self._past or self._future or len(self._objects) > 1
        if self._autosave is None or not said:
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
        """Write the current answer and its click log to four files.

        - ``NAME-mask.png``: 8 bits, 255 = object.
        - ``NAME-cutout.png``: RGBA, the background is transparent. The edge is softened by the
          probability, see :func:`tutorial_lib.exports.soft_alpha`.
        - ``NAME-coco.json``: a COCO dataset of one photo, see
          :func:`tutorial_lib.exports.coco_dataset`.
        - ``NAME-clicks.json``: the click log, see :meth:`replay`.

        The first three have the size of the photo, even with ``longest``. NAME is
        :func:`tutorial_lib.paths.safe_stem` of the session's name.

        With several objects there is one mask for each: ``NAME-1-cup-mask.png``,
        ``NAME-2-spoon-mask.png``. ``NAME-labels.png`` follows, with 0 for the background and k for
        the k-th object. The cut-out shows all objects, the dataset has one annotation for each, and
        the log holds all. Where objects overlap, the pixel belongs to the one that was begun last,
        see :func:`tutorial_lib.objects.settle_overlaps`; this holds for all files. Hidden objects
        are written too.

        Parameters
        ----------
        folder : path
            Folder for the files. It is created if it is missing.

        Returns
        -------
        list of Path
            The files, in the order above.

        Raises
        ------
        OSError
            If the folder cannot be written. The message names it, and old files do not change.
        """
        return write_files(folder, self.name, self.files())

    def files(self) -> dict[str, bytes]:
        """Return the contents of the files that :meth:`export` writes.

        Returns
        -------
        dict of str to bytes
            By the end of the file's name, such as ``"mask.png"``.
        """
        masks = self.settled_masks()
        mask = np.logical_or.reduce(list(masks.values()))
        sure = [self._full_size(each, self._photo.full_probability) for each in self._objects]
        alpha = soft_alpha(mask, np.maximum.reduce(sure))
        cutout = np.dstack([self._photo.full(), alpha])
        compression = 9 if mask.size <= QUICKLY_PACKED else 1
        shown = list(masks.values())
        shown += [settle_overlaps(shown)] if len(masks) > 1 else []
        pictures = dict(zip(mask_endings(list(masks)), shown, strict=True))
        return {
            **{name: encode_png(picture, 9) for name, picture in pictures.items()},
            "cutout.png": encode_png(cutout, compression),
            "coco.json": dump(coco_dataset_of_objects(masks, self.file_name)).encode(),
            "clicks.json": dump(self.log(), indent=1).encode(),
        }

    # -- several objects -----------------------------------------------------------------------

    @property
    def object_name(self) -> str:
        """Name of the current object."""
        return self._object.name

    @property
    def visible(self) -> bool:
        """Whether the current object is drawn, see :meth:`show_object`."""
        return self._object.visible

    @property
    def object_names(self) -> list[str]:
        """Names of all objects, in the order in which they were begun."""
        return [each.name for each in self._objects]

    @property
    def objects(self) -> list[SessionObject]:
        """All objects with their latest answers, in the order in which they were begun."""
        self._keep_current()
        empty = np.zeros(self.shape, dtype=bool)
        return [
            SessionObject(
                each.name,
                each.visible,
                each.clicks,
                each.method,
                each.answers[2].mask if each.answers and each.clicks.actions else empty,
                each.colour or MASK,
            )
            for each in self._objects
        ]

    def next_object(self, name: str | None = None) -> None:
        """Begin another object on the same photo. What is done stays as it is.

        Parameters
        ----------
        name : str, optional
            Its name; a free one by default. It becomes a category of the exported dataset.

        Raises
        ------
        ValueError
            If the name is empty or taken. Nothing changes.
        """
        taken = self.object_names
        name = free_name(FIRST_NAME, taken) if name is None else checked_name(name, taken)
        self._keep_current()
        new = ObjectState(name, self._method, self._options, self._key)
        self._objects.append(new)
        self._move_to(new)

    def go_to(self, name: str) -> None:
        """Go back to an object; its method comes back with it.

        Parameters
        ----------
        name : str
            Its name.

        Raises
        ------
        ValueError
            If there is no such object. The message lists all.
        """
        found = self._named(name)
        if found is not self._object:
            self._keep_current()
            self._move_to(found)

    def rename_object(self, name: str, new_name: str) -> None:
        """Give an object another name.

        Parameters
        ----------
        name : str
            Its present name.
        new_name : str
            Its new name.

        Raises
        ------
        ValueError
            If there is no such object, or the new name is empty or taken. Nothing changes.
        """
        found = self._named(name)
        others = [each.name for each in self._objects if each is not found]
        found.name = checked_name(new_name, others)
        self._save()

    def show_object(self, name: str, visible: bool = True) -> None:
        """Show or hide an object. This changes what is drawn, not what is exported.

        Parameters
        ----------
        name : str
            Its name.
        visible : bool
            False hides it.

        Raises
        ------
        ValueError
            If there is no such object.
        """
        self._named(name).visible = bool(visible)
        self._save()

    def delete_object(self, name: str) -> None:
        """Delete an object. :meth:`undelete_object` brings it back.

        Parameters
        ----------
        name : str
            Its name. After the current object its predecessor becomes the current one.

        Raises
        ------
        ValueError
            If there is no such object, or no other one. Nothing changes.
        """
        found = self._named(name)
        if len(self._objects) == 1:
            raise ValueError("The only object cannot be deleted; `clear` removes its clicks.")
        place = self._objects.index(found)
        self._keep_current()
        self._objects.remove(found)
        self._deleted.append((place, found))
        self._move_to(self._objects[max(place - 1, 0)] if found is self._object else self._object)

    @property
    def can_undelete(self) -> bool:
        """Whether :meth:`undelete_object` brings an object back."""
        return bool(self._deleted)

    def undelete_object(self) -> None:
        """Bring back the object that was deleted last, if there is one, and go to it."""
        if self._deleted:
            place, found = self._deleted.pop()
            found.name = free_name(found.name, self.object_names)
            self._keep_current()
            self._objects.insert(place, found)
            self._move_to(found)

    def settled_masks(self) -> dict[str, np.ndarray]:
        """Return the mask of each object at the size of the photo, without overlaps.

        Returns
        -------
        dict of str to np.ndarray
            ``(H, W) bool`` by name. A pixel belongs to the object that was begun last of those that
            hold it. Stale answers are computed first.
        """
        self._keep_current()
        masks = [self._full_size(each, self._photo.full_mask) for each in self._objects]
        labels = settle_overlaps(masks)
        names = enumerate(self.object_names, start=1)
        return {name: labels == number for number, name in names}

    def _full_size(
        self, each: ObjectState, enlarge: Callable[[Segmentation], np.ndarray]
    ) -> np.ndarray:
        """Return mask or probability of an object at the size of the photo.

        The touch-ups are painted after the answer was enlarged. Their edges are therefore as fine
        as the photo.
        """
        self._answer_for(each)
        scale = tuple(full / own for full, own in zip(self.full_shape, self.shape, strict=True))
        return each.clicks.paint_touch_ups(enlarge(each.untouched[2]), scale)

    def _answer_for(self, each: ObjectState) -> Segmentation:
        if each is self._object:
            return self.refresh()
        if each.answers is None or each.answers[:2] != (each.clicks, each.key):
            answer, _ = self._answered(each, each.key, each.method, each.clicks)
            each.answers = (each.clicks, each.key, answer)
        return each.answers[2]

    def _named(self, name: str) -> ObjectState:
        for each in self._objects:
            if each.name == name:
                return each
        raise ValueError(f"There is no object {name!r}; there are: {', '.join(self.object_names)}.")

    def _keep_current(self) -> None:
        """Store the state of the current object where it stays when the user leaves it."""
        now = self._object
        now.method, now.options, now.key = self._method, self._options, self._key
        now.clicks, now.past, now.future = self._clicks, self._past, self._future

    def _move_to(self, other: ObjectState) -> None:
        with self._moving:
            self._object = other
            self._method, self._options, self._key = other.method, other.options, other.key
            self._clicks, self._past, self._future = other.clicks, other.past, other.future
        self._save()


def _key_of(method: str, options: Mapping[str, Any]) -> str:
    return f"{method} {json.dumps(options, sort_keys=True, default=str)}"


def _name_of(segmenter: Segmenter, options: Mapping[str, Any]) -> str:
    """Return the name of a segmenter that the caller built."""
    if not isinstance(segmenter, Segmenter):
        raise TypeError(
            "A method is a registered name, or an object with prepare and segment, "
            f"not {segmenter!r}."
        )
    if options:
        raise ValueError(
            f"This segmenter is already built and takes no option {', '.join(options)}."
        )
    return type(segmenter).__name__

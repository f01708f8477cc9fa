"""The base of every widget that takes clicks: click, undo, redo, clear, zoom, still picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets as w
import numpy as np

from tutorial_lib.actions import Box, Point, Stroke, TouchUp
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.history import ClickHistory
from tutorial_lib.widgets.gestures import Gestures, event_filter, style_sheet
from tutorial_lib.widgets.panel import Panel
from tutorial_lib.widgets.photo_layers import PhotoLayers
from tutorial_lib.widgets.photo_view import PhotoView
from tutorial_lib.widgets.still import controls_above, still
from tutorial_lib.widgets.viewport import Viewport


class PhotoWidget(w.VBox):
    """A photo to click on, with its controls.

    The widgets differ in what they do with the clicks. They pass that as three functions:
    ``show``, ``paint`` and ``answer``.

    Parameters
    ----------
    view : PhotoView
        The photo and its canvases.
    histories : sequence of ClickHistory
        Where the clicks are kept. Every change is made in all of them.
    panel : Panel
        The controls around the photo.
    shelf : ipywidgets.Widget
        The canvases as they stand on the page.
    show : callable
        ``show()`` draws the present answer and shows the state of the widget.
    paint : callable
        ``paint()`` returns photo, answer and clicks as one ``(H, W, 3) uint8`` picture.
    answer : callable, optional
        ``answer(wait)`` is called when the clicks have changed. With ``wait`` it returns when the
        answer is there, else at once. Not needed if ``show`` computes the answer itself.
    keys : mapping of str to callable, optional
        Further keys, in lower case, and their actions.
    preview : callable, optional
        ``preview(clicks)`` shows the answer to clicks that a person has not made yet, while they
        drag a mark. Without it, the answer comes when the mark is dropped.

    Attributes
    ----------
    gestures : Gestures
        Calls the methods below when a person uses mouse, finger or keyboard.
    """

    def __init__(
        self,
        view: PhotoView,
        histories: Sequence[ClickHistory],
        panel: Panel,
        shelf: w.Widget,
        *,
        show: Callable[[], None],
        paint: Callable[[], np.ndarray],
        answer: Callable[[bool], None] | None = None,
        keys: Mapping[str, Callable[[], None]] | None = None,
        preview: Callable[[Clicks], None] | None = None,
    ) -> None:
        self.photo_view, self.panel, self._histories = view, panel, histories
        self._show, self._paint, self._answer, self._preview = show, paint, answer, preview
        self._nudged: Clicks | None = None  # what the latest key has moved a click to
        self._places = w.HTML(layout={"display": "none"})  # what gestures.js must know
        self.gestures = Gestures(self, view, panel, keys)
        hidden = [self._places, self.gestures.heard, event_filter(), style_sheet()]
        super().__init__([*panel.arrange(shelf), *hidden])
        self.add_class("tutorial-click-canvas")
        panel.connect(self)
        for canvas in view.canvases:
            self.gestures.listen_to(canvas, partial(self._redraw, [canvas]))
        self.redraw()

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        return self._histories[0].clicks

    @property
    def viewport(self) -> Viewport:
        """The visible part of the photo."""
        return self.photo_view.viewport

    # -- clicks --------------------------------------------------------------------------------

    def click(self, row: int, col: int, positive: bool = True, wait: bool = True) -> None:
        """Click on the photo: mouse, finger, keyboard and code all call this method.

        Parameters
        ----------
        row, col : int
            Pixel of the photo.
        positive : bool
            True on the object, False on the background.
        wait : bool
            True returns when the answer is there, False at once.

        Raises
        ------
        ValueError
            If the click lies outside the photo. Nothing changes then.
        """
        click = Click(row, col, positive)
        self._edit(lambda history: history.add(click), wait)

    def stroke(self, points: Iterable[Point], positive: bool = True, wait: bool = True) -> None:
        """Draw a stroke on the photo: mouse and code both call this method.

        Parameters
        ----------
        points : iterable of (int, int)
            Pixels ``(row, col)`` of the photo; straight lines join them.
        positive : bool
            True on the object, False on the background.
        wait : bool
            True returns when the answer is there, False at once.

        Raises
        ------
        ValueError
            If the stroke is empty or leaves the photo. Nothing changes then.
        """
        stroke = Stroke(tuple(points), positive)
        self._edit(lambda history: history.add(stroke), wait)

    def sketch(self, points: Iterable[Point], positive: bool) -> None:
        """Show a stroke that is not finished yet; the clicks do not change."""
        self.photo_view.draw_marks(self.clicks.add(Stroke(tuple(points), positive)))

    def box(self, first: Point, last: Point, wait: bool = True) -> None:
        """Draw a box around the object: mouse and code both call this method.

        Parameters
        ----------
        first, last : tuple of int
            Rows and columns of two opposite corners; both pixels lie in the box. It replaces an
            earlier box.
        wait : bool
            True returns when the answer is there, False at once.

        Raises
        ------
        ValueError
            If a corner lies outside the photo. Nothing changes then.
        """
        box = Box.between(first, last)
        self._edit(lambda history: history.add(box), wait)
        self.panel.side.value = True  # the next click corrects the answer

    def sketch_box(self, first: Point, last: Point) -> None:
        """Show a box that is not finished yet; the clicks do not change."""
        self.photo_view.draw_marks(self.clicks.add(Box.between(first, last)))

    def touch_up(
        self,
        points: Iterable[tuple[float, float]],
        radius: float,
        positive: bool = True,
        wait: bool = True,
    ) -> None:
        """Paint into the mask with a round brush, or erase from it: mouse and code do the same.

        Parameters
        ----------
        points : iterable of (float, float)
            Rows and columns on the photo, in pixels.
        radius : float
            Of the brush, in pixels.
        positive : bool
            True paints into the mask, False erases from it.
        wait : bool
            True returns when the answer is there, False at once.

        Raises
        ------
        ValueError
            If there is no point, a point lies outside the photo, or the radius is not above 0 and
            at most 256. Nothing changes then.
        """
        touch_up = TouchUp(tuple(points), radius, positive)
        self._edit(lambda history: history.add(touch_up), wait)

    def sketch_touch_up(
        self, points: Iterable[tuple[float, float]], radius: float, positive: bool
    ) -> None:
        """Show a touch-up that is not finished yet; the mask does not change."""
        self.photo_view.draft = TouchUp(tuple(points), radius, positive)
        self.photo_view.draw_marks(self.clicks)

    @property
    def selected(self) -> int | None:
        """Which click or stroke is selected, as an index, or None."""
        return self.photo_view.selected

    def select_mark(self, number: int | None) -> None:
        """Select a click or stroke: the arrow keys then move it, and Delete deletes it.

        Parameters
        ----------
        number : int or None
            Which click or stroke, as an index. None selects none.

        Raises
        ------
        ValueError
            If there is no such click.
        """
        if number is not None and not 0 <= number < len(self.clicks):
            raise ValueError("There is no click to select: mark the object first.")
        self._nudged = None
        self._select(number)
        self.photo_view.draw_marks(self.clicks)
        self.show_answer()

    def _select(self, number: int | None) -> None:
        self.panel.forget_failure()
        self.photo_view.selected = number
        self.panel.show_selected(number, len(self.clicks))

    def drag_mark(self, number: int, row: int, col: int) -> None:
        """Show a click or stroke at another place; the clicks do not change."""
        clicks = self.clicks.move_mark(number, *self._inside(number, row, col))
        self.photo_view.draw_marks(clicks)
        if self._preview is not None:
            self._preview(clicks)

    def move_mark(self, number: int, row: int, col: int, wait: bool = True) -> None:
        """Move a click or stroke: mouse, finger and code all call this method.

        Parameters
        ----------
        number : int
            Which click or stroke, as an index.
        row, col : int
            Its new pixel, or the nearest one at which it lies inside the photo. A stroke moves as a
            whole.
        wait : bool
            True returns when the answer is there, False at once.

        Raises
        ------
        ValueError
            If there is no such click. Nothing changes then.
        """
        place = self._inside(number, row, col)
        self._edit(lambda history: history.move_mark(number, *place), wait)

    def nudge_mark(self, down: int, right: int) -> None:
        """Move the selected click or stroke by some pixels; the keyboard calls this method.

        Moves in a row are undone as one.

        Raises
        ------
        ValueError
            If none is selected.
        """
        number, before = self._selected_number(), self.clicks
        row, col = before[number].points[-1]
        place = self._inside(number, row + down, col + right)
        merge = self._nudged is before
        self._edit(lambda history: history.move_mark(number, *place, merge=merge), wait=False)
        self.select_mark(number)
        if merge or self.clicks is not before:
            self._nudged = self.clicks

    def delete_mark(self, number: int | None = None, wait: bool = True) -> None:
        """Delete a click or stroke; :meth:`undo` brings it back.

        Parameters
        ----------
        number : int, optional
            Which click or stroke, as an index; by default the selected one.
        wait : bool
            True returns when the answer is there, False at once.

        Raises
        ------
        ValueError
            If there is no such click, or none is selected. Nothing changes then.
        """
        number = self._selected_number() if number is None else number
        self._edit(lambda history: history.delete_mark(number), wait)

    def _selected_number(self) -> int:
        if self.selected is None:
            raise ValueError("Select a mark first: press on it, or use the key K.")
        return self.selected

    def _inside(self, number: int, row: int, col: int) -> Point:
        """Return the nearest place at which a click or stroke lies inside the photo."""
        if not 0 <= number < len(self.clicks):
            raise ValueError(f"There is no click {number}: there are {len(self.clicks)}.")
        points = np.array(self.clicks[number].points)
        low = points[-1] - points.min(axis=0)
        high = points[-1] - points.max(axis=0) + self.viewport.shape - 1
        return tuple(np.clip((row, col), low, high).tolist())

    def undo(self, wait: bool = False) -> None:
        """Take back the latest change."""
        self._edit(lambda history: history.undo(), wait)

    def redo(self, wait: bool = False) -> None:
        """Bring back what :meth:`undo` took back."""
        self._edit(lambda history: history.redo(), wait)

    def clear(self, wait: bool = False) -> None:
        """Remove all clicks; :meth:`undo` brings them back."""
        self._edit(lambda history: history.clear(), wait)

    def _edit(self, edit: Callable[[ClickHistory], None], wait: bool) -> None:
        self.panel.before.value = False
        try:
            for history in self._histories:  # what the first refuses reaches none
                edit(history)
        except Exception:
            self.photo_view.draw_marks(self.clicks)  # the page has shown the click already
            raise
        self._changed(wait)

    def _changed(self, wait: bool) -> None:
        """Show the new clicks at once, and their answer when it is there."""
        self._select(None)
        self.photo_view.draft = None
        self.photo_view.draw_marks(self.clicks)
        self.show_answer()
        if self._answer is not None:
            self._answer(wait)

    # -- the view of the photo -----------------------------------------------------------------

    def zoom(self, step: int) -> None:
        """Zoom in (+1) or out (-1) around the cursor, or else around the object's latest mark."""
        centre = self.photo_view.cursor
        marks = [mark for mark in self.clicks if mark.positive] or list(self.clicks)
        if centre is None and marks:
            centre = marks[-1].points[-1]
        self.look(self.viewport.zoomed(step, centre))

    def pan(self, down: int, right: int) -> None:
        """Move the view by a quarter of its size."""
        self.look(self.viewport.moved(down, right))

    def move_cursor(self, pixel: tuple[int, int] | None) -> None:
        """Put the keyboard's cursor on a pixel ``(row, col)``; None hides it."""
        self.photo_view.cursor = pixel
        if pixel is None or self.viewport.follow(pixel) == self.viewport:
            self.photo_view.draw_marks(self.clicks)
        else:
            self.look(self.viewport.follow(pixel))

    def look(self, viewport: Viewport, quickly: bool = False) -> None:
        """Show another part of the photo.

        Parameters
        ----------
        viewport : Viewport
            The visible part.
        quickly : bool
            True while the view moves: the photo is then sent as JPEG.
        """
        self.photo_view.viewport = viewport
        self._redraw(self.photo_view.canvases, quickly)

    def show_before(self, shown: bool) -> None:
        """Show the photo alone, or answer and marks again."""
        for canvas in self.photo_view.canvases:
            canvas.bare = shown
        self.redraw()

    def present(self, presenting: bool) -> None:
        """Enlarge marks, contours and type for a projector, or shrink them again."""
        for canvas in self.photo_view.canvases:
            canvas.enlarged = 2 if presenting else 1
        (self.add_class if presenting else self.remove_class)("tutorial-presenter")
        self.redraw()

    # -- drawing -------------------------------------------------------------------------------

    def show_answer(self) -> None:
        """Draw the present answer and show the state of the widget."""
        self._tell_places()
        self._show()

    def redraw(self) -> None:
        """Draw everything again. After a reload of the page the canvases are empty."""
        self._redraw(self.photo_view.canvases)

    def _redraw(self, canvases: Sequence[PhotoLayers], quickly: bool = False) -> None:
        for canvas in canvases:
            self.photo_view.draw(canvas, self.clicks, quickly)
        self.show_answer()

    def _tell_places(self) -> None:
        """Tell gestures.js what a finger drags, and how large a mark is.

        A finger drags the mark or the corner of the box that it begins on, or the brush.
        """
        panel, brush = self.panel, ""
        places = []
        if panel.moves_marks and panel.tool.paints is None:
            places = self.photo_view.corners(self.clicks)
            places += [] if panel.tool.draws_box else self.photo_view.places(self.clicks)
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        if panel.tool.paints is not None:
            brush = f"{panel.brush_radius * self.viewport.scale:.1f}"
        radius = self.photo_view.radius
        self._places.value = (
            f'<i data-marks="{text}" data-brush="{brush}" data-radius="{radius}"></i>'
        )

    # -- without a browser ---------------------------------------------------------------------

    @property
    def picture(self) -> np.ndarray:
        """Photo, answer and clicks as one ``(H, W, 3) uint8`` picture, without zoom."""
        return self._paint()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add a still picture with a hint, for GitHub, nbconvert and closed kernels."""
        data = super()._repr_mimebundle_(**kwargs)
        data["text/plain"] = repr(self)
        data["image/jpeg"] = still(self.picture, controls_above(self.children))
        return data, {"image/jpeg": {"alt": f"Still picture of {self!r}"}}

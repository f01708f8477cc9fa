"""PhotoQueue: select objects in all photos of a folder, and see which photos are done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import ipywidgets as w

from tutorial_lib.click_log import objects_of, read_log
from tutorial_lib.data.photo_files import files_ending
from tutorial_lib.exports import mask_endings, write_files
from tutorial_lib.paths import safe_stem
from tutorial_lib.registry import best_method
from tutorial_lib.widgets.background import error_line, guard
from tutorial_lib.widgets.click_canvas import MAX_UPLOAD_SIDE, ClickCanvas
from tutorial_lib.widgets.panel import ROW, make_button
from tutorial_lib.widgets.status import status_html
from tutorial_lib.working_photo import WorkingPhoto

LAST = "clicks.json"  # of a photo's files: where it is, all are
DONE, UNREADABLE = "✓", "✗"


class PhotoQueue(w.VBox):
    """Select objects in all photos of a folder, one photo after the other.

    The list shows every photo, with a tick if it is done. A photo is done when its files are in the
    folder ``out``. So the queue goes on where it was after a restart, on any day and in any order.
    *Save and next* writes the files of the photo on the screen, and shows the next one that is to
    do. A photo that is saved again replaces its own files: masks of objects that were deleted since
    then are removed. A large photo is shown smaller, and its files have its own size. The originals
    are only read.

    Parameters
    ----------
    folder : str or Path
        The photos: png, jpg, webp, bmp and tif. Folders below it are not searched.
    method : str, optional
        A registered method; the best one by default.
    out : str or Path
        Where mask, cut-out, COCO dataset and clicks go, named after the photo.
    width : int, optional
        The longer side of a photo on the page, in CSS pixels; see :class:`ClickCanvas`.
    **options
        Options of the method.

    Attributes
    ----------
    canvas : ClickCanvas
        The photo on the screen.
    paths : tuple of Path
        All photos, in the order of their names.
    place : int
        Which of them is on the screen.
    photos : ipywidgets.Dropdown
        The list.

    Raises
    ------
    ValueError
        If the folder is missing or holds no photo that can be read.

    Examples
    --------
    >>> queue = PhotoQueue("holiday")                 # doctest: +SKIP
    >>> queue.canvas.click(120, 200)                  # doctest: +SKIP
    >>> queue.save_and_next()                         # doctest: +SKIP
    """

    def __init__(
        self,
        folder: str | Path,
        method: str | None = None,
        *,
        out: str | Path = "exports",
        width: int | None = None,
        **options: Any,
    ) -> None:
        folder, self._out = Path(folder).expanduser(), Path(out).expanduser()
        if not folder.is_dir():
            raise ValueError(f"There is no folder {str(folder)!r}: name the folder of your photos.")
        self.paths = tuple(files_ending(folder))
        count = Counter(path.stem for path in self.paths)
        # What the files of each photo begin with; no two photos share it.
        self._names = [p.stem if count[p.stem] == 1 else p.name for p in self.paths]
        self._failed: set[int] = set()
        self._listing = False
        self._words = w.HTML()
        self.photos = w.Dropdown(description="Photo", tooltip="All photos; a tick marks a done one")
        self.photos.style.description_width, self.photos.layout.width = "initial", "22em"
        self.next = make_button("Save and next", "check", "Write this photo's files; show the next")
        self.skip = make_button("Skip", "forward", "Show the next photo that is to do")
        start, photo = self._first_readable()
        self.canvas = ClickCanvas(
            photo, method or best_method(), name=self._names[start], width=width,
            folder=str(self._out), **options,
        )  # fmt: skip
        for twice in (self.canvas.panel.upload, self.canvas.panel.save):  # the queue does both
            twice.layout.display = "none"
        self.place = start
        controls = w.HBox([self.photos, self.next, self.skip], layout=ROW)
        super().__init__([controls, self._words, self.canvas])
        self._tell(f"{self.paths[start].name} is on the screen.")
        self.next.on_click(guard(lambda _button: self.save_and_next(), self._report))
        self.skip.on_click(guard(lambda _button: self.go_on(), self._report))
        self.photos.observe(guard(self._on_photo, self._report), "value")

    @property
    def done(self) -> tuple[bool, ...]:
        """Whether the files of each photo are there."""
        return tuple((self._out / f"{safe_stem(name)}-{LAST}").is_file() for name in self._names)

    # -- what a person does --------------------------------------------------------------------

    def show(self, place: int) -> None:
        """Show a photo. The clicks on the present one stay in its autosave.

        Parameters
        ----------
        place : int
            Its place in :attr:`paths`.

        Raises
        ------
        ValueError
            If there is no such photo, or if it cannot be read. The present photo stays then.
        """
        if not 0 <= place < len(self.paths):
            raise ValueError(f"The photos are 0 to {len(self.paths) - 1}; there is no {place}.")
        try:
            self.canvas.load(self.paths[place], self._names[place], longest=MAX_UPLOAD_SIDE)
        except ValueError:
            self._failed.add(place)
            self._list()
            raise
        self._failed.discard(place)
        self.place = place
        self._tell(f"{self.paths[place].name} is on the screen.")

    def save(self) -> list[Path]:
        """Write the files of the photo on the screen.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        ValueError
            If nothing is selected. Nothing is written then.
        OSError
            If the folder cannot be written.
        """
        contents, _empty = self.canvas.files_to_save()
        before = self._masks_before()
        written = write_files(self._out, self._names[self.place], contents)
        for path in before - {*written}:
            path.unlink(missing_ok=True)
        self._tell(f"Saved {self.paths[self.place].name} in {self._out}.")
        return written

    def _masks_before(self) -> set[Path]:
        """Return the masks that were saved for this photo before, and for no other photo."""
        names = [safe_stem(name) for name in self._names]
        stem = names.pop(self.place)
        try:
            objects = [name for name, _, _ in objects_of(read_log(self._out / f"{stem}-{LAST}"))]
        except ValueError:  # nothing was saved, or not by this queue
            return set()
        masks = {self._out / f"{stem}-{ending}" for ending in mask_endings(objects)}
        return masks - {self._out / f"{other}-mask.png" for other in names}

    def save_and_next(self) -> None:
        """Write the files, and show the next photo that is to do: what the button does.

        Raises
        ------
        ValueError
            If nothing is selected. The photo stays then.
        OSError
            If the folder cannot be written. The photo stays then.
        """
        self.save()
        self.go_on()

    def go_on(self) -> None:
        """Show the next photo that is to do, after the last one again from the first."""
        done, count = self.done, len(self.paths)
        for step in range(1, count + 1):
            place = (self.place + step) % count
            if done[place] or place in self._failed or place == self.place:
                continue
            try:
                self.show(place)
            except ValueError:
                continue  # it is marked in the list
            return
        open_here = "" if done[self.place] else " Only this one is to do."
        self._tell(f"There is no other photo to do.{open_here}")

    # -- the list ------------------------------------------------------------------------------

    def _first_readable(self) -> tuple[int, WorkingPhoto]:
        """Return the first photo to do, or else the first one, of those that can be read."""
        done = self.done
        for place in sorted(range(len(self.paths)), key=lambda place: done[place]):
            try:
                return place, WorkingPhoto(self.paths[place], MAX_UPLOAD_SIDE)
            except ValueError:
                self._failed.add(place)
        raise ValueError(
            "The folder holds no photo that can be read (png, jpg, webp, bmp, tif): choose another."
        )

    def _list(self) -> int:
        """Write the list; return how many photos are done."""
        done = self.done
        marks = [
            UNREADABLE if place in self._failed else DONE if ticked else "\u2007"
            for place, ticked in enumerate(done)
        ]
        names = [f"{mark} {path.name}" for mark, path in zip(marks, self.paths, strict=True)]
        self._listing = True  # new options choose the first one, which nobody has asked for
        self.photos.options = list(zip(names, range(len(names)), strict=True))
        self.photos.value = self.place
        self._listing = False
        return sum(done)

    def _tell(self, text: str) -> None:
        count = self._list()
        failed = [self.paths[place].name for place in sorted(self._failed)]
        lost = f" Cannot be read: {', '.join(failed)}." if failed else ""
        self._say(f"{count} of {len(self.paths)} done. {text}{lost}")

    def _say(self, text: str, failed: bool = False) -> None:
        attributes = 'role="status" aria-live="polite"'
        self._words.value = status_html(text, failed=failed, attributes=attributes)

    def _report(self, error: BaseException) -> None:
        self._list()
        self._say(error_line(error), failed=True)

    def _on_photo(self, change: dict[str, Any]) -> None:
        if not self._listing:
            self.show(change["new"])

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add the still picture of the canvas, for GitHub, nbconvert and closed kernels."""
        data = super()._repr_mimebundle_(**kwargs)
        shown, metadata = self.canvas._repr_mimebundle_(**kwargs)
        return data | {"text/plain": repr(self), "image/jpeg": shown["image/jpeg"]}, metadata

    def __repr__(self) -> str:
        return f"PhotoQueue({sum(self.done)} of {len(self.paths)} done)"

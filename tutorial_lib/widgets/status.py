"""What a widget says below its photo: clicks, time, IoU, errors, and what to do next."""

from __future__ import annotations

import html
from dataclasses import dataclass

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.registry import methods
from tutorial_lib.session import Session


@dataclass(frozen=True)
class Hint:
    """What to do next. The page shows the text for its pointer: ``look.css`` hides the other one.

    Parameters
    ----------
    mouse : str
        For a person with a mouse.
    touch : str
        For a person with a touch screen.
    """

    mouse: str
    touch: str

    def html(self) -> str:
        """Return both texts as HTML."""
        return (
            f'<span class="tutorial-by-mouse">{html.escape(self.mouse)}</span>'
            f'<span class="tutorial-by-touch">{html.escape(self.touch)}</span>'
        )


INVITATION = Hint(
    "Left-click the object, right-click the background.",
    "Tap the object. Then choose Background and tap that.",
)
ONE_CLICK = Hint(
    "Left-click the object. One click may be enough.",
    "Tap the object. One tap may be enough.",
)
CLICK_OR_BOX = Hint(
    "Left-click the object and right-click the background, or draw a box around the object.",
    "Draw a box around the object, or tap object and background.",
)
MISSING = {
    "background": Hint("Now right-click the background.", "Now choose Background and tap that."),
    "object": Hint("Now left-click the object.", "Now choose Object and tap it."),
}
NOTHING = Hint(
    "The mask is empty. Left-click the object.", "The mask is empty. Choose Object and tap it."
)
CORRECT = Hint(
    "Left-click what is missing, right-click what is too much.",
    "Tap what is missing. Choose Background and tap what is too much.",
)

BRUSH_STEP = Hint(
    "Paint what is missing; the right button erases. Later answers keep it.",
    "Paint what is missing with one finger; two fingers move the photo. Later answers keep it.",
)
ERASER_STEP = Hint(
    "Erase what is too much; the right button paints. Later answers keep it.",
    "Erase what is too much with one finger; two fingers move the photo. Later answers keep it.",
)


def status_html(
    text: str,
    busy: bool = False,
    failed: bool = False,
    weight: str = "normal",
    attributes: str = "",
    hint: Hint | None = None,
) -> str:
    """Return a line of text as HTML, in the colours of the page's theme.

    Parameters
    ----------
    text : str
        Plain text.
    busy : bool
        Whether to show a spinner before the text.
    failed : bool
        Whether to use the colour of errors.
    weight : str
        CSS font weight.
    attributes : str
        Further HTML attributes.
    hint : Hint, optional
        What to do next, on a line of its own.

    Returns
    -------
    str
        One ``div`` element.
    """
    mark = '<span class="fa fa-spinner fa-pulse" aria-hidden="true"></span> ' if busy else ""
    ink = "var(--jp-error-color1, #c62828)" if failed else "var(--jp-ui-font-color1, inherit)"
    style = f"color:{ink};font-weight:{weight};line-height:1.5"
    lines = [mark + html.escape(text)] if text else []
    lines += [hint.html()] if hint else []
    return (
        f'<div {attributes} data-busy="{str(busy).lower()}" style="{style}">'
        f"{'<br>'.join(lines)}</div>"
    )


def describe_session(session: Session, loading: str = "") -> str:
    """Describe the clicks of a session and their answer in one line.

    Parameters
    ----------
    session : Session
        Any session.
    loading : str
        Name of a method that is being loaded.

    Returns
    -------
    str
        One line of plain text. It is empty if there is nothing to say.
    """
    clicks = session.clicks
    if loading:
        counts = f"{count_clicks(clicks)}; " if clicks.actions else ""
        return f"{counts}loading {loading}"
    if not clicks.actions:
        saved = session.saved()
        return f"Restore brings back {_count(len(saved), 'saved click')}." if saved else ""
    counts = count_clicks(clicks)
    if session.stale:
        return f"{counts}; {session.method} is working"
    text = f"{counts}; {session.method} took {session.history[-1].milliseconds:.0f} ms"
    touched = bool(clicks.touch_ups)
    if session.iou is not None and (touched or not missing_side(session)):
        text += f"; IoU {session.iou:.3f}{' with touch-ups' if touched else ''}"
    return text + "."


def next_step(session: Session) -> Hint:
    """Say what to do next.

    Parameters
    ----------
    session : Session
        Any session.

    Returns
    -------
    Hint
        A sentence for mouse and touch screen.
    """
    if not session.clicks.actions:
        if session.method == "grabcut":
            return CLICK_OR_BOX
        return INVITATION if session.needs_negative else ONE_CLICK
    if missing := missing_side(session):
        return MISSING[missing]
    return CORRECT if session.stale or session.mask.any() else NOTHING


def count_clicks(clicks: Clicks) -> str:
    """Count the clicks of each kind, such as ``1 object click, 0 background clicks``.

    Strokes, a box, a start mask and touch-ups follow, if there are any:
    ``..., 2 strokes, 1 box, 1 touch-up``.

    Parameters
    ----------
    clicks : Clicks
        Any clicks.

    Returns
    -------
    str
        Part of a sentence.
    """
    single = Clicks(mark for mark in clicks if isinstance(mark, Click))
    counts = [
        _count(len(single.positives), "object click"),
        _count(len(single.negatives), "background click"),
    ]
    if strokes := len(clicks) - len(single):
        counts.append(_count(strokes, "stroke"))
    counts += ["1 box"] * (clicks.box is not None) + ["a start mask"] * (clicks.start is not None)
    if clicks.touch_ups:
        counts.append(_count(len(clicks.touch_ups), "touch-up"))
    return ", ".join(counts)


def missing_side(session: Session) -> str:
    """Return the side that still needs a click before the method can answer.

    A box marks the background, and GrabCut needs no click then. A start mask marks both sides.

    Parameters
    ----------
    session : Session
        A session in which the user has said something.

    Returns
    -------
    str
        ``"background"``, ``"object"``, or an empty string if the method can answer.
    """
    sides = {"object": session.clicks.positives, "background": session.clicks.negatives}
    if not session.needs_negative or session.clicks.start is not None:
        return ""
    if session.clicks.box is not None:
        sides = {} if session.method == "grabcut" else {"object": sides["object"]}
    missing = [side for side, points in sides.items() if not len(points)]
    return missing[0] if missing else ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def box_step(method: str) -> Hint:
    """Say how a box is drawn, and what a method does with it.

    Parameters
    ----------
    method : str
        The method's name. It need not be registered.

    Returns
    -------
    Hint
        Sentences for mouse and touch screen.
    """
    found = [info.box for info in methods() if info.name == method and info.box]
    what = f"{method}: {found[0]}" if found else f"{method} was not made for boxes, and ignores it."
    return Hint(
        f"Drag a box around the object. {what}", f"Tap two opposite corners of a box. {what}"
    )

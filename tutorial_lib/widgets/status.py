"""What a widget says below its photo: clicks, time, IoU, and errors."""

from __future__ import annotations

import html

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.session import Session

INVITATION = "Left-click the object, right-click the background."


def status_html(
    text: str,
    busy: bool = False,
    failed: bool = False,
    weight: str = "normal",
    attributes: str = "",
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

    Returns
    -------
    str
        One ``div`` element.
    """
    mark = '<span class="fa fa-spinner fa-spin" aria-hidden="true"></span> ' if busy else ""
    ink = "var(--jp-error-color1, #c62828)" if failed else "var(--jp-ui-font-color1, inherit)"
    return (
        f'<div {attributes} data-busy="{str(busy).lower()}" '
        f'style="color:{ink};font-weight:{weight};line-height:1.5">{mark}{html.escape(text)}</div>'
    )


def describe_session(session: Session) -> str:
    """Describe the clicks of a session and their answer in one line.

    Parameters
    ----------
    session : Session
        Any session.

    Returns
    -------
    str
        One line of plain text.
    """
    clicks = session.clicks
    if not clicks.actions:
        saved = session.saved()
        offer = f" Restore brings back {_count(len(saved), 'saved click')}." if saved else ""
        return f"{INVITATION}{offer}"
    counts = count_clicks(clicks)
    if session.stale:
        return f"{counts}; {session.method} is working"
    text = f"{counts}; {session.method} took {session.history[-1].milliseconds:.0f} ms"
    if session.iou is not None:
        text += f"; IoU {session.iou:.3f}"
    if missing := missing_side(session):
        text += f". Now mark the {missing} too"
    return text + "."


def count_clicks(clicks: Clicks) -> str:
    """Count the clicks of each kind, such as ``1 object click, 0 background clicks``.

    Strokes, a box and a start mask follow, if there are any: ``..., 2 strokes, 1 box``.

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

"""The keys of a widget, and the table that shows them."""

from __future__ import annotations

import html
from collections.abc import Iterable

KEYS = (
    ("Z", "undo"),
    ("Y", "redo"),
    ("C", "clear"),
    ("K, Shift+K", "select the next or the previous mark"),
    ("arrows", "move a cursor or the selected mark"),
    ("Delete", "delete the selected mark"),
    ("Enter", "mark the object"),
    ("Shift+Enter", "mark the background"),
    ("Esc", "select nothing, hide the cursor"),
    ("+ and -", "zoom"),
    ("B", "before and after"),
    ("S", "spotlight"),
    ("P", "presenter mode"),
    ("?", "these keys"),
    ("Tab", "leave the photo"),
)


def keys_html(keys: Iterable[tuple[str, str]]) -> str:
    """Return keys and what they do as HTML.

    Parameters
    ----------
    keys : iterable of (str, str)
        The name of each key, and what it does.

    Returns
    -------
    str
        A line that wraps.
    """
    pairs = (
        f"<span><kbd>{html.escape(key)}</kbd> {html.escape(what)}</span>" for key, what in keys
    )
    return f'<div class="tutorial-keys">{" ".join(pairs)}</div>'

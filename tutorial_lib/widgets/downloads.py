"""Links to files that the browser downloads. No server has to keep them."""

from __future__ import annotations

import base64
import html
import mimetypes
from collections.abc import Mapping
from pathlib import PurePath

import ipywidgets as w

from tutorial_lib.exports import zipped

LARGEST = 30_000_000  # bytes; what is sent to the page stays in its memory
LINK = '<a class="tutorial-download" download="{name}" href="data:{kind};base64,{data}">{text}</a>'


class Downloads:
    """A row of links. It is empty until there is something to download."""

    def __init__(self) -> None:
        self.widget = w.HBox()

    def offer(self, stem: str, contents: Mapping[str, bytes]) -> None:
        """Show a link for each file, and one for all of them.

        Parameters
        ----------
        stem : str
            The name of the archive that holds all files.
        contents : mapping of str to bytes
            The content of each file, by its name.
        """
        everything = zipped(contents)
        if len(everything) > LARGEST:
            text = f"The files have {len(everything) // 1_000_000} MB: too much for a link."
        else:
            links = [_link(name, data) for name, data in contents.items()]
            links.append(_link(f"{stem}.zip", everything, "all as ZIP"))
            text = "Download: " + ", ".join(links)
        # A new widget: servers drop updates of more than a megabyte a second, but no new widget.
        shown = w.HTML(f'<div style="color:var(--jp-ui-font-color1, inherit)">{text}</div>')
        self.close()
        self.widget.children = [shown]

    def close(self) -> None:
        """Remove the links; the page then frees their memory."""
        for child in self.widget.children:
            child.close()
        self.widget.children = []


def _link(name: str, data: bytes, text: str = "") -> str:
    kind = mimetypes.guess_type(PurePath(name))[0] or "application/octet-stream"
    encoded = base64.b64encode(data).decode("ascii")
    return LINK.format(name=html.escape(name), kind=kind, data=encoded, text=text or name)

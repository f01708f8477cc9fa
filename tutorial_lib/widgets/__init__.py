"""The interactive parts; the only modules that need ipywidgets, ipyevents and ipycanvas.

Follow a click from the mouse to the mask:

1. ``gestures.py``: :class:`Gestures` turns the browser's event into ``click(row, col, positive)``.
2. ``photo_widget.py``: :class:`PhotoWidget`, the base of all widgets that take clicks, adds the
   click to the session and draws its mark.
3. ``answering.py``: :class:`Answering` asks the session's method for an answer, in a thread.
4. ``click_canvas.py``: :class:`ClickCanvas` draws the answer on the canvas, ``photo_layers.py``.

A widget is imported when it is first used, so ``import tutorial_lib`` works without a notebook.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

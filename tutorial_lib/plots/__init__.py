"""Every figure the notebooks draw, in one visual language (see :mod:`tutorial_lib.render`)."""

from tutorial_lib.plots.energies import draw_links
from tutorial_lib.plots.networks import draw_network, draw_residual
from tutorial_lib.plots.pictures import grid, show, show_answer, show_probability, style

__all__ = [
    "draw_links",
    "draw_network",
    "draw_residual",
    "grid",
    "show",
    "show_answer",
    "show_probability",
    "style",
]

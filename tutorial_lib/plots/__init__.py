"""Every figure the notebooks draw, in one visual language (see :mod:`tutorial_lib.render`)."""

from tutorial_lib.plots.benchmarks import (
    draw_click_counts,
    draw_curves,
    line_looks,
    show_depths,
)
from tutorial_lib.plots.candidates import draw_candidates
from tutorial_lib.plots.comparisons import draw_heads, draw_published, draw_rows
from tutorial_lib.plots.diagrams import draw_diagram
from tutorial_lib.plots.energies import draw_links
from tutorial_lib.plots.flow_networks import draw_network, draw_residual
from tutorial_lib.plots.pictures import grid, show, show_answer, show_probability, style
from tutorial_lib.plots.places import draw_parents, draw_paths, draw_values, paint_sides
from tutorial_lib.plots.skips import draw_fcn
from tutorial_lib.plots.training import draw_loss

__all__ = [
    "draw_candidates",
    "draw_click_counts",
    "draw_curves",
    "draw_diagram",
    "draw_fcn",
    "draw_heads",
    "draw_links",
    "draw_loss",
    "draw_network",
    "draw_parents",
    "draw_published",
    "draw_residual",
    "draw_rows",
    "draw_values",
    "draw_paths",
    "grid",
    "line_looks",
    "paint_sides",
    "show",
    "show_answer",
    "show_depths",
    "show_probability",
    "style",
]

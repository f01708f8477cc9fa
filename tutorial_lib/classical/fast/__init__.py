"""The methods' speed tricks, behind one door: the same cuts and paths in less time.

- :func:`build_graph` gives the graph that suits an image. A small one keeps flow and search trees
  from click to click (:mod:`~tutorial_lib.classical.fast.pixel_graph`). A large one is cut on a
  coarse grid first, then in a band (:mod:`~tutorial_lib.classical.fast.banded_cut`).
- :func:`geodesic_paths` gives the function that finds shortest paths, on a lattice of pixels if
  the image is large (:mod:`~tutorial_lib.classical.fast.lattice_paths`).
- :func:`coarse_shape`, :func:`coarsen` and :func:`enlarge` let a method work on a smaller image
  (:mod:`~tutorial_lib.classical.fast.coarse_image`).
"""

from __future__ import annotations

from tutorial_lib.classical.fast.banded_cut import BandedGraph, build_graph
from tutorial_lib.classical.fast.coarse_image import coarse_shape, coarsen, enlarge
from tutorial_lib.classical.fast.lattice_paths import geodesic_paths
from tutorial_lib.classical.fast.pixel_graph import PixelGraph

__all__ = [
    "BandedGraph",
    "PixelGraph",
    "build_graph",
    "coarse_shape",
    "coarsen",
    "enlarge",
    "geodesic_paths",
]

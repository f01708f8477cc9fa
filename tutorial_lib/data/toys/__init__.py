"""The drawing tools of synthetic scenes: strokes, a canvas, things and backdrops."""

"""What made-up scenes are drawn with: strokes, a canvas, things and backdrops."""

"""Write ``notebooks/instructor/routes.md`` from ``routes.toml`` beside it."""

from __future__ import annotations

from pathlib import Path

from tutorial_lib.course.routes import routes_as_markdown

if __name__ == "__main__":
    path = Path(__file__).resolve().parents[1] / "notebooks" / "instructor" / "routes.md"
    path.write_text(routes_as_markdown(), encoding="utf-8")

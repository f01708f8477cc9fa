"""Slides in a real browser: nothing lies outside them, and their type is large."""

from __future__ import annotations

from tools.build_site import build_slides
from tutorial_lib.paths import bundled

# One with long tables and outputs, and one with formulas, code and small outputs.
DECKS = ("10_reproducing_the_papers", "01_minimum_cut_by_hand")
# For each slide: how far its content reaches out of it, in CSS pixels, and the size of its smallest
# printed text as a share of the size of text on a full slide.
MEASURE = """() => slides.map((slide, number) => {
  show(number);
  const text = parseFloat(getComputedStyle(document.body).fontSize);
  const shown = pre => !pre.closest('details:not([open])');
  const printed = [...slide.querySelectorAll('pre')].filter(shown);
  const sizes = printed.map(pre => parseFloat(getComputedStyle(pre).fontSize) / text);
  const below = slide.scrollHeight - slide.clientHeight;
  return [Math.max(below, slide.scrollWidth - slide.clientWidth), Math.min(1, ...sizes)];
})"""


def test_slides_hold_what_is_on_them_in_large_type(browser, tmp_path):
    build_slides(tmp_path, [bundled("notebooks") / f"{deck}.ipynb" for deck in DECKS])
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    for deck in DECKS:
        page.goto((tmp_path / f"{deck}.html").as_uri())
        measured = page.evaluate(MEASURE)
        out, smallest = zip(*measured, strict=True)
        assert len(measured) > 20
        assert max(out) <= 4, [(number, far) for number, far in enumerate(out, 1) if far > 4]
        assert min(smallest) > 0.3, min(smallest)
        assert sum(share > 0.8 for share in smallest) > len(smallest) / 2
    page.close()

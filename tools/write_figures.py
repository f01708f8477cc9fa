"""Write the measured figures into the tables and sentences of README and model cards.

``python tools/write_figures.py`` (or ``make tables``) reads ``assets/results`` and replaces the
numbers. Words stay. A test fails if a figure differs from its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tutorial_lib.evaluation.one_click import read_one_click
from tutorial_lib.evaluation.results import MethodResults, read_results
from tutorial_lib.evaluation.selectors import SelectorFigures, read_selection
from tutorial_lib.evaluation.speed.results import MethodTimes, read_bench

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "assets" / "results"
ROBOTS, THRESHOLDS = ("center", "geodesic"), ("85", "90")
CLASSICAL = (
    "graph-cut",
    "random-walker",
    "geodesic-matting",
    "euclidean-star",
    "geodesic-star",
    "growcut",
)
LATENT = ("latent-diversity", "latent-diversity-rdl")
STAGES = {"dos-8s": 8, "dos-16s": 16, "dos-32s": 32}
OBJECTS = {"GrabCut": "GrabCut, 49 photos (test)", "iseg-voc": "iseg-voc, 51 objects (validation)"}


class Row(NamedTuple):
    """The row of a table, found by its first cell. The next cells are figures."""

    file: str
    first: str
    figures: list[str]

    def put_into(self, text: str) -> str:
        """Return the text with these figures in the row."""
        old = rf"^\| {re.escape(self.first)} \|" + r" ([\d.]+%?(?: / [\d.]+%?)?|-) \|" * len(
            self.figures
        )
        return _replaced(text, old, f"| {self.first} | {' | '.join(self.figures)} |", self)


class Sentence(NamedTuple):
    """A sentence with figures; ``{}`` stands for a figure."""

    file: str
    words: str
    figures: list[str]

    def put_into(self, text: str) -> str:
        """Return the text with these figures in the sentence."""
        old = re.escape(self.words).replace(r"\{\}", r"[\d.]+?")
        return _replaced(text, old, self.words.format(*self.figures), self)


def _replaced(text: str, old: str, new: str, what: Row | Sentence) -> str:
    text, count = re.subn(old, lambda _: new, text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"{what.file} has {count} places for {what[1]!r}, not one.")
    return text


def _methods(name: str) -> dict[str, MethodResults]:
    return read_results(RESULTS / name).methods


def _times(name: str) -> dict[str, MethodTimes]:
    return read_bench(RESULTS / name).methods


def _counts(method: MethodResults | SelectorFigures) -> list[str]:
    return [f"{method.noc[threshold]:.2f}" for threshold in THRESHOLDS]


def _scored(method: MethodResults | SelectorFigures) -> list[str]:
    """Return clicks to both thresholds, and mean IoU after one click and after five."""
    return [*_counts(method), f"{method.miou[0]:.3f}", f"{method.miou[4]:.3f}"]


def _clicked(selector: SelectorFigures) -> list[str]:
    return [*_scored(selector), f"{selector.clicked_pixels_right:.1%}"]


def classical() -> Iterator[Row | Sentence]:
    """Yield README's rows of the classical methods."""
    found = {robot: _methods(f"grabcut_{robot}.json") for robot in ROBOTS}
    times = _times("bench.json")
    for name in CLASSICAL:
        center, geodesic = (_counts(found[robot][name]) for robot in ROBOTS)
        click = f"{times[name].ms_click:.0f}"
        yield Row("README.md", f"`{name}`", [*center, geodesic[1], click])


def peers() -> Iterator[Row | Sentence]:
    """Yield the times of other libraries in README."""
    times = _times("bench.json")
    seconds = [times[name].peer.ms_click / 1000 for name in ("random-walker", "grabcut")]
    words = "`random_walker` took {} s with its defaults, OpenCV's `grabCut` {} s"
    yield Sentence("README.md", words, [f"{value:.1f}" for value in seconds])


def object_selection() -> Iterator[Row | Sentence]:
    """Yield what README and cards show of Deep Object Selection."""
    found, times = _methods("dos_stages.json"), _times("bench_deep.json")
    for name, stride in STAGES.items():
        alone, cut = found[name], found[f"{name} + graph cut"]
        yield Row("README.md", f"FCN-{stride}s", _counts(alone) + _counts(cut))
        card = f"assets/weights/{name}.md"
        yield Row(card, OBJECTS["GrabCut"], _scored(alone))
        yield Row(card, "GrabCut, with graph cut", _scored(cut))
    clicks = [f"{times[name].ms_click:.0f}" for name in ("dos", "dos-no-graph-cut")]
    yield Sentence("README.md", "`dos` takes {} ms a click, {} without graph cut", clicks)


def latent_diversity() -> Iterator[Row | Sentence]:
    """Yield what README and cards show of Latent Diversity on GrabCut."""
    found = {robot: _methods(f"grabcut_{robot}_networks.json") for robot in ROBOTS}
    times = _times("bench_deep.json")
    for name in LATENT:
        center, geodesic = (found[robot][name] for robot in ROBOTS)
        figures = [*_counts(center), *_counts(geodesic), f"{times[name].ms_click:.0f}"]
        yield Row("README.md", f"`{name}`", figures)
        yield Row(f"assets/weights/{name}.md", "GrabCut, `geodesic`", _scored(geodesic))
        first = f"{OBJECTS['GrabCut']}, `center`"
        yield Row(f"assets/weights/{name}.md", first, _scored(center))
    dos = [count for robot in ROBOTS for count in _counts(found[robot]["dos"])]
    words = "`dos` with its graph cut needs {} and {} on the same photos (`geodesic`: {} and {})"
    yield Sentence("README.md", words, dos)


def selecting() -> Iterator[Row | Sentence]:
    """Yield what README and cards show of selectors."""
    card, dense = (f"assets/weights/latent-diversity{part}.md" for part in ("", "-dense"))
    recovered = []
    for name, found in read_selection(RESULTS / "selection.json").datasets.items():
        selectors, shares = found.selectors, found.recovered
        best = min(
            (selector for selector in selectors if selector.startswith("candidate")),
            key=lambda selector: selectors[selector].noc["85"],
        )
        pairs = [" / ".join(_counts(selectors[one])) for one in (best, "g", "oracle")]
        share = " / ".join(f"{shares[threshold]:.0%}" for threshold in THRESHOLDS)
        right = f"{selectors['g'].clicked_pixels_right:.1%}"
        yield Row("README.md", name, [*pairs, share, right])
        yield Row(card, f"{OBJECTS[name]}, `center`", _clicked(selectors["g"]))
        yield Row(card, f"{name}: an oracle selects", _clicked(selectors["oracle"]))
        yield Row(card, f"{name}: always {best}", _clicked(selectors[best]))
        yield Row(dense, f"{OBJECTS[name]}, `center`", _clicked(selectors["g of the paper"]))
        recovered.append((name, [f"{shares[threshold]:.0%}"[:-1] for threshold in THRESHOLDS]))
    words = "; ".join(f"{name}: {{}}% at 85 %, {{}}% at 90 %" for name, _ in sorted(recovered))
    yield Sentence(card, words, [text for _, texts in sorted(recovered) for text in texts])


def one_click() -> Iterator[Row | Sentence]:
    """Yield what the cards of the semantic networks show."""
    sets = read_one_click(RESULTS / "one_click.json").sets
    rows = {
        "seen": "200 garments on held-out photos of Clothing Co-Parsing",
        "unseen": "the 102 objects of iseg-voc, for which it has no name",
    }
    for name in ("semantic-fcn", "semantic-crf-rnn"):
        for part, first in rows.items():
            figures = [f"{sets[part].miou[method]:.3f}" for method in (name, "dos")]
            yield Row(f"assets/weights/{name}.md", first, figures)


def written() -> dict[Path, str]:
    """Return the text that each file should have."""
    texts: dict[Path, str] = {}
    for part in (classical, peers, object_selection, latent_diversity, selecting, one_click):
        for place in part():
            path = ROOT / place.file
            text = texts.get(path) or path.read_text(encoding="utf-8")
            texts[path] = place.put_into(text)
    return texts


def main() -> None:
    """Write all figures, and name the files that changed."""
    for path, text in written().items():
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()

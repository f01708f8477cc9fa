"""Write the measured figures into the tables and sentences of README and model cards.

``python tools/write_figures.py`` (or ``make tables``) reads ``assets/results`` and replaces the
numbers and whole tables of benchmarks. Words stay. A test fails if a figure differs from its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tutorial_lib.evaluation.benchmarks import BENCHMARKS, COCO_SEEN, COCO_UNSEEN, Benchmark
from tutorial_lib.evaluation.claims import Difference, fewer_clicks
from tutorial_lib.evaluation.fair import read_fair
from tutorial_lib.evaluation.one_click import read_one_click
from tutorial_lib.evaluation.published import (
    LI,
    LI_TABLE_2,
    XU,
    XU_TABLE_2,
    published_ms,
    published_noc,
)
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
NETWORKS = ("dos-no-graph-cut", "dos", "latent-diversity-rdl", "latent-diversity")
ROWS = (*CLASSICAL, "grabcut", *NETWORKS)
MAIN_CLAIM = ("latent-diversity", "dos")
#: Number of objects of each benchmark. Classical methods are measured on a part of the larger ones.
SIZES = {"grabcut": 49, "berkeley": 100, "davis-val": 141, "coco-800": 800, "iseg-voc": 102}
HALVES, PARTS = (COCO_SEEN, COCO_UNSEEN), ("seen", "unseen")
#: The paper that measured with each robot, and its short name.
PAPERS = {"center": (XU, "Xu et al."), "geodesic": (LI, "Li et al.")}
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


class Block(NamedTuple):
    """A table between two comments, which is written as a whole."""

    file: str
    name: str
    lines: list[str]

    def put_into(self, text: str) -> str:
        """Return the text with these lines between the comments."""
        begin, end = f"<!-- table: {self.name} -->\n\n", "\n\n<!-- end -->"
        old = rf"(?s){re.escape(begin)}.*?{re.escape(end)}"
        return _replaced(text, old, begin + "\n".join(self.lines) + end, self)


def _replaced(text: str, old: str, new: str, what: Row | Sentence | Block) -> str:
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


def _cell(benchmark: Benchmark, method: MethodResults | None) -> str:
    """Return the clicks to both thresholds, and the number of objects if they are not all."""
    if method is None:
        return "not yet"
    count = len(method.samples)
    part = "" if count == SIZES[benchmark.name] else f", n = {count}"
    return " / ".join(_counts(method)) + part


def _printed(paper: str, benchmark: Benchmark, name: str) -> str:
    """Return what a paper prints, or a dash for each figure that it does not have."""
    if paper == XU and benchmark.column == "coco":
        halves = [published_noc(f"coco-{part}", 85, name).get(XU) for part in ("seen", "unseen")]
        found = [f"{value:.2f} {part}" for value, part in zip(halves, PARTS, strict=True) if value]
        return f"{', '.join(found)} / -" if found else "-"
    values = [published_noc(benchmark.column, int(t), name).get(paper) for t in THRESHOLDS]
    texts = ["-" if value is None else f"{value:.2f}" for value in values]
    return " / ".join(texts) if any(values) else "-"


def clicks_table(robot: str, folder: Path = RESULTS) -> list[str]:
    """Return the table of all methods on all benchmarks with one robot, as Markdown.

    Below each method that the robot's paper measured stands what that paper prints.
    """
    paper, short = PAPERS[robot]
    found = {one: one.read(robot, folder) for one in BENCHMARKS}
    head = [f"{one.title}, {SIZES[one.name]} objects" for one in BENCHMARKS]
    lines = [f"| robot `{robot}` | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
    for name in ROWS:
        cells = [_cell(one, methods.get(name)) for one, methods in found.items()]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
        printed = [_printed(paper, one, name) for one in BENCHMARKS]
        if set(printed) != {"-"}:
            lines.append(f"| *{short}* | {' | '.join(printed)} |")
    return lines


def differences_table(folder: Path = RESULTS) -> list[str]:
    """Return the differences between Latent Diversity and DOS, object by object, as Markdown."""
    lines = [
        "| `latent-diversity` minus `dos` | robot | to 85 % | to 90 % | objects | Li et al. |",
        "|---|---|---|---|---|---|",
    ]
    for one in BENCHMARKS:
        for robot in ROBOTS:
            methods = one.read(robot, folder)
            apart = [fewer_clicks(methods, *MAIN_CLAIM, int(t)) for t in THRESHOLDS]
            texts = ["not yet" if each is None else _interval(each) for each in apart]
            count = "-" if apart[0] is None else str(apart[0].objects)
            cells = [one.title, f"`{robot}`", *texts, count, _printed_difference(one)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _interval(apart: Difference) -> str:
    return f"{apart.mean:+.2f} [{apart.low:+.2f}, {apart.high:+.2f}], {apart.verdict}"


def _printed_difference(one: Benchmark) -> str:
    pairs = [
        [LI_TABLE_2.get(name, (one.column, int(t))) for name in MAIN_CLAIM] for t in THRESHOLDS
    ]
    if any(None in pair for pair in pairs):
        return "-"
    return " / ".join(f"{first - second:+.2f}" for first, second in pairs)


def first_click_table(folder: Path = RESULTS) -> list[str]:
    """Return the mean IoU after one click on the two halves of COCO-800, as Markdown."""
    halves = {(robot, one): one.read(robot, folder) for robot in ROBOTS for one in HALVES}
    head = [f"`{robot}`, {one.part}" for robot, one in halves]
    lines = [
        f"| one click | {' | '.join(head)} | Xu et al., seen | unseen |",
        "|---" * (len(head) + 3) + "|",
    ]
    for name in ROWS:
        cells = []
        for methods in halves.values():
            method = methods.get(name)
            shown = "not yet" if method is None else f"{method.miou[0]:.3f}"
            cells.append(shown if method is None else f"{shown}, n = {len(method.samples)}")
        printed = XU_TABLE_2.rows.get(name)
        theirs = ["-", "-"] if printed is None else [f"{value / 100:.3f}" for value in printed]
        lines.append(f"| `{name}` | {' | '.join([*cells, *theirs])} |")
    return lines


def times_table() -> list[str]:
    """Return the milliseconds that one click takes, as Markdown."""
    times = {**_times("bench.json"), **_times("bench_deep.json")}
    lines = ["| method | first click | later click | Li et al. |", "|---|---|---|---|"]
    for name in ROWS:
        theirs = published_ms(name)
        cells = [times[name].ms_first, times[name].ms_click, theirs]
        shown = ["-" if value is None else f"{value:.0f}" for value in cells]
        lines.append(f"| `{name}` | {' | '.join(shown)} |")
    return lines


def benchmarks() -> Iterator[Block]:
    """Yield README's tables of the four benchmarks."""
    for robot in ROBOTS:
        yield Block("README.md", f"clicks, {robot}", clicks_table(robot))
    yield Block("README.md", "differences", differences_table())
    yield Block("README.md", "first click", first_click_table())
    yield Block("README.md", "times", times_table())


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
    """Yield what the cards show of Latent Diversity on GrabCut."""
    found = {robot: _methods(f"grabcut_{robot}_networks.json") for robot in ROBOTS}
    for name in LATENT:
        card = f"assets/weights/{name}.md"
        yield Row(card, "GrabCut, `geodesic`", _scored(found["geodesic"][name]))
        yield Row(card, f"{OBJECTS['GrabCut']}, `center`", _scored(found["center"][name]))


def selecting() -> Iterator[Row | Sentence]:
    """Yield what README and cards show of selectors."""
    card, dense = (f"assets/weights/latent-diversity-{part}.md" for part in ("can", "dense"))
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


def equal_minutes() -> Iterator[Row | Sentence]:
    """Yield what README says of both methods with equal minutes."""
    rows = read_fair(RESULTS / "fair.json").rows
    endings = (("DOS", ""), ("LD", ""), ("LD", ", g of the paper"))
    names = [f"{m}, {b} backbone{g}" for m, g in endings for b in ("frozen", "learned")]
    words = (
        "DOS needs {} clicks to 85 % with a frozen\nbackbone and {} with one that learns, Latent "
        "Diversity {} and {}, with the paper's g {} and {} clicks"
    )
    yield Sentence("README.md", words, [f"{rows[name].reached.noc['85']:.2f}" for name in names])


def written() -> dict[Path, str]:
    """Return the text that each file should have."""
    texts: dict[Path, str] = {}
    for part in (
        benchmarks,
        peers,
        object_selection,
        latent_diversity,
        selecting,
        one_click,
        equal_minutes,
    ):
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

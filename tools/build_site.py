"""Build the book and the slides from the notebooks: static pages that need no network.

``python tools/build_site.py book`` writes ``build/book``, and ``slides`` writes ``build/slides``.
Notebooks are the only source. They are not run: the pages show their stored outputs. Formulas
become MathML, and pictures become files that a browser loads when they come into view.

At the end every link, anchor and picture of the pages is checked. If one is missing, the build
names it and exits with 1.
"""

from __future__ import annotations

import argparse
import base64
import html
import importlib
import inspect
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import nbformat
from bs4 import BeautifulSoup, Tag
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from nbconvert import HTMLExporter
from PIL import Image
from pygments.formatters import HtmlFormatter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools.write_colab import colab_address

ROOT = Path(__file__).resolve().parents[1]
PARTS = Path(__file__).resolve().parent / "book"
NOTEBOOKS = ROOT / "notebooks"
PACKAGES = (
    "tutorial_lib", "tutorial_lib.classical", "tutorial_lib.deep", "tutorial_lib.data",
    "tutorial_lib.users", "tutorial_lib.evaluation", "tutorial_lib.training", "tutorial_lib.plots",
    "tutorial_lib.widgets", "tutorial_lib.images",
)  # fmt: skip
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\s](?:[^$\n]*[^$\s])?)\$", re.DOTALL)
INTERVAL = re.compile(r"(\[[-+.\d]+,) ([-+.\d]+\])")  # such as [0.5, 2.1]
SIZED = re.compile(r"\\(?:[bB]igg?[lrm]?)(?![a-zA-Z])")  # sizes of brackets: MathML chooses them
# On a slide: lines that fit, characters of a line, lines of a picture, the share of a line that a
# line of code takes, and how many lines of a printed text fit; the share of a line that a line in a
# table takes, and what each row needs beside it.
LINES, WIDE, PICTURE, SMALL, LONG = 18, 72, 9, 0.65, 20
TABLE, PADDING = 0.75, 0.35
HEADINGS = ("h1", "h2", "h3")
FOR_READERS = ("Time ", "Answers: ")  # paragraphs that a projector does not need
# In a docstring: the type of what is returned, errors, or parameters without a type.
UNNAMED = r"^(\*{0,2}[\w.]+(?:\[[\w., ]+\])?(?:(?: of | or | to |, )\(?[\w.*]+(?:, [\w.]+\))?)*)"
VIEW = "application/vnd.jupyter.widget-view+json"
NO_TEXT = "No description has been provided for this image"  # what nbconvert writes
LIVE = "This control comes alive when the notebook runs."
TITLE = "Interactive image segmentation"


@dataclass
class Page:
    """One page of the site.

    Parameters
    ----------
    path : str
        Its place in the site, such as ``"solutions/01_minimum_cut_by_hand.html"``.
    title : str
        The title.
    body : bs4.BeautifulSoup
        The content.
    pictures : dict of str to bytes
        Files that it shows, by their path in the site.
    colab : str
        The address that opens the notebook in Colab; empty if there is none.
    """

    path: str
    title: str
    body: BeautifulSoup
    pictures: dict[str, bytes] = field(default_factory=dict)
    colab: str = ""

    @property
    def up(self) -> str:
        """The way from this page to the top of the site."""
        return "../" * self.path.count("/")


def parsed(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


@cache
def exporter() -> HTMLExporter:
    return HTMLExporter(template_name="basic")


def notebook_page(path: Path) -> Page:
    """Turn a notebook with its stored outputs into a page."""
    notebook = nbformat.read(path, as_version=4)
    controls = keep_pictures_of_controls(notebook)
    body = parsed(exporter().from_notebook_node(notebook)[0])
    place = path.relative_to(NOTEBOOKS).with_suffix(".html").as_posix()
    title = body.h1.get_text().removesuffix("¶")
    page = Page(place, title, body)
    for useless in body.select(".prompt, .anchor-link, script, style, link, meta, title"):
        useless.decompose()
    for block in body.select(".cell"):
        if block["id"].removeprefix("cell-id=") in controls:
            block.append(parsed(f'<p class="live">{LIVE}</p>'))
    extract_pictures(page)
    set_formulas(body)
    keep_intervals_whole(body)
    return page


def keep_pictures_of_controls(notebook: nbformat.NotebookNode) -> set[str]:
    """Leave of each widget what a page without Python can show: its stored picture or text.

    Returns
    -------
    set of str
        Ids of the cells that have a widget.
    """
    found = set()
    for cell in notebook.cells:
        for output in [o for o in cell.get("outputs", []) if VIEW in o.get("data", {})]:
            found.add(cell.id)
            del output.data[VIEW]
            if not {"image/png", "image/jpeg", "text/markdown"} & set(output.data):
                cell.outputs.remove(output)
    return found


def extract_pictures(page: Page) -> None:
    """Move pictures into files, and give each its size, and a text if it has none.

    The text names the heading above the picture.
    """
    for number, picture in enumerate(page.body.select("img[src^='data:image/']"), 1):
        kind, data = picture["src"].removeprefix("data:image/").split(";base64,")
        content = base64.b64decode(data)
        heading, text = picture.find_previous(HEADINGS), picture.get("alt", NO_TEXT)
        if text == NO_TEXT:
            text = f"Output below the heading “{heading.get_text()}”"
        name = f"pictures/{Path(page.path).with_suffix('').as_posix()}-{number}.{kind}"
        page.pictures[name] = content
        width, height = Image.open(io.BytesIO(content)).size
        picture.attrs = {
            "src": page.up + name,
            "alt": text,
            "width": str(width),
            "height": str(height),
            "loading": "lazy",
        }


def set_formulas(body: BeautifulSoup) -> None:
    """Write TeX formulas as MathML, which browsers draw themselves."""
    for text in list(body.find_all(string=FORMULA)):
        if text.find_parent(["pre", "code", "script", "style"]) is None:
            done, at = [], 0
            for found in FORMULA.finditer(text):
                display = "block" if found[1] else "inline"
                tex = SIZED.sub("", found[1] or found[2]).replace(r"\arg", r"\operatorname{arg}")
                done += [html.escape(text[at : found.start()]), convert(tex, display=display)]
                at = found.end()
            text.replace_with(parsed("".join(done) + html.escape(text[at:])))


def keep_intervals_whole(body: BeautifulSoup) -> None:
    """Let no interval in a table break into two lines, as on the narrow screen of a phone."""
    for cell in body.select("td"):
        for text in cell.find_all(string=INTERVAL):
            text.replace_with(INTERVAL.sub("\\1\N{NO-BREAK SPACE}\\2", text))


# -- the book ----------------------------------------------------------------------------------


def markdown_page(path: str, text: str) -> Page:
    body = parsed(MarkdownIt("commonmark").enable("table").render(text))
    used: set[str] = set()
    for heading in body.select("h2, h3"):
        name = anchor(heading.get_text())
        heading["id"] = f"{name}-2" if name in used else name  # Backbone and backbone
        used.add(name)
    set_formulas(body)
    return Page(path, body.h1.get_text(), body)


def anchor(text: str) -> str:
    """Return the name of a heading in links: lower case, with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def documented(docstring: str) -> str:
    """Turn a NumPy docstring into Markdown: headings of sections in bold, names as a list."""
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", docstring).replace("``", "`")
    text = re.sub(r"^([A-Z]\w+(?: \w+)?)\n-{3,}$", r"\n**\1**\n", text, flags=re.MULTILINE)
    text = re.sub(r"^(\*{0,2}\w[\w, *]*) : (.+)\n((?:    .*\n?|\n(?=    ))*)", entry, text,
                  flags=re.MULTILINE)  # fmt: skip
    text = re.sub(UNNAMED + r"\n((?:    .*\n?|\n(?=    ))+)", unnamed_entry, text,
                  flags=re.MULTILINE)  # fmt: skip
    return re.sub(r"((?:^>>> .*\n(?:^(?!>>> |\s*$).*\n?)*)+)", r"```python\n\1\n```\n", text + "\n",
                  flags=re.MULTILINE)  # fmt: skip


def entry(found: re.Match[str]) -> str:
    return f"- `{found[1]}` : {found[2]}. {' '.join(found[3].split())}\n"


def unnamed_entry(found: re.Match[str]) -> str:
    return f"- `{found[1]}`: {' '.join(found[2].split())}\n"


def api_page(package: str) -> Page:
    """List the names of a front door with their signatures and docstrings."""
    module = importlib.import_module(package)
    lines = [f"# `{package}`", "", documented(inspect.getdoc(module) or "")]
    for name in sorted(dir(module)) if package == "tutorial_lib" else sorted(module.__all__):
        value = getattr(module, name, None)
        if not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)):
            lines += [f"## {name}", "", f"```python\n{name}{signature(value)}\n```", ""]
            lines += [documented(inspect.getdoc(value) or ""), ""]
    return markdown_page(f"api/{package}.html", "\n".join(lines))


def signature(value: object) -> str:
    try:
        shown = re.sub(r"<[^<>]*>", "...", str(inspect.signature(value)))
        return re.sub(r"(: |-> )'([^']*)'", r"\1\2", shown)
    except (TypeError, ValueError):
        return "(...)"


def front_page(pages: list[Page]) -> Page:
    """List all pages below what README says first."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", readme.partition("\n\n")[2]).split("\n\n")
    prose = next(text for text in first if text.startswith("You "))
    lines = [f"# {TITLE}", "", prose, ""]
    groups = {"Notebooks": "", "Solutions": "solutions/", "For instructors": "instructor/"}
    groups |= {"Reference": None, "API": "api/"}
    for heading, start in groups.items():
        if found := [page for page in pages if group(page) == start]:
            lines += [f"## {heading}", ""]
            lines += [f"- [{page.title}]({page.path})" for page in found] + [""]
    return markdown_page("index.html", "\n".join(lines))


def group(page: Page) -> str | None:
    if "/" in page.path:
        return page.path.partition("/")[0] + "/"
    return "" if page.path[:2].isdigit() else None


def link_pages(page: Page, known: set[str], anchors: bool = True) -> None:
    """Let links to notebooks and to the guide lead to their pages. What is not built is named."""
    for link in page.body.select("a[href*='.ipynb'], a[href$='.md']"):
        file, _, fragment = link["href"].partition("#")
        target = (NOTEBOOKS / page.path).parent / unquote(file)
        place = target.resolve().relative_to(NOTEBOOKS).with_suffix(".html").as_posix()
        if place in known or not target.exists():
            link["href"] = page.up + place + (f"#{fragment}" if fragment and anchors else "")
        else:
            link.unwrap()


def link_terms(page: Page, terms: set[str]) -> None:
    """Let every bold or italic term of the glossary lead to its entry."""
    for marked in page.body.select("strong, em"):
        name = anchor(marked.get_text())
        if name in terms and marked.find_parent(["a", "h1", "h2", "h3"]) is None:
            marked.wrap(page.body.new_tag("a", href=f"{page.up}glossary.html#{name}"))


def sections(page: Page) -> list[tuple[str, str, str, str]]:
    """Return the sections of a page for the search: page, heading, address, text."""
    found: list[tuple[str, str, list[str]]] = [(page.title, "", [])]
    for tag in page.body.find_all(["h1", "h2", "p", "li"]):
        if tag.name in ("h1", "h2") and tag.get("id"):
            found.append((tag.get_text(), f"#{tag['id']}", []))
        elif tag.name == "p" or not tag.find("p"):
            found[-1][2].append(" ".join(tag.get_text(" ").split()))
    return [
        (page.title, heading, page.path + anchor, " ".join(text))
        for heading, anchor, text in found
        if text
    ]


def search_page(pages: Iterable[Page]) -> dict[str, str]:
    """Return the files of the search, by their path in the site. It needs no server."""
    index = [entry for page in pages for entry in sections(page)]
    body = (
        '<main><nav><a href="index.html">Contents</a></nav><h1>Search</h1>'
        '<p><label>Words <input id="words" type="search" autofocus></label></p>'
        '<ol id="found"></ol></main>'
        '<script src="index.js"></script><script src="search.js"></script>'
    )
    return {
        "search.html": whole(f"Search · {TITLE}", "style.css", body),
        "index.js": f"const INDEX = {json.dumps(index, ensure_ascii=False)};\n",
        "search.js": (PARTS / "search.js").read_text(encoding="utf-8"),
    }


def contents(page: Page) -> str:
    """List the sections of a page."""
    items = [
        f'<li><a href="#{heading["id"]}">{html.escape(heading.get_text())}</a></li>'
        for heading in page.body.select("h2[id]")
    ]
    if not items:
        return ""
    return f"<details><summary>On this page</summary><ul>{''.join(items)}</ul></details>"


def in_frame(page: Page, before: Page | None, after: Page | None) -> str:
    """Return the whole page with its navigation."""
    ways = [
        f'<a href="{page.up}{p}.html">{t}</a>'
        for p, t in (("index", "Contents"), ("search", "Search"))
    ]
    for mark, near in (("‹ ", before), ("› ", after)):
        if near is not None:
            ways.append(f'<a href="{page.up}{near.path}">{mark}{html.escape(near.title)}</a>')
    bar = f"<nav>{' '.join(ways)}</nav>"
    colab = f'<p><a href="{page.colab}">Open in Colab</a></p>' if page.colab else ""
    main = f"<main>{bar}{colab}{contents(page)}{page.body}{bar}</main>"
    return whole(f"{page.title} · {TITLE}", f"{page.up}style.css", main)


def whole(title: str, style: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="stylesheet" href="{style}"></head>'
        f"<body>{body}</body></html>\n"
    )


def build_book(out: Path, notebooks: Iterable[Path], packages: Iterable[str] = PACKAGES) -> None:
    """Write the book.

    Parameters
    ----------
    out : Path
        The folder to write into.
    notebooks : iterable of Path
        The notebooks that become pages, in the order of reading.
    packages : iterable of str
        The packages that get a page of their names.
    """
    pages = [notebook_page(path) for path in notebooks]
    if repository := os.environ.get("GITHUB_REPOSITORY"):  # set in GitHub's workflows
        for page in pages:
            place = Path(page.path).with_suffix(".ipynb").as_posix()
            page.colab = colab_address(repository, place)
    guides = sorted((NOTEBOOKS / "instructor").glob("*.md"))  # README first
    pages += [
        markdown_page(f"instructor/{path.stem}.html", path.read_text(encoding="utf-8"))
        for path in guides
    ]
    reference = [
        markdown_page(f"{name}.html", (PARTS / f"{name}.md").read_text(encoding="utf-8"))
        for name in ("glossary", "bibliography")
    ]
    terms = {heading["id"] for heading in reference[0].body.select("h2[id]")}
    pages += [*reference, *map(api_page, packages)]
    known = {page.path for page in pages}
    for page in pages:
        link_pages(page, known)
        if page is not reference[0]:
            link_terms(page, terms)
    front = front_page(pages)
    write(out / "style.css", style_sheet("book.css"))
    search = '<nav><a href="search.html">Search</a></nav>'
    write(out / front.path, whole(TITLE, "style.css", f"<main>{search}{front.body}</main>"))
    for name, content in search_page(pages).items():
        write(out / name, content)
    for before, page, after in zip([None, *pages], pages, [*pages[1:], None], strict=False):
        write(out / page.path, in_frame(page, before, after))
        for name, content in page.pictures.items():
            write(out / name, content)


def style_sheet(name: str) -> str:
    colours = HtmlFormatter(style="default").get_style_defs(".highlight")
    return (PARTS / name).read_text(encoding="utf-8") + colours + "\n"


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


# -- slides ------------------------------------------------------------------------------------


@dataclass
class Deck:
    """Slides that grow block by block; a block that has no room begins a new slide.

    Parameters
    ----------
    heading : str
        The heading that stands small above slides without one.
    """

    heading: str
    slides: list[list[str]] = field(default_factory=list)
    lines: float = LINES  # used on the last slide
    shows: bool = False  # the last slide shows an output

    def turn(self) -> None:
        """Begin a slide."""
        self.slides.append([f'<p class="above">{html.escape(self.heading)}</p>'])
        self.lines, self.shows = 1, False

    def text(self, block: Tag) -> None:
        """Add a block of a text cell. A heading begins a slide."""
        if block.name in HEADINGS:
            self.heading = block.get_text()
            self.slides.append([])
            self.lines, self.shows = 0, False
        elif self.shows or self.lines + lines_of(block) > LINES:
            self.turn()
        self.slides[-1].append(str(block))
        self.lines += lines_of(block)

    def output(self, shown: str, lines: float, picture: bool) -> None:
        """Add what a code cell shows. A sentence that ends with a colon stays with it."""
        last = self.slides[-1] if self.slides else []
        leads = bool(last) and last[-1].startswith("<p>") and last[-1].endswith(":</p>")
        full = self.lines + lines > LINES or (picture and self.shows)
        if full and not (leads and len(last) == 2):  # a heading and its sentence stay together
            lead = parsed(last.pop()).p if leads else None
            self.turn()
            if lead is not None:
                self.slides[-1].append(str(lead))
                self.lines += lines_of(lead)
        self.slides[-1].append(shown)
        self.lines += lines
        self.shows = True


def blocks_of(text: Tag) -> Iterable[Tag]:
    """Yield the parts of a text cell that a slide must not tear apart. A list is many parts."""
    for block in text.find_all(True, recursive=False):
        if block.name == "p" and block.get_text().startswith(FOR_READERS):
            continue
        if block.name == "table":
            yield from parts_of(block)
        if block.name not in ("ul", "ol"):
            yield block
            continue
        for number, item in enumerate(block.find_all("li", recursive=False), 1):
            start = f' start="{number}"' if block.name == "ol" else ""
            yield parsed(f"<{block.name}{start}>{item}</{block.name}>").contents[0]


def lines_of(block: Tag) -> float:
    """Estimate how many lines a block of text takes on a slide."""
    if block.name == "table":
        widths = column_widths(block)
        return sum(row_lines(row, widths) for row in block.select("tr"))
    if block.name == "pre" or block.pre:
        return SMALL * len(block.get_text().splitlines())
    if block.name in HEADINGS:
        return 2
    formulas = 2 * len(block.select('math[display="block"]'))
    return formulas + -(-len(block.get_text()) // WIDE) + (block.name == "p")


def row_lines(row: Tag, widths: list[float]) -> float:
    """Estimate the lines of a row, given how many letters fit into each column."""
    cells = [len(cell.get_text()) for cell in row.select("td, th")]
    wrapped = max(-(-letters // width) for letters, width in zip(cells, widths, strict=True))
    return TABLE * wrapped + PADDING


def column_widths(table: Tag) -> list[float]:
    """Estimate how many letters fit into each column: a browser gives more room to longer texts."""
    rows = [[len(cell.get_text()) for cell in row.select("td, th")] for row in table.select("tr")]
    longest = [max(1, *letters) for letters in zip(*rows, strict=True)]
    room = WIDE / TABLE - 2 * len(longest)
    return [letters * min(1, room / sum(longest)) for letters in longest]


def parts_of(table: Tag) -> list[Tag]:
    """Cut a long table into parts that fit, each with its head. The last part stays in place."""
    parts, used, widths = [[]], 0.0, column_widths(table)
    for row in table.select("tbody tr"):
        lines = row_lines(row, widths)
        if used + lines > LINES - 4:
            parts.append([])
            used = 0.0
        parts[-1].append(row)
        used += lines
    cut = [
        parsed(f"<table>{table.thead or ''}<tbody>{''.join(map(str, rows))}</tbody></table>").table
        for rows in parts[:-1]
    ]
    for row in [row for rows in parts[:-1] for row in rows]:
        row.decompose()
    return cut


def slides_of(page: Page) -> list[str]:
    """Return the slides of a notebook: text, and outputs with their code folded away.

    A slide holds what belongs together and fits. A cell that only imports has no slide.
    """
    deck = Deck(page.title)
    for cell in page.body.select(".cell"):
        if "text_cell" in cell["class"]:
            for block in blocks_of(cell.select_one(".text_cell_render")):
                deck.text(block)
            continue
        shown = cell.select_one(".output_wrapper, .live")
        code = cell.select_one(".input")
        if shown is None and code.get_text().lstrip().startswith(("import ", "from ", "plots.")):
            continue
        if shown is None:
            lines = SMALL * len(code.get_text().strip().splitlines())
            deck.output(f"<details open><summary>code</summary>{code}</details>", lines, False)
            continue
        fold = f"<details><summary>code</summary>{code}</details>"
        if len(shown.select("table")) < 2:
            add_output(deck, shown, fold)
            continue
        title = []
        for area in shown.select(".output_area"):
            if area.find(("table", "pre", "img")) is None:
                title += area.select("p")  # belongs to the next one
                continue
            add_output(deck, area, "", title)
            title = []
        deck.slides[-1].append(fold)
    return ["".join(slide) for slide in deck.slides]


def add_output(deck: Deck, shown: Tag, fold: str, title: Sequence[Tag] = ()) -> None:
    """Add one output to a deck; what is too long for a slide goes on with its title on the next."""
    above = "".join(map(str, title))
    for long in shown.select("pre"):
        for rest in pages_of(long):
            deck.output(above + str(rest), SMALL * LONG, True)
    for table in shown.select("table"):
        for part in parts_of(table):
            deck.output(above + str(part), lines_of(part), True)
    picture = shown.find("img") is not None
    lines = SMALL * sum(len(pre.get_text().splitlines()) for pre in shown.select("pre"))
    lines += sum(map(lines_of, [*title, *shown.select("table")])) + PICTURE * picture + 1
    deck.output(f"{above}{shown}{fold}", lines, picture)


def pages_of(printed: Tag) -> list[Tag]:
    """Cut a long printed text into parts that fit, if possible between its tables.

    The last part stays where it is.
    """
    lines = printed.get_text().splitlines()
    if len(lines) <= LONG or printed.find(True):
        return []
    parts, begin = [], 0
    while begin < len(lines):
        end = begin + LONG
        if end < len(lines):
            empty = [n for n in range(begin + LONG // 2, end + 1) if begins_a_part(lines[n])]
            end = max(empty, default=end)
        parts.append("\n".join(lines[begin:end]).strip("\n"))
        begin = end
    printed.string = parts.pop()
    return [parsed(f"<pre>{html.escape(text)}</pre>").pre for text in parts]


def begins_a_part(line: str) -> bool:
    """Whether a printed line is empty, or a title such as ``-- photos``."""
    return not line.strip() or line.startswith("--")


def build_slides(out: Path, notebooks: Iterable[Path]) -> None:
    """Write one page of slides for each notebook, and a list of them.

    Parameters
    ----------
    out : Path
        The folder to write into.
    notebooks : iterable of Path
        The notebooks, in the order of reading.
    """
    pages = [notebook_page(path) for path in notebooks]
    known = {page.path for page in pages}
    script = (PARTS / "slides.js").read_text(encoding="utf-8")
    for page in pages:
        link_pages(page, known, anchors=False)  # slides have numbers
        sections = "".join(f"<section><div>{slide}</div></section>" for slide in slides_of(page))
        body = f'<a class="home" href="index.html">☰</a>{sections}<script>{script}</script>'
        write(out / page.path, whole(page.title, "style.css", body))
        for name, content in page.pictures.items():
            write(out / name, content)
    items = "".join(f'<li><a href="{p.path}">{html.escape(p.title)}</a></li>' for p in pages)
    body = f'<section class="shown"><div><h1>{TITLE}</h1><ul>{items}</ul></div></section>'
    write(out / "index.html", whole(TITLE, "style.css", body))
    write(out / "style.css", style_sheet("slides.css"))


# -- checks ------------------------------------------------------------------------------------


def faults(site: Path) -> list[str]:
    """Name every link, anchor, style sheet and picture of a site that leads nowhere."""
    pages = {
        path: parsed(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))
    }
    names = {path: {tag["id"] for tag in body.select("[id]")} for path, body in pages.items()}
    found = []
    for path, body in pages.items():
        for tag in body.select("[href], [src]"):
            address = tag.get("href") or tag.get("src") or ""
            if re.match(r"(?:https?|mailto):", address):
                continue
            file, _, fragment = address.partition("#")
            target = (path.parent / unquote(file)).resolve() if file else path
            lost = (
                fragment and target in names and not {fragment, unquote(fragment)} & names[target]
            )
            if not target.is_file() or lost:
                found.append(f"{path.relative_to(site)}: {address or 'an empty link'}")
    return found


def main() -> None:
    """Build what the command line names, and check it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("book", "slides"))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    out = (asked.out or ROOT / "build" / asked.what).resolve()
    taught = sorted(NOTEBOOKS.glob("[0-9][0-9]*_*.ipynb"))
    if asked.what == "book":
        build_book(out, [*taught, *sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))])
    else:
        build_slides(out, taught)
    if wrong := faults(out):
        sys.exit("These links or pictures lead nowhere:\n" + "\n".join(wrong))
    heaviest = max(out.rglob("*.html"), key=lambda path: path.stat().st_size)
    kilobytes = heaviest.stat().st_size // 1024
    print(f"{out / 'index.html'}: {len(list(out.rglob('*.html')))} pages, "
          f"the largest {kilobytes} kB ({heaviest.name})")  # fmt: skip


if __name__ == "__main__":
    main()

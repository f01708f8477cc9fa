r"""Compare what a notebook prints as a reader would: a small extension of nbval.

``pytest -p tests.notebook_outputs --nbval notebooks`` runs every cell and compares its text with
the stored text. Pictures and cells tagged ``nbval-ignore-output`` are not compared.

The rules
---------
1. Lines and words are the same, in the same order. Only blanks are free: runs of them count as
   one, and those beside a number do not count, because columns move when a number gets longer.
2. Numbers with digits after the point may differ by two units in the last printed digit: 0.90 is
   as good as 0.92, and not as good as 0.93. Where one of the two has more digits, its last digit
   counts.
3. Numbers without digits after the point are exact: 3 clicks, 58 %, 1,477 pixels, 3., 1e-06.
4. A whole number stays one: 3 is not 3.0. Signs stay, too, but beside zero: -0.01 may become
   0.00, and not 0.01.
5. What is glued to a name is part of the name, and exact: ``block10``, ``NoC@0.85``, 640x480,
   2.13.0, hexadecimal digits.

The tags of a cell change rules 2 and 3 for all numbers that the cell prints:

``tolerance-N``
    Numbers with digits after the point may differ by N units in the last one; ``tolerance-0``
    makes them exact.
``integers-N``
    Numbers without digits after the point may differ by N units.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

NUMBER = re.compile(
    r"""
    (                                           # not in the middle of a name or of a version:
        (?:(?<![\w.)\]])[-+])?                  #   a sign, which 0.1-0.2 has not
        (?<![\w.@])(?<![^\W\d]-)                #   x2, .2, NoC@2, lite-2
        (?:\d{1,3}(?:,\d{3})+(?!\d|,\S)|\d+)    # 1,477, but not two of 149,172,+
        (?:\.\d*)?(?:[eE][-+]?\d{1,3})?
        (?!\w|\.\w)                             #   2x, 2.x
    )
    """,
    re.VERBOSE,
)
TAG = re.compile(r"(tolerance|integers)-(\d+)")


@dataclass(frozen=True)
class Tolerance:
    """By how many units in the last printed digit numbers may differ."""

    decimals: int = 2
    integers: int = 0

    @classmethod
    def of(cls, tags: Iterable[str]) -> Tolerance:
        """Read a cell's tags; one that is misspelt or contradicts another is a ValueError."""
        found: dict[str, int] = {}
        for tag in tags:
            match = TAG.fullmatch(tag)
            if match is None and tag.startswith(("tolerance", "integers")):
                raise ValueError(f"The tag {tag!r} should be tolerance-N or integers-N.")
            if match is not None:
                name = match[1].replace("tolerance", "decimals")
                if name in found:
                    raise ValueError(f"A cell has one tag {match[1]}-N, but this one has two.")
                found[name] = int(match[2])
        return cls(**found)


def differences(reference: str, found: str, tolerance: Tolerance) -> list[str]:
    """Say line by line what a reader would find different; an empty list if nothing is."""
    said = []
    lines = zip_longest(reference.split("\n"), found.split("\n"))
    for count, (old, new) in enumerate(lines, start=1):
        if old is None or new is None:
            said.append(f"line {count}: {'added' if old is None else 'missing'}: {old or new!r}")
        else:
            said += [f"line {count}: {text}" for text in line_differences(old, new, tolerance)]
    return said


def line_differences(reference: str, found: str, tolerance: Tolerance) -> list[str]:
    """Compare two lines; ``NUMBER.split`` returns text and numbers in turn."""
    old, new = NUMBER.split(reference), NUMBER.split(found)
    if [part.split() for part in old[::2]] != [part.split() for part in new[::2]]:
        return [f"{reference!r} became {found!r}"]
    pairs = zip(old[1::2], new[1::2], strict=True)
    return [text for pair in pairs if (text := number_difference(*pair, tolerance))]


def number_difference(reference: str, found: str, tolerance: Tolerance) -> str | None:
    """Return in which way two numbers differ, or None if they may."""
    old, new = (Decimal(text.replace(",", "")) for text in (reference, found))
    if bool(re.search("[.eE]", reference)) != bool(re.search("[.eE]", found)):
        return f"{reference} became {found}: one is a whole number, the other is not"
    signs = {text[0] if text[0] in "+-" else "" for text in (reference, found)}
    if len(signs) > 1 and ("-" not in signs or (old and new)):
        return f"{reference} became {found}: another sign"
    units = tolerance.decimals if re.search(r"\.\d", f"{reference} {found}") else tolerance.integers
    allowed = units * Decimal(1).scaleb(min(old.as_tuple().exponent, new.as_tuple().exponent))
    if abs(new - old) <= allowed:
        return None
    return (
        f"{reference} became {found}: a difference of {abs(new - old)}, where {allowed} is allowed"
    )


class Text(str):
    """Printed text; two are equal if a reader would find no difference."""

    tolerance: Tolerance

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Text):
            return NotImplemented
        return not differences(self, other, self.tolerance)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


class Cell(IPyNbCell):
    """A cell whose texts are compared as a reader would."""

    def sanitize(self, s: object) -> object:
        """Take over what nbval compares; it calls this for each output, stored and new."""
        s = super().sanitize(s)
        if isinstance(s, str):
            s = Text(s)
            s.tolerance = Tolerance.of(self.cell.metadata.get("tags", []))
        return s

    def format_output_compare(self, key: str, left: object, right: object) -> None:
        """Say first what differs; nbval shows the whole texts after it."""
        if isinstance(left, Text) and isinstance(right, Text):
            self.comparison_traceback += differences(left, right, left.tolerance)
            left, right = str(left), str(right)
        super().format_output_compare(key, left, right)


class Notebook(IPyNbFile):
    """A notebook of such cells."""

    def collect(self) -> Iterator[Cell]:
        """Yield nbval's cells, each as one of ours."""
        for cell in super().collect():
            yield Cell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Iterator[None]:
    """Put our notebooks in the place of nbval's."""
    collectors = yield
    return [
        Notebook.from_parent(parent, path=file_path) if isinstance(node, IPyNbFile) else node
        for node in collectors
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the last notebooks of the course first: they take longest, and no core waits for one."""
    items.sort(key=lambda item: item.path.name, reverse=True)

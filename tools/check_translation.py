"""Compare translated notebooks with the originals, cell by cell.

``python tools/check_translation.py FOLDER`` compares each notebook of FOLDER with the one of the
same name in ``notebooks/``. A translation has the same cells in the same order. Text may change,
but its links and formulas stay. In code, comments and texts may change, and names such as
``"coffee"`` stay. Outputs are not compared: run the translated notebooks again.

What differs is named by notebook and cell, and the exit code is then 1.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
NAME = re.compile(r"[\w./:=+-]*")  # a text of this form is a name or a setting, and no prose
LINK = re.compile(r"\]\(([^)\s]+)\)")
FORMULA = re.compile(r"\$[^$]+\$")
MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)


def differences(original: dict[str, Any], translated: dict[str, Any]) -> list[str]:
    """Say where a translation is not the original in another language.

    Parameters
    ----------
    original, translated : dict
        Notebooks, as JSON.

    Returns
    -------
    list of str
        One sentence for each cell that differs.
    """
    found = []
    for ours, theirs in zip_longest(original["cells"], translated["cells"]):
        if ours is None or theirs is None or ours["id"] != theirs["id"]:
            names = [cell["id"] if cell else "the end" for cell in (ours, theirs)]
            return [*found, f"cell {names[0]}: the translation has {names[1]} in its place"]
        if ours["cell_type"] != theirs["cell_type"]:
            found.append(f"cell {ours['id']}: the type is {theirs['cell_type']}")
        elif wrong := _difference(ours["cell_type"], *map(_source, (ours, theirs))):
            found.append(f"cell {ours['id']}: {wrong}")
    return found


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _difference(kind: str, ours: str, theirs: str) -> str:
    if kind == "code":
        try:
            same = _without_prose(ours) == _without_prose(theirs)
        except SyntaxError:
            return "the code cannot be read"
        return "" if same else "the code is another one"
    for what, pattern in (("links", LINK), ("formulas", FORMULA)):
        if sorted(pattern.findall(ours)) != sorted(pattern.findall(theirs)):
            return f"its {what} are not those of the original"
    return ""


def _without_prose(code: str) -> str:
    """Return the code as a tree, in which every text that is prose is empty."""
    tree = ast.parse(MAGIC.sub("", code))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = node.value if NAME.fullmatch(node.value) else ""
    return ast.dump(tree) + "".join(MAGIC.findall(code))


def main() -> None:
    """Compare the notebooks of the folder on the command line."""
    if len(sys.argv) != 2 or not (folder := Path(sys.argv[1])).is_dir():
        sys.exit("Name the folder of the translated notebooks.")
    wrong, count = [], 0
    for path in sorted(folder.rglob("*.ipynb")):
        original = NOTEBOOKS / path.relative_to(folder)
        if not original.is_file():
            wrong.append(f"{path.name}: there is no original of this name")
            continue
        count += 1
        notebooks = (json.loads(p.read_text(encoding="utf-8")) for p in (original, path))
        wrong += [f"{path.name}, {sentence}" for sentence in differences(*notebooks)]
    print(*wrong, f"{count} notebooks compared, {len(wrong)} differences", sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

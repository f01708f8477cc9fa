"""Write copies of the notebooks that open in Colab, each with a badge, into ``build/colab``.

``make colab REPOSITORY=owner/name`` runs this. Each copy begins with a badge and with a cell that
installs the package from that repository and lets Colab show the controls. Outputs are kept.
The badge opens the copy in the branch ``colab``: push the folder there.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
BRANCH = "colab"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
INSTALL = """\
# Colab only: install the package, and let Colab show the controls. This takes some minutes.
# If Colab asks you to restart the session, restart it and run this cell again.
import os
import subprocess
import sys

from google.colab import output

if not os.path.isdir("/content/course"):
    subprocess.run(
        ["git", "clone", "-q", "https://github.com/{repository}", "/content/course"], check=True
    )
subprocess.run([sys.executable, "-m", "pip", "install", "-q", "-e", "/content/course"], check=True)
sys.path.insert(0, "/content/course")
os.chdir("/content/course/notebooks/{folder}")
output.enable_custom_widget_manager()"""


def colab_address(repository: str, place: str) -> str:
    """Return the address at which Colab opens the copy of a notebook.

    Parameters
    ----------
    repository : str
        ``owner/name`` on GitHub.
    place : str
        The notebook's path in the folder ``notebooks``.

    Raises
    ------
    ValueError
        If the repository is not written as ``owner/name``.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]+", repository):
        raise ValueError(f"REPOSITORY must be owner/name, as on GitHub; got {repository!r}.")
    return f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{place}"


def for_colab(
    notebook: nbformat.NotebookNode, repository: str, place: str
) -> nbformat.NotebookNode:
    """Put the badge and the cell that installs in front of a notebook.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The notebook; it changes.
    repository : str
        ``owner/name`` on GitHub.
    place : str
        The notebook's path in the folder ``notebooks``.
    """
    badge = f"[![Open in Colab]({BADGE})]({colab_address(repository, place)})"
    folder = Path(place).parent.as_posix()
    install = INSTALL.format(repository=repository, folder=folder)
    notebook.cells[:0] = [
        new_markdown_cell(badge, id="colab-badge"),
        new_code_cell(install, id="colab-install"),
    ]
    return notebook


def write_colab(out: Path, repository: str) -> list[Path]:
    """Write the copies, in the folders of the originals, and return their paths.

    Parameters
    ----------
    out : Path
        The folder to write into.
    repository : str
        ``owner/name`` on GitHub.
    """
    written = []
    for path in sorted(NOTEBOOKS.rglob("*.ipynb")):
        place = path.relative_to(NOTEBOOKS)
        if ".ipynb_checkpoints" not in place.parts:
            copy = for_colab(nbformat.read(path, as_version=4), repository, place.as_posix())
            (out / place).parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(copy, out / place)
            written.append(out / place)
    return written


def main() -> None:
    """Write the copies for the repository that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repository", help="owner/name on GitHub")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "colab")
    asked = parser.parse_args()
    try:
        written = write_colab(asked.out, asked.repository)
    except ValueError as error:
        sys.exit(str(error))
    print(f"{asked.out}: {len(written)} notebooks for {asked.repository}")


if __name__ == "__main__":
    main()

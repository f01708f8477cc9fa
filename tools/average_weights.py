"""Average two files of weights of the same network, tensor by tensor.

``python tools/average_weights.py FIRST SECOND --out FILE`` writes the mean of two trainings, of
which one went on from the other. Such weights lie in one valley of the loss, and the middle between
them is often better than either end (Wortsman et al., Model soups, ICML 2022): it has learned what
the second training taught, and forgotten less of what the first one knew. ``--part f`` averages f
alone, and takes what else there is from SECOND. What SECOND says about itself is kept;
``--selector intent`` makes a g that was trained as ``shared`` decide as ``intent`` does, with the
same tensors.

Two trainings with different first weights have nothing in common that could be averaged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from torch import Tensor

from tutorial_lib.deep.weights import open_weights, save_weights


def average(
    first: dict[str, Tensor], second: dict[str, Tensor], part: str = ""
) -> dict[str, Tensor]:
    """Return the means of all floats whose names begin so; the rest is that of the second.

    Raises
    ------
    ValueError
        If these are not the weights of the same network.
    """
    shared = [name for name in second if name.startswith(f"{part}." if part else "")]
    if not shared:
        raise ValueError(f"Nothing in the second file is called {part}.*: name another part.")
    for name in shared:
        if name not in first or first[name].shape != second[name].shape:
            raise ValueError(f"Only weights of the same network have a mean: {name} differs.")
    floats = [name for name in shared if second[name].is_floating_point()]
    return second | {name: (first[name] + second[name]) / 2 for name in floats}


def main(
    first: Annotated[str, typer.Argument(help="A file of weights, or the name of shipped ones.")],
    second: Annotated[str, typer.Argument(help="Another one of the same network.")],
    out: Annotated[Path, typer.Option(help="The .safetensors to write.")],
    part: Annotated[str, typer.Option(help="Average only this network, such as f.")] = "",
    selector: Annotated[str, typer.Option(help="How g decides: shared or intent.")] = "",
) -> None:
    """Write the average of two files of weights."""
    (one, _), (two, about) = open_weights(first), open_weights(second)
    if selector and {selector, about.get("selector")} - {"shared", "intent"}:
        raise typer.BadParameter(
            f"A g that is called {about.get('selector')} cannot decide as {selector} does: only "
            "shared and intent have the same tensors."
        )
    about |= {"selector": selector} if selector else {}
    try:
        mean = average(one, two, part)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    names = ["/".join(Path(path).parts[-2:]) for path in (first, second)]
    print(f"{out}: SHA-256 {save_weights(mean, out, about | {'mean_of': names})}.")


if __name__ == "__main__":
    typer.run(main)

"""Average two files of weights of the same network, tensor by tensor.

``python tools/average_weights.py FIRST SECOND --out FILE`` writes the mean of two trainings, where
the second one began with the weights of the first. Such weights lie in one valley of the loss, and
their mean is often better than either (Wortsman et al., Model soups, ICML 2022): it has learned
from the second training, and forgotten less of the first. ``--part f`` averages f alone; all other
weights are those of SECOND. The metadata is that of SECOND. ``--selector intent`` turns a g that
was trained as ``shared`` into an ``intent`` g, which has the same tensors.

The mean of two trainings that began with different random weights is useless.
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
    """Return the means of all floating-point tensors of a part; the rest is that of the second.

    Raises
    ------
    ValueError
        If the weights belong to different networks.
    """
    shared = [name for name in second if name.startswith(f"{part}." if part else "")]
    if not shared:
        raise ValueError(f"The second file has no weights named {part}.*: choose another part.")
    for name in shared:
        if name not in first or first[name].shape != second[name].shape:
            raise ValueError(f"Only weights of the same network have a mean: {name} differs.")
    floats = [name for name in shared if second[name].is_floating_point()]
    return second | {name: (first[name] + second[name]) / 2 for name in floats}


def main(
    first: Annotated[str, typer.Argument(help="A file of weights, or the name of shipped ones.")],
    second: Annotated[str, typer.Argument(help="Another file, of the same network.")],
    out: Annotated[Path, typer.Option(help="The .safetensors to write.")],
    part: Annotated[str, typer.Option(help="Average only this network, such as f.")] = "",
    selector: Annotated[str, typer.Option(help="How g decides: shared or intent.")] = "",
) -> None:
    """Write the average of two files of weights."""
    (one, _), (two, about) = open_weights(first), open_weights(second)
    if selector and {selector, about.get("selector")} - {"shared", "intent"}:
        raise typer.BadParameter(
            f"A {about.get('selector')} g cannot become a {selector} g: only shared and intent "
            "have the same tensors."
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

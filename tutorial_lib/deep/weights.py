"""Trained weights that come with the package: stored small, checked before they are read.

A safetensors file holds named arrays and nothing that could be executed. Its SHA-256 is in the
registry below, and is compared before a byte of it is parsed. Beside each file stands its model
card, which says what the weights were trained on, under which terms, how, and where they fail.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.paths import bundled

_METADATA_KEY = "tutorial_lib"
CARD_SECTIONS = ("Data and licence terms", "Recipe", "Minutes", "Metrics", "Known failures")


@dataclass(frozen=True)
class Shipped:
    """Weights that come with the package.

    Parameters
    ----------
    file : str
        Name under ``assets/weights``; the card has the same name, ending in ``.md``.
    sha256 : str
        SHA-256 of the file, 64 hexadecimal digits.
    train : str
        The command that trains them.
    """

    file: str
    sha256: str
    train: str

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return bundled("assets") / "weights" / self.file

    @property
    def card(self) -> Path:
        """Where its model card lies."""
        return self.path.with_suffix(".md")


_TRAIN = "python -m tutorial_lib train"
WEIGHTS: dict[str, Shipped] = {
    "dos-32s": Shipped(
        "dos-32s.safetensors",
        "b523c46f4a59c76f2b81362cf8ce4514de202f28c0f4957851f4fea38aab6ede",
        f"{_TRAIN} dos-32s --data DATA --out RUN",
    ),
    "dos-16s": Shipped(
        "dos-16s.safetensors",
        "4ef62d0cf390f4c3368807054c395bb7070e6757dddf75a9a58d9a7cd6ef2df5",
        f"{_TRAIN} dos-16s --data DATA --out RUN --set start=assets/weights/dos-32s.safetensors",
    ),
    "dos": Shipped(
        "dos-8s.safetensors",
        "ee67aaacaf87aab609504a137cc33635e419d6a3d16b6424b94e72293a0e6b79",
        f"{_TRAIN} dos-8s --data DATA --out RUN --set start=assets/weights/dos-16s.safetensors",
    ),
    "semantic-fcn": Shipped(
        "semantic-fcn.safetensors",
        "558ce3504098af1fa39faeb182ab305e53c9da29c563879510afd7453b212503",
        f"{_TRAIN} semantic-fcn --data DATA --out RUN",
    ),
    "semantic-crf-rnn": Shipped(
        "semantic-crf-rnn.safetensors",
        "0347f61590751e7f8a860b3f4b66452c45b52ac92a431c497065b1ea705cd8c0",
        f"{_TRAIN} semantic-crf-rnn --data DATA --out RUN"
        " --set start=assets/weights/semantic-fcn.safetensors",
    ),
    "latent-diversity": Shipped(
        "latent-diversity.safetensors",
        "77a858dc0da8f459da9f6a6d0a5697a69a9faeb69f969bea5288fd75d0b17e9c",
        "python tools/average_weights.py G4/weights.safetensors G5/weights.safetensors"
        " --selector intent --out FILE",
    ),
    "latent-diversity-rdl": Shipped(
        "latent-diversity-rdl.safetensors",
        "ba3e0e5d72d1b9873f2d35fefa9cf77ce6bb00e14838f601b96fca42ffdfef85",
        "python tools/average_weights.py R1/weights.safetensors R2/weights.safetensors --out FILE",
    ),
    "latent-diversity-dense": Shipped(
        "latent-diversity-dense.safetensors",
        "a745640d188eafa61949aa342400d6a5d7ea90bee53d0a1db4105eee11b34924",
        "python tools/average_weights.py G4/weights.safetensors D/weights.safetensors --part f"
        " --out FILE",
    ),
}


def load_weights(name: str) -> dict[str, Tensor]:
    """Load weights that come with the package.

    Parameters
    ----------
    name : str
        A name in :data:`WEIGHTS`.

    Returns
    -------
    dict of str to Tensor
        Ready for ``load_state_dict``, on the CPU: float32, though stored as float16; integers as
        they are.

    Raises
    ------
    ValueError
        If there is no such name, or the file is not the one the registry knows.
    FileNotFoundError
        If the file is missing. Both texts say how to train the weights instead.
    """
    if name not in WEIGHTS:
        listed = ", ".join(WEIGHTS) or "none yet"
        raise ValueError(f"There are no weights {name!r}; shipped are: {listed}.")
    shipped = WEIGHTS[name]
    remedy = f"get {shipped.file} from the repository again, or train it: {shipped.train}"
    if not shipped.path.is_file():
        raise FileNotFoundError(f"The weights {name!r} are missing at {shipped.path}; {remedy}")
    data = shipped.path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != shipped.sha256:
        raise ValueError(
            f"The weights {name!r} at {shipped.path} have SHA-256 {found[:12]}... where "
            f"{shipped.sha256[:12]}... was expected; {remedy}"
        )
    import safetensors.torch

    return {key: _upcast(tensor) for key, tensor in safetensors.torch.load(data).items()}


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read weights of your own, as :func:`save_weights` wrote them.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to Tensor
        As :func:`load_weights` returns them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no file of weights.
    """
    import safetensors.torch

    read_metadata(path)  # says what is wrong with the file, if anything is
    return {key: _upcast(tensor) for key, tensor in safetensors.torch.load_file(path).items()}


def open_weights(weights: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read weights that come with the package, or your own, and what is stored beside them.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`WEIGHTS`, or a file ending in ``.safetensors``.

    Returns
    -------
    state : dict of str to Tensor
        As :func:`load_weights` returns it.
    about : dict
        As :func:`read_metadata` returns it.

    Raises
    ------
    ValueError, FileNotFoundError
        As :func:`load_weights` and :func:`read_weights`.
    """
    path = Path(weights).expanduser()
    if path.suffix == ".safetensors":
        return read_weights(path), read_metadata(path)
    return load_weights(str(weights)), read_metadata(WEIGHTS[str(weights)].path)


def fill(network: nn.Module, state: Mapping[str, Tensor], complaint: str) -> None:
    """Load weights into a network, all of them and no others.

    Parameters
    ----------
    network : nn.Module
        It gets the weights.
    state : mapping of str to Tensor
        Named as in the network.
    complaint : str
        The sentence to say if they do not fit.

    Raises
    ------
    ValueError
        If a name or a shape is another than the network's.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(complaint) from error


def _upcast(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.float16 else tensor


def save_weights(
    state: Mapping[str, Tensor], path: str | Path, metadata: Mapping[str, Any] | None = None
) -> str:
    """Save weights as they are shipped: floats as float16, the same bytes for the same weights.

    Parameters
    ----------
    state : mapping of str to Tensor
        A state dictionary.
    path : str or Path
        The file, ending in ``.safetensors``; its folder is made if it is missing.
    metadata : mapping, optional
        What belongs to the weights: preset, recipe, seed, commit. JSON values.

    Returns
    -------
    str
        SHA-256 of the file, for the registry.

    Raises
    ------
    ValueError
        If the name ends otherwise, or a weight is not finite or too large for float16.
    """
    import safetensors.torch

    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"Weights are saved as .safetensors, not as {path.name}.")
    stored = {name: _downcast(name, tensor) for name, tensor in state.items()}
    # safetensors writes metadata in random order; a single entry has only one.
    entry = json.dumps(dict(metadata or {}), sort_keys=True)
    data = safetensors.torch.save(stored, {_METADATA_KEY: entry})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")  # a full disk must not cost the last good file
    part.write_bytes(data)
    part.replace(path)
    return hashlib.sha256(data).hexdigest()


def _downcast(name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu()
    stored = tensor.to(torch.float16) if tensor.is_floating_point() else tensor
    if not stored.isfinite().all():
        raise ValueError(
            f"The weight {name} is not finite, or larger than float16 can hold (65,504); "
            "something went wrong in training."
        )
    return stored.clone(memory_format=torch.contiguous_format)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return what :func:`save_weights` was given as metadata, without reading the weights.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no file of weights.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file of weights at {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is no file of weights in the safetensors format.") from error
    return json.loads(metadata.get(_METADATA_KEY, "{}"))


def card_problems(text: str) -> list[str]:
    """Say what a model card lacks.

    Parameters
    ----------
    text : str
        The card, in Markdown. It needs a section (``## ...``) for each of :data:`CARD_SECTIONS`;
        the recipe has the command, the minutes and the metrics have numbers.

    Returns
    -------
    list of str
        One sentence a problem; empty if the card is complete.
    """
    parts = re.split(r"^##[ \t]+(.+?)[ \t]*$", text, flags=re.MULTILINE)
    titles, bodies = (part.lower() for part in parts[1::2]), (part.strip() for part in parts[2::2])
    sections = dict(zip(titles, bodies, strict=True))
    return [
        f"The section '{title}' {problem}."
        for title in CARD_SECTIONS
        if (problem := _section_problem(title, sections.get(title.lower())))
    ]


def _section_problem(title: str, body: str | None) -> str:
    if body is None:
        return "is missing"
    if not body:
        return "is empty"
    if title == "Recipe" and "python -m tutorial_lib" not in body:
        return "lacks the command, python -m tutorial_lib"
    if title in ("Minutes", "Metrics") and not re.search(r"\d", body):
        return "has no number"
    return ""


def shipped_problems() -> list[str]:
    """Check everything in the registry: files intact, cards complete.

    Returns
    -------
    list of str
        One sentence a problem; empty if all is well.
    """
    problems = []
    for name, shipped in WEIGHTS.items():
        try:
            load_weights(name)
        except (ValueError, FileNotFoundError) as error:
            problems.append(str(error))
        if not shipped.card.is_file():
            problems.append(f"The weights {name!r} have no card {shipped.card.name}.")
        else:
            text = shipped.card.read_text("utf-8")
            problems += [f"{shipped.card.name}: {problem}" for problem in card_problems(text)]
    return problems

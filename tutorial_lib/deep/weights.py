"""Trained weights: small files, checked before they are parsed.

A safetensors file holds named arrays and no code. The registry below holds the SHA-256 of each file
that comes with the package. It is compared before the file is parsed. A model card beside each file
describes the training data, its licence, the recipe, and known failures.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from tutorial_lib.options import options_of
from tutorial_lib.paths import bundled, write_atomically

T = TypeVar("T")

_METADATA_KEY = "tutorial_lib"
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_COUNTERS = (torch.int64, torch.int32)
CARD_SECTIONS = ("Data and licence terms", "Recipe", "Minutes", "Metrics", "Known failures")


@dataclass(frozen=True)
class Shipped:
    """A file of weights that comes with the package.

    Parameters
    ----------
    file : str
        File name in ``assets/weights``. The model card has the same name with the suffix ``.md``.
    sha256 : str
        SHA-256 of the file, 64 hexadecimal digits.
    """

    file: str
    sha256: str

    @property
    def path(self) -> Path:
        """Path of the file."""
        return bundled("assets") / "weights" / self.file

    @property
    def card(self) -> Path:
        """Path of the model card."""
        return self.path.with_suffix(".md")

    @property
    def remedy(self) -> str:
        """How to get the file again if it is missing or damaged."""
        if (bundled("assets").parent / ".git").exists():
            return f"run `git restore assets/weights/{self.file}` in the repository"
        return "install the package again"


WEIGHTS: dict[str, Shipped] = {
    "dos-32s": Shipped(
        "dos-32s.safetensors",
        "e0a1d4f28742eca6ced43113cf40075e448677036d8cfd18e479fed4686df364",
    ),
    "dos-16s": Shipped(
        "dos-16s.safetensors",
        "ae06ed9a6021a554b4514b328d24e8f2f80761054c8352c8fdcb46448a4bce3f",
    ),
    "dos": Shipped(
        "dos-8s.safetensors",
        "1fbe70421d8ea538e73c3d97ae4667b70cf14a4e2a35a0bc2c005159706d5454",
    ),
    "semantic-fcn": Shipped(
        "semantic-fcn.safetensors",
        "558ce3504098af1fa39faeb182ab305e53c9da29c563879510afd7453b212503",
    ),
    "semantic-crf-rnn": Shipped(
        "semantic-crf-rnn.safetensors",
        "0347f61590751e7f8a860b3f4b66452c45b52ac92a431c497065b1ea705cd8c0",
    ),
    "latent-diversity": Shipped(
        "latent-diversity.safetensors",
        "690bde8a3b27567db45b02781fbdfbfaed4593a03d09b1c321c813a7f24c621e",
    ),
    "latent-diversity-can": Shipped(
        "latent-diversity-can.safetensors",
        "77a858dc0da8f459da9f6a6d0a5697a69a9faeb69f969bea5288fd75d0b17e9c",
    ),
    "latent-diversity-rdl": Shipped(
        "latent-diversity-rdl.safetensors",
        "ba3e0e5d72d1b9873f2d35fefa9cf77ce6bb00e14838f601b96fca42ffdfef85",
    ),
    "latent-diversity-dense": Shipped(
        "latent-diversity-dense.safetensors",
        "a745640d188eafa61949aa342400d6a5d7ea90bee53d0a1db4105eee11b34924",
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
        A state dictionary on the CPU. Floats are float32 (the file holds float16); integers keep
        their type.

    Raises
    ------
    ValueError
        If the name is unknown, or the SHA-256 of the file is wrong.
    FileNotFoundError
        If the file is missing. The message says how to get it again.
    """
    if name not in WEIGHTS:
        listed = ", ".join(WEIGHTS) or "none yet"
        raise ValueError(
            f"There are no weights {name!r}; the package contains: {listed}; a file of your own "
            "must end in .safetensors."
        )
    shipped = WEIGHTS[name]
    if not shipped.path.is_file():
        raise FileNotFoundError(
            f"The weights {name!r} are missing at {shipped.path}: {shipped.remedy}."
        )
    data = shipped.path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != shipped.sha256:
        raise ValueError(
            f"The weights {name!r} at {shipped.path} are damaged: their SHA-256 begins with "
            f"{found[:12]}, not with {shipped.sha256[:12]}; {shipped.remedy}."
        )
    return _parsed(data, shipped.path)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a file of weights that :func:`save_weights` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to Tensor
        As for :func:`load_weights`.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If it is not a safetensors file, or a weight is NaN, infinite, or of a type that networks
        do not use.
    """
    path = Path(path).expanduser()
    read_metadata(path)  # raises an error that names the problem, if there is one
    return _parsed(path.read_bytes(), path)


def _parsed(data: bytes, path: Path) -> dict[str, Tensor]:
    import safetensors.torch

    try:
        state = safetensors.torch.load(data)
    except (safetensors.SafetensorError, KeyError) as error:  # KeyError: torch lacks the type
        raise ValueError(_damaged(path)) from error
    return {name: _usable(name, tensor, path) for name, tensor in state.items()}


def _usable(name: str, tensor: Tensor, path: Path) -> Tensor:
    """Return a float tensor as finite float32, and an integer tensor unchanged."""
    if tensor.dtype in _COUNTERS:
        return tensor
    if tensor.dtype not in _FLOATS:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise ValueError(
            f"The weight {name} in {path} has the type {kind}, which no network here uses."
        )
    tensor = tensor.float()
    if not tensor.isfinite().all():
        raise ValueError(
            f"The weight {name} in {path} is NaN or infinite: take an earlier file, or train again."
        )
    return tensor


def _damaged(path: str | Path) -> str:
    return f"The file {path} is not a safetensors file of weights, or it is damaged."


def open_weights(weights: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read weights and their metadata, from the package or from another file.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`WEIGHTS`, or a file that ends in ``.safetensors``.

    Returns
    -------
    state : dict of str to Tensor
        As for :func:`load_weights`.
    about : dict
        As for :func:`read_metadata`.

    Raises
    ------
    ValueError, FileNotFoundError
        As :func:`load_weights` and :func:`read_weights`.
    """
    path = Path(weights).expanduser()
    if path.suffix == ".safetensors":
        return read_weights(path), read_metadata(path)
    return load_weights(str(weights)), read_metadata(WEIGHTS[str(weights)].path)


def described(about: Mapping[str, Any], kind: type[T], weights: str | Path) -> T:
    """Check the metadata of a file of weights against a dataclass.

    Parameters
    ----------
    about : mapping
        The metadata. Additional fields are ignored.
    kind : dataclass
        A dataclass with the required fields and their types.
    weights : str or Path
        Name of the file, for the error message.

    Returns
    -------
    dataclass
        An instance of ``kind``.

    Raises
    ------
    ValueError
        If a field is missing, has another type, or is out of range.
    """
    owner = f"The metadata of the weights {weights}"
    fields = options_of(kind, owner, f"The field {{}} in the metadata of the weights {weights}")
    fields = dataclasses.replace(fields, word="field")
    values = fields.check({name: about[name] for name in fields.known if name in about})
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{owner} is wrong: {error}") from error


def fill(network: nn.Module, state: Mapping[str, Tensor], complaint: str) -> None:
    """Load a complete state dictionary into a network.

    Parameters
    ----------
    network : nn.Module
        The network. Its weights are replaced.
    state : mapping of str to Tensor
        The state dictionary. It must have exactly the names of the network.
    complaint : str
        Beginning of the error message. The first difference is appended.

    Raises
    ------
    ValueError
        If a name, a shape or a type differs from the network's.
    """
    if misfit := _misfit(network.state_dict(), state):
        raise ValueError(f"{complaint.rstrip('.')}: {misfit}.")
    network.load_state_dict(state)


def _misfit(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Describe the first difference; empty if there is none."""
    for name, tensor in own.items():
        if name not in given:
            return f"{name} is missing"
        if given[name].shape != tensor.shape:
            return f"{name} has shape {tuple(given[name].shape)}, not {tuple(tensor.shape)}"
        if given[name].is_floating_point() != tensor.is_floating_point():
            return f"{name} has the type {given[name].dtype}, not {tensor.dtype}"
    unknown = [name for name in given if name not in own]
    return f"the network has no {unknown[0]}" if unknown else ""


def save_weights(
    state: Mapping[str, Tensor], path: str | Path, metadata: Mapping[str, Any] | None = None
) -> str:
    """Save weights as float16. Equal weights give equal files.

    Parameters
    ----------
    state : mapping of str to Tensor
        A state dictionary.
    path : str or Path
        The file. It must end in ``.safetensors``. Its folder is created if it is missing.
    metadata : mapping, optional
        JSON values about the weights: preset, recipe, seed, commit.

    Returns
    -------
    str
        SHA-256 of the file, for the registry.

    Raises
    ------
    ValueError
        If the file name has another suffix, or a weight is not finite or too large for float16.
    """
    import safetensors.torch

    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"Weights are saved as .safetensors, not as {path.name}.")
    stored = {name: _downcast(name, tensor) for name, tensor in state.items()}
    # safetensors writes metadata in random order, so everything goes into one entry.
    entry = json.dumps(dict(metadata or {}), sort_keys=True)
    data = safetensors.torch.save(stored, {_METADATA_KEY: entry})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)  # a full disk must not destroy the previous file
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
    """Read the metadata that :func:`save_weights` stored, without reading the weights.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict
        The metadata. It is empty if the file has none.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If it is not a safetensors file, or its metadata is damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of weights at {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(_damaged(path)) from error
    try:
        about = json.loads(metadata.get(_METADATA_KEY, "{}"))
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise ValueError(f"The metadata of {path} is damaged: get the file again.")
    return about


def card_problems(text: str) -> list[str]:
    """List the problems of a model card.

    Parameters
    ----------
    text : str
        The card, in Markdown. It needs a section (``## ...``) for each of :data:`CARD_SECTIONS`.
        The recipe must contain the command. The minutes and the metrics must contain numbers.

    Returns
    -------
    list of str
        One sentence for each problem; empty if the card is complete.
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
        return "lacks the command python -m tutorial_lib"
    if title in ("Minutes", "Metrics") and not re.search(r"\d", body):
        return "has no number"
    return ""


def shipped_problems() -> list[str]:
    """Check that all files in the registry are intact and all model cards are complete.

    Returns
    -------
    list of str
        One sentence for each problem; empty if there is none.
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

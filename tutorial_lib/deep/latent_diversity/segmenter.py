"""Interactive Image Segmentation with Latent Diversity (Li et al., CVPR 2018): f, g, and a click.

photo, clicks -> f -> M candidates -> g -> the one that is shown

Since 2018 it has become usual to tell a network which mask the user was looking at when they
clicked. Then an answer depends on the answer before it. It is still a function of photo and clicks
alone: the mask shown before the last click is the answer to all clicks but the last. So nothing
need be remembered, and remembering (in ``prepared``) only saves time: a new click costs one pass,
an undo none. Where a human prefers another candidate than g, that choice is an input as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib.clicks import Clicks
from tutorial_lib.deep.device import Precision, autocast, pick_device, resolve_precision
from tutorial_lib.deep.folding import fold_norms
from tutorial_lib.deep.latent_diversity.cache import (
    MOST_ANSWERS,
    MOST_VIEWS,
    Answer,
    LatentDiversityPrepared,
    ViewFeatures,
    store,
)
from tutorial_lib.deep.latent_diversity.networks import load_networks
from tutorial_lib.deep.latent_diversity.zoom_in import View, crop_around
from tutorial_lib.deep.photos import at_working_size, check_working_size
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

SIZES = {"lite": 448, "paper": 0}
ZOOMS = {"lite": True, "paper": False}
# Zooming in, with the names of RITM's code where it has one.
EXPANSION_RATIO = 2.0
MIN_CROP_SIZE = 96  # pixels
RECOMPUTE_IOU = 0.5  # a view is replaced if it overlaps the new one by less
MAX_VIEW_FRACTION = 0.6  # a longer view is not worth it: the whole photo is used


class LatentDiversity:
    """f proposes M segmentations, g selects one.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`tutorial_lib.deep.weights.WEIGHTS`, or a file that training wrote.
    size : int, optional
        Long side at which photos go through the networks, in pixels, a multiple of 32; 0 for the
        photo's own. By default what suits the weights' preset: 448, or 0 for ``paper``.
    zoom : bool, optional
        From the second click on, look only at the surroundings of the mask and the clicks, at
        working size, where these are small beside the photo. Not in the paper, and by default what
        suits the weights' preset: no for ``paper``, else yes.
    flip : bool
        Average f's answers to the photo and to its mirror image. Not in the paper.
    show : int, optional
        Always show the candidate of this number, from 0, whatever g says.
    device : str
        See :func:`tutorial_lib.deep.device.pick_device`.
    backbone : bool, str or Path
        The backbone's weights; see :func:`tutorial_lib.deep.backbones.by_name.backbone`.
    precision : str
        See :func:`tutorial_lib.deep.device.resolve_precision`.

    Attributes
    ----------
    weights : str or Path
        As given.
    precision : str
        ``"float32"`` or ``"bfloat16"``: what it computes in.

    Raises
    ------
    ValueError
        If the size is neither 0 nor a positive multiple of 32, or there are no such weights, no
        such device or no such precision.
    FileNotFoundError
        If a file is missing.
    ImportError, ConnectionError
        If the backbone's weights cannot be had.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018.
    """

    def __init__(
        self,
        weights: str | Path = "latent-diversity",
        size: int | None = None,
        zoom: bool | None = None,
        flip: bool = False,
        show: int | None = None,
        device: str = "auto",
        backbone: bool | str | Path = True,
        precision: Precision = "float32",
    ) -> None:
        if size:
            check_working_size(size)
        self.weights, self.device = weights, pick_device(device)
        self.precision = resolve_precision(precision, self.device)
        encoder, networks, about = load_networks(weights, backbone)
        self.encoder = fold_norms(encoder.to(self.device, memory_format=torch.channels_last))
        self.networks = fold_norms(networks.to(self.device, memory_format=torch.channels_last))
        self.click_maps = networks.f.design.interaction
        preset = about["design"]["preset"]
        self.size = SIZES[preset] if size is None else size
        self.zoom = ZOOMS[preset] if zoom is None else zoom
        self.flip, self.show = flip, show
        heads = networks.f.design.heads
        if show is not None and not 0 <= show < heads:
            raise ValueError(f"These weights make candidates 0 to {heads - 1}; none is {show}.")

    def prepare(self, image: ImageLike) -> LatentDiversityPrepared:
        """Compute everything that depends on the photo alone.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        LatentDiversityPrepared
            To be handed to :meth:`segment`.
        """
        prepared = LatentDiversityPrepared(as_rgb(image))
        self._encode(prepared, prepared.whole)
        return prepared

    def segment(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks.

        Parameters
        ----------
        prepared : LatentDiversityPrepared
            What :meth:`prepare` returned.
        clicks : Clicks
            The clicks so far, all inside the photo. A candidate preferred after a click is shown in
            place of the one that g selects, and the next click corrects it.

        Returns
        -------
        Segmentation
            The selected candidate at the photo's size; all candidates, and g's probability of
            each, whoever selected. As long as no click says where the object is, all are empty.

        Raises
        ------
        ValueError
            If a click lies outside the photo, or there is no candidate of a preferred number.
        """
        heads = self._check(prepared, clicks)
        answer = self._answer(prepared, clicks)
        if answer is None:
            empty = np.zeros((heads, *prepared.shape), dtype=np.float32)
            scores = np.full(heads, 1 / heads, dtype=np.float32)
            selected = clicks.preferred or 0
            return Segmentation(empty[selected], None, empty, scores, selected)
        scores, selected = answer.scores.softmax(dim=0).numpy(), answer.selected
        shown = self._at_full_size(prepared, answer, [selected])[0]
        # The other candidates are enlarged when somebody asks for them.
        candidates = partial(self._at_full_size, prepared, answer)
        return Segmentation(shown, None, candidates, scores, selected)

    def _check(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> int:
        """Refuse clicks that do not fit photo and networks; return the number of candidates."""
        heads = self.networks.f.design.heads
        clicks.check(prepared.shape)
        clicks.check_candidates(heads)
        return heads

    def look_ahead(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> None:
        """Encode what the next click is likely to look at, while the user looks at the answer.

        A next click between the mask and the clicks of now needs just this view. Any other click
        encodes its own, as it would without looking ahead. No answer changes.

        Parameters
        ----------
        prepared : LatentDiversityPrepared
            What :meth:`prepare` returned.
        clicks : Clicks
            The clicks so far; best after :meth:`segment` has answered them.

        Raises
        ------
        ValueError
            As :meth:`segment`.
        """
        self._check(prepared, clicks)
        answer = self._answer(prepared, clicks)
        if answer is not None:
            self._encode(prepared, self._view(prepared, clicks, answer))

    def _answer(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> Answer | None:
        """Answer the clicks one after the other, from the longest beginning that is known."""
        known = len(clicks)
        while known and clicks[:known].prefer(None) not in prepared.answers:
            known -= 1
        answer = None
        for count in range(max(known, 1), len(clicks) + 1):
            some = clicks[:count]
            asked = some.prefer(None)  # a preference says which candidate is shown, and no more
            found = prepared.answers.get(asked)
            if found is None and len(asked.positives):
                found = self._next(prepared, asked, answer)
                store(prepared.answers, asked, found, MOST_ANSWERS)
            answer = None if found is None else replace(found, preferred=some.preferred)
        return answer

    @torch.inference_mode()
    def _next(
        self, prepared: LatentDiversityPrepared, clicks: Clicks, before: Answer | None
    ) -> Answer:
        """Let f and g answer clicks, given their answer to all but the last."""
        view = self._view(prepared, clicks, before)
        encoded = self._encode(prepared, view)
        previous = None if before is None else self._previous(prepared, before, view, encoded)
        maps = self.click_maps.maps(view.clicks(clicks, encoded.size), encoded.size, previous)
        interaction = self._mirrored(torch.from_numpy(maps)[None].to(self.device))
        interaction = interaction.contiguous(memory_format=torch.channels_last)
        with autocast(self.device, self.precision):
            answers = self.networks.answer(encoded.features, interaction)
            hidden, logits = (self._averaged(x) for x in answers)
            scores = self.networks.scores(encoded.image[:1], interaction[:1], hidden, logits)
        found = Answer(view, logits[0].float().cpu(), scores[0].float().cpu())
        return self._chosen(prepared, found)

    def _chosen(self, prepared: LatentDiversityPrepared, answer: Answer) -> Answer:
        """Return an answer with the scores that decide what is shown."""
        if self.show is None:
            return answer
        scores = torch.full_like(answer.scores, -torch.inf)
        scores[self.show] = 0
        return replace(answer, scores=scores)

    def _view(
        self, prepared: LatentDiversityPrepared, clicks: Clicks, before: Answer | None
    ) -> View:
        """Return what to look at: the view before, if it still serves, or a better one."""
        if not self.zoom or before is None:
            return prepared.whole
        mask = before.on_photo(prepared.shape) >= 0.5
        view = crop_around(mask, clicks, EXPANSION_RATIO, MIN_CROP_SIZE)
        if max(view.shape) > MAX_VIEW_FRACTION * max(prepared.shape):
            return prepared.whole
        fits = view.overlap(before.view) >= RECOMPUTE_IOU and all(map(before.view.holds, clicks))
        return before.view if fits else view

    def _encode(self, prepared: LatentDiversityPrepared, view: View) -> ViewFeatures:
        """Return the features of a view, from the cache if they are there."""
        encoded = prepared.features.get(view)
        if encoded is None:
            pixels = at_working_size(prepared.photo[view.slices], self.size)
            size = tuple(pixels.shape[2:])
            pixels = self._mirrored(pixels.to(self.device))
            with torch.inference_mode(), autocast(self.device, self.precision):
                maps = self.encoder(pixels)
                features = self.networks.features(*maps)
            encoded = ViewFeatures(size, maps[0], features)
        store(prepared.features, view, encoded, MOST_VIEWS)
        return encoded

    def _previous(
        self, prepared: LatentDiversityPrepared, before: Answer, view: View, encoded: ViewFeatures
    ) -> np.ndarray:
        """Return the mask shown before, on the cells of a view."""
        if view == before.view:
            return before.shown
        rows, cols = self.click_maps.cells(encoded.size)
        photo = before.on_photo(prepared.shape)[view.slices]
        return cv2.resize(photo, (cols, rows), interpolation=cv2.INTER_AREA)

    def _at_full_size(
        self,
        prepared: LatentDiversityPrepared,
        answer: Answer,
        numbers: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Return candidates at the photo's size, ``(M, H, W) float32`` in [0, 1]; all by default.

        One after the other, so that a candidate is the same to the last bit, whoever asks for it.
        """
        numbers = range(len(answer.logits)) if numbers is None else numbers
        photo = np.zeros((len(numbers), *prepared.shape), dtype=np.float32)
        for place, number in enumerate(numbers):
            logits = answer.logits[None, number : number + 1]
            full = F.interpolate(logits, answer.view.shape, mode="bilinear", align_corners=False)
            photo[place, *answer.view.slices] = full[0, 0].sigmoid_().numpy()
        return photo

    def _mirrored(self, x: Tensor) -> Tensor:
        return torch.cat([x, x.flip(-1)]) if self.flip else x

    def _averaged(self, x: Tensor) -> Tensor:
        return (x[:1] + x[1:].flip(-1)) / 2 if self.flip else x

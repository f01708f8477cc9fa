"""Interactive Image Segmentation with Latent Diversity (Li et al., CVPR 2018).

photo, clicks -> f -> M candidates -> g -> the selected candidate

Newer networks also get the previous mask, which the user saw before the last click. Each answer
then depends on the answer before. It is still a function of photo and clicks alone: the previous
mask is the answer to all clicks but the last. The cache in ``prepared`` only saves time. A new
click needs one forward pass, an undo needs none. A preference of the user is part of the clicks.
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

from tutorial_lib.actions import Box
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.deep.device import Precision, autocast, pick_device, resolve_precision
from tutorial_lib.deep.folding import fold_norms
from tutorial_lib.deep.latent_diversity.cache import (
    MOST_ANSWERS,
    MOST_VIEWS,
    Answer,
    LatentDiversityPrepared,
    Patch,
    ViewFeatures,
    resized,
    store,
)
from tutorial_lib.deep.latent_diversity.intent import distance_share, extra_pieces, refuted_share
from tutorial_lib.deep.latent_diversity.networks import load_networks
from tutorial_lib.deep.latent_diversity.zoom_in import (
    CLOSER_SHARES,
    View,
    changed_region,
    closer_view,
    crop_around,
)
from tutorial_lib.deep.photos import check_working_size, resized_photo, working_size
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.metrics import iou
from tutorial_lib.segmenter import Segmentation

SIZES = {"lite": 448, "paper": 0}
ZOOMS = {"lite": True, "paper": False}
# Zoom-in. The first three names follow RITM's code.
EXPANSION_RATIO = 2.0
MIN_CROP_SIZE = 96  # pixels
RECOMPUTE_IOU = 0.5  # a view is replaced if its IoU with the new view is less
CLOSER_SIZE = 256  # longer side of the closer views of a first click, in pixels
BOX_EXPANSION_RATIO = 1.2  # f and g see a little of what lies around the user's box
MAX_VIEW_FRACTION = 0.6  # of the photo's longer side; above it the whole photo is used
# A negative click that refutes more than this share of the mask makes f look closer again.
REFUTED_SHARE = 0.04
SMALLER_BONUS = 1.0  # added to the logarithm of g's probability of the closer views
# After a positive click this far outside the mask, the object is probably much larger, and in one
# piece: see :func:`tutorial_lib.deep.latent_diversity.intent.distance_share`.
FAR_OUTSIDE = 10.0
PIECE_COST = 2.0  # taken from the logarithm of a candidate's probability, for each piece more
# Focus: what a later click changed is seen again, in finer cells.
FOCUS_FROM = 3  # marks
FOCUS_EXPANSION_RATIO = 1.6
FOCUS_ZOOM = 2  # f sees the region at most so many times as large as in the photo
MAX_FOCUS_FRACTION = 0.7  # of the view's longer side; above it the cells are hardly finer
FOCUS_MARGIN = 1 / 12  # of the shorter side: f saw too little of what lies around it


class LatentDiversity:
    """Latent Diversity: network f proposes M segmentations, network g selects one.

    Parameters
    ----------
    weights : str or Path
        A name in :data:`tutorial_lib.deep.weights.WEIGHTS`, or a file that training wrote.
    size : int, optional
        Longer side of the networks' input, in pixels; a multiple of 32, or 0 for the size of the
        photo. The default depends on the preset of the weights: 448 for ``lite``, 0 for ``paper``.
    zoom : bool, optional
        True crops the photo around the mask and the clicks from the second click on, if they cover
        a small part of it. The crop is resized to working size. If the weights hold a g that
        compares views, the first click is also seen in two closer views around it, and what a later
        click changed is seen again in finer cells. This is not in the paper. The default depends on
        the preset of the weights: True for ``lite``, False for ``paper``.
    flip : bool
        True averages f's answers to the photo and to its mirror image. This is not in the paper.
    show : int, optional
        Index of the candidate that is always selected, from 0. By default g selects.
    device : str
        See :func:`tutorial_lib.deep.device.pick_device`.
    backbone : bool, str or Path
        The weights of the backbone; see :func:`tutorial_lib.deep.backbones.by_name.backbone`.
    precision : str
        See :func:`tutorial_lib.deep.device.resolve_precision`.

    Attributes
    ----------
    weights : str or Path
        The value given above.
    precision : str
        ``"float32"`` or ``"bfloat16"``: the precision of the networks.

    Raises
    ------
    ValueError
        If the size is neither 0 nor a positive multiple of 32, or the weights, the device, the
        precision or the candidate are unknown.
    FileNotFoundError
        If a file is missing.
    ImportError, ConnectionError
        If the weights of the backbone are not available.

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
        self.click_maps = networks.f.design.click_maps
        preset = about["design"]["preset"]
        self.size = SIZES[preset] if size is None else size
        self.zoom = ZOOMS[preset] if zoom is None else zoom
        self.flip, self.show = flip, show
        heads = networks.f.design.heads
        if show is not None and not 0 <= show < heads:
            raise ValueError(f"These weights have the candidates 0 to {heads - 1}, not {show}.")

    def prepare(self, image: ImageLike) -> LatentDiversityPrepared:
        """Compute the features of the photo.

        Parameters
        ----------
        image : image
            Anything that :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        LatentDiversityPrepared
            The first argument of :meth:`segment`.
        """
        prepared = LatentDiversityPrepared(as_rgb(image))
        self._encode(prepared, prepared.whole)
        return prepared

    def segment(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks.

        Parameters
        ----------
        prepared : LatentDiversityPrepared
            The value of :meth:`prepare`.
        clicks : Clicks
            All clicks so far, in pixels of the photo. A preferred candidate replaces the one that g
            selects, and the next click corrects it.

        Returns
        -------
        Segmentation
            The selected candidate at the size of the photo, all candidates, and g's probability of
            each. From the third click on, finer cells may refine the selected candidate; see
            ``zoom``. Without clicks all candidates are the start mask, if there is one. Without a
            positive click and a start mask all are empty.

        Raises
        ------
        ValueError
            If a click lies outside the photo, or a preferred candidate does not exist.
        """
        heads = self._check(prepared, clicks)
        answer = self._answer(prepared, clicks) if len(clicks) else None
        if answer is None:
            same = np.zeros((heads, *prepared.shape), dtype=np.float32)
            if clicks.start is not None:
                same[:] = clicks.start.mask
                if clicks.box is not None:
                    same[:, ~clicks.box.inside(prepared.shape)] = 0
            scores = np.full(heads, 1 / heads, dtype=np.float32)
            selected = clicks.preferred or 0
            return Segmentation(same[selected], None, same, scores, selected)
        scores, selected = answer.scores.softmax(dim=0).numpy(), answer.selected
        full = partial(self._at_full_size, prepared, answer, clicks.box)
        shown = full([selected])[0]
        # ``full`` resizes the other candidates only if they are read.
        return Segmentation(shown, None, full, scores, selected)

    def _check(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> int:
        """Check clicks and preferences; return the number of candidates."""
        heads = self.networks.f.design.heads
        clicks.check(prepared.shape)
        clicks.check_candidates(heads)
        return heads

    def look_ahead(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> None:
        """Encode the view that the next click probably needs, while the user looks at the answer.

        A next click inside the mask or among the clicks needs exactly this view. Any other click
        may need another view, which is then encoded as usual. No answer changes.

        Parameters
        ----------
        prepared : LatentDiversityPrepared
            The value of :meth:`prepare`.
        clicks : Clicks
            All clicks so far. Call this after :meth:`segment` has answered them.

        Raises
        ------
        ValueError
            As for :meth:`segment`.
        """
        self._check(prepared, clicks)
        answer = self._answer(prepared, clicks)
        if answer is not None:
            self._encode(prepared, self._view(prepared, clicks, answer))

    def _answer(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> Answer | None:
        """Answer the clicks one after the other, from the longest prefix in the cache."""
        known = len(clicks)
        while known and clicks[:known].prefer(None) not in prepared.answers:
            known -= 1
        answer = self._start(prepared, clicks)
        for count in range(max(known, 1), len(clicks) + 1):
            some = clicks[:count]
            asked = some.prefer(None)  # the last preference does not change the candidates
            found = prepared.answers.get(asked)
            if found is None and (answer is not None or len(asked.positives)):
                found = self._next(prepared, asked, answer)
                store(prepared.answers, asked, found, MOST_ANSWERS)
            answer = None if found is None else replace(found, preferred=some.preferred)
        return answer

    def _start(self, prepared: LatentDiversityPrepared, clicks: Clicks) -> Answer | None:
        """Return the start mask in the form of an answer that was shown before the first click."""
        if clicks.start is None:
            return None
        rows, cols = self.click_maps.cells(self._encode(prepared, prepared.whole).size)
        mask = clicks.start.mask.astype(np.float32)
        share = torch.from_numpy(cv2.resize(mask, (cols, rows), interpolation=cv2.INTER_AREA))
        return Answer(prepared.whole, share[None].logit(eps=1e-3), torch.zeros(1))

    @torch.inference_mode()
    def _next(
        self, prepared: LatentDiversityPrepared, clicks: Clicks, before: Answer | None
    ) -> Answer:
        """Answer the clicks with f and g, given the answer to all clicks but the last."""
        found = self._answer_in(prepared, clicks, before, self._view(prepared, clicks, before))
        if clicks.box is None and self.zoom and self.networks.compares_views:
            # A stroke says more of the object's size than a click, and may reach beyond the views.
            if before is None and len(clicks.positives) == 1:
                found = self._best_view(prepared, clicks, found)
            elif before is not None and self._far_too_large(prepared, clicks, before):
                found = self._best_view(prepared, clicks, found, SMALLER_BONUS)
        found = self._chosen(found)
        later = before is not None and len(clicks) >= FOCUS_FROM
        if later and self.zoom and self.networks.compares_views:
            return replace(found, patch=self._focus(prepared, clicks, before, found))
        return found

    def _best_view(
        self,
        prepared: LatentDiversityPrepared,
        clicks: Clicks,
        found: Answer,
        bonus: float = 0.0,
    ) -> Answer:
        """Read the clicks in closer views too, as if nothing had been shown; let g choose a view.

        ``bonus`` is added to the evidence of the closer views.
        """
        wanted = [mark for mark in clicks if mark.positive]
        middle = Click(*map(round, clicks.positives.mean(axis=0).tolist()))
        closer = (closer_view(prepared.shape, middle, share) for share in CLOSER_SHARES)
        views = {
            view: share
            for view, share in zip(closer, CLOSER_SHARES, strict=True)
            if max(view.shape) >= MIN_CROP_SIZE and all(map(view.holds, wanted))
        }
        if not views:
            return found
        # They are smaller, so that a first click needs little more time.
        size = working_size(prepared.shape, min(self.size or CLOSER_SIZE, CLOSER_SIZE))
        encoded = self._features([prepared.photo[view.slices] for view in views], size)
        maps = [self.click_maps.maps(view.clicks(clicks, size), size) for view in views]
        answers = self._read(list(views), encoded, maps, list(views.values()))
        best = max(answers, key=lambda answer: answer.evidence)
        return best if best.evidence + bonus > found.evidence else found

    def _far_too_large(
        self, prepared: LatentDiversityPrepared, clicks: Clicks, before: Answer
    ) -> bool:
        """Whether a negative click lies so deep in the mask that f probably took a wrong scale."""
        last = clicks[-1]
        if last.positive or not len(clicks.positives):
            return False
        mask = before.on_photo(prepared.shape) >= 0.5
        return refuted_share(mask, last) > REFUTED_SHARE

    def _far_too_small(
        self, prepared: LatentDiversityPrepared, clicks: Clicks, before: Answer | None
    ) -> bool:
        """Whether a positive click lies so far outside the mask that much more is meant."""
        if before is None or clicks.box is not None or not clicks[-1].positive:
            return False
        if not self.networks.compares_views:
            return False
        mask = before.on_photo(prepared.shape) >= 0.5
        return distance_share(mask, clicks[-1]) > FAR_OUTSIDE

    def _focus(
        self, prepared: LatentDiversityPrepared, clicks: Clicks, before: Answer, found: Answer
    ) -> Patch | None:
        """See what the last click changed again, with the answer as the previous mask.

        Of the candidates there, the one that agrees best with the answer is taken: g has already
        selected, and the part is too small to select again. None if the part is large.

        References
        ----------
        Chen et al., FocalClick: Towards Practical Interactive Image Segmentation, CVPR 2022.
        """
        masks = (answer.on_photo(prepared.shape) >= 0.5 for answer in (found, before))
        mark = clicks[-1]
        changed = changed_region(*masks, mark)
        view = crop_around(changed, Clicks([mark]), FOCUS_EXPANSION_RATIO, MIN_CROP_SIZE)
        if max(view.shape) > MAX_FOCUS_FRACTION * max(found.view.shape):
            return None
        working = min(self.size, FOCUS_ZOOM * -(-max(view.shape) // 32) * 32)
        encoded = self._encode(prepared, view, working)
        shown = self._previous(prepared, found, view, encoded)
        maps = self.click_maps.maps(view.clicks(clicks, encoded.size), encoded.size, shown)
        logits = self._propose(encoded, [maps])[2][0].float().cpu()
        shown = shown >= 0.5
        best = max(range(len(logits)), key=lambda number: iou(logits[number].numpy() >= 0, shown))
        inner = view.inside(FOCUS_MARGIN, prepared.shape)
        return Patch(found.selected, view, inner, logits[best])

    def _answer_in(
        self,
        prepared: LatentDiversityPrepared,
        clicks: Clicks,
        before: Answer | None,
        view: View,
    ) -> Answer:
        """Answer the clicks in a view, given the answer to all clicks but the last."""
        encoded = self._encode(prepared, view)
        previous = None if before is None else self._previous(prepared, before, view, encoded)
        placed = view.clicks(clicks, encoded.size)
        maps = self.click_maps.maps(placed, encoded.size, previous)
        in_one_piece = self._far_too_small(prepared, clicks, before)
        return self._read([view], encoded, [maps], [1.0], [placed] if in_one_piece else ())[0]

    def _read(
        self,
        views: Sequence[View],
        encoded: ViewFeatures,
        maps: Sequence[np.ndarray],
        shares: Sequence[float],
        in_one_piece: Sequence[Clicks] = (),
    ) -> list[Answer]:
        """Let f propose candidates in views of one size, and let g score them.

        ``encoded`` holds the features of all views, ``maps`` their click maps, and ``shares`` their
        sides, as shares of the photo's. With ``in_one_piece``, the clicks in each view, candidates
        lose that hold clicks on the object in several pieces.
        """
        interaction, hidden, logits = self._propose(encoded, maps)
        inputs = encoded.image[: len(views)], interaction[: len(views)], hidden, logits
        with autocast(self.device, self.precision):
            if self.networks.compares_views:
                cost = self._piece_cost(logits, in_one_piece)
                scores, evidence = self.networks.scores_and_evidence(*inputs, shares, cost)
            else:
                scores, evidence = self.networks.scores(*inputs), torch.zeros(len(views))
        logits, scores = logits.float().cpu(), scores.float().cpu()
        return [
            Answer(view, *parts[:2], evidence=float(parts[2]))
            for view, *parts in zip(views, logits, scores, evidence, strict=True)
        ]

    def _piece_cost(self, logits: Tensor, in_one_piece: Sequence[Clicks]) -> Tensor | float:
        """Return what each candidate loses, ``(views, M)``: see :func:`extra_pieces`."""
        if not in_one_piece:
            return 0.0
        masks, stride = (logits >= 0).cpu().numpy(), self.networks.f.design.click_maps.stride
        views = zip(masks, in_one_piece, strict=True)
        pieces = np.stack([extra_pieces(*view, stride) for view in views])
        return PIECE_COST * torch.from_numpy(pieces).to(logits)

    def _propose(
        self, encoded: ViewFeatures, maps: Sequence[np.ndarray]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the interaction, and f's hidden map and candidates for each view."""
        interaction = self._mirrored(torch.from_numpy(np.stack(maps)).to(self.device))
        interaction = interaction.contiguous(memory_format=torch.channels_last)
        with autocast(self.device, self.precision):
            hidden, logits = self.networks.answer(encoded.features, interaction)
        return interaction, self._averaged(hidden), self._averaged(logits)

    def _chosen(self, answer: Answer) -> Answer:
        """Return the answer; with ``show``, that candidate gets the highest score."""
        if self.show is None:
            return answer
        scores = torch.full_like(answer.scores, -torch.inf)
        scores[self.show] = 0
        return replace(answer, scores=scores)

    def _view(
        self, prepared: LatentDiversityPrepared, clicks: Clicks, before: Answer | None
    ) -> View:
        """Return the view for the next pass: the previous one if it still fits, or a new one."""
        if clicks.box is not None:
            box = clicks.box.inside(prepared.shape)
            return crop_around(box, clicks, BOX_EXPANSION_RATIO, MIN_CROP_SIZE)
        if not self.zoom or before is None:
            return prepared.whole
        mask = before.on_photo(prepared.shape) >= 0.5
        view = crop_around(mask, clicks, EXPANSION_RATIO, MIN_CROP_SIZE)
        if max(view.shape) > MAX_VIEW_FRACTION * max(prepared.shape):
            return prepared.whole
        fits = view.overlap(before.view) >= RECOMPUTE_IOU and all(map(before.view.holds, clicks))
        return before.view if fits else view

    def _encode(
        self, prepared: LatentDiversityPrepared, view: View, working: int | None = None
    ) -> ViewFeatures:
        """Return the features of a view, from the cache if possible."""
        working = self.size if working is None else working
        encoded = prepared.features.get((view, working))
        if encoded is None:
            size = working_size(view.shape, working) if working else view.shape
            encoded = self._features([prepared.photo[view.slices]], size)
        store(prepared.features, (view, working), encoded, MOST_VIEWS)
        return encoded

    def _features(self, photos: Sequence[np.ndarray], size: tuple[int, int]) -> ViewFeatures:
        """Encode parts of a photo together, all at the same size in pixels."""
        pixels = self._mirrored(torch.cat([resized_photo(x, size) for x in photos]).to(self.device))
        with torch.inference_mode(), autocast(self.device, self.precision):
            maps = self.encoder(pixels)
            features = self.networks.features(*maps)
        return ViewFeatures(size, maps[0], features)

    def _previous(
        self, prepared: LatentDiversityPrepared, before: Answer, view: View, encoded: ViewFeatures
    ) -> np.ndarray:
        """Return the previous mask on the grid of a view."""
        rows, cols = self.click_maps.cells(encoded.size)
        same = view == before.view and before.logits.shape[1:] == (rows, cols)
        if same and before.patch is None:
            return before.shown
        photo = before.on_photo(prepared.shape)[view.slices]
        return cv2.resize(photo, (cols, rows), interpolation=cv2.INTER_AREA)

    def _at_full_size(
        self,
        prepared: LatentDiversityPrepared,
        answer: Answer,
        box: Box | None,
        numbers: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Return candidates at the photo's size, ``(M, H, W) float32`` in [0, 1]; all by default.

        They are 0 outside the user's box, if there is one.

        Each candidate is resized alone, so that it is identical to the last bit in every call.
        """
        numbers = range(len(answer.logits)) if numbers is None else numbers
        photo = np.zeros((len(numbers), *prepared.shape), dtype=np.float32)
        for place, number in enumerate(numbers):
            photo[place, *answer.view.slices] = resized(answer.logits[number], answer.view.shape)
            if answer.patch is not None and answer.patch.number == number:
                answer.patch.paste(photo[place])
        if box is not None:
            photo[:, ~box.inside(prepared.shape)] = 0
        return photo

    def _mirrored(self, x: Tensor) -> Tensor:
        return torch.cat([x, x.flip(-1)]) if self.flip else x

    def _averaged(self, x: Tensor) -> Tensor:
        half = len(x) // 2
        return (x[:half] + x[half:].flip(-1)) / 2 if self.flip else x

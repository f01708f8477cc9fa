"""CRF as RNN: inference in a fully connected random field as trainable layers.

An FCN labels every pixel independently. A conditional random field (CRF) adds a prior: pixels that
are close together or similar in colour should have the same label. Let p be the position of a pixel
and I its colour. The energy of a labelling x is (Krähenbühl and Koltun, NIPS 2011, Eq. 1 to 3)::

    E(x) = sum over i of u_i(x_i)  +  sum over i < j of mu(x_i, x_j) * sum over m of w_m k_m(i, j)

    k_1(i, j) = exp(-|p_i - p_j|^2 / 2 alpha^2 - |I_i - I_j|^2 / 2 beta^2)        appearance
    k_2(i, j) = exp(-|p_i - p_j|^2 / 2 gamma^2)                                   smoothness

where ``u_i(l) = -score_i(l)`` comes from the network, and mu is 1 for different labels and 0 for
equal labels (Potts). The probability of a labelling is ``P(x) = exp(-E(x)) / Z``. Z is a sum over
``K ** N`` labellings and cannot be computed.

Mean field approximates P by a distribution with independent pixels, ``Q(x) = product of Q_i(x_i)``.
It minimises ``KL(Q || P) = sum over x of Q(x) log(Q(x) / P(x))``. We insert E. The Q_i are
independent and each one sums to 1, which gives::

    KL = sum over i, l of Q_i(l) log Q_i(l)  +  sum over i, l of Q_i(l) u_i(l)
         + sum over i < j; l, l' of Q_i(l) Q_j(l') mu(l, l') sum over m of w_m k_m(i, j)  +  log Z

We take the derivative with respect to one Q_i(l), with a Lagrange multiplier for the constraint
``sum over l of Q_i(l) = 1``. It is zero if ::

    log Q_i(l) = -u_i(l) - sum over l' of mu(l, l') sum over m of w_m
                           sum over j != i of k_m(i, j) Q_j(l')  +  constant

which is their Eq. 4. Its parts are the steps of a layer (Zheng et al., ICCV 2015, Algorithm 1):
message passing (the sum over j), weighting (over m), compatibility transform (over l'), adding the
unary scores, and softmax. T repetitions with shared parameters are a recurrent network.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Upper bound of squared distances. exp(-60) is practically 0, and much smaller values would be
# denormal floats, which make every product many times slower.
FAR = 120.0


class MeanField(nn.Module):
    """T steps of mean-field inference in a fully connected CRF. Every parameter is learned.

    Parameters
    ----------
    classes : int
        Number of labels K.
    steps : int
        Number of steps T. Zheng et al. train with 5. 0 returns the scores unchanged.
    cell : int
        Side of the square cells that are the variables of the CRF, in pixels. The published CRF
        has one variable for each pixel (1).
    scales : tuple of float
        Initial widths of the kernels: alpha in pixels, beta in grey levels, gamma in pixels. The
        defaults are the best of a few, measured on ten training photos with a network at the
        start of its training.
    weights : tuple of float
        Initial weights of appearance and smoothness, equal for all labels.

    Raises
    ------
    ValueError
        If ``steps`` is negative, ``cell`` is less than 1, or a width is not positive.

    Notes
    -----
    Krähenbühl and Koltun use one variable for each pixel. They approximate the sums over all other
    pixels with a permutohedral lattice, and Zheng et al. keep its widths fixed. We compute the sums
    exactly and therefore learn the widths, too. To afford this we use *cells*: blocks of
    ``cell x cell`` pixels with their mean scores and colours. A photo of 448 x 448 pixels has 3,136
    cells of 8 pixels. Its kernel has 3,136 rows and columns, 39 MB. The last messages are upsampled
    from cells to pixels, see :meth:`to_pixels`. The last softmax uses the score of each pixel, so
    the boundary has the resolution of pixels again.

    Kernels are normalised on both sides, as in the code of Krähenbühl and Koltun:
    ``k(i, j) / sqrt(sum of row i * sum of row j)``. They stay symmetric, and the weights have the
    same meaning on grids of all sizes. As in Zheng et al., each label has its own weights, and mu
    is learned without constraints.

    References
    ----------
    Krähenbühl and Koltun, Efficient Inference in Fully Connected CRFs with Gaussian Edge
    Potentials, NIPS 2011.
    Zheng et al., Conditional Random Fields as Recurrent Neural Networks, ICCV 2015.
    """

    def __init__(
        self,
        classes: int,
        steps: int = 5,
        cell: int = 8,
        scales: tuple[float, float, float] = (40.0, 12.0, 8.0),
        weights: tuple[float, float] = (3.0, 1.0),
    ) -> None:
        super().__init__()
        if steps < 0 or cell < 1:
            raise ValueError(
                f"A CRF needs 0 or more steps on cells of 1 or more pixels, not {steps} on {cell}."
            )
        if min(scales) <= 0:
            raise ValueError(f"The widths of a CRF's kernels must be positive, not {scales}.")
        self.steps, self.cell = steps, cell
        # The logarithms are learned, so that the widths stay positive.
        self.log_scales = nn.Parameter(torch.tensor(scales, dtype=torch.float32).log())
        start = torch.tensor(weights, dtype=torch.float32)
        self.weights = nn.Parameter(start[:, None].repeat(1, classes))
        self.compatibility = nn.Parameter(1 - torch.eye(classes))

    def forward(self, scores: Tensor, image: Tensor) -> Tensor:
        """Run T mean-field steps.

        Parameters
        ----------
        scores : Tensor
            ``(B, K, H, W)``: scores. Their softmax is the probability of each label.
        image : Tensor
            ``(B, 3, H, W)`` float: RGB in 0..255.

        Returns
        -------
        Tensor
            ``(B, K, H, W)``: scores in the parameters' dtype, also under autocast. Their softmax
            is Q after T steps.
        """
        if not self.steps:
            return scores
        with torch.autocast(scores.device.type, enabled=False):
            scores, image = scores.to(self.weights.dtype), image.to(self.weights.dtype)
            cells, colours = self._cells(scores), self._cells(image)
            kernels = self.kernels(colours)
            unary = cells.flatten(2).mT
            pairwise = torch.zeros_like(unary)
            for _ in range(self.steps):
                belief = (unary - pairwise).softmax(dim=2)
                pairwise = self.pairwise(kernels, belief)
            pairwise = pairwise.mT.unflatten(2, cells.shape[2:])
            return scores - self.to_pixels(pairwise, colours, image)

    def _cells(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, self.cell, ceil_mode=True)

    def kernels(self, colours: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the two normalised kernels between all pairs of cells.

        Parameters
        ----------
        colours : Tensor
            ``(B, 3, h, w)``: the colour of each cell, in 0..255.

        Returns
        -------
        appearance : Tensor
            ``(B, N, N)`` for ``N = h w`` cells in row-major order; symmetric, zero on the diagonal.
        smoothness : Tensor
            ``(1, N, N)``: the same for all images.
        """
        height, width = colours.shape[2:]
        rows = torch.arange(height, device=colours.device, dtype=colours.dtype) * self.cell
        cols = torch.arange(width, device=colours.device, dtype=colours.dtype) * self.cell
        places = torch.cartesian_prod(rows, cols)[None]
        alpha, beta, gamma = self.log_scales.exp()
        near = (places / alpha).expand(len(colours), -1, -1)
        alike = colours.flatten(2).mT / beta
        appearance = _normalised_gaussian(torch.cat([near, alike], dim=2))
        return appearance, _normalised_gaussian(places / gamma)

    def pairwise(self, kernels: tuple[Tensor, Tensor], belief: Tensor) -> Tensor:
        """Compute the pairwise energy of each label at each cell, given Q at the other cells.

        Parameters
        ----------
        kernels : tuple of Tensor
            The value of :meth:`kernels`.
        belief : Tensor
            ``(B, N, K)``: Q, the probability of each label at each cell.

        Returns
        -------
        Tensor
            ``(B, N, K)``: the pairwise part of the energy.
        """
        messages = [kernel @ belief for kernel in kernels]  # message passing
        weighted = sum(m * w for m, w in zip(messages, self.weights, strict=True))  # weighting
        return weighted @ self.compatibility.mT  # compatibility transform

    def to_pixels(self, coarse: Tensor, colours: Tensor, image: Tensor) -> Tensor:
        """Upsample values from cells to pixels, along the edges of the photo.

        This is joint bilateral upsampling. A pixel gets a weighted mean of the four cells around
        it. The weights are those of bilinear interpolation times
        ``exp(-|I_pixel - I_cell|^2 / 2 beta^2)``, the colour term of the appearance kernel. With
        cells of one pixel it changes nothing.

        Parameters
        ----------
        coarse : Tensor
            ``(B, K, h, w)``: the value of each cell.
        colours : Tensor
            ``(B, 3, h, w)``: the colour of each cell, in 0..255.
        image : Tensor
            ``(B, 3, H, W)``: the colour of each pixel, in 0..255.

        Returns
        -------
        Tensor
            ``(B, K, H, W)``: the value of each pixel.

        References
        ----------
        Kopf et al., Joint Bilateral Upsampling, SIGGRAPH 2007.
        """
        # Repeat each cell over its pixels, with one extra cell beyond each edge. Shifted by half a
        # cell in four directions, this gives the four cells around each pixel.
        cells = F.pad(torch.cat([coarse, colours], dim=1), (1, 1, 1, 1), mode="replicate")
        blown = F.interpolate(cells, scale_factor=self.cell, mode="nearest")
        beta = self.log_scales[1].exp()
        values, closeness = [], []
        for top, near_rows in self._taps(image.shape[2], image):
            for left, near_cols in self._taps(image.shape[3], image):
                tap = blown[..., top : top + image.shape[2], left : left + image.shape[3]]
                different = (tap[:, -3:] - image).square().sum(dim=1, keepdim=True)
                near = torch.outer(near_rows, near_cols).log()
                values.append(tap[:, :-3])
                closeness.append(near - different / (2 * beta**2))
        shares = torch.stack(closeness).softmax(dim=0)  # softmax avoids 0 / 0 for distant colours
        return sum(share * value for share, value in zip(shares, values, strict=True))

    def _taps(self, length: int, like: Tensor) -> list[tuple[int, Tensor]]:
        """Return the offset of the cell before and after, each with the weights of the pixels."""
        half = (self.cell + 1) // 2
        pixels = torch.arange(length, device=like.device, dtype=like.dtype)
        after = ((pixels + 0.5) / self.cell - 0.5) % 1
        return [(half, 1 - after), (half + self.cell, after)]


def _normalised_gaussian(features: Tensor) -> Tensor:
    """Return ``exp(-|f_i - f_j|^2 / 2)``, normalised on both sides, ``(B, N, N)``; 0 for i = j."""
    features = features - features.mean(dim=1, keepdim=True)  # small numbers: less cancellation
    squares = features.square().sum(dim=2)
    apart = squares[:, :, None] + squares[:, None, :] - 2 * features @ features.mT
    apart = apart.clamp(0, FAR)
    apart.diagonal(dim1=1, dim2=2).fill_(math.inf)
    kernel = torch.exp(-apart / 2)
    tiny = torch.finfo(kernel.dtype).tiny ** 0.5  # for a cell without neighbours
    root = kernel.sum(dim=2).clamp_min(tiny).rsqrt()
    return kernel * root[:, :, None] * root[:, None, :]

"""CRF as RNN: inference in a fully connected random field, written as layers that can be trained.

An FCN labels every pixel by itself. A conditional random field (CRF) adds that pixels which lie
close together, or look alike, should agree. The energy of a labelling x, with p a pixel's position
and I its colour (Krähenbühl and Koltun, NIPS 2011, Eq. 1 to 3)::

    E(x) = sum over i of u_i(x_i)  +  sum over i < j of mu(x_i, x_j) * sum over m of w_m k_m(i, j)

    k_1(i, j) = exp(-|p_i - p_j|^2 / 2 alpha^2 - |I_i - I_j|^2 / 2 beta^2)        appearance
    k_2(i, j) = exp(-|p_i - p_j|^2 / 2 gamma^2)                                   smoothness

where ``u_i(l) = -score_i(l)`` is what the network says, and mu is 1 for two different labels and 0
for equal ones (Potts). The probability of a labelling is ``P(x) = exp(-E(x)) / Z``: a sum over
``K ** N`` labellings, so nobody computes it.

Mean field looks for the closest distribution in which pixels are independent, ``Q(x) = product of
Q_i(x_i)``: the smallest ``KL(Q || P) = sum over x of Q(x) log(Q(x) / P(x))``. Put in E, and use
that the Q_i are independent and each of sum 1::

    KL = sum over i, l of Q_i(l) log Q_i(l)  +  sum over i, l of Q_i(l) u_i(l)
         + sum over i < j; l, l' of Q_i(l) Q_j(l') mu(l, l') sum over m of w_m k_m(i, j)  +  log Z

Its derivative with respect to one Q_i(l), with a multiplier for ``sum over l of Q_i(l) = 1``, is
zero where ::

    log Q_i(l) = -u_i(l) - sum over l' of mu(l, l') sum over m of w_m
                           sum over j != i of k_m(i, j) Q_j(l')  +  constant

which is their Eq. 4. Read from the inside out it is a layer (Zheng et al., ICCV 2015, Algorithm 1):
message passing (the sum over j), weighting (over m), compatibility transform (over l'), adding the
unary scores, and softmax. Repeating it T times with the same parameters is a recurrent network.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Squared distances end here: exp(-60) is nothing, but numbers that are smaller still, down where
# floats have fewer digits, would make every product many times slower.
FAR = 120.0


class MeanField(nn.Module):
    """T steps of mean-field inference in a fully connected CRF; every parameter is learned.

    Parameters
    ----------
    classes : int
        K, the number of labels.
    steps : int
        T. Zheng et al. train with 5. 0 leaves the scores as they are.
    cell : int
        Side of the square cells on which the field is solved, in pixels; 1 for a variable at every
        pixel, as published.
    scales : tuple of float
        Where the kernels' widths start: alpha in pixels, beta in grey levels, gamma in pixels. The
        defaults were chosen from a few, on ten training photos and a network hardly trained.
    weights : tuple of float
        Where the weights of appearance and smoothness start, the same for each label.

    Raises
    ------
    ValueError
        If there are less than 0 steps, a cell is smaller than a pixel, or a width is not positive.

    Notes
    -----
    Krähenbühl and Koltun have a variable for every pixel, and approximate the sums over all
    others with a permutohedral lattice, whose widths Zheng et al. keep fixed. We compute the sums
    exactly, and can so learn the widths too, but for *cells*: blocks of ``cell x cell`` pixels with
    their mean scores and colours. A photo of 448 x 448 pixels has 3,136 cells of 8 pixels, and a
    kernel 3,136 rows and columns, 39 MB. What the cells' last messages say is then carried back to
    the pixels, see :meth:`to_pixels`, and the last softmax is taken for each pixel with its own
    score. So the boundary is the pixels' own again.

    As in Krähenbühl and Koltun's released code, kernels are normalised on both sides,
    ``k(i, j) / sqrt(sum of row i * sum of row j)``, so that they stay symmetric, and weights mean
    the same on grids of all sizes. As in Zheng et al., each label has its own weights, and mu is
    learned without any constraint.

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
                f"A CRF takes 0 steps or more on cells of 1 pixel or more, not {steps} on {cell}."
            )
        if min(scales) <= 0:
            raise ValueError(f"The widths of a CRF's kernels are more than 0, not {scales}.")
        self.steps, self.cell = steps, cell
        # Logarithms are learned, so that widths stay positive.
        self.log_scales = nn.Parameter(torch.tensor(scales, dtype=torch.float32).log())
        start = torch.tensor(weights, dtype=torch.float32)
        self.weights = nn.Parameter(start[:, None].repeat(1, classes))
        self.compatibility = nn.Parameter(1 - torch.eye(classes))

    def forward(self, scores: Tensor, image: Tensor) -> Tensor:
        """Make scores agree with those of pixels that are near, or look alike.

        Parameters
        ----------
        scores : Tensor
            ``(B, K, H, W)``: scores whose softmax is the probability of each label.
        image : Tensor
            ``(B, 3, H, W)`` float: RGB in 0..255.

        Returns
        -------
        Tensor
            ``(B, K, H, W)``: scores whose softmax is Q after T steps, never in bfloat16.
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
        """Compute how much each cell listens to each other one, and not at all to itself.

        Parameters
        ----------
        colours : Tensor
            ``(B, 3, h, w)``: the cells' colours, 0..255.

        Returns
        -------
        appearance : Tensor
            ``(B, N, N)`` for ``N = h w`` cells, row by row; symmetric, zero on the diagonal.
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
        """Say what each label would cost each cell, given what the other cells believe.

        Parameters
        ----------
        kernels : tuple of Tensor
            What :meth:`kernels` returned.
        belief : Tensor
            ``(B, N, K)``: Q, each cell's probability of each label.

        Returns
        -------
        Tensor
            ``(B, N, K)``: the pairwise part of the energy.
        """
        messages = [kernel @ belief for kernel in kernels]  # message passing
        weighted = sum(m * w for m, w in zip(messages, self.weights, strict=True))  # weighting
        return weighted @ self.compatibility.mT  # compatibility transform

    def to_pixels(self, coarse: Tensor, colours: Tensor, image: Tensor) -> Tensor:
        """Carry the cells' values to the pixels, along the edges of the photo.

        A pixel takes the mean of the four cells around it, with the weights of bilinear
        interpolation times ``exp(-|I_pixel - I_cell|^2 / 2 beta^2)``: joint bilateral upsampling,
        with the colour term of the appearance kernel. With cells of one pixel it changes nothing.

        Parameters
        ----------
        coarse : Tensor
            ``(B, K, h, w)``: the cells' values.
        colours : Tensor
            ``(B, 3, h, w)``: the cells' colours, 0..255.
        image : Tensor
            ``(B, 3, H, W)``: the pixels' colours, 0..255.

        Returns
        -------
        Tensor
            ``(B, K, H, W)``.

        References
        ----------
        Kopf et al., Joint Bilateral Upsampling, SIGGRAPH 2007.
        """
        # Blow up each cell to its pixels, with one more cell beyond each edge: moved by half a
        # cell up or down and left or right, the pictures hold each pixel's four cells.
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
        shares = torch.stack(closeness).softmax(dim=0)  # never 0 / 0, however odd the colour
        return sum(share * value for share, value in zip(shares, values, strict=True))

    def _taps(self, length: int, like: Tensor) -> list[tuple[int, Tensor]]:
        """Return, for the cell before and the one after, its offset and the pixels' weights."""
        half = (self.cell + 1) // 2
        pixels = torch.arange(length, device=like.device, dtype=like.dtype)
        after = ((pixels + 0.5) / self.cell - 0.5) % 1
        return [(half, 1 - after), (half + self.cell, after)]


def _normalised_gaussian(features: Tensor) -> Tensor:
    """Return ``(B, N, N)``: ``exp(-|f_i - f_j|^2 / 2)`` by the roots of both sums, 0 for i = j."""
    features = features - features.mean(dim=1, keepdim=True)  # small numbers lose fewer digits
    squares = features.square().sum(dim=2)
    apart = squares[:, :, None] + squares[:, None, :] - 2 * features @ features.mT
    apart = apart.clamp(0, FAR)
    apart.diagonal(dim1=1, dim2=2).fill_(math.inf)
    kernel = torch.exp(-apart / 2)
    tiny = torch.finfo(kernel.dtype).tiny ** 0.5  # a cell all alone hears nothing
    root = kernel.sum(dim=2).clamp_min(tiny).rsqrt()
    return kernel * root[:, :, None] * root[:, None, :]

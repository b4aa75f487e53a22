"""What theory carries from one operation to the next: moments of a signal, and one rule each.

Forward a signal is described per example, backward by its mean square. Weights are taken as
independent, centred and many; units then are normal with the moments below.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from initsweep.probes.mean_field import expectation, pair_expectation
from initsweep.probes.pointwise import derivative
from initsweep.probes.written import Pointwise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """A signal's moments over its units.

    Attributes:
        square: Mean square per example, shape (batch,).
        mean: Mean per example, shape (batch,).
        product: Mean product of the same unit on two different examples, shape (), averaged over
            pairs: what is common to all examples.
    """

    square: Tensor
    mean: Tensor
    product: Tensor

    @property
    def variance(self) -> Tensor:
        """Variance over the units, per example, shape (batch,)."""
        return (self.square - self.mean**2).clamp_min(0)

    @property
    def variance_over_batch(self) -> Tensor:
        """Variance of one unit over the examples, averaged over units, shape ()."""
        count = len(self.square)
        return ((self.square.mean() - self.product) * (count - 1) / count).clamp_min(0)


def measured(signal: Tensor) -> Moments:
    """Return the moments of a signal of shape (batch, ...)."""
    rows = signal.detach().flatten(1)
    count, units = rows.shape
    square, total = rows.square(), rows.sum(dim=0).square().sum()
    pairs = max(count * (count - 1), 1) * units
    return Moments(
        square=square.mean(dim=1), mean=rows.mean(dim=1), product=(total - square.sum()) / pairs
    )


def weighted(below: Moments, weight: float, bias: float) -> Moments:
    """Return the moments after a layer of weight variance `weight` / fan_in and biases `bias`.

    Source: Poole et al. 2016, equations 3 and 5.
    """
    return Moments(
        square=weight * below.square + bias,
        mean=torch.zeros_like(below.mean),
        product=weight * below.product + bias,
    )


def activated(below: Moments, activation: Pointwise) -> Moments:
    """Return the moments of φ(u) for u normal with the moments below."""
    mean = below.mean[:, None]
    square = expectation(lambda z: activation(z + mean) ** 2, below.variance)
    first = expectation(lambda z: activation(z + mean), below.variance)
    # One pair of typical examples stands for all pairs.
    shift, spread = below.mean.mean(), below.variance.mean().reshape(1)
    common = torch.minimum((below.product - shift**2).reshape(1), spread)
    product = pair_expectation(lambda z: activation(z + shift), spread, common)
    return Moments(square=square, mean=first, product=product.squeeze(0))


def activation_slope(below: Moments, activation: Pointwise) -> Tensor:
    """Return E[φ'(u)²], by which the squared gradient is multiplied, shape (batch,)."""
    mean = below.mean[:, None]
    return expectation(lambda z: derivative(activation, z + mean) ** 2, below.variance)


def added(one: Moments, other: Moments) -> Moments:
    """Return the moments of a sum of signals that are independent but for their means.

    Source: He et al. 2016 (the sum); the cross term is the product of the means.
    """
    return Moments(
        square=one.square + other.square + 2 * one.mean * other.mean,
        mean=one.mean + other.mean,
        product=one.product + other.product + 2 * (one.mean * other.mean).mean(),
    )


def normalized(below: Moments, norm: nn.Module) -> Moments:
    """Return the moments after a normalization with its scale and shift.

    Source: Ioffe and Szegedy 2015, algorithm 1; Ba, Kiros and Hinton 2016, equation 3; Zhang and
        Sennrich 2019, equation 4.
    """
    gain, shift = _mean_square(norm, "weight", 1.0), _mean_square(norm, "bias", 0.0)
    spread, count = norm_variance(below, norm), len(below.square)
    epsilon = getattr(norm, "eps", None) or 0.0
    share = spread / (spread + epsilon)
    if isinstance(norm, nn.modules.batchnorm._BatchNorm):
        square = torch.ones_like(below.square) * share
        product = -share / max(count - 1, 1)
    else:
        square = torch.ones_like(below.square) * share
        centre = 0.0 if isinstance(norm, nn.RMSNorm) else (below.mean**2).mean()
        product = (below.product - centre) / (spread + epsilon).mean()
    return Moments(
        square=gain * square + shift,
        mean=torch.zeros_like(below.mean),
        product=gain * product + shift,
    )


def norm_slope(below: Moments, norm: nn.Module, units: int) -> Tensor:
    """Return the factor on the squared gradient through a normalization, shape (batch,) or ().

    It divides by the spread and takes out two of the directions it averages over.
    """
    epsilon = getattr(norm, "eps", None) or 0.0
    averaged = units * len(below.square) if _over_batch(norm) else units
    lost = 1 - (1 if isinstance(norm, nn.RMSNorm) else 2) / max(averaged, 3)
    factor = _mean_square(norm, "weight", 1.0) * lost
    return factor / (norm_variance(below, norm) + epsilon)


def norm_variance(below: Moments, norm: nn.Module) -> Tensor:
    """Return what a normalization divides by, squared."""
    if _over_batch(norm):
        return below.variance_over_batch
    return below.square if isinstance(norm, nn.RMSNorm) else below.variance


def _over_batch(norm: nn.Module) -> bool:
    return isinstance(norm, nn.modules.batchnorm._BatchNorm)


def _mean_square(module: nn.Module, name: str, default: float) -> float:
    values = getattr(module, name, None)
    return float(values.detach().square().mean()) if isinstance(values, Tensor) else default

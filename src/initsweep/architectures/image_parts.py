"""What the networks for images share: an image's shape, kernels, blank layers."""

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field
from torch import nn

from initsweep.core.errors import ParamsError
from initsweep.core.params import Count


def _odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise ValueError(f"it must be odd, so that images keep their size, received {kernel}")
    return kernel


Kernel = Annotated[Count, AfterValidator(_odd)]
Image = Annotated[list[Count], Field(min_length=3, max_length=3)]


class BlankConv2d(nn.Conv2d):
    """A convolution that waits for its initializer: zeros, and no random draw when built."""

    def reset_parameters(self) -> None:
        """Set weight and bias, if there is one, to zero."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)


def image_of(image: Sequence[int] | None, n_features: int) -> list[int]:
    """Return the shape of the images, [channels, height, width].

    Args:
        image: As given; None for a square of one channel.
        n_features: Pixels of a row.

    Raises:
        ParamsError: If `n_features` values do not make such an image.
    """
    side = math.isqrt(n_features)
    shape = [1, side, side] if image is None else list(image)
    if math.prod(shape) != n_features:
        kind = "a square of one channel" if image is None else f"{shape}"
        raise ParamsError(
            f"model.image: {n_features} features do not make {kind}. Set it to "
            "[channels, height, width] of your images."
        )
    return shape


def check_halvings(image: Sequence[int], halvings: int, key: str) -> None:
    """Check that an image can be halved that often.

    Raises:
        ParamsError: If nothing would be left of it.
    """
    if min(image[1:]) < 2**halvings:
        raise ParamsError(
            f"{key}: {halvings} blocks halve an image of {image[1]} x {image[2]} to nothing. Use "
            f"at most {min(image[1:]).bit_length() - 1}."
        )

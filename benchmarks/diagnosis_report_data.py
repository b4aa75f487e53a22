"""Small data for the reports: as it should be, and as people give it."""

from collections.abc import Callable
from functools import cache

import torch
from sklearn import datasets
from torch import Tensor

Data = tuple[Tensor, Tensor]
ROWS = 512


@cache
def _bunch(name: str) -> Data:
    bunch = getattr(datasets, f"load_{name}")()
    order = torch.randperm(len(bunch.data), generator=torch.Generator().manual_seed(0))[:ROWS]
    return torch.tensor(bunch.data).float()[order], torch.tensor(bunch.target)[order]


def digits(scale: float = 1 / 16, *, image: bool = False) -> Callable[[], Data]:
    """Return handwritten digits, whose pixels are 0 to 16, times `scale`."""
    return lambda: (
        (_bunch("digits")[0] * scale).reshape((-1, 1, 8, 8) if image else (-1, 64)),
        _bunch("digits")[1],
    )


def tumours(*, raw: bool = False, floats: bool = True, column: bool = True) -> Callable[[], Data]:
    """Return breast cancer data with one target of 0 or 1 each."""

    def data() -> Data:
        x, y = _bunch("breast_cancer")
        y = y.float() if floats else y
        return (x if raw else standard(x)), (y[:, None] if column else y)

    return data


def wine(*, raw: bool = False) -> Callable[[], Data]:
    """Return the wine data; raw, one column is in the hundreds."""
    return lambda: (_bunch("wine")[0] if raw else standard(_bunch("wine")[0]), _bunch("wine")[1])


def prices(
    target_scale: float = 1.0,
    target_mean: float = 0.0,
    input_scale: float = 1.0,
    input_mean: float = 0.0,
    *,
    column: bool = True,
    inputs: int = 8,
) -> Callable[[], Data]:
    """Return a smooth made-up regression."""

    def data() -> Data:
        g = torch.Generator().manual_seed(3)
        x = torch.randn(ROWS, inputs, generator=g)
        y = x @ torch.randn(inputs, 1, generator=g) / inputs**0.5 + torch.sin(x[:, :1])
        y = (y - y.mean()) / y.std() + 0.1 * torch.randn(ROWS, 1, generator=g)
        y = y * target_scale + target_mean
        return x * input_scale + input_mean, y if column else y[:, 0]

    return data


def sequences() -> Data:
    """Return sequences of two numbers whose first sign is the class."""
    g = torch.Generator().manual_seed(4)
    x = torch.randn(ROWS, 12, 2, generator=g)
    return x, (x[:, :3, 0].sum(1) > 0).long()


def tokens() -> Data:
    """Return sequences of tokens whose commoner half is the class."""
    g = torch.Generator().manual_seed(5)
    x = torch.randint(20, (ROWS, 10), generator=g)
    return x, ((x < 10).sum(1) > 5).long()


def xor() -> Data:
    """Return the four rows of XOR, many times."""
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).repeat(ROWS // 4, 1)
    return x, (x[:, :1] != x[:, 1:]).float()


def standard(x: Tensor) -> Tensor:
    """Return columns of mean 0 and standard deviation 1."""
    return (x - x.mean(0)) / x.std(0).clamp_min(1e-12)

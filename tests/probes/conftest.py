from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from initsweep.probes.capture import Layer, Pointwise, Snapshot, capture


class Chain(nn.Module):
    """Linear layers named "0", "1", ..., a function between them, and optional skips."""

    def __init__(self, widths: Sequence[int], activation: Pointwise, *, skip: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(widths)
        )
        self.activation, self.skip = activation, skip
        self.activation_after = {f"layers.{i}": activation for i in range(len(widths) - 2)}

    def forward(self, signal: Tensor) -> Tensor:
        for index, layer in enumerate(self.layers[:-1]):
            output = self.activation(layer(signal))
            signal = signal + output if self.skip and index else output
        return self.layers[-1](signal)


def squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return ((outputs - targets[:, None]) ** 2).mean()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def chain() -> type[Chain]:
    return Chain


@pytest.fixture
def gaussian_state() -> Callable[..., dict[str, Tensor]]:
    def draw(
        model: nn.Module, *, weight_variance: float, bias_variance: float = 0.0, seed: int = 0
    ) -> dict[str, Tensor]:
        """Weights of variance weight_variance / fan_in, biases of variance bias_variance."""
        generator = torch.Generator().manual_seed(seed)
        state = {}
        for name, parameter in model.named_parameters():
            variance = (
                weight_variance / parameter.shape[-1] if parameter.dim() > 1 else bias_variance
            )
            state[name] = torch.randn(parameter.shape, generator=generator) * variance**0.5
        return state

    return draw


@pytest.fixture
def snapshot() -> Callable[..., Snapshot]:
    def take(
        model: nn.Module,
        state: Mapping[str, Tensor] | None = None,
        *,
        batch: int = 64,
        features: Tensor | None = None,
        targets: Tensor | None = None,
        loss: Callable[[Tensor, Tensor], Tensor] = squared,
    ) -> Snapshot:
        if features is None:
            fan_in = next(iter(model.parameters())).shape[1]
            features = torch.randn(batch, fan_in, generator=torch.Generator().manual_seed(99))
        if targets is None:
            targets = torch.randn(len(features), generator=torch.Generator().manual_seed(98))
        parameters = dict(model.named_parameters()) if state is None else state
        after = getattr(model, "activation_after", {})
        return capture(model, parameters, features, targets, loss, after)

    return take


@pytest.fixture
def layer() -> Callable[..., Layer]:
    def build(**values: object) -> Layer:
        """A layer of 2 inputs, 3 units and 4 examples, zero wherever nothing is said."""
        signal = torch.zeros(4, 3, dtype=torch.float64)
        weight = torch.zeros(3, 2, dtype=torch.float64)
        blank = {
            "name": "layer",
            "weight": weight,
            "bias": None,
            "inputs": torch.zeros(4, 2, dtype=torch.float64),
            "pre_activations": signal,
            "activations": signal,
            "gradients": signal,
            "weight_gradient": torch.zeros_like(values.get("weight", weight)),
            "bias_gradient": None,
            "activation": None,
            "normalized": False,
        }
        return Layer(**(blank | values))

    return build

"""What schemes say of rates and decays, before anybody uses it."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from initsweep.core.errors import InitsweepError
from initsweep.initializers import (
    Initializer,
    Layer,
    Multipliers,
    Network,
    OptimizerKind,
    multipliers_of,
)


class _Slow(Initializer):
    """Halves the rate of whatever parameters are named."""

    names: tuple[str, ...] = ()
    factor: float = 0.5

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        return torch.randn(layer.weight_shape, generator=generator)

    def multipliers(self, network: Network, kind: OptimizerKind) -> Mapping[str, Multipliers]:
        return {name: Multipliers(rate=self.factor) for name in self.names}


def test_parameters_that_a_scheme_says_nothing_of_have_the_factor_one() -> None:
    found = multipliers_of(nn.Linear(3, 2), _Slow(names=("weight",)), "adam")
    assert found == {"weight": (0.5, 1.0), "bias": (1.0, 1.0)}
    assert set(multipliers_of(nn.Linear(3, 2), "he_normal", "sgd").values()) == {(1.0, 1.0)}


@pytest.mark.parametrize("scheme", [_Slow(names=("missing",)), _Slow(names=("bias",), factor=-1.0)])
def test_factors_of_no_parameter_or_below_zero_are_refused(scheme: Initializer) -> None:
    with pytest.raises(InitsweepError, match="multipliers"):
        multipliers_of(nn.Linear(3, 2), scheme, "adam")

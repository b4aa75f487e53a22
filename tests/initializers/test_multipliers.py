"""What schemes say of rates and decays, and how an optimizer takes it."""

from collections.abc import Mapping
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from initsweep import parameter_groups
from initsweep.core.errors import InitsweepError
from initsweep.core.multipliers import kind_of
from initsweep.core.params import Optimizer
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


class _ByKind(_Slow):
    """Halves the rate of the bias, but under SGD doubles it, and has the weight decay alone."""

    def multipliers(self, network: Network, kind: OptimizerKind) -> Mapping[str, Multipliers]:
        return {"bias": Multipliers(2.0 if kind == "sgd" else 0.5, 0.0)}


@pytest.mark.parametrize(("optimizer", "rate"), [("SGD", 0.2), ("AdamW", 0.05), ("a.b:Muon", 0.05)])
def test_parameters_of_equal_factors_share_a_group(optimizer: str, rate: float) -> None:
    model = nn.Linear(3, 2)
    first, second = parameter_groups(
        model, _ByKind(), learning_rate=0.1, optimizer=optimizer, weight_decay=0.3
    )
    assert (first["params"], first["names"]) == ([model.weight], ["weight"])
    assert (second["params"], second["names"]) == ([model.bias], ["bias"])
    found = [(group["lr"], group["weight_decay"]) for group in (first, second)]
    assert found == [(0.1, 0.3), (rate, 0.0)]
    (one,) = parameter_groups(model, "he_normal", learning_rate=0.1, optimizer="my:Sophia")
    assert one["params"] == [*model.parameters()]


def test_what_an_optimizer_does_has_to_be_known_where_factors_depend_on_it() -> None:
    with pytest.raises(InitsweepError, match="of 'my:Sophia' that is not known"):
        parameter_groups(nn.Linear(3, 2), _ByKind(), learning_rate=0.1, optimizer="my:Sophia")
    slow = _Slow(names=("weight",))
    groups = parameter_groups(nn.Linear(3, 2), slow, learning_rate=0.1, optimizer="my:Sophia")
    assert [group["lr"] for group in groups] == [0.05, 0.1]


@pytest.mark.parametrize("given", [{"learning_rate": -1.0}, {"weight_decay": "0.1"}])
def test_a_rate_that_is_none_is_named(given: dict[str, float]) -> None:
    with pytest.raises(InitsweepError, match=f"{next(iter(given))}: received"):
        parameter_groups(
            nn.Linear(3, 2), "he_normal", optimizer="sgd", **{"learning_rate": 0.1, **given}
        )


def test_every_optimizer_of_the_engine_is_of_a_known_kind() -> None:
    for name in get_args(Optimizer.model_fields["name"].annotation):
        assert kind_of(name) is not None, name


def test_what_is_no_network_optimizer_or_kind_is_told():
    network = nn.Linear(3, 2)
    with pytest.raises(InitsweepError, match=r"must be a torch.nn.Module, received \[1\]"):
        parameter_groups([1], "he_normal", learning_rate=0.1, optimizer="sgd")
    with pytest.raises(InitsweepError, match=r"optimizer: received None.*'adamw'"):
        parameter_groups(network, "he_normal", learning_rate=0.1, optimizer=None)
    with pytest.raises(InitsweepError, match=r"kind: received 'adma'. Give one of sgd, adam, muon"):
        multipliers_of(network, "he_normal", "adma")

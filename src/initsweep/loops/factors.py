"""The factors of a scheme on rates and decays, in the optimizers of an own training loop."""

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from torch import Tensor, nn, optim

from initsweep.core.errors import RunError
from initsweep.core.multipliers import NONE, Multipliers, OptimizerKind
from initsweep.initializers import Initializer
from initsweep.initializers.groups import multipliers_by_kind, one_of

_MUON_SIZE = "match_rms_adamw"


class Factors:
    """The factors of a scheme on all networks of a run, for any optimizer.

    Parameters are known by themselves, as a network that is wrapped or compiled has other names.

    Attributes:
        used: Whether an optimizer has been given them.
    """

    def __init__(self) -> None:
        self.used = False
        self._parameters: dict[int, nn.Parameter] = {}
        self._by_kind: dict[OptimizerKind, dict[int, Multipliers]] = {
            kind: {} for kind in get_args(OptimizerKind)
        }

    @property
    def exist(self) -> bool:
        """Whether there are any but 1."""
        return any(self._by_kind.values())

    def add(self, model: nn.Module, initializer: Initializer) -> None:
        """Take in those of a network."""
        parameters = dict(model.named_parameters())
        self._parameters |= {id(one): one for one in parameters.values()}
        for kind, factors in multipliers_by_kind(model, initializer, unknown="keep").items():
            self._by_kind[kind] |= {id(parameters[name]): own for name, own in factors.items()}

    def use(self, optimizer: str, parameters: Iterable[object]) -> list[Multipliers]:
        """Return those of the parameters of an optimizer.

        Raises:
            InitsweepError: If the optimizer is not known, and they depend on its kind.
            RunError: If the parameters are of another network.
        """
        several = list(parameters)
        self.used = bool(self._parameters)  # before any network is filled none is known
        if self.exist and self._parameters.keys().isdisjoint(map(id, several)):
            raise RunError(
                "optimizer: the scheme puts factors on rates, and none of these parameters is of "
                "a network that run.initialize was given. Call it first, with the same network."
            )
        return self._of(optimizer, several)

    def split(self, optimizer: str, given: Sequence[Any]) -> list[Any]:
        """Return parameters, or groups of them, as groups of equal factors each.

        They are left as they are where all factors are 1.

        Raises:
            InitsweepError: As `use`.
            RunError: As `use`; also if they are what `TrainingRun.parameter_groups` returns.
        """
        whole = all(isinstance(one, dict) for one in given)
        if whole and any("names" in group for group in given):
            raise RunError(
                "make_optimizer: what run.parameter_groups returns has the run's rate already. "
                "Give it model.parameters()."
            )
        groups = [
            (group, _several(group["params"]))
            for group in (given if whole else [{"params": given}])
        ]
        every = [_tensor(one) for _, several in groups for one in several]
        factors = dict(zip(map(id, every), self.use(optimizer, every), strict=True))
        if all(own == NONE for own in factors.values()):
            return list(given)
        parts: list[dict[str, Any]] = []
        for group, several in groups:
            shared: dict[Multipliers, list[object]] = {}
            for one in several:
                shared.setdefault(factors[id(_tensor(one))], []).append(one)
            parts += [{**group, "params": part} for part in shared.values()]
        return parts

    def multiply(self, optimizer: str, made: optim.Optimizer) -> None:
        """Multiply the rates and decays of an optimizer's groups.

        Raises:
            RunError: If it has made other groups than it was given, or makes updates of another
                size than factors are for.
        """
        for group in made.param_groups:
            if self.exist and group.get("adjust_lr_fn", _MUON_SIZE) != _MUON_SIZE:
                raise RunError(
                    f"optimizer '{optimizer}': the scheme's factors are for updates of AdamW's "
                    f"size, received adjust_lr_fn {group['adjust_lr_fn']!r}. Set "
                    f"`optimizer: {{name: {optimizer}, adjust_lr_fn: {_MUON_SIZE}}}`."
                )
            if len(found := set(self._of(optimizer, group["params"]))) > 1:
                raise RunError(
                    f"optimizer '{optimizer}': it puts parameters whose rates the scheme "
                    "multiplies by different factors into one group. Make it yourself, from "
                    "run.parameter_groups(model, optimizer=...)."
                )
            for own in found:
                group["lr"] = group["lr"] * own.rate
                if "weight_decay" in group:
                    group["weight_decay"] = group["weight_decay"] * own.decay

    def _of(self, optimizer: str, parameters: Iterable[object]) -> list[Multipliers]:
        factors = one_of(self._by_kind, optimizer)
        return [factors.get(id(one), NONE) for one in parameters]


def _several(parameters: Any) -> list[object]:  # noqa: ANN401 - what torch takes
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _tensor(parameter: object) -> object:
    """Return the parameter itself of what torch takes: it, or a pair of its name and it."""
    return parameter[1] if isinstance(parameter, tuple) else parameter

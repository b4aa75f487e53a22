"""CompleteP and depth-muP: depths that share their best rate, too."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from initsweep.core.errors import InitsweepError
from initsweep.core.multipliers import OptimizerKind
from initsweep.core.params import Positive
from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.network import Network
from initsweep.initializers.rules import Rule
from initsweep.initializers.schemes.mup import Mup

Exponent = Annotated[float, Field(ge=0.5, le=1)]
_HIDDEN: Mapping[OptimizerKind, str] = {
    "adam": "m_depth ** (alpha - 1)",
    "sgd": "m_depth ** (2 * alpha - 1)",
    "muon": "m_depth ** (alpha - 1)",
}
_POWER: Mapping[OptimizerKind, int] = {"adam": 1, "sgd": 2, "muon": 1}


@INITIALIZERS.register("completep")
class CompleteP(Mup):
    """muP in width; in depth, residual branches over m^alpha, and rates inside them that fit.

    With m = n_layers / base_depth, in residual blocks:

        branch's output      times m^-alpha
        Adam's rate          m^(alpha - 1)
        SGD's rate           m^(2 alpha - 1)

    The factor of the branch is taken into its last layer, weight and bias, or into the norm that
    ends it: std and Adam's rate times m^-alpha, SGD's times its square, decay divided by that. So
    the network stays as it is. With alpha = 1, Adam's rates in blocks stay as they are but for
    those of the last layers. Decay is that of muP; SGD's rate follows from the same condition,
    that all blocks together move the signal by as much at every depth.

    Source: Dey et al. 2025 (arXiv 2505.01618), table 1, and EleutherAI/nanoGPT-mup, model.py
        (branch completep); alpha = 1/2: Yang et al. 2024 (arXiv 2310.02244), table 1, which has
        rates for Adam and SGD. SGD's for other alpha is derived here.
    """

    summary: ClassVar[str] = "CompleteP: muP, and rates that carry over with depth as well."
    reference: ClassVar[str] = (
        "Dey et al. 2025 (CompleteP), table 1; depth-muP for alpha = 1/2: Yang et al. 2024 (Tensor "
        "Programs VI)."
    )
    conditions: ClassVar[str] = (
        "As for `mup`; residual networks, whose blocks it counts: refuses others. The published "
        "Adam also divides its epsilon by the growth of width and depth: lower yours if gradients "
        "come near it."
    )
    example: ClassVar[Mapping[str, SchemeOption]] = {"base_width": 64, "base_depth": 2}

    base_depth: Positive
    alpha: Exponent = 1.0

    @property
    def table(self) -> Sequence[Rule]:
        """The rules of muP, first for what ends a branch, then for all else."""
        return [
            *(_in_depth(rule, ends=True) for rule in super().table),
            *(_in_depth(rule, ends=False) for rule in super().table),
        ]

    def remarks(self, network: Network) -> Iterator[str]:
        """Yield what muP remarks.

        Yields:
            Sentences.

        Raises:
            InitsweepError: If there are no residual blocks to scale.
        """
        if not any(part.layer.place.blocks for slot in network.slots for part in slot.parts):
            raise InitsweepError(
                f"{type(network.model).__name__} has no residual branch that can be found, and so "
                "no depth to scale with. Choose `mup`."
            )
        yield from super().remarks(network)


def _in_depth(rule: Rule, *, ends: bool) -> Rule:
    """Return a rule of muP with the factors of depth, for what ends a branch or all else."""
    rate, decay = {}, {}
    for kind, inside in _HIDDEN.items():
        branch = f"m_depth ** (-{_POWER[kind]} * alpha)" if ends else "1"
        rate[kind] = f"({rule.rate.get(kind, 1)}) * {inside} * {branch}"
        less = "1" if kind != "sgd" else inside
        decay[kind] = f"({rule.decay.get(kind, 1)}) / ({less} * {branch})"
    changed: dict[str, object] = {"rate": rate, "decay": decay}
    if ends:
        changed["role"] = [*rule.role, "residual_output"]
        if rule.law:
            changed["times"] = f"{rule.times} * m_depth ** -alpha"
        elif rule.kind == "norm":
            start = 0.0 if rule.role else "m_depth ** -alpha"
            changed |= {"scheme": "constant", "value": start}
    given = {**rule.model_dump(exclude_unset=True), **changed}
    return Rule.model_validate(given)


@INITIALIZERS.register("depth_mup")
class DepthMup(CompleteP):
    """CompleteP with alpha = 1/2: branches over the square root of depth.

    Source: Yang et al. 2024 (arXiv 2310.02244), table 1.
    """

    summary: ClassVar[str] = "Depth-muP: as `completep`, with branches over sqrt(depth)."
    reference: ClassVar[str] = "Yang et al. 2024 (Tensor Programs VI), table 1."
    conditions: ClassVar[str] = (
        "As for `completep`. The authors show it for blocks of one layer; deeper ones do not keep "
        "learning in all of their layers, which is what alpha = 1 is for."
    )

    alpha: Exponent = 0.5

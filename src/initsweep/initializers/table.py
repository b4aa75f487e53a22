"""Schemes by part: a table of rules, of which the first that matches a parameter decides."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from initsweep.core.errors import InitsweepError
from initsweep.core.multipliers import Multipliers, OptimizerKind
from initsweep.core.records import SchemeOption
from initsweep.initializers.base import Initializer
from initsweep.initializers.laws.formula import evaluate
from initsweep.initializers.layers import Layer, Neighbour
from initsweep.initializers.network import Network
from initsweep.initializers.parts import Slot
from initsweep.initializers.rules import PartRole, Rule, rules_of


class Law(NamedTuple):
    """What fills a part: an initializer, a factor, and the number of the rule that says so."""

    filler: Initializer
    times: float
    rule: int
    of_biases: bool


class Table(Initializer):
    """Fills each part of a network by the first rule that matches it.

    A rule without a scheme leaves the values to the next one that matches and has one; those of
    parameters in no layer are left as they are then. A rule that says `role: bias` draws biases
    by its scheme's law of weights; any other leaves them to the scheme's own law of biases. Rate
    and decay are those of the first rule that matches.

    Attributes:
        rows: The table, as it would be written in `params.yaml`. Formulas may name the options of
            the scheme, too.
    """

    by_place: ClassVar[bool] = True
    rows: ClassVar[Sequence[Mapping[str, SchemeOption]]] = ()

    @property
    def table(self) -> Sequence[Rule]:
        """The rules, in their order: `rows`, or what a subclass makes them of."""
        return _rules_of(type(self))

    @property
    def scales_rates(self) -> bool:
        """Whether a rule has factors on rates and decays, or a subclass has its own."""
        own = type(self).multipliers is not Table.multipliers
        return own or any(rule.rate or rule.decay for rule in self.table)

    def values(self, layer: Layer, part: PartRole) -> dict[str, float]:
        """Return what formulas may name for a part: sizes, and the options that are numbers.

        Args:
            layer: The layer, in its place.
            part: Its weight or its bias.
        """
        place = layer.place
        width = float(place.width or layer.fan_out)
        found = {name: one for name, one in self if isinstance(one, int | float)}
        found |= {"fan_in": layer.fan_in, "fan_out": layer.fan_out, "width": width}
        found |= {"stacked": layer.stacked, "n_layers": place.blocks}
        if place.block is not None:
            found["layer"] = place.block
        if base_width := found.get("base_width"):
            wider = width / base_width
            found["m_in"] = wider if place.reads_hidden and part == "weight" else 1.0
            found["m_out"] = wider if place.gives_hidden else 1.0
        if base_depth := found.get("base_depth"):
            found["m_depth"] = 1.0 if place.block is None else place.blocks / base_depth
        return {name: float(one) for name, one in found.items()}

    @property
    def reads(self) -> Neighbour | None:
        """Which activation some of the schemes depend on."""
        asked = {rule.sample("").reads for rule in self.table if rule.law}
        ways: tuple[Neighbour, ...] = ("incoming", "activation")
        return next((one for one in ways if one in asked), None)

    def refuses(self, layer: Layer) -> str | None:
        """Return why the scheme of the layer's rule cannot fill it."""
        return self.law(layer, "weight").filler.refuses(layer)

    def fills(self, layer: Layer) -> bool:
        """Return whether a rule with a scheme names this parameter, which is in no layer."""
        return any(rule.law for _, rule in self.matching(layer, "weight"))

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return what the scheme of the layer's rule draws, times the rule's factor."""
        law = self.law(layer, "weight")
        return _scaled(law.filler.weight(layer, generator), law.times)

    def bias(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return the same for its bias."""
        law = self.law(layer, "bias")
        if not law.of_biases:
            return _scaled(law.filler.bias(layer, generator), law.times)
        drawn = law.filler.weight(_as_row(layer), generator)
        return _scaled(drawn, law.times).reshape(layer.bias_shape or (0,))

    def weight_mean(self, layer: Layer) -> float | None:
        """Return the mean that the scheme of the layer's rule states, times the factor."""
        law = self.law(layer, "weight")
        return _times(law.filler.weight_mean(layer), law.times)

    def weight_std(self, layer: Layer) -> float | None:
        """Return the standard deviation that it states, times the factor."""
        law = self.law(layer, "weight")
        return _times(law.filler.weight_std(layer), law.times)

    def bias_std(self, layer: Layer) -> float | None:
        """Return the same of the bias."""
        law = self.law(layer, "bias")
        if law.of_biases:
            return _times(law.filler.weight_std(_as_row(layer)), law.times)
        return _times(law.filler.bias_std(layer), law.times)

    def remarks(self, network: Network) -> Iterator[str]:
        """Yield a sentence if the table has a rule for the ends of branches, and none is found.

        Yields:
            Which rule it is.
        """
        places = [layer.place for slot in network.slots for layer, _ in sides_of(slot)]
        ends = "residual_output"
        if any(ends in place.roles for place in places):
            return
        for index, rule in enumerate(self.table):
            if ends in rule.role:
                yield (
                    f"rules[{index}] {rule!r} matches nothing: no branch could be found whose "
                    "result is added to the path around it."
                )

    def multipliers(self, network: Network, kind: OptimizerKind) -> dict[str, Multipliers]:
        """Return the factors of the first rule that matches each parameter.

        Raises:
            InitsweepError: If parts of one parameter have different ones.
        """
        found: dict[str, Multipliers] = {}
        for slot in network.slots:
            factors = {self._factors(layer, part, kind) for layer, part in sides_of(slot)}
            if len(factors) > 1:
                raise InitsweepError(
                    f"The parts of '{slot.name}' have the multipliers {sorted(factors)}, but are "
                    "one parameter, which the optimizer updates at one rate. Write one `rate` and "
                    "one `decay` for all of them."
                )
            for one in factors:
                found[slot.name] = one
        return found

    def law(self, layer: Layer, part: PartRole) -> Law:
        """Return what fills a part of a layer.

        Raises:
            InitsweepError: If no rule does, or one has a formula that does not come to a number.
        """
        for index, rule in self.matching(layer, part):
            if rule.law:
                with self._told(index, layer):
                    values = self.values(layer, part)
                    times = evaluate(rule.times, values)
                    return Law(rule.filler(values), times, index, "bias" in rule.role)
        raise InitsweepError(
            f"No rule says how to fill '{layer.name}'. End the rules with one for all that is "
            'left, such as {match: "*", scheme: he_normal}.'
        )

    def matching(self, layer: Layer, part: PartRole) -> Iterator[tuple[int, Rule]]:
        """Yield the rules that match a part of a layer.

        Yields:
            The number of the rule, and the rule.
        """
        for index, rule in enumerate(self.table):
            if rule.matches(layer, part):
                yield index, rule

    def _factors(self, layer: Layer, part: PartRole, kind: OptimizerKind) -> Multipliers:
        for index, rule in self.matching(layer, part):
            with self._told(index, layer):
                return rule.multipliers(kind, self.values(layer, part))
        return Multipliers()

    @contextmanager
    def _told(self, index: int, layer: Layer) -> Iterator[None]:
        """Say of an error which rule it comes from, and for which layer.

        Yields:
            Nothing.

        Raises:
            InitsweepError: Instead of the error.
        """
        try:
            yield
        except ValueError as error:
            about = f"rules[{index}] {self.table[index]!r} for '{layer.name}'"
            raise InitsweepError(f"{about}: {str(error).rstrip('.')}.") from None


@cache
def _rules_of(kind: type[Table]) -> tuple[Rule, ...]:
    return tuple(rules_of(kind.rows))


def sides_of(slot: Slot) -> list[tuple[Layer, PartRole]]:
    """Return the parts of a parameter; one in no layer is a weight."""
    own: list[tuple[Layer, PartRole]] = [(slot.own, "weight")] if slot.own else []
    return [(part.layer, part.role) for part in slot.parts] or own


def _as_row(layer: Layer) -> Layer:
    """Return a layer's bias as a row of a lookup table."""
    (count,) = layer.bias_shape or (0,)
    return replace(
        layer, weight_shape=(1, count), bias_shape=None, fan_in=1, fan_out=count, kind="embedding",
        activation=None, incoming=None,
    )  # fmt: skip


def _scaled(drawn: Tensor, times: float) -> Tensor:
    return drawn if times == 1 else (drawn.double() * times).to(torch.float32)


def _times(value: float | None, times: float) -> float | None:
    return None if value is None else value * times

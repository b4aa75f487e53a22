"""Recognizes published starts: tables of rules with which all parts of a network agree."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, get_args, get_origin

from initsweep.core.errors import InitsweepError
from initsweep.core.numbers import plain
from initsweep.core.randomness import torch_stream
from initsweep.core.records import OptionValue
from initsweep.explanation.families import best_fit
from initsweep.explanation.observed import Observed
from initsweep.explanation.scale_rules import has_scale
from initsweep.initializers import INITIALIZERS, Layer
from initsweep.initializers.laws.draws import Distribution
from initsweep.initializers.laws.formula import Amount, evaluate, names_in
from initsweep.initializers.rules import Rule
from initsweep.initializers.table import Table

_SIDE = 64  # of the square of which a scheme's family is read
_ODD = 0.05  # share of parts whose law may look odd by chance, if family and scale are right
_TOLD = 0.5  # share of weights that have to have enough values to tell


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOfStart:
    """One rule of a start, and the layers that follow it.

    Attributes:
        rule: For what it is and what it says, with the network's numbers.
        layers: Names of the layers, or of parameters in no layer.
    """

    rule: str
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A published start.

    Attributes:
        scheme: Its name, with its options if it has several forms.
        reference: Where it is published.
        parts: What it says of this network.
        also: Other starts that say the same of this network.
    """

    scheme: str
    reference: str
    parts: tuple[PartOfStart, ...]
    also: tuple[str, ...] = ()


def start_of(parts: Sequence[Observed]) -> Start | None:
    """Return the published start that a residual network has, None if there is none.

    Every registered scheme that is a table takes part, in each of its named forms and with the
    published numbers. It is claimed if no part of the network contradicts it: neither family, nor
    scale, nor the values of biases and norms; and if most weights have enough values to tell.
    """
    if not any(part.layer.place.blocks for part in parts):
        return None
    agreeing = [(name, table) for name, table in _published() if _agrees(table, parts)]
    if not agreeing:
        return None
    (name, table), *others = agreeing
    return Start(
        scheme=name,
        reference=table.reference,
        parts=tuple(_told(table, parts)),
        also=tuple(name for name, _ in others),
    )


def _published() -> Iterator[tuple[str, Table]]:
    """Yield the tables that need no numbers of the user's.

    Yields:
        What to call it, and the table.
    """
    for name, entry in INITIALIZERS:
        if not issubclass(entry, Table):
            continue
        forms = {
            option: get_args(field.annotation)
            for option, field in entry.model_fields.items()
            if get_origin(field.annotation) is Literal
        }
        needed = {one for one, field in entry.model_fields.items() if field.is_required()}
        for chosen in product(*forms.values()) if needed <= {*forms} else ():
            options: Mapping[str, OptionValue] = dict(zip(forms, chosen, strict=True))
            called = ", ".join(f"{option} {value}" for option, value in options.items())
            yield f"{name} ({called})" if called else name, entry.model_validate(options)


def _agrees(table: Table, parts: Sequence[Observed]) -> bool:
    """Return whether nothing in a network contradicts a table."""
    odd = told = 0
    families: dict[tuple[int, str], Distribution | None] = {}
    for part in parts:
        expected = _expected(table, part)
        if expected is None:
            continue
        mean, std, rule = expected
        if part.fit is None or std == 0:
            if not _close(part, mean, std):
                return False
            continue
        if (rule, part.role) not in families:
            families[rule, part.role] = _family(table, part)
        if part.fit.family != families[rule, part.role] or not has_scale(part.fit, std):
            return False
        if abs(part.fit.centre - mean) > 5 * std / math.sqrt(part.n_values):
            return False
        odd += not part.fit.accepted
        told += part.role == "weight"
    weights = sum(part.role == "weight" and bool(part.slot.parts) for part in parts)
    return odd <= _ODD * len(parts) and told >= max(1, _TOLD * weights)


def _expected(table: Table, part: Observed) -> tuple[float, float, int] | None:
    """Return the mean, the std and the rule that a table says, None where it says nothing."""
    layer, weight = part.layer, part.role == "weight"
    if not part.slot.parts and not table.fills(layer):
        return (part.slot.constant, 0.0, -1) if layer.place.kinds == {"norm"} else None
    try:
        rule = table.law(layer, part.role).rule
        std = table.weight_std(layer) if weight else table.bias_std(layer)
        mean = table.weight_mean(layer) if weight else 0.0
    except InitsweepError:  # a formula has no value here: it is no start of such a network
        return math.nan, 0.0, -1
    return None if std is None or mean is None else (mean, std, rule)


def _close(part: Observed, mean: float, std: float) -> bool:
    """Return whether values without a family may have this mean and std."""
    error = 5 * std / math.sqrt(max(part.n_values, 1)) + 1e-6 * abs(mean)
    return abs(part.law.std - std) <= error and abs(part.law.mean - mean) <= error


def _family(table: Table, part: Observed) -> Distribution | None:
    """Return the family that a table says, from a draw for a layer of another size."""
    kernel = (1,) * (len(part.layer.weight_shape) - 2)
    small = replace(
        part.layer, weight_shape=(_SIDE, _SIDE, *kernel), bias_shape=(_SIDE**2,), groups=1
    )
    fill = table.weight if part.role == "weight" else table.bias
    fit = best_fit(fill(small, torch_stream("family")).double().flatten(), 1e-7)
    return fit.family if fit else None


def _told(table: Table, parts: Sequence[Observed]) -> Iterator[PartOfStart]:
    """Yield what a table says of a network, rule by rule.

    Yields:
        A rule that some part follows.
    """
    followed: dict[int, dict[str, Layer]] = {}
    for part in parts:
        if part.slot.parts or table.fills(part.layer):
            number = table.law(part.layer, part.role).rule
            if part.role == "weight" or "bias" in table.table[number].role:
                followed.setdefault(number, {})[part.layer.name] = part.layer
    for index in sorted(followed):
        rule, layers = table.table[index], followed[index]
        values = [table.values(layer, "weight") for layer in layers.values()]
        same = {n: one for n, one in values[0].items() if all(v.get(n) == one for v in values)}
        who = ", ".join([*rule.role, *([rule.kind] if rule.kind else []), *rule.match])
        yield PartOfStart(rule=f"{who or 'all else'}: {_law(rule, same)}", layers=tuple(layers))


def _law(rule: Rule, values: Mapping[str, float]) -> str:
    """Return what a rule says, with the numbers that are the same for all of its layers."""
    options = ", ".join(f"{name} {_number(one, values)}" for name, one in rule.options.items())
    return options if rule.law == "random_normal" else f"{rule.law} {options}".rstrip()


def _number(amount: Amount, values: Mapping[str, float]) -> str:
    if not isinstance(amount, str):
        return plain(amount)
    names = names_in(amount)
    told = {name: plain(values[name], 6) for name in names & {*values}}
    text = re.sub("[a-z_]+", lambda name: told.get(name[0], name[0]), amount)
    if not names <= {*values}:
        return text
    found = plain(evaluate(amount, values))
    return text if text == found else f"{text} = {found}"

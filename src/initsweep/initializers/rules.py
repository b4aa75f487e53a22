"""One row of a table of rules: which parameters it is for, and what it makes of them."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from initsweep.core.errors import ParamsError, UnknownNameError, shown
from initsweep.core.multipliers import Multipliers, OptimizerKind
from initsweep.core.options import Options
from initsweep.core.registry import did_you_mean
from initsweep.initializers.base import Initializer
from initsweep.initializers.catalogue import INITIALIZERS, is_kind, make_initializer
from initsweep.initializers.laws.formula import Amount, check_formula, evaluate
from initsweep.initializers.layers import Kind, Layer
from initsweep.initializers.place import Role

PartRole = Literal["weight", "bias"]
AnyKind = Kind | Literal["norm", "parameter"]


def _amount(value: object) -> Amount:
    """Return a number or a formula.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise ValueError(f"write a finite number or a formula, received {shown(value)}")


def listed(given: object) -> object:
    """Return one or several names as a list."""
    return [given] if isinstance(given, str) else given


def _for_each(given: object) -> object:
    """Return a factor for each kind of optimizer."""
    return given if isinstance(given, dict) else dict.fromkeys(get_args(OptimizerKind), given)


Number = Annotated[Amount, PlainValidator(_amount)]
Factors = Annotated[dict[OptimizerKind, Number], BeforeValidator(_for_each)]
"""A factor for each kind of optimizer; 1 for those left out. Written as one, it is for all."""

NAMES = [
    "fan_in", "fan_out", "stacked", "width", "n_layers", "layer", "m_in", "m_out", "m_depth",
]  # fmt: skip
"""Names in formulas: sizes of the layer and of the network, and how much larger than the base."""

_OUTSIDE: frozenset[str] = frozenset({"norm", "position", "token", "gate"})


class Rule(Options):
    """One row. What it does not know by name are options of its scheme.

    Attributes:
        match: Names of parameters, or paths of layers, with * and ?.
        kind: What the layer computes (`Layer.kind`), or "norm" or "parameter" for what is in no
            layer.
        role: What the parameter is to the signal (`place.Role`); several that all have to hold.
        scheme: A registered initializer, or one of the user's own; "random_normal" if there is a
            `std`, and None leaves the values to the next rule that matches.
        times: A factor on what the scheme draws.
        rate: Factor on the learning rate.
        decay: Factor on the weight decay, beside what `rate` does to it.
    """

    model_config = ConfigDict(extra="allow")

    match: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list)
    kind: AnyKind | None = None
    role: Annotated[list[Role], BeforeValidator(listed)] = Field(default_factory=list)
    scheme: str | None = None
    times: Number = 1.0
    rate: Factors = Field(default_factory=dict)
    decay: Factors = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(repr(self))  # its lists have none

    def __repr__(self) -> str:
        given = self.model_dump(exclude_unset=True)
        return "{" + ", ".join(f"{name}: {value}" for name, value in given.items()) + "}"

    @property
    def options(self) -> dict[str, Amount]:
        """Options of the scheme, formulas not computed yet."""
        return dict(self.model_extra or {})

    @property
    def law(self) -> str | None:
        """Name of the scheme, None if the rule has none."""
        return self.scheme or ("random_normal" if "std" in self.options else None)

    def matches(self, layer: Layer, part: PartRole) -> bool:
        """Return whether the rule is for a part of a layer.

        What is in no layer has to be named: by its kind, by a role that only such parameters have,
        or by a `match` whose last part, but for ".weight" and ".bias", is no pattern.
        """
        place = layer.place
        roles = {*place.roles, *(("bias",) if part == "bias" else ())}
        names = place.names or (layer.name, f"{layer.name}.{part}")
        said = self.kind in {"norm", "parameter"} or not _OUTSIDE.isdisjoint(self.role)
        patterns = [one for one in self.match if said or not place.outside or _is_exact(one)]
        named = not self.match and (said or not place.outside)
        return (
            (self.kind is None or self.kind in (place.kinds or {layer.kind}))
            and roles.issuperset(self.role)
            and (named or any(_fits(one, name) for one in patterns for name in names))
        )

    def sample(self, key: str) -> Initializer:
        """Return what fills layers, with 1 for every formula.

        Raises:
            ParamsError: If the scheme does not take the options.
        """
        formulas = dict.fromkeys(self._formulas(), 1.0)
        return make_initializer(
            self.law or "", {**self.options, **formulas}, key=key, later=formulas
        )

    def filler(self, values: Mapping[str, float]) -> Initializer:
        """Return what fills a layer, its options computed.

        Raises:
            ValueError: If a formula does not come to a number that the scheme takes.
        """
        options = self.options
        for name in self._formulas():
            options[name] = evaluate(options[name], values)
        return make_initializer(self.law or "", options)

    def _formulas(self) -> list[str]:
        """Return the options that are text where the scheme takes none."""
        entry, options = INITIALIZERS.get(self.law or ""), self.options
        if not is_kind(entry):
            return []
        try:
            entry.model_validate(options)
        except ValidationError as error:
            found = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
            texts = {name for name, one in options.items() if isinstance(one, str)}
            return sorted(found & texts & {*entry.model_fields})
        return []

    def multipliers(self, kind: OptimizerKind, values: Mapping[str, float]) -> Multipliers:
        """Return the factors on rate and decay.

        Raises:
            ValueError: If a formula does not come to a number from 0.
        """
        chosen = (self.rate.get(kind, 1.0), self.decay.get(kind, 1.0))
        found = Multipliers(*(evaluate(one, values) for one in chosen))
        for amount, factor in zip(chosen, found, strict=True):
            if factor < 0:
                raise ValueError(f"{shown(amount)} comes to {factor:g}; a factor is 0 or more")
        return found

    def check(self, key: str, names: list[str]) -> None:
        """Check the scheme, its options, and all formulas.

        Args:
            key: The dotted key of the rule.
            names: What formulas may name.

        Raises:
            ParamsError: Naming the key, what was received and what to do.
        """
        self._check_names(key)
        factors = {
            f"{name}.{kind}": one
            for name in ("rate", "decay")
            for kind, one in getattr(self, name).items()
        }
        for name, amount in factors.items():
            if not isinstance(amount, str) and amount < 0:
                raise ParamsError(f"{key}.{name}: received {amount}. A factor is 0 or more.")
        options = {} if self.law is None else self._checked_options(key)
        for name, amount in {"times": self.times, **factors, **options}.items():
            try:
                check_formula(amount, names)
            except ValueError as error:
                raise ParamsError(f"{key}.{name}: {error}.") from None

    def _check_names(self, key: str) -> None:
        """Refuse what is neither a key of rules nor an option of the scheme.

        Raises:
            ParamsError: If there is something, or no such scheme.
        """
        try:
            entry = INITIALIZERS.get(self.law) if self.law else None
        except UnknownNameError as error:
            raise ParamsError(f"{key}.scheme: {error}") from None
        if entry and not is_kind(entry):
            return  # a function, which `make_initializer` asks itself
        known, takes = [*type(self).model_fields], [*entry.model_fields] if entry else []
        of_scheme = (
            f"{self.law} takes {', '.join(takes) or 'no options'}"
            if self.law
            else "all others are options of a `scheme`, and this rule names none"
        )
        for name in self.options:
            if name not in takes:
                raise ParamsError(
                    f"{key}.{name}: unknown key.{did_you_mean(name, known + takes)} Known: "
                    f"{', '.join(known)}; {of_scheme}."
                )

    def _checked_options(self, key: str) -> dict[str, Amount]:
        """Return the formulas among the options of the scheme.

        Raises:
            ParamsError: If it is no scheme for a part, or does not take the options.
        """
        sample = self.sample(key)
        if type(sample).complete is not Initializer.complete or sample.by_place:
            raise ParamsError(
                f"{key}.scheme: received '{self.law}', which looks at the network as a whole. "
                "Write a scheme that fills one layer at a time, such as he_normal."
            )
        return {name: self.options[name] for name in self._formulas()}


def rules_of(rows: Iterable[Mapping[str, object]]) -> list[Rule]:
    """Return the rules of a table as it is written in `params.yaml`."""
    return [Rule.model_validate(row) for row in rows]


def _is_exact(pattern: str) -> bool:
    """Return whether the last part of a pattern, but for "weight" and "bias", is a name."""
    last = re.sub(r"\.(weight|bias)$", "", pattern).rpartition(".")[2]
    return not {*"*?"} & {*last}


def _fits(pattern: str, name: str) -> bool:
    """Return whether a name has a pattern, in which brackets are nothing special."""
    spelt = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(spelt, name) is not None

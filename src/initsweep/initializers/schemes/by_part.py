"""By part: a table of rules of the user's own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from initsweep.core.errors import ParamsError, shown
from initsweep.core.options import parse_options
from initsweep.core.params import Positive
from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.network import Network
from initsweep.initializers.rules import NAMES, Rule
from initsweep.initializers.table import Table, sides_of


@INITIALIZERS.register("by_part")
class ByPart(Table):
    """Each part of the network by the first of its rules that matches; see `Table` and `Rule`.

    Source: none; other schemes by part are such tables with a source each.
    """

    summary: ClassVar[str] = "Each part of the network by the first of your rules that matches it."
    reference: ClassVar[str] = "Your own table; `gpt2`, `mup` and their kin are published ones."
    conditions: ClassVar[str] = (
        "Every layer needs a rule; what is in no layer (norms, positions) is filled only by a rule "
        "that names it. Warns of rules that match nothing."
    )
    biases: ClassVar[str] = "those of the rule's scheme, or a rule's of their own"
    example: ClassVar[Mapping[str, SchemeOption]] = {
        "rules": [
            {"role": "bias", "std": 0.01},
            {"match": "*", "std": "1 / sqrt(fan_in)"},
        ]
    }

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    base_width: Positive | None = None
    base_depth: Positive | None = None

    @field_validator("rules", mode="before")
    @classmethod
    def _rows_are_rules(cls, rows: object, info: ValidationInfo) -> object:
        key = f"{info.context or 'by_part'}.rules"
        if not isinstance(rows, list):
            raise ParamsError(
                f"{key}: received {shown(rows)}. Write a list of rules, such as "
                '[{role: output, scheme: zeros}, {match: "*", scheme: he_normal}].'
            )
        return tuple(_rule(row, f"{key}[{index}]") for index, row in enumerate(rows))

    @property
    def table(self) -> Sequence[Rule]:
        """The rules, in their order."""
        return self.rules

    def remarks(self, network: Network) -> Iterator[str]:
        """Yield a sentence for every rule that matches nothing.

        Yields:
            What it is, and what there is to match.
        """
        sides = [side for slot in network.slots for side in sides_of(slot)]
        for index, rule in enumerate(self.rules):
            if not any(rule.matches(layer, part) for layer, part in sides):
                roles = sorted({role for layer, _ in sides for role in layer.place.roles})
                kinds = sorted({kind for layer, _ in sides for kind in layer.place.kinds})
                yield (
                    f"rules[{index}] {rule!r} matches nothing in this network. It has the kinds "
                    f"{', '.join(kinds)}, the roles {', '.join(roles)}, and names such as "
                    f"'{network.slots[0].name}'. What is in no layer is matched by `kind: norm` or "
                    "`kind: parameter`, by a role of its own, or by its full name."
                )


def _rule(row: object, key: str) -> Rule:
    """Return a rule, checked.

    Raises:
        ParamsError: Naming the key, what was received and what to do.
    """
    if isinstance(row, Rule):
        rule = row
    elif isinstance(row, Mapping):
        rule = parse_options(Rule, row, key)
    else:
        raise ParamsError(f"{key}: received {shown(row)}. Write a mapping, such as {{std: 0.02}}.")
    rule.check(key, NAMES)
    return rule

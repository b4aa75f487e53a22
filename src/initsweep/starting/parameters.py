"""Writes the `params.yaml` of a new study: the repository's own, comments kept, new values."""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.representer import RoundTripRepresenter

from initsweep.architectures import ARCHITECTURES, Architecture
from initsweep.core.name_value import network_values
from initsweep.core.network_choice import AUTOMATIC
from initsweep.core.params import RateTransfer
from initsweep.core.part_hashes import TEMPLATE
from initsweep.core.records import ModelOption
from initsweep.core.spelling import legible
from initsweep.starting.time_budget import FIRST_FRESH_SEED, Budget

DEFAULT = TEMPLATE / "params.yaml"
"""The parameters of the default study."""


def network_options(name: str, given: Sequence[str]) -> dict[str, ModelOption]:
    """Return the section `model` for a network by name.

    Args:
        name: A registered network, `auto`, or package.module:make_net.
        given: Options from the command line, "name=value" each.

    Raises:
        ParamsError: If one is not of that form, or its value is none that options have.
    """
    entry = None if name == "auto" else cast(object, ARCHITECTURES.get(name))
    options: dict[str, Any] = dict(AUTOMATIC.get(name, {}))
    if not options and isinstance(entry, type) and issubclass(entry, Architecture):
        options = dict(entry.example)
        options |= {"image": None} if "image" in options else {}
    return {"name": name, **options, **network_values(given)}


def budget_values(budget: Budget) -> dict[str, object]:
    """Return a budget as values of params.yaml."""
    fresh = range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + budget.fresh_seeds)
    values: dict[str, object] = {
        "training.epochs": budget.epochs,
        "tune.seeds": list(range(budget.tuning_seeds)),
        "tune.grid.points": budget.points,
        "tune.refinement_trials": budget.refinement,
        "confirm.seeds": list(fresh),
        "decide.most_seeds": budget.most_seeds,
    }
    if budget.schemes:
        values["schemes"] = list(budget.schemes)
    return values


def write_params(
    file: Path, template: str, values: Mapping[str, object], heading: Sequence[str]
) -> None:
    """Write parameters with other values, comments kept.

    Args:
        file: Where to.
        template: The parameters to begin with, as text.
        values: By dotted key.
        heading: Lines for the top of the file, without "#".
    """
    top = "".join(f"# {legible(line)}\n" for line in heading)
    file.write_text(f"{top}\n{edited(template, values)}", encoding="utf-8")


def edited(template: str, values: Mapping[str, object]) -> str:
    """Return parameters with other values, comments kept.

    A section that the pipeline asks for and older parameters lack is added.

    Args:
        template: The parameters, as text.
        values: By dotted key.
    """
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 120
    yaml.Representer = _WithNull
    yaml.indent(mapping=2, sequence=4, offset=2)
    content = yaml.load(template)
    content.setdefault("transfer", RateTransfer().model_dump(mode="json"))
    for key, value in values.items():
        *parents, last = key.split(".")
        section = content
        for parent in parents:
            section = section[parent]
        section[last] = _plain(yaml, section.get(last), value)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return re.sub(r"\n+(?=optimizer:\n)", "\n\n", stream.getvalue())  # lost with a comment


class _WithNull(RoundTripRepresenter):
    """Writes `null` where ruamel would write nothing."""

    def nothing(self, _: None) -> Any:  # noqa: ANN401 - ruamel's
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_WithNull.add_representer(type(None), _WithNull.nothing)


def _plain(yaml: YAML, old: object, value: object) -> object:
    """Return a value that is written as the old one was: lists on one line, mappings with comments.

    Keys that a new mapping lacks go, together with their comments; those it shares keep them.
    """
    if isinstance(value, dict) and isinstance(old, dict):
        for key in [key for key in old if key not in value]:
            del old[key]
        for key, one in value.items():
            old[key] = _plain(yaml, old.get(key), one)
        return old
    if isinstance(value, list):
        written = yaml.seq(value)
        if not isinstance(old, CommentedSeq) or old.fa.flow_style() is not False:
            written.fa.set_flow_style()
        elif value and len(old) - 1 in old.ca.items:
            # What stands above the next section hangs on the last item.
            written.ca.items[len(value) - 1] = old.ca.items[len(old) - 1]
        return written
    return value

"""A scheme for one network as a Python file that needs PyTorch and nothing else."""

import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, partial

from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.exporting.calls import Call, call_for, constant, why_not
from initsweep.exporting.factors_source import factors_source
from initsweep.exporting.helpers import HELPERS
from initsweep.exporting.quoting import documentation, literal, source_list
from initsweep.exporting.standardized import Standardized
from initsweep.exporting.template import END, HEAD, NETWORK, START, WIDTH, Rates
from initsweep.graph.traces import traces_of
from initsweep.graph.vocabulary import NORMS_WITH_STATISTICS
from initsweep.initializers import Initializer, activations_after, activations_before
from initsweep.initializers.groups import multipliers_by_kind
from initsweep.initializers.kept import frozen_names, keeps_statistics
from initsweep.initializers.packed import packed_layers
from initsweep.initializers.parts import Part, Slot
from initsweep.initializers.slots import slots_of
from initsweep.initializers.unknown import refuse_weights, unknown_weights

_ROOM = WIDTH - 8  # within the function
_FACTORS = " Its factors on rates come from `initsweep.parameter_groups(model, ...)`."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A call, and the rows that it fills: all if there is no `stop`."""

    name: str
    call: Call
    part: Part | None = None
    view: str = ""
    start: int | None = None
    stop: int | None = None

    def text(self) -> str:
        """Return the source, with the fans of a weight."""
        rows = "" if self.stop is None else f", start={self.start}, stop={self.stop}"
        rows = f", view={self.view}{rows}" if self.view else rows
        first = f"{literal(self.name)}, {self.call.function}{rows}"
        law = self.call.text()
        call = f"put({first}, {law})"
        if len(call) > _ROOM:
            call = f"put(\n    {first},\n    {law},\n)"
        if self.part is None or self.part.role == "bias":
            return call
        fans = f"# fans {self.part.layer.fan_in:g} and {self.part.layer.fan_out:g}"
        last = call.splitlines()[-1]
        return f"{call}  {fans}" if len(last) + len(fans) + 2 <= _ROOM else f"{fans}\n{call}"


def snippet(
    model: nn.Module,
    initializer: Initializer,
    *,
    title: str,
    scheme: str,
    rates: Rates | None = None,
    standardized: Standardized | None = None,
) -> str:
    """Return the source of a module with a function `initialize(model, seed)`.

    It fills every parameter of the network from the same law as the initializer, biases and
    normalization layers as we do; the random numbers are others. What is frozen or in no layer that
    initializers know is left as it is. Factors on rates and decays come with a function
    `parameter_groups`.

    Args:
        model: The network to write it for; its values are ignored.
        initializer: The initializer.
        title: What to call the network.
        scheme: What to call the scheme.
        rates: The learning rate to name, None for none.
        standardized: By what its inputs and targets are standardized, None for nothing.

    Raises:
        InitsweepError: If the initializer cannot be written so or refuses a layer, or if no
            initializer knows some of the weights.
    """
    by_kind = multipliers_by_kind(model, initializer, unknown="keep")
    if reason := why_not(initializer):
        raise InitsweepError(
            f"'{scheme}' cannot be exported as plain PyTorch: {reason}. Keep the values instead: "
            "fill the network by `initsweep.initialize_`, `torch.save(model.state_dict(), FILE)`, "
            "and `model.load_state_dict(torch.load(FILE))`, which names what does not fit."
            + _FACTORS
            * any(by_kind.values())
        )
    traces = cache(partial(traces_of, model))
    after, before = activations_after(model, traces), activations_before(model, traces)
    frozen = frozen_names(model)
    packed = packed_layers(model, traces).sizes
    slots = slots_of(model, after, before, packed=packed, frozen=frozen)
    refuse_weights(model, unknown_weights(model, slots, traces))
    filled = tuple(slot for slot in slots if not slot.kept)
    lines = [line for slot in filled for line in _lines(slot, initializer)]
    functions = dict.fromkeys(line.call.function for line in lines if line.call.function)
    helpers = dict.fromkeys(source for name in functions for source in HELPERS.get(name, ()))
    unclear = (after if initializer.reads == "activation" else before).unclear
    unknown = [n for n in unclear if any(n == p.layer.stem for s in filled for p in s.parts)]
    about = _about(initializer, title, scheme, unknown if initializer.reads else [])
    calls = [*_weights(lines), *_values(lines), *_blank(filled)]
    body = "\n".join([*(calls or ["pass  # there is nothing to fill"]), *_left_alone(slots)])
    shapes = [f"{literal(slot.name)}: {tuple(slot.shape)}" for slot in slots]
    above = [*(f"{source}\n" for source in helpers)]
    above += [one.text() for one in (rates, standardized) if one is not None]
    above += [factors_source(by_kind)] if any(by_kind.values()) else []
    parts = [
        HEAD.format(about=documentation(about), imports=_imports("".join(above))),
        *above,
        NETWORK.format(shapes=source_list(shapes, WIDTH)),
        START,
        textwrap.indent(body, " " * 8),
        "\n",
        END.format(loop=_loop_over_norms(model, frozen)),
    ]
    return "".join(parts)


def _imports(source: str) -> str:
    """Return the imports of the standard library that the source needs."""
    imports = {"json.": "import json", "math.": "import math", "Path(": "from pathlib import Path"}
    needed = [line for use, line in imports.items() if use in source]
    return "".join(f"\n{line}" for line in needed) + "\n" * bool(needed)


def _left_alone(slots: tuple[Slot, ...]) -> Iterator[str]:
    """Yield what keeps the values that the network is built with.

    Yields:
        One comment per reason.
    """
    reasons = {
        "frozen": "frozen",
        "free": "in no layer that initializers know",
        "zero": "the zeros that end a branch of low rank",
    }
    for kept, reason in reasons.items():
        if names := [literal(slot.name) for slot in slots if slot.kept == kept]:
            yield textwrap.indent(
                f"Left as built, {reason}:\n{source_list(names, _ROOM - 2)}", "# "
            )


def _loop_over_norms(model: nn.Module, frozen: Collection[str]) -> str:
    """Return the loop over the norms whose running statistics start afresh."""
    kept = [
        f"{literal(path)},"
        for path, module in model.named_modules()
        if isinstance(module, NORMS_WITH_STATISTICS) and keeps_statistics(model, path, frozen)
    ]
    condition = 'if hasattr(module, "reset_running_stats")'
    if not kept:
        return f"    for module in model.modules():\n        {condition}:"
    paths = textwrap.indent("\n".join(kept), " " * 8)
    return (
        f"    frozen = {{\n{paths}\n    }}\n    for path, module in model.named_modules():\n"
        f"        {condition} and path not in frozen:"
    )


def _lines(slot: Slot, initializer: Initializer) -> Iterator[_Line]:
    """Yield the calls that fill one parameter.

    Yields:
        One line per part, or one for the whole parameter where that is the same.
    """
    if not slot.parts:
        yield _Line(name=slot.name, call=constant(slot.constant))
        return
    calls = [call_for(initializer, part) for part in slot.parts]
    independent = calls[0].function in {"", "nn.init.normal_", "nn.init.uniform_"}
    if len(calls) == 1 or (independent and all(call == calls[0] for call in calls)):
        view = "torch.t" if slot.turned and len(calls) == 1 else ""
        yield _Line(name=slot.name, call=calls[0], part=slot.parts[0], view=view)
        return
    if len(slot.shape) > len(slot.parts[0].layer.weight_shape):
        for index, (part, call) in enumerate(zip(slot.parts, calls, strict=True)):
            view = f"lambda one: one[{index}]{'.T' * slot.turned}"
            yield _Line(name=slot.name, call=call, part=part, view=view)
        return
    start, view = 0, "torch.t" if slot.turned else ""
    for part, call in zip(slot.parts, calls, strict=True):
        stop = start + (part.rows or 0)
        yield _Line(name=slot.name, call=call, part=part, view=view, start=start, stop=stop)
        start = stop


def _weights(lines: list[_Line]) -> Iterator[str]:
    for line in lines:
        if line.call.function:
            yield line.text()


def _values(lines: list[_Line]) -> Iterator[str]:
    """Yield the constants, grouped by value.

    Yields:
        One call per value.
    """
    by_value: dict[str, list[str]] = {}
    for line in lines:
        if not line.call.function:
            by_value.setdefault(repr(line.call.arguments["value"]), []).append(literal(line.name))
    for value, names in by_value.items():
        text = f"put_value({value}, {', '.join(names)})"
        if len(text) <= _ROOM:
            yield text
        else:
            yield f"put_value(\n    {value},\n{source_list(names, _ROOM)}\n)"


def _blank(slots: tuple[Slot, ...]) -> Iterator[str]:
    for slot in slots:
        if slot.blank_row is not None:
            yield f"parameters[{literal(slot.name)}][{slot.blank_row}] = 0  # padding"


def _about(initializer: Initializer, title: str, scheme: str, unknown: list[str]) -> str:
    text = f"`{scheme}` for {title} in plain PyTorch, written by initsweep.\n\n" + textwrap.fill(
        f"{initializer.summary} Source: {initializer.reference}", WIDTH
    )
    if options := initializer.model_dump(exclude_defaults=True):
        text += f"\nOptions: {', '.join(f'{name}={value!r}' for name, value in options.items())}."
    if unknown:
        note = (
            "Its gain depends on an activation and is 1 where reading the network did not tell: "
            f"{', '.join(unknown)}."
        )
        text += "\n" + textwrap.fill(note, WIDTH)
    return text + "\n"

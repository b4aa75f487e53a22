"""A scheme for one network as a Python file that needs PyTorch and nothing else."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from initsweep.errors import InitsweepError
from initsweep.exporting.calls import Call, call_for, constant, why_not
from initsweep.exporting.helpers import HELPERS
from initsweep.initializers import Initializer, activations_after, activations_before
from initsweep.initializers.parts import Part, Slot
from initsweep.initializers.slots import slots_of

_WIDTH = 100
_ROOM = _WIDTH - 8  # within the function

_HEAD = '''"""{about}"""

import torch
from torch import nn

'''

_START = '''
def initialize(model: nn.Module, seed: int = 0) -> nn.Module:
    """Fill every parameter of the network in place and return it."""
    generator = torch.Generator().manual_seed(seed)
    parameters = dict(model.named_parameters())
    left = set(parameters)

    def put(name, fill, start=None, stop=None, **law):
        rows = parameters[name][start:stop]
        # Drawn in float32 on the CPU: the same numbers whatever the device and the type.
        values = torch.empty(rows.shape, dtype=torch.float32)
        fill(values, generator=generator, **law)
        rows.copy_(values)
        left.discard(name)

    def put_value(value, *names):
        for name in names:
            parameters[name].fill_(value)
            left.discard(name)

    with torch.no_grad():
'''

_END = """    for module in model.modules():
        if hasattr(module, "reset_running_stats"):
            module.reset_running_stats()
    if left:
        raise ValueError(f"another network than this was written for: {sorted(left)} not filled")
    return model
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A call, and the rows that it fills: all if there is no `stop`."""

    name: str
    call: Call
    part: Part | None = None
    start: int | None = None
    stop: int | None = None

    def text(self) -> str:
        """Return the source, with the fans of a weight."""
        rows = "" if self.stop is None else f", start={self.start}, stop={self.stop}"
        first = f'"{self.name}", {self.call.function}{rows}'
        law = self.call.text()
        call = f"put({first}, {law})"
        if len(call) > _ROOM:
            call = f"put(\n    {first},\n    {law},\n)"
        if self.part is None or self.part.role == "bias":
            return call
        fans = f"# fans {self.part.layer.fan_in:g} and {self.part.layer.fan_out:g}"
        last = call.splitlines()[-1]
        return f"{call}  {fans}" if len(last) + len(fans) + 2 <= _ROOM else f"{fans}\n{call}"


def snippet(model: nn.Module, initializer: Initializer, *, title: str, scheme: str) -> str:
    """Return the source of a module with a function `initialize(model, seed)`.

    It fills every parameter of the network from the same law as the initializer, biases and
    normalization layers as we do; the random numbers are others.

    Args:
        model: The network to write it for; its values are ignored.
        initializer: The initializer.
        title: What to call the network.
        scheme: What to call the scheme.

    Raises:
        InitsweepError: If the initializer cannot be written so, or refuses a layer.
    """
    if reason := why_not(initializer):
        raise InitsweepError(
            f"'{scheme}' cannot be exported as plain PyTorch: {reason}. Keep the values instead: "
            "`from initsweep import initial_state`, save what it returns with `torch.save`, and "
            "load it with `model.load_state_dict(state, strict=False)`."
        )
    after, before = activations_after(model), activations_before(model)
    slots = slots_of(model, after, before)
    lines = [line for slot in slots for line in _lines(slot, initializer)]
    functions = dict.fromkeys(line.call.function for line in lines if line.call.function)
    helpers = dict.fromkeys(source for name in functions for source in HELPERS.get(name, ()))
    unclear = (after if initializer.reads == "activation" else before).unclear
    unknown = [n for n in unclear if any(n == p.layer.name for s in slots for p in s.parts)]
    about = _about(initializer, title, scheme, unknown if initializer.reads else [])
    body = "\n".join(
        [*_weights(lines), *_values(lines), *_blank(slots)] or ["pass  # there are no parameters"]
    )
    parts = [
        _HEAD.format(about=about),
        *(f"{source}\n" for source in helpers),
        _START,
        textwrap.indent(body, " " * 8),
        "\n",
        _END,
    ]
    return "".join(parts)


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
        yield _Line(name=slot.name, call=calls[0], part=slot.parts[0])
        return
    start = 0
    for part, call in zip(slot.parts, calls, strict=True):
        stop = start + (part.rows or 0)
        yield _Line(name=slot.name, call=call, part=part, start=start, stop=stop)
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
            by_value.setdefault(repr(line.call.arguments["value"]), []).append(f'"{line.name}"')
    for value, names in by_value.items():
        text = f"put_value({value}, {', '.join(names)})"
        if len(text) <= _ROOM:
            yield text
        else:
            wrapped = textwrap.wrap(", ".join(names) + ",", _ROOM - 4)
            listed = textwrap.indent("\n".join(wrapped), " " * 4)
            yield f"put_value(\n    {value},\n{listed}\n)"


def _blank(slots: tuple[Slot, ...]) -> Iterator[str]:
    for slot in slots:
        if slot.blank_row is not None:
            yield f'parameters["{slot.name}"][{slot.blank_row}] = 0  # padding'


def _about(initializer: Initializer, title: str, scheme: str, unknown: list[str]) -> str:
    text = f"`{scheme}` for {title} in plain PyTorch, written by initsweep.\n\n" + textwrap.fill(
        f"{initializer.summary} Source: {initializer.reference}", _WIDTH
    )
    if options := initializer.model_dump(exclude_defaults=True):
        text += f"\nOptions: {', '.join(f'{name}={value!r}' for name, value in options.items())}."
    if unknown:
        note = (
            "Its gain depends on an activation and is 1 where reading the network did not tell: "
            f"{', '.join(unknown)}."
        )
        text += "\n" + textwrap.fill(note, _WIDTH)
    return text + "\n"

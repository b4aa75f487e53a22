"""A trained network's forward pass as Python source that needs PyTorch and nothing else."""

import io
import logging
import re
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export
from torch.export.graph_signature import InputKind

from initsweep.core.errors import CaptureError, InitsweepError, few, said_by
from initsweep.graph.rounding import agree, rounding

_EXAMPLES = 3  # rows of the batch that a network is captured with; any number works afterwards
_HEAD = '''"""The forward pass of a trained network, one line per operation."""

import torch
from torch import device, inf, nan

'''
_TOGETHER = """

def forward(tensors, features):
    return operations(*tensors, features)[{place}]
"""
_ONE_BY_ONE = """

def forward(tensors, features):
    # The network fixes the number of examples, so they go through it one by one.
    return torch.cat([operations(*tensors, row)[{place}] for row in features.split(1)])
"""
_CANNOT = "The network cannot be written down as a fixed list of operations"
_ON_VALUES = "data-dependent expression"
_FRAMES = re.compile(r'File "(.+)", line (\d+), in \w+\n(.+)')  # of the network's source
_TENSORS = {InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A network without the classes that it was built from.

    Attributes:
        source: A Python file that defines `forward(tensors, features)`, from (batch, n_features)
            to (batch, n_outputs), in evaluation mode.
        order: Names of the tensors, as `forward` takes them.
        tensors: Parameters, buffers and constants by these names.
    """

    source: str
    order: list[str]
    tensors: dict[str, Tensor]


def capture(model: nn.Module, state: Mapping[str, Tensor], n_features: int) -> Captured:
    """Read the operations of a trained network.

    Args:
        model: The network, on the CPU; it is not changed, but set to evaluation mode.
        state: Its trained parameters and buffers by name; buffers that are left out keep their
            value.
        n_features: Inputs per example.

    Returns:
        The network as text and tensors.

    Raises:
        CaptureError: If its operations depend on the values that go through it, or on the number
            of examples, so that they cannot be written down once.
        InitsweepError: If the state is of another network.
    """
    _check_fit(model, state)
    model.load_state_dict(dict(state), strict=False)
    model.eval()
    captured = _captured(model, n_features)
    _check(model, captured, n_features)
    return captured


def run_captured(captured: Captured, features: Tensor) -> Tensor:
    """Return the outputs of a captured network, shape (batch, n_outputs)."""
    names: dict[str, object] = {}
    exec(compile(captured.source, "<captured network>", "exec"), names)
    with torch.no_grad():
        tensors = [captured.tensors[name] for name in captured.order]
        outputs: Tensor = names["forward"](tensors, features)  # type: ignore[operator]
    return outputs


def _check_fit(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Check that the state is of this network.

    Raises:
        InitsweepError: If not, naming tensors.
    """
    known, needed = model.state_dict(), [name for name, _ in model.named_parameters()]
    both = [(name, tuple(state[name].shape), tuple(known[name].shape)) for name in known
            if name in state]  # fmt: skip
    problems = {
        "it lacks": [name for name in needed if name not in state],
        "it holds, unknown to the network,": [name for name in state if name not in known],
        "it has": [f"{name} {has} instead of {own}" for name, has, own in both if has != own],
    }
    said = [f"{what} {few(sorted(names), most=6)}" for what, names in problems.items() if names]
    if said:
        raise InitsweepError(
            f"The kept model is of another network: {'; '.join(said)}. Give the layers the names "
            "and sizes back that they were trained with, or train again: `initsweep repro`."
        )


def _captured(model: nn.Module, n_features: int) -> Captured:
    """Return the network as text and tensors.

    Raises:
        CaptureError: If it needs more than tensors and operations of PyTorch.
    """
    try:
        examples = _batch(_EXAMPLES, n_features)
        return _written(_exported(model, examples, ({0: Dim("batch")},)), _TOGETHER)
    except Exception:  # noqa: BLE001 - such as a `view` by the number of examples: one by one, then
        try:
            return _written(_exported(model, _batch(1, n_features), None), _ONE_BY_ONE)
        except Exception as error:  # the user's own code may raise anything; it is chained
            raise CaptureError(f"{_CANNOT}: {_reason(error).rstrip('.')}.") from error


def _reason(error: Exception) -> str:
    """Return why torch.export gives up, and what to change in the network where that is known."""
    text = str(error)
    if _ON_VALUES not in text:
        return said_by(error)[0]
    place = next((frame for frame in _FRAMES.finditer(text)), None)
    line = f", at {Path(place[1]).name}:{place[2]} (`{place[3].strip()}`)" if place else ""
    return (
        f"what it does depends on the values that go through it{line}. Replace `if` and `while` on "
        "values by `torch.where`, and `.item()` by operations on tensors"
    )


def _exported(model: nn.Module, examples: Tensor, shapes: object) -> ExportedProgram:
    """Return what torch.export makes of the network, without its advice to developers."""
    logger = logging.getLogger("torch.fx.experimental.symbolic_shapes")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        printed = io.StringIO()
        with torch.no_grad(), warnings.catch_warnings(), redirect_stderr(printed):
            warnings.simplefilter("ignore")
            return export(model, (examples,), dynamic_shapes=shapes)  # type: ignore[arg-type]
    finally:
        logger.setLevel(level)


def _written(program: ExportedProgram, ending: str) -> Captured:
    specs = program.graph_signature.input_specs
    others = {spec.kind.name.lower() for spec in specs[:-1] if spec.kind not in _TENSORS}
    if others or list(program.graph_module.children()):
        raise CaptureError(f"it holds {', '.join(sorted(others)) or 'branches'}.")
    order = [str(spec.target) for spec in specs[:-1]]
    kept = {**program.state_dict, **program.constants}
    operations = program.graph_module.code.strip().replace("def forward(self, ", "def operations(")
    # What a network writes to its buffers while it is evaluated is returned before its outputs.
    place = len(program.graph_signature.buffers_to_mutate)
    return Captured(
        source=f"{_HEAD}\n{operations}\n{ending.format(place=place)}",
        order=order,
        tensors={name: kept[name].detach().clone().contiguous() for name in order},
    )


def _batch(rows: int, n_features: int) -> Tensor:
    return torch.linspace(-2, 3, rows * n_features).reshape(rows, n_features)


def _check(model: nn.Module, captured: Captured, n_features: int) -> None:
    """Compare with the network itself, on batches of other sizes than it was captured with.

    Raises:
        CaptureError: If the outputs differ, or the network fails on such a batch.
    """
    for rows in (1, 7):
        features = _batch(rows, n_features)
        try:
            with torch.no_grad():
                expected = model(features)
        except Exception as error:  # the user's own code may raise anything; it is chained
            reason = _reason(error).rstrip(".")
            raise CaptureError(f"{_CANNOT}: it fails on a batch of {rows}: {reason}.") from error
        found = run_captured(captured, features)
        if not agree(found, expected, rounding(model, features)):
            raise CaptureError(
                f"{_CANNOT}: written down, it gives other outputs for a batch of {rows}. Does it "
                "draw at random, or mix the examples of a batch?"
            )

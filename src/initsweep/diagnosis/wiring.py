"""Faults of outputs, loss and targets that show on one batch, whatever the weights are."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from initsweep.core.errors import InitsweepError
from initsweep.diagnosis.endings import RANGES, Ending, ending_of, with_graph
from initsweep.diagnosis.findings import (
    BLIND,
    BROADCAST,
    FROZEN,
    MIXED,
    OUT_OF_REACH,
    SQUASHED,
    WRONG_LOSS,
    Finding,
)
from initsweep.diagnosis.losses import expects, is_additive
from initsweep.diagnosis.subject import failure
from initsweep.diagnosis.targets import class_axis, is_binary
from initsweep.diagnosis.task import Task
from initsweep.graph.forms import answer, called
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import copy_of
from initsweep.probes.judgement import DETACHED
from initsweep.probes.passing import typed

OUTSIDE = 0.1  # share of targets beyond what the outputs can be
DRAWS = 3
SLACK = 0.05
ORDERLY = (
    "keep axis 0 for the examples: batch_first=True in recurrent layers, permute instead of view"
)
SIGMOID = "use nn.Sigmoid() for one output: a softmax over one is always 1"
KEEP = "keep the graph: no .detach(), .item(), .data, argmax, comparison or torch.no_grad()"


def wiring(network: nn.Module, task: Task) -> list[Finding]:
    """Return what is wrong between inputs, outputs, loss and targets.

    Raises:
        InitsweepError: If network or loss fail on the batch.
    """
    if not any(one.requires_grad for one in network.parameters()):
        reason = "no parameter has requires_grad, so that the optimizer has nothing to change"
        return [_fault(FROZEN, reason, "for p in model.parameters(): p.requires_grad_(True)")]
    twin = copy_of(network).train()
    outputs, value = _run(twin, task)
    single = isinstance(value, Tensor) and value.numel() == 1 and value.is_floating_point()
    aimed = task.compared_with != "the batch"  # at targets that are there to be compared
    given = (outputs, task.features, *([task.targets] if aimed else []))
    if not single or not all(isinstance(one, Tensor) for one in given):
        return []
    if (found := _detached(twin, outputs, value)) is not None:
        return [found]
    remarks: list[Finding] = []
    for check in (_shapes, _ending, _examples) if aimed else (_examples,):
        found = check(network, outputs, task)
        if found is not None and found.alarm:
            return [found, *remarks]
        remarks += [found] if found is not None else []
    return remarks


def _run(twin: nn.Module, task: Task) -> tuple[Any, Any]:
    """Return what is compared with the targets, and the loss.

    Raises:
        InitsweepError: If network or loss fail on the batch.
    """
    own = dict(twin.named_parameters())
    try:
        with private_draws(0), torch.enable_grad():
            returned = called(twin, typed(own, task.features, None))
            value = task.loss(returned, typed(own, task.targets, None))
    except InitsweepError:
        raise
    except Exception as error:  # the user's own code may raise anything; it is chained
        text = failure(twin, task.features, error, with_loss=True)
        if task.compared_with == "the batch":
            text += ". Without targets, the loss is handed the outputs and the whole batch"
        raise InitsweepError(text) from error
    ours = task.constant_loss is not None and not isinstance(returned, Tensor)
    return answer(returned)[1] if ours else returned, value


def _fault(verdict: str, reason: str, remedy: str) -> Finding:
    return Finding(cause="wiring", verdict=verdict, reason=reason, remedy=remedy)


def _detached(twin: nn.Module, outputs: Tensor, value: Tensor) -> Finding | None:
    trained = [one for one in twin.parameters() if one.requires_grad]
    if not outputs.requires_grad:
        reason = "the outputs do not depend on any parameter that is trained"
        return _fault(DETACHED, reason, f"{KEEP} in the network")
    gradients: tuple[Tensor | None, ...] = ()
    if value.requires_grad:
        gradients = torch.autograd.grad(value, trained, retain_graph=True, allow_unused=True)
    if any(one is not None for one in gradients):
        return None
    reason = "the loss does not depend on the outputs, so that no parameter gets a gradient"
    return _fault(DETACHED, reason, f"{KEEP} between outputs and loss")


def _shapes(_: nn.Module, outputs: Tensor, task: Task) -> Finding | None:
    """Return what is wrong if only targets in the outputs' shape are compared one by one."""
    targets = task.targets
    fits = targets.shape == outputs.shape or targets.numel() != outputs.numel()
    if fits or not targets.is_floating_point():
        return None
    reshaped = targets.reshape(outputs.shape)
    pair = f"outputs {tuple(outputs.shape)} against targets {tuple(targets.shape)}"
    remedy = "give the targets the outputs' shape: targets.reshape(outputs.shape)"
    try:
        with torch.no_grad():
            proper = is_additive(task.loss, outputs, targets)
            mended = is_additive(task.loss, outputs, reshaped)
    except Exception:  # noqa: BLE001 - of the user's own code
        return None
    if mended and not proper:
        return _fault(BROADCAST, f"{pair}: every output is compared with every target", remedy)
    if task.constant_loss is None or is_binary(outputs, targets):
        return None
    # The usual loss is ours, which takes both.
    reason = f"{pair}: torch's mse_loss would compare every output with every target"
    return replace(_fault(BROADCAST, reason, remedy), alarm=False)


def _ending(_: nn.Module, outputs: Tensor, task: Task) -> Finding | None:
    """Return what is wrong between what the network ends with and what the loss expects."""
    ending, expected = ending_of(outputs), expects(task.loss, outputs, task.targets)
    if expected == "nothing":
        reason = "the loss is the same for whatever outputs: a cross-entropy of one class is 0"
        return _fault(WRONG_LOSS, reason, "for one output, use nn.BCEWithLogitsLoss()")
    if expected == "log-probabilities":
        return _log_probabilities(outputs, ending)
    if ending is None or ending.kind not in RANGES:
        return None
    if expected == "anything":
        return _out_of_reach(outputs, task.targets, ending.kind)
    name = "cross-entropy" if expected == "scores" else "BCE with logits"
    over = ending.axis == 0 != class_axis(outputs.shape, task.targets.shape)
    reason = (
        f"the network ends with a {ending.kind}{' over the batch (axis 0)' * over}, and the loss, "
        f"{name}, expects scores of any size: it squashes them itself"
    )
    return _fault(SQUASHED, reason, f"remove the {ending.kind} at the end of the network")


def _out_of_reach(outputs: Tensor, targets: Tensor, kind: str) -> Finding | None:
    low, high = RANGES[kind]
    beyond = float(((targets < low - SLACK) | (targets > high + SLACK)).double().mean())
    if targets.numel() != outputs.numel() or beyond <= OUTSIDE:
        return None
    where = f"below {low:g}" if math.isinf(high) else f"outside of {low:g} to {high:g}"
    reason = f"{beyond:.0%} of the targets are {where}, where the {kind} at the end cannot get"
    return _fault(OUT_OF_REACH, reason, f"remove the {kind} at the end of the network")


def _log_probabilities(outputs: Tensor, ending: Ending | None) -> Finding | None:
    sums = outputs.detach().exp().sum(1)
    logarithms = ending is not None and ending.kind == "log-softmax" and ending.axis != 0
    if logarithms or torch.allclose(sums, torch.ones_like(sums), rtol=1e-3):
        return None
    squashed = ending is not None and ending.kind in RANGES
    what = f"what comes out of a {ending.kind}" if ending and squashed else "scores"
    reason = f"the loss is minus the output itself and expects log-probabilities, but gets {what}"
    end = f"remove the {ending.kind} at the end, and " if ending and squashed else ""
    return _fault(WRONG_LOSS, reason, f"{end}use nn.CrossEntropyLoss()")


def _examples(network: nn.Module, _: Tensor, task: Task) -> Finding | None:
    """Return whether outputs depend on the order of the examples, or not on their own inputs."""
    twin, order = copy_of(network).eval(), torch.arange(len(task.features) - 1, -1, -1)
    outputs, again = _outputs(twin, task.features), _outputs(twin, task.features)
    turned = _outputs(twin, task.features[order])
    if outputs is None or again is None or turned is None or not torch.equal(outputs, again):
        return None  # draws of its own, or of a shape that says nothing of the examples
    if not _relates(network, outputs) and not _same(outputs[order], turned):
        reason = "an example's outputs depend on which examples are before and behind it"
        return _fault(MIXED, reason, ORDERLY)
    if not all(_blind(network, task, seed) for seed in range(DRAWS)):
        return None
    reason = "the outputs are the same for every input, whatever the weights are"
    end = ending_of(with_graph(network, task.features))
    single = end is not None and end.kind == "softmax" and outputs.shape[-1] == 1
    return _fault(BLIND, reason, SIGMOID if single else "let the inputs through `forward`")


def _relates(network: nn.Module, outputs: Tensor) -> bool:
    """Return whether examples are compared on purpose: a number for each pair, or a graph held."""
    pairs = (len(outputs), len(outputs))
    held = [one for module in network.modules() for one in vars(module).values()]
    tensors = [*network.parameters(), *network.buffers(), outputs, *held]
    return any(isinstance(one, Tensor) and tuple(one.shape[-2:]) == pairs for one in tensors)


def _blind(network: nn.Module, task: Task, seed: int) -> bool:
    """Return whether inputs do not matter to a network of the same form with other weights."""
    twin, generator = copy_of(network).eval(), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in twin.parameters():
            fan = max(one[0].numel(), 1) if one.dim() > 1 else 4
            one.copy_(torch.randn(one.shape, generator=generator) * (2 / fan) ** 0.5)
    seen = _outputs(twin, task.features)
    alike = bool((task.features == task.features[:1]).all())
    if seen is None or alike or not _same(seen, seen[:1].expand_as(seen)):
        return False  # a gradient may be missing all the same, as behind a lookup
    if not task.features.is_floating_point():
        return True
    # Deep networks may make numbers of all inputs that only look the same.
    inputs = typed(dict(network.named_parameters()), task.features, None).requires_grad_()
    outputs = _outputs(twin, inputs)
    if outputs is None or not outputs.requires_grad:
        return outputs is not None
    # Different weights, as a softmax's outputs sum to 1.
    mixed = (outputs * torch.randn(outputs.shape, generator=generator)).real.sum()
    (gradient,) = torch.autograd.grad(mixed, inputs, allow_unused=True)
    return gradient is None or not bool(gradient.any())


def _outputs(twin: nn.Module, features: Tensor) -> Tensor | None:
    own = dict(twin.named_parameters())
    try:
        with private_draws(0), torch.set_grad_enabled(features.requires_grad):
            outputs = twin(typed(own, features, None))
    except Exception:  # noqa: BLE001 - the user's own code: there is nothing to compare then
        return None
    return outputs if isinstance(outputs, Tensor) and len(outputs) == len(features) else None


def _same(one: Tensor, other: Tensor) -> bool:
    scale = float(one.abs().max()) or 1.0
    return bool(torch.allclose(one, other, rtol=1e-3, atol=1e-4 * scale, equal_nan=True))

"""A stack that runs a plan: known layers, multiplied lane by lane, differentiated by hand."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from initsweep.core.errors import PlanError
from initsweep.core.multipliers import NONE, Multipliers
from initsweep.engine.nonlinear import Activation
from initsweep.engine.operations import Add, BatchNorm, LayerNorm, Linear, Reshape, StackedOperation
from initsweep.engine.packing import ALIGNMENT
from initsweep.engine.plan import Operation, Plan
from initsweep.engine.stack import NO_FACTORS, Factors, Stack, padded_to, take
from initsweep.engine.workspace import Workspace

EVALUATION_EXAMPLES = 256
"""Examples evaluated at once: about as many as a batch, so that they fit where batches do."""


def evaluation_rows(n: int) -> set[int]:
    """Return how many examples are evaluated at once when there are n in all: one or two sizes."""
    padded = n + -n % ALIGNMENT
    sizes = {min(padded, EVALUATION_EXAMPLES), padded % EVALUATION_EXAMPLES}
    return sizes - {0}


def check_stackable_plan(plan: Plan, model: nn.Module) -> None:
    """Find out whether `PlannedStack` can run a plan.

    Raises:
        PlanError: If it has no stacked form of an operation, or of how parameters are used.
    """
    roles = {
        "linear": ({"weight"}, {"weight", "bias"}),
        "layer_norm": ({"weight", "bias"},),
        "batch_norm": ({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"},),
    }
    for operation in plan.operations:
        if operation.kind not in (*roles, "activation", "add", "reshape"):
            raise PlanError(f"{operation.kind} has no stacked form")
        if set(operation.parameters) not in roles.get(operation.kind, (set(),)):
            raise PlanError(f"{operation.kind} with {sorted(operation.parameters)} has none")
        if operation.parameters and len(operation.shape) != 1:
            raise PlanError(f"{operation.kind} on {operation.shape} has no stacked form")
    used = Counter(name for operation in plan.operations for name in operation.parameters.values())
    if max(used.values()) > 1:
        raise PlanError("it uses a parameter twice")
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    if trained != {name for name, _ in model.named_parameters()} or not trained <= set(used):
        raise PlanError("some of its parameters are not trained")


class PlannedStack(Stack):
    """The networks of some lanes as operations on tensors of shape (lanes, batch, ...).

    Each weight matrix is a block; all vectors (biases, norms) of the same factors share one, so
    that an update takes few operations.

    Attributes:
        gradients: Those last computed, by the name of the parameter.
    """

    def __init__(
        self,
        plan: Plan,
        parameters: Mapping[str, Tensor],
        constants: Mapping[str, Tensor],
        loss: Callable[[Tensor, Tensor], Tensor],
        carry: float = 0.0,
        factors: Factors = NO_FACTORS,
    ) -> None:
        """Copy the parameters into blocks.

        Args:
            plan: One that `check_stackable_plan` accepts.
            parameters: By name, (lanes, *shape).
            constants: Buffers by name, (lanes, *shape).
            loss: Outputs (lanes, n, n_outputs) and targets (lanes, n) to losses (lanes,).
            carry: Gradients are added to this much of the previous ones. With an optimizer's
                momentum here, they are its velocity, at no cost.
            factors: On rate and decay by parameter, for `multipliers`.
        """
        first = next(iter(parameters.values()))
        self.lanes, self._plan, self._loss, self._carry = len(first), plan, loss, carry
        self._factors, layout = factors, _layout(parameters, factors)
        self.multipliers, self.names = zip(*layout, strict=True)
        self.blocks, self.parameters = _in_blocks(parameters, layout)
        self._gradients, self.gradients = _in_blocks(
            {name: torch.zeros_like(value) for name, value in parameters.items()}, layout
        )
        self.constants = {name: value.clone() for name, value in constants.items()}
        self._workspace = Workspace(first.dtype, first.device)
        self._operations = [self._build(operation) for operation in plan.operations]
        self._needed = _need_gradients(plan)

    def losses_and_gradients(
        self, features: Tensor, targets: Tensor, rows: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Return losses (lanes,) and gradients per block; see `Stack`."""
        batch = self._taken(features, rows, "training")
        with torch.no_grad():
            outputs = self._forward(batch, training=True)
        outputs = outputs.detach().requires_grad_()
        losses = self._loss(outputs, take(targets, rows))
        (gradient,) = torch.autograd.grad(losses.sum(), outputs)
        with torch.no_grad():
            self._backward(gradient)
        return losses.detach(), self._gradients

    @torch.no_grad()
    def predict(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return outputs in evaluation mode, shape (lanes, m, n_outputs); see `Stack`."""
        outputs = []
        for part in torch.split(padded_to(rows, ALIGNMENT), EVALUATION_EXAMPLES, dim=1):
            # A copy per lane, as one shared input would fold the lanes into a single product.
            examples = self._taken(features, part, "evaluation")
            outputs.append(self._forward(examples, training=False).clone())
        return torch.cat(outputs, dim=1)[:, : rows.shape[1]]

    def keep(self, slots: Tensor) -> "PlannedStack":
        """Return a stack of the networks in these slots, with what their gradients carry."""

        def chosen(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: value.index_select(0, slots) for name, value in values.items()}

        tensors = chosen(self.parameters), chosen(self.constants)
        kept = PlannedStack(self._plan, *tensors, self._loss, self._carry, self._factors)
        for new, old in zip(kept._gradients, self._gradients, strict=True):
            new.copy_(old.index_select(0, slots))
        return kept

    def memory(self) -> list[Tensor]:
        """Return what any stack has, and the gradients, which may carry earlier ones."""
        return [*super().memory(), *self._gradients]

    def _taken(self, features: Tensor, rows: Tensor, purpose: str) -> Tensor:
        """Return what `take` does, in memory that stays."""
        flat, inner = rows.reshape(-1), features.shape[1:]
        taken = self._workspace.held(self, (*rows.shape, *inner), purpose)
        torch.index_select(features, 0, flat, out=taken.view(len(flat), *inner))
        return taken

    def _forward(self, features: Tensor, *, training: bool) -> Tensor:
        values = [features]
        for operation, step in zip(self._operations, self._plan.operations, strict=True):
            inputs = [values[number] for number in step.inputs]
            values.append(operation.forward(inputs, training=training))
        return values[-1]

    def _backward(self, gradient: Tensor) -> None:
        """Store the gradients of all parameters, given that of the outputs."""
        arrived: dict[int, Tensor] = {len(self._operations): gradient}
        for number in range(len(self._operations), 0, -1):
            if number not in arrived:  # before the first layer, or a dead end
                continue
            step = self._plan.operations[number - 1]
            own, needed = arrived.pop(number), [self._needed[i] for i in step.inputs]
            passed = self._operations[number - 1].backward(own, needed)
            for value, part in zip(step.inputs, passed, strict=True):
                if part is None:
                    continue
                if value in arrived:
                    arrived[value].add_(part)
                    self._workspace.give(part)
                else:
                    arrived[value] = part
            if all(part is None or part.data_ptr() != own.data_ptr() for part in passed):
                self._workspace.give(own)

    def _build(self, operation: Operation) -> StackedOperation:
        settings, workspace = operation.settings, self._workspace
        if operation.kind == "add":
            return Add(workspace)
        if operation.kind == "reshape":
            return Reshape(workspace, operation.shape)
        if operation.kind == "activation":
            return Activation(workspace, settings, alone=self._read_once(operation.inputs[0]))
        names = operation.parameters
        weight, bias = self.parameters[names["weight"]], self.parameters.get(names.get("bias", ""))
        into = [self.gradients[names[role]] for role in ("weight", "bias") if role in names]
        if operation.kind == "linear":
            return Linear(workspace, weight, bias, into, self._carry)
        if bias is None:
            raise PlanError(f"{operation.kind} without a bias has no stacked form")
        if operation.kind == "layer_norm":
            return LayerNorm(workspace, weight, bias, into, self._carry, settings["epsilon"])
        roles = ("running_mean", "running_var", "num_batches_tracked")
        running = [self.constants[names[role]] for role in roles]
        epsilon, momentum = settings["epsilon"], settings["momentum"]
        return BatchNorm(workspace, weight, bias, into, self._carry, epsilon, momentum, running)

    def _read_once(self, value: int) -> bool:
        """Return whether one operation alone reads a value, and it is not the features."""
        readers = sum(op.inputs.count(value) for op in self._plan.operations)
        return value > 0 and readers == 1


def _layout(
    parameters: Mapping[str, Tensor], factors: Factors
) -> list[tuple[Multipliers, list[str]]]:
    """Return the factors of each block, and the parameters in it.

    A block per matrix, as products want each lane's matrix right after the other's, and one for
    all vectors of the same factors.
    """
    matrices, vectors = list[tuple[Multipliers, list[str]]](), dict[Multipliers, list[str]]()
    for name, value in parameters.items():
        own = factors.get(name, NONE)
        if value.dim() < 3:
            vectors.setdefault(own, []).append(name)
        else:
            matrices.append((own, [name]))
    return [*matrices, *vectors.items()]


def _in_blocks(
    parameters: Mapping[str, Tensor], layout: Sequence[tuple[Multipliers, Sequence[str]]]
) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Return copies of the parameters as blocks, and views of the blocks by name."""
    blocks, views = list[Tensor](), dict[str, Tensor]()
    for _, names in layout:
        values = [parameters[name] for name in names]
        block = torch.cat([value.flatten(1) for value in values], dim=1)
        parts = torch.split(block, [value[0].numel() for value in values], dim=1)
        views |= {n: p.view(v.shape) for n, p, v in zip(names, parts, values, strict=True)}
        blocks.append(block if len(names) > 1 else views[names[0]])
    return blocks, {name: views[name] for name in parameters}


def _need_gradients(plan: Plan) -> list[bool]:
    """Return for each value whether a parameter comes before it."""
    needed = [False]
    for operation in plan.operations:
        needed.append(bool(operation.parameters) or any(needed[i] for i in operation.inputs))
    return needed

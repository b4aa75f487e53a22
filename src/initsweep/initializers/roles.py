"""Reads off a network what its layers are to the signal, and which residual blocks it has.

Of a network that cannot be traced as a whole, the branches are read off its parts, and its first
and last layers are taken by the order of registration. So are the ends of branches in blocks that
cannot be traced either: lists of modules of one class.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import takewhile

from torch import fx, nn

from initsweep.graph.effects import effect_of, inputs_of
from initsweep.graph.kinds import Likeness, is_a, likeness_of, weight_name
from initsweep.graph.traces import Trace, Traces
from initsweep.graph.vocabulary import KEEPING, NORMS, RECURRENT, TABLES, TURNED, WEIGHTED
from initsweep.initializers.branches import branches_in, signals_in
from initsweep.initializers.place import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What was found.

    Attributes:
        roles: By path of a layer or norm, or name of a parameter, in the order of execution.
        blocks: Paths of the residual blocks, in their order.
    """

    roles: Mapping[str, frozenset[Role]]
    blocks: tuple[str, ...]


def roles_of(model: nn.Module, traces: Traces) -> Roles:
    """Return the roles of a network's layers, norms and parameters, and its blocks."""
    found, blocks = traces(), dict[str, None]()
    whole = bool(found) and not found[0].failure and not found[0].path
    known = [one for trace in found for one in _roles_in(trace, whole=whole)]
    for trace in found:
        for branch in branches_in(trace):
            blocks.setdefault(_block(branch.layers))
            ends = (*branch.ends, *(branch.norms[-1:] if branch.ends_in_norm else ()))
            known += [(path, "residual_output") for path in ends]
    inside = [*_inside_torch(model)]
    blocks |= dict.fromkeys(path for path, _ in inside)
    known += [(f"{path}.{name}".lstrip("."), "residual_output") for path, name in inside]
    order = [path for path, _ in model.named_modules()]
    if not whole:
        last = {trace.path: _last_in(trace) for trace in found if not trace.broken}
        listed = [*_in_lists(model, tuple(blocks), last)]
        known += [(path, "residual_output") for _, path in listed]
        blocks |= dict.fromkeys(path for path, _ in listed)
        blocks = dict.fromkeys(sorted(blocks, key=order.index))
        known += _by_order(model, tuple(blocks))
    roles: dict[str, set[Role]] = {}
    for path, role in known:
        roles.setdefault(path, set()).add(role)
    return Roles(
        roles={path: frozenset(several) for path, several in roles.items()}, blocks=tuple(blocks)
    )


def _inside_torch(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield what ends the branches of torch's transformer layers; they cannot be traced.

    Yields:
        Path of the block, and name of the layer in it.
    """
    for path, module in model.named_modules():
        if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
            names = ("self_attn", "multihead_attn", "linear2")
            yield from ((path, name) for name in names if hasattr(module, name))


def _last_in(trace: Trace) -> set[str]:
    """Return the paths of the layers whose result no other layer of the trace reads."""
    weighted = set(trace.calls())
    return {trace.path_of(node) for node in weighted - _behind(trace, weighted)}


def _in_lists(
    model: nn.Module, known: Sequence[str], last: Mapping[str, Set[str]]
) -> Iterator[tuple[str, str]]:
    """Yield what seems to end the branches of blocks that are listed one after another.

    In each part of a block, a module of several, the last linear layer does if it gives as many
    numbers as the block's first one takes: the last by its operations, if they can be read, else
    by order. Of a block that cannot be read, so do layers that are in no part.

    Args:
        model: The network.
        known: Paths of the blocks that are known.
        last: The last layers of each module that can be read.

    Yields:
        Path of the block, and of the layer.
    """
    taken = [*known, *last]  # of what can be read, the branches are known
    for path, module in model.named_modules():
        kinds = {type(one) for one in module.children()}
        if not _is_list(module) or len(kinds) > 1 or _inside(path, taken):
            continue
        for name, block in module.named_children():
            around = f"{path}.{name}".lstrip(".")
            ends = [*_ends_of_parts(block, around, last)]
            ends += [] if around in last else _ends_alone(block)
            if ends and not any(_inside(one, [around]) for one in known):
                taken.append(around)
                yield from ((around, f"{around}.{end}") for end in ends)


def _is_list(module: nn.Module) -> bool:
    """Return whether a module only holds others by number."""
    lists = nn.ModuleList | nn.ModuleDict | nn.Sequential
    return isinstance(module, lists) and all(name.isdigit() for name, _ in module.named_children())


def _ends_of_parts(block: nn.Module, around: str, last: Mapping[str, Set[str]]) -> Iterator[str]:
    layers = _linear_in(block)
    for part in _parts_of(block, ""):
        inside = [path for path in layers if path.startswith(f"{part}.")]
        if ends := last.get(f"{around}.{part}"):
            inside = [path for path in inside if f"{around}.{path}" in ends]
        if inside and layers[inside[-1]][0] == _width_of(layers):
            yield inside[-1]


def _ends_alone(block: nn.Module) -> Iterator[str]:
    """Yield the ends of branches among a block's own layers.

    The last that comes back from another size is one, and the last of several that keep the size:
    those before it are queries, keys and values.
    """
    layers = _linear_in(block)
    width = _width_of(layers)
    alone = {path: sides for path, sides in layers.items() if path and "." not in path}
    back = [path for path, (gives, takes) in alone.items() if gives == width != takes]
    same = [path for path, (gives, takes) in alone.items() if gives == width == takes]
    yield from (*back[-1:], *(same[-1:] if len(same) > 1 else ()))


def _linear_in(block: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return how many numbers the linear layers in a block give and take, by path."""
    return {path: _sides(one) for path, one in block.named_modules() if is_a(one, (nn.Linear,))}


def _width_of(layers: Mapping[str, tuple[int, ...]]) -> int | None:
    """Return how many numbers the first layer takes."""
    return next((takes for _, takes in layers.values()), None)


def _parts_of(block: nn.Module, path: str) -> Iterator[str]:
    for name, child in block.named_children():
        here = f"{path}.{name}".lstrip(".")
        if isinstance(child, nn.ModuleList):
            yield from _parts_of(child, here)
        else:
            yield here


def _sides(layer: nn.Module) -> tuple[int, ...]:
    """Return how many numbers a linear layer gives and takes."""
    name = weight_name(layer)
    likeness = likeness_of(layer) or Likeness(like=nn.Linear)
    return likeness.shape(getattr(layer, name), name)


def _inside(path: str, paths: Sequence[str]) -> bool:
    return any(f"{path}.".startswith(f"{one}.") for one in paths)


def _roles_in(trace: Trace, *, whole: bool) -> Iterator[tuple[str, Role]]:
    """Yield the roles of layers, norms and parameters in the order of execution.

    Yields:
        Path or name, and a role.
    """
    weighted = set(trace.calls())
    fed, behind = _before(trace, weighted), _behind(trace, weighted)
    signals = signals_in(trace)
    for node in trace.nodes:
        if node.op == "get_attr" and (role := _use(trace, node, signals)):
            yield trace.path_of(node), role
        elif node.op == "call_module":
            path, module = trace.path_of(node), trace.modules[str(node.target)]
            if is_a(module, NORMS):
                yield path, "norm"
            if whole and node not in fed and (node in weighted or is_a(module, NORMS)):
                yield path, "input"
            if whole and node in weighted and node not in behind:
                yield path, "output"
            found = is_a(module, TABLES) and node not in signals and _use(trace, node, signals)
            if found:
                yield path, found


def _before(trace: Trace, weighted: set[fx.Node]) -> set[fx.Node]:
    """Return the operations that a layer comes before."""
    fed: set[fx.Node] = set()
    for node in trace.nodes:
        if any(one in fed or one in weighted for one in _reads(node)):
            fed.add(node)
    return fed


def _behind(trace: Trace, weighted: set[fx.Node]) -> set[fx.Node]:
    """Return the operations that a layer comes behind."""
    behind: set[fx.Node] = set()
    for node in reversed(trace.nodes):
        if node in behind or node in weighted:
            behind.update(_reads(node))
    return behind


def _reads(node: fx.Node) -> list[fx.Node]:
    """Return the values that a node reads, one that is only turned (`.mT`) included."""
    turned = [
        one for one in node.all_input_nodes if one.target is getattr and one.args[-1] in TURNED
    ]
    return [*inputs_of(node), *turned]


def _use(trace: Trace, node: fx.Node, signals: set[fx.Node]) -> Role | None:
    """Return what becomes of a parameter where it first meets the signal.

    Until then it may be put in order, and combined with numbers and other parameters, as in norms
    that multiply by 1 + weight.
    """
    waiting, seen = [node], {node}
    for one in waiting:
        for user in one.users:
            effect, name = effect_of(user, trace.modules), getattr(user.target, "__name__", "")
            role = _combined(effect, name)
            if role and any(other in signals and other not in seen for other in inputs_of(user)):
                return role
            if (role or effect in KEEPING) and user not in seen:
                seen.add(user)
                waiting.append(user)
    return None


def _combined(effect: str | None, name: str) -> Role | None:
    """Return what a parameter is to another value that an operation combines it with."""
    if effect == "adds":
        return "position"
    if "cat" in name or "stack" in name:
        return "token"
    return "gate" if effect == "arithmetic" else None


def _by_order(model: nn.Module, blocks: tuple[str, ...]) -> Iterator[tuple[str, Role]]:
    """Yield the first and last layers by the order of registration.

    Yields:
        Path and role.
    """
    known = [
        (path, module)
        for path, module in model.named_modules()
        if is_a(module, WEIGHTED) and not isinstance(module, RECURRENT)
    ]
    tables = [path for path, module in known if is_a(module, TABLES)]
    outside = [path for path, _ in known if block_of(path, blocks) is None]
    yield from ((path, "input") for path in tables or [path for path, _ in known[:1]])
    if outside and outside[-1] == known[-1][0]:
        yield outside[-1], "output"
    yield from ((path, "norm") for path, one in model.named_modules() if is_a(one, NORMS))


def _block(layers: Sequence[str]) -> str:
    """Return the path of the block that a branch is in: the innermost numbered module around it."""
    around = zip(*(path.split(".")[:-1] for path in layers), strict=False)
    shared = [names[0] for names in takewhile(lambda names: len({*names}) == 1, around)]
    numbered = [index for index, name in enumerate(shared, 1) if name.isdigit()]
    return ".".join(shared[: numbered[-1]] if numbered else shared) or layers[0]


def block_of(name: str, blocks: Sequence[str]) -> int | None:
    """Return the number of the block that a layer or parameter is in, None for none."""
    inside = [path for path in blocks if f"{name}.".startswith(f"{path}.")]
    return blocks.index(max(inside, key=len)) if inside else None

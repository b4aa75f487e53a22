"""Finds layers that a network holds where torch does not look for them."""

from collections.abc import Iterator

from torch import nn

from initsweep.core.errors import InitsweepError


def check_registered(model: nn.Module, name: str) -> None:
    """Check that no layer to train is held in a list or another container of Python's.

    Args:
        model: The network.
        name: What to call it.

    Raises:
        InitsweepError: If one is: `parameters()` does not have its weights.
    """
    for where, held, one in strays(model):
        raise InitsweepError(
            f"{name} holds a {type(one).__name__} in '{where}', a plain {type(held).__name__}, "
            "where torch does not find its parameters: they would be neither filled nor trained. "
            "Hold layers in nn.ModuleList or nn.ModuleDict; freeze those that are not to be "
            "trained, with `requires_grad_(False)`."
        )


def strays(model: nn.Module) -> Iterator[tuple[str, object, nn.Module]]:
    """Yield the layers to train that torch does not find.

    Yields:
        The attribute that holds the layer, what it is, the layer.
    """
    known = {id(one) for one in model.parameters()}
    for path, module in model.named_modules():
        for attribute, held in dict(vars(module)).items():  # a copy: other threads may set some
            for one in _modules_in(held):
                if any(p.requires_grad and id(p) not in known for p in one.parameters()):
                    yield f"{path}.{attribute}".lstrip("."), held, one


def _modules_in(held: object) -> Iterator[nn.Module]:
    if isinstance(held, nn.Module):
        yield held
    elif isinstance(held, list | tuple | set | dict):
        for one in list(held.values() if isinstance(held, dict) else held):
            yield from _modules_in(one)

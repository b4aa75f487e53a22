"""Finds layers and parameters that a network holds where torch does not look for them."""

from collections.abc import Iterator

from torch import Tensor, nn

from initsweep.core.errors import InitsweepError


def check_registered(model: nn.Module, name: str) -> None:
    """Check that nothing to train is held in a list or another container of Python's.

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
            "Hold layers in nn.ModuleList or nn.ModuleDict, other weights as nn.Parameter or in "
            "nn.ParameterList; freeze what is not to be trained, with `requires_grad_(False)`."
        )


def strays(model: nn.Module) -> Iterator[tuple[str, object, nn.Module | Tensor]]:
    """Yield the layers and tensors to train that torch does not find.

    Yields:
        The attribute that holds one, what it is, the layer or tensor.
    """
    known = {id(one) for one in model.parameters()}
    for path, module in model.named_modules():
        for attribute, held in dict(vars(module)).items():  # a copy: other threads may set some
            if held is module._parameters or held is module._buffers:
                continue
            for one in _held_in(held):
                weights = [one] if isinstance(one, Tensor) else one.parameters()
                if any(_is_trained(p) and id(p) not in known for p in weights):
                    yield f"{path}.{attribute}".lstrip("."), held, one


def _is_trained(one: Tensor) -> bool:
    return one.requires_grad and one.is_leaf  # not a result that was kept


def _held_in(held: object) -> Iterator[nn.Module | Tensor]:
    if isinstance(held, nn.Module | Tensor):
        yield held
    elif isinstance(held, list | tuple | set | dict):
        for one in list(held.values() if isinstance(held, dict) else held):
            yield from _held_in(one)

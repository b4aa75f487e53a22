"""A network's twin: the same parameters in modules of its own, for whatever would disturb it.

Modes, hooks, exchanged parameters and attributes that a forward pass sets stay in the twin, so
other threads may use the network meanwhile.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from initsweep.graph.copies import Copier

AnyModule = TypeVar("AnyModule", bound=nn.Module)
Function = TypeVar("Function", bound=Callable[..., object])


class Apart(nn.Module):
    """Where calls and lookups of a twin's modules end: in place of `nn.Module`'s own methods.

    Those are exchanged by `torch.fx`, for all threads, while it traces in one of them.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - torch's signature
        """Return what the module gives, its hooks included."""
        return self._call_impl(*args, **kwargs)  # type: ignore[no-untyped-call]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - torch's signature
        """Return the parameter, buffer or module of this name.

        Raises:
            AttributeError: If there is none.
        """
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in (found := self.__dict__.get(kind, {})):
                return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


def twin_of(
    model: AnyModule,
    given: Mapping[int, object] | None = None,
    dtype: torch.dtype | None = None,
) -> AnyModule:
    """Return a network of the same parameters, with modules, buffers and hooks of its own.

    Parts of it that would save memory by being run again on the way back are run once.

    Args:
        model: The network; left as it is.
        given: What to have instead of parts of it, by their `id`.
        dtype: Type of all numbers that are not given; parameters are copied then.
    """
    instead: dict[int, object] = {id(checkpoint): run_at_once}
    twin: AnyModule = Copier(Apart, instead | dict(given or {}), dtype).of(model)
    return twin


def twin_with(
    model: AnyModule, state: Mapping[str, Tensor], dtype: torch.dtype | None = None
) -> AnyModule:
    """Return a twin with other parameters, and copies of other buffers to start from.

    Args:
        model: The network; left as it is.
        state: Parameters and buffers by name; those it lacks are the network's.
        dtype: As for `twin_of`.
    """
    given: dict[int, object] = {
        id(own): state[name] for name, own in model.named_parameters() if name in state
    }
    for name, own in model.named_buffers():
        if name in state:
            given[id(own)] = state[name].clone()
    return twin_of(model, given, dtype)


def copy_of(model: AnyModule, device: torch.device | None = None) -> AnyModule:
    """Return a twin to train, as `copy.deepcopy` would: with parameters of its own.

    Other than that, it copies networks that hold locks, and what functions close over.
    """
    own = {id(p): nn.Parameter(p.detach().clone(), p.requires_grad) for p in model.parameters()}
    # Parts that are run again are: that counts in the statistics of batch normalization.
    return twin_of(model, own | {id(checkpoint): checkpoint}).to(device)


def apart(function: Function) -> Function:
    """Return what computes the same as a function or a module, whatever `torch.fx` is doing."""
    return twin_of(function) if isinstance(function, nn.Module) else function


def run_at_once(function: Callable[..., object], *args: object, **settings: object) -> object:
    """Return what `checkpoint` returns."""
    return function(*args, **{k: v for k, v in settings.items() if k not in _OF_CHECKPOINT})


_OF_CHECKPOINT = inspect.signature(checkpoint).parameters

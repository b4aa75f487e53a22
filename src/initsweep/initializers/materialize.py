"""Gives memory to modules that were built without: on the meta device, or lazily."""

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from initsweep.core.errors import InitsweepError
from initsweep.graph.forms import Inputs, arguments, called
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.vocabulary import NORMS_WITH_STATISTICS
from initsweep.initializers.network import as_examples, why_it_fails


def give_memory(model: nn.Module) -> None:
    """Move parameters and running statistics from the meta device to the CPU, ties kept.

    Raises:
        InitsweepError: If a buffer on the meta device is not a running statistic of a norm layer:
            its values are lost.
    """
    moved: dict[int, nn.Parameter] = {}
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            if parameter.is_meta:
                if id(parameter) not in moved:
                    empty = torch.empty_like(parameter, device="cpu")
                    moved[id(parameter)] = nn.Parameter(empty, parameter.requires_grad)
                setattr(module, name, moved[id(parameter)])
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_meta:
                _move_statistic(path, module, name, buffer)


def _move_statistic(path: str, module: nn.Module, name: str, buffer: Tensor) -> None:
    """Give a running statistic memory; its values are set when the network is filled.

    Raises:
        InitsweepError: If the buffer is something else.
    """
    if not isinstance(module, NORMS_WITH_STATISTICS):
        raise InitsweepError(
            f"'{path}.{name}' is a buffer on the meta device: its values cannot be told from "
            "there. Build the network on the cpu."
        )
    setattr(module, name, torch.zeros_like(buffer, device="cpu"))


def find_sizes(model: nn.Module, examples: Inputs | None) -> None:
    """Run a lazy network once; without examples it is left for `initial_state` to refuse.

    Raises:
        InitsweepError: If it does not take these examples.
    """
    lazy = any(isinstance(one, UninitializedParameter) for one in model.parameters())
    if examples is None or not lazy:
        return
    inputs = arguments(model, as_examples(examples))
    modes = {module: module.training for module in model.modules()}
    try:
        for module in modes:
            module.training = False  # running statistics stay as they are
        with torch.no_grad(), private_draws(0):
            called(model, inputs)
    except Exception as error:  # a user's forward may raise anything; it is chained
        raise InitsweepError(why_it_fails(model, inputs, error)) from error
    finally:
        for module, training in modes.items():
            module.training = training

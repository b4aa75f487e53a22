"""All that the rest of a training by the plain loop depends on, as arrays, and back."""

import numpy as np
import torch
from torch import Tensor, nn

from initsweep.engine.lanes import COLUMNS, LaneResults
from initsweep.engine.unfinished import Arrays, from_bytes, to_bytes

SCALARS = ("step",)
"""What an optimizer of torch remembers of a parameter that is not of its shape."""


def captured(
    epochs: int, model: nn.Module, updater: torch.optim.Optimizer, results: LaneResults
) -> dict[str, np.ndarray]:
    """Return where a training is after some epochs, with its results so far."""
    arrays = {name: getattr(results, name) for name in COLUMNS}
    arrays["epochs"] = np.array(epochs)
    arrays |= to_bytes("model", _tensors(model))
    arrays |= to_bytes("generators", _generators(model))
    for number, remembered in updater.state_dict()["state"].items():
        for name, value in remembered.items():
            if value is not None:
                arrays |= to_bytes(f"optimizer/{number}/{name}", [value])
    return arrays


def restore(
    arrays: Arrays, model: nn.Module, updater: torch.optim.Optimizer, results: LaneResults
) -> int:
    """Put a training back to where it was.

    Returns:
        The epochs that it has behind it.
    """
    for name in COLUMNS:
        getattr(results, name)[:] = arrays[name]
    from_bytes("model", arrays, _tensors(model))
    generators = _generators(model)
    from_bytes("generators", arrays, generators)
    torch.set_rng_state(generators[0])
    if len(generators) > 1:
        torch.cuda.set_rng_state(generators[1], _device(model))
    state = updater.state_dict()
    parameters = [one for group in updater.param_groups for one in group["params"]]
    for key in arrays:
        kind, _, rest = key.partition("/")
        if kind == "optimizer":
            number, name, _ = rest.split("/")
            like = torch.zeros(()) if name in SCALARS else torch.zeros_like(parameters[int(number)])
            from_bytes(f"optimizer/{rest.removesuffix('/0')}", arrays, [like])
            state["state"].setdefault(int(number), {})[name] = like
    updater.load_state_dict(state)
    return int(arrays["epochs"])


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _generators(model: nn.Module) -> list[Tensor]:
    """Return the states of torch's global generators that the model may draw from."""
    cuda = [torch.cuda.get_rng_state(_device(model))] if _device(model).type == "cuda" else []
    return [torch.get_rng_state(), *cuda]

"""All that the rest of a training by the plain loop depends on, as arrays, and back."""

import io

import numpy as np
import torch
from torch import Tensor, nn

from initsweep.engine.lanes import COLUMNS, LaneResults
from initsweep.engine.unfinished import Arrays, from_bytes, to_bytes


def captured(
    epochs: int, model: nn.Module, updater: torch.optim.Optimizer, results: LaneResults
) -> dict[str, np.ndarray]:
    """Return where a training is after some epochs, with its results so far."""
    arrays = {name: getattr(results, name) for name in COLUMNS}
    arrays["epochs"] = np.array(epochs)
    arrays |= to_bytes("model", _tensors(model))
    arrays |= to_bytes("generators", _generators(model))
    kept = io.BytesIO()
    torch.save(updater.state_dict(), kept)
    arrays["optimizer"] = np.frombuffer(kept.getvalue(), dtype=np.uint8)
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
    kept = io.BytesIO(arrays["optimizer"].tobytes())
    updater.load_state_dict(torch.load(kept, weights_only=True))
    return int(arrays["epochs"])


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _generators(model: nn.Module) -> list[Tensor]:
    """Return the states of torch's global generators that the model may draw from."""
    cuda = [torch.cuda.get_rng_state(_device(model))] if _device(model).type == "cuda" else []
    return [torch.get_rng_state(), *cuda]

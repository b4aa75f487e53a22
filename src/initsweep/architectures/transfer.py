"""A trained backbone with a new head: values from a file, parts of it frozen."""

import fnmatch
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Self

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from initsweep.core.errors import DataError, ParamsError, few
from initsweep.core.params import Transfer
from initsweep.core.registry import did_you_mean
from initsweep.core.user_files import checked


class _Still(nn.Module):
    """Batch normalization of a frozen part: its running statistics are used and stay."""

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002, ARG002 - as torch has it
        """Stay in evaluation mode.

        Returns:
            The module.
        """
        return super().train(mode=False)


class StillBatchNorm1d(_Still, nn.BatchNorm1d):
    """Frozen."""


class StillBatchNorm2d(_Still, nn.BatchNorm2d):
    """Frozen."""


class StillBatchNorm3d(_Still, nn.BatchNorm3d):
    """Frozen."""


_STILL: Mapping[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: StillBatchNorm1d,
    nn.BatchNorm2d: StillBatchNorm2d,
    nn.BatchNorm3d: StillBatchNorm3d,
}


def transfer_(model: nn.Module, settings: Transfer) -> nn.Module:
    """Give all but the head its values from the file, freeze what is to be frozen.

    Frozen parameters have `requires_grad` False. Batch normalization whose parameters are all
    frozen keeps its running statistics too.

    Returns:
        The same network.

    Raises:
        ParamsError: If the network has no such head, or a pattern matches nothing.
        DataError: If the file is missing, another than the one named, or does not fit.
    """
    new = head_parameters(model, settings.head)
    found = _read(settings.pretrained, settings.sha256)
    known = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    _check(
        settings,
        {name: known[name] for name in known if not _inside(name, settings.head)},
        set(model.state_dict()),
        found,
    )
    for name, own in known.items():
        if name in found and not _inside(name, settings.head):
            own.data.copy_(found[name])
    trained = [name for name, _ in model.named_parameters() if name not in new]
    for pattern in settings.frozen:
        if not (matching := fnmatch.filter(trained, pattern)):
            raise ParamsError(
                f"model.transfer.frozen: '{pattern}' matches no parameter outside the head. They "
                f"are called {few(trained, most=6)}."
            )
        for name in matching:
            model.get_parameter(name).requires_grad = False
    for module in model.modules():
        own_values = list(module.parameters(recurse=False))
        if type(module) in _STILL and own_values and not any(p.requires_grad for p in own_values):
            module.__class__ = _STILL[type(module)]
            module.eval()
    return model


def head_parameters(model: nn.Module, head: str) -> set[str]:
    """Return the names of the head's parameters.

    Raises:
        ParamsError: If there is no such module, or it has none.
    """
    names = {name for name, _ in model.named_parameters() if _inside(name, head)}
    if not names:
        modules = sorted({name.rpartition(".")[0] for name, _ in model.named_parameters()} - {""})
        raise ParamsError(
            f"model.transfer.head: the network has no part '{head}' with parameters."
            f"{did_you_mean(head, modules)} It has {few(modules, most=6)}."
        )
    return names


@lru_cache(maxsize=1)
def _read(file: str, sha256: str) -> dict[str, Tensor]:
    """Return the tensors of a file, once for all networks of a process.

    Raises:
        DataError: If it is missing, has another checksum or is no safetensors file.
    """
    content = checked(Path(file), "model.transfer.pretrained").read_bytes()
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise DataError(
            f"model.transfer.sha256: '{file}' has the checksum {actual}, received {sha256}. If "
            "this is the file you mean, write its checksum there."
        )
    try:
        return load(content)
    except (SafetensorError, KeyError) as error:  # KeyError: numbers of a kind that torch lacks
        raise DataError(
            f"model.transfer.pretrained: '{file}' is no safetensors file ({error}). Pickled files "
            "are not read, as they can run code; write one with "
            "`safetensors.torch.save_file(model.state_dict(), file)`."
        ) from None


def _check(
    settings: Transfer,
    wanted: Mapping[str, Tensor],
    persistent: set[str],
    found: Mapping[str, Tensor],
) -> None:
    """Check that the file holds all of the network but its head, and no more.

    Raises:
        DataError: If not, naming tensors.
    """
    missing = [name for name in wanted if name in persistent and name not in found]
    unknown = [n for n in found if n not in wanted and not _inside(n, settings.head)]
    both = [(name, found[name], own) for name, own in wanted.items() if name in found]
    other = [
        f"{name} {tuple(given.shape)} of {given.dtype} instead of {tuple(own.shape)} of {own.dtype}"
        for name, given, own in both
        if given.shape != own.shape or given.is_floating_point() != own.is_floating_point()
    ]
    broken = [
        name
        for name, given, own in both
        if given.is_floating_point() and not given.to(own.dtype).isfinite().all()
    ]
    problems = {
        "lacks": missing,
        "holds, unknown to the network,": unknown,
        "has": other,
        "holds NaN or infinity in": broken,
    }
    said = [f"it {verb} {few(sorted(names), most=6)}" for verb, names in problems.items() if names]
    if said:
        raise DataError(
            f"model.transfer.pretrained: '{settings.pretrained}' does not fit the network outside "
            f"its head '{settings.head}': {'; '.join(said)}. Use the network it was trained as."
        )


def _inside(name: str, module: str) -> bool:
    return name.startswith(f"{module}.")

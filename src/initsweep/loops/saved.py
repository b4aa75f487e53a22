"""What a run keeps in its folder: where it is, and the weights that it ends with."""

import io
import random
import re
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as to_safetensors
from torch import nn

from initsweep.core.errors import RunError
from initsweep.core.writing import write_bytes
from initsweep.loops.spec import Report

WEIGHTS = "model.safetensors"
NETWORK, TENSORS = "network.json", "network.safetensors"
FILES = "files"
"""The folder in it that a run may use as it likes."""

KEPT = (WEIGHTS, NETWORK, TENSORS)
"""What stays in the folder of a run that has finished: weights, and a network written down."""


class Saved:
    """The files of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._readable = folder, False

    def write_weights(self, model: nn.Module) -> None:
        """Keep parameters and buffers; those that are shared are written once for each name."""
        state = {
            name: value.detach().cpu().contiguous().clone()
            for name, value in model.state_dict().items()
            if isinstance(value, torch.Tensor)
        }
        write_bytes(self._folder / WEIGHTS, to_safetensors(state))

    def write(
        self,
        parts: dict[str, Any],
        start: Report | None,
        reports: list[Report],
        named: dict[str, torch.Tensor],
    ) -> None:
        """Keep where the run is; a reader sees all of it or what was there before.

        Raises:
            RunError: If it holds what could not be read again without running code of the file.
        """
        rows = [_row(one) for one in reports]
        buffer = io.BytesIO()
        content = {
            "parts": parts,
            "start": None if start is None else _row(start),
            "reports": rows,
            "generators": _generators(),
            "named": named,
        }
        torch.save(content, buffer)
        if not self._readable:
            self._readable = _check_readable(buffer)
        write_bytes(self._file, buffer.getvalue())

    def read(
        self,
    ) -> tuple[dict[str, Any], Report | None, list[Report], dict[str, torch.Tensor]] | None:
        """Return what was kept, None if there is nothing or it cannot be read."""
        try:
            found = torch.load(self._file, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, EOFError, ValueError, UnpicklingError, zipfile.BadZipFile):
            return None
        _restore(found["generators"])
        start = found["start"]
        reports = [_report(row) for row in found["reports"]]
        return found["parts"], start and _report(start), reports, found["named"]

    @property
    def _file(self) -> Path:
        return self._folder / "checkpoint.pt"


def _check_readable(buffer: io.BytesIO) -> bool:
    buffer.seek(0)
    try:
        torch.load(buffer, weights_only=True)
    except UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        what = found[1] if found else "something else"
        raise RunError(
            f"checkpoint: it may hold tensors, numbers, texts, lists and dicts, received {what}. "
            "Give state dicts, not objects."
        ) from None
    return True


def _row(report: Report) -> list[float | None]:
    return [report.train_loss, report.validation_loss, report.validation_score]


def _report(row: list[Any]) -> Report:
    return Report(train_loss=row[0], validation_loss=row[1], validation_score=row[2])


def _generators() -> dict[str, Any]:
    """Return the states of the generators that everybody shares, as plain values."""
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - theirs
    version, inner, gauss = random.getstate()
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda = torch.cuda.get_rng_state_all() if used else []
    return {
        "torch": torch.get_rng_state(),
        "cuda": cuda,
        "numpy": [name, np.asarray(keys).tolist(), *rest],
        "python": [version, list(inner), gauss],
    }


def _restore(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))  # noqa: NPY002 - theirs
    version, inner, gauss = states["python"]
    random.setstate((version, tuple(inner), gauss))

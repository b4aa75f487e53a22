"""How far a running study is, scheme by scheme, from the files that lie there."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from initsweep.core import artifacts, numbers
from initsweep.core.params import Params
from initsweep.core.records import RunRow, Selection
from initsweep.statistics import racing

_STALE = 24 * 3600.0  # seconds after which a run that says nothing is not shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A run of an own loop: which one, at which epoch, with which loss, how long ago."""

    called: str
    epoch: int
    loss: float
    seconds: float


def progress_of(params: Params) -> list[str]:
    """Return what there is to say of each scheme, in lines."""
    width = max(map(len, params.schemes))
    lines = []
    for scheme in params.schemes:
        lines.append(f"{scheme:<{width}}  {_state(scheme, params)}")
        lines += [
            f"{'':<{width}}    {one.called}: epoch {one.epoch}, loss {numbers.loss(one.loss)}, "
            f"{one.seconds:.0f} s ago"
            for one in running(scheme)
        ]
    return lines


def _state(scheme: str, params: Params) -> str:
    tuned, trained = artifacts.tune_folder(scheme), artifacts.train_folder(scheme)
    if not (tuned / "selection.json").exists():
        planned = racing.trainings(params.tune) * (params.tune.retunes + 1)
        return f"tuning{_finished('tune', scheme, planned)}"
    selection = artifacts.read_record(tuned / "selection.json", Selection)
    rate = numbers.rate(selection.learning_rate)
    if not (trained / "record.json").exists():
        planned = len(params.confirm.seeds)
        return f"tuned to rate {rate}; fresh seeds{_finished('confirm', scheme, planned)}"
    runs = artifacts.read_rows(artifacts.fresh_folder(scheme) / "runs.csv", RunRow)
    mean = sum(run.capped_loss for run in runs) / len(runs)
    return f"rate {rate}, validation loss {numbers.loss(mean)} over {len(runs)} fresh seeds"


def _finished(role: str, scheme: str, planned: int) -> str:
    folder = artifacts.SCRATCH / role / scheme
    count = sum(1 for _ in folder.glob(f"*/*/{artifacts.RUN_OUTCOME}"))
    return f", {count} of about {planned} runs finished" if count else ""


def running(scheme: str) -> Iterator[Running]:
    """Yield the runs of a scheme that have said something and have not ended.

    Yields:
        One run each.
    """
    for role in ("tune", "confirm"):
        for file in sorted((artifacts.SCRATCH / role / scheme).glob(f"*/*/{artifacts.RUN_NOW}")):
            try:
                said = json.loads(file.read_text(encoding="utf-8"))
                ago = time.time() - file.stat().st_mtime
                at_work = ago < _STALE and Path(f"/proc/{said['process']}").exists()
                if at_work and not (file.parent / artifacts.RUN_OUTCOME).exists():
                    yield Running(
                        called=said["called"], epoch=said["epoch"], loss=said["loss"], seconds=ago
                    )
            except (OSError, ValueError, KeyError, TypeError):
                continue  # it has just ended

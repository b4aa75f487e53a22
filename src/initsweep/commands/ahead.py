"""Does stages before DVC asks for them, side by side; DVC then finds their results ready.

DVC runs one stage after the other. The rounds of one scheme's tuning have fewer trainings than many
a machine has cores, and no core trains while DVC writes its lock or a stage reads its data. So the
first stage of a run that trains does the others too that are out of date, each scheme in a process
with its share of the workers, and puts what they write aside, under a hash of all that it comes
from. When DVC comes to them, they move it to where it belongs. Results do not depend on workers,
so they are the same, to the last byte, as without.
"""

import contextlib
import heapq
import json
import os
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from initsweep.core import artifacts, link
from initsweep.core.errors import RunError
from initsweep.core.params import Params
from initsweep.core.progress import Progress, progress
from initsweep.core.stopping import RUN
from initsweep.core.writing import write_text
from initsweep.running import cluster, forks, inputs
from initsweep.running.dvc_file import Stage, kind_of, read_stages
from initsweep.running.leader import PLAN

KINDS = ("diagnose", "tune", "train", "tune_at")
"""What is done ahead. All of one scheme follows in one process: its training needs its tuning, and
at the size of the study it would be tuned by two at the same time."""

MOST = 64
"""Chains at the same time where a cluster trains: each is a process here, with the data."""

ASIDE = artifacts.SCRATCH / "ahead"
KEY = "key"
COME_TO = "come_to"
"""In the folder of a run: the stages that DVC has come to, so that none of them is done again."""

Program = Callable[[Sequence[str], Callable[[], None]], int]
"""What runs a command of ours as all that a process does, given what connects that process."""

_share: int | None = None  # the workers of this process, where it does stages ahead


def shared(params: Params) -> Params:
    """Return parameters with the workers that this process has a share of."""
    if _share is None:
        return params
    workers = min(_share, params.runtime.n_workers)  # a share of a cluster is none of this machine
    runtime = params.runtime.model_copy(update={"workers": workers})
    return params.model_copy(update={"runtime": runtime})


def done(stage: Stage, params: Params, program: Program) -> bool:
    """Return whether the results of a stage are in place, done ahead now or before.

    Args:
        stage: The stage that DVC has come to.
        params: Of the study.
        program: Runs other stages.

    Raises:
        RunError: If another stage that was to be done ahead failed.
    """
    name = stage.name
    if kind_of(name) not in KINDS or _share is not None or RUN not in os.environ:
        return False
    before = _come_to(name)
    if _take(stage):
        return True
    stages = read_stages(Path("dvc.yaml"))
    work = {one: size for one, size in _work(params, stages).items() if one not in before}
    chains, at_once, share = _shared_out(_chains(stage, work, stages), work, params)
    names = [one for chain in chains for one in chain]
    if name not in names:
        return False
    link.tell(covers=[one for one in names if one != name])
    tasks = [partial(_do, [stages[one] for one in chain], share, program) for chain in chains]
    with progress(round(sum(work[one] for one in names)), "all schemes", "run") as bar:
        at = dict.fromkeys(names, 0.0)
        for message in forks.run(tasks, at_once):
            _hear(bar, work, at, message)
    return _take(stage)


def _come_to(name: str) -> set[str]:
    """Return the stages that DVC came to before in this run; this one is another from now on."""
    before = set[str]()
    with (
        contextlib.suppress(OSError),  # the leader may be gone, and its folder with it
        (Path(os.environ[RUN]) / COME_TO).open("a+", encoding="utf-8") as known,
    ):
        known.seek(0)
        before.update(known.read().splitlines())
        known.write(f"{name}\n")
    return before


def _work(params: Params, stages: Mapping[str, Stage]) -> dict[str, float]:
    """Return the work of the stages that this run has to do and that can be done ahead."""
    from initsweep.engine.devices import resolve_device
    from initsweep.views.terminal import freshness

    try:
        plan = json.loads((Path(os.environ[RUN]) / PLAN).read_text("utf-8"))
    except OSError:  # somebody else leads
        return {}
    here = params.runtime.executor == "local"
    if here and (params.loop is not None or resolve_device(params.runtime.device).type != "cpu"):
        return {}  # these have their own ways to share out a machine
    stale = {*stages} if plan["all"] else {*freshness.outdated()}
    ready = {file.parent.name for file in ASIDE.glob(f"*/{KEY}")}
    return {
        name: work
        for name, work in plan["work"].items()
        if name in stale - ready and kind_of(name) in KINDS
    }


def _chains(
    first: Stage, work: Mapping[str, float], stages: Mapping[str, Stage]
) -> list[list[str]]:
    """Return the stages of each scheme in a list of their own, that of the first stage first."""
    found: dict[str, list[str]] = {_scheme(first): []}
    for name in work:
        found.setdefault(_scheme(stages[name]), []).append(name)
    return [chain for chain in found.values() if chain]


def _scheme(stage: Stage) -> str:
    """Return which scheme a stage is about, "" for all of them."""
    given = _arguments(stage)
    return dict(zip(given, [*given[1:], ""], strict=True)).get("--scheme", "")


def _arguments(stage: Stage) -> list[str]:
    """Return the command of a stage as we are given it."""
    words = shlex.split(stage.command)
    return words[words.index("initsweep") + 1 :]


def _shared_out(
    chains: list[list[str]], work: Mapping[str, float], params: Params
) -> tuple[list[list[str]], int, int]:
    """Return which chains to do ahead, how many at the same time, and the workers of each.

    The first chain is always among them. Here as many as are soonest done: what is left over has
    all workers to itself later. A cluster takes turns with all of them.
    """
    from initsweep.engine.devices import resolve_device

    workers, connection = params.runtime.n_workers, cluster.of(params.runtime)
    if connection is not None and len(chains) > 1:
        needs = cluster.needs_of(params, resolve_device(params.runtime.device).type)
        at_once = min(len(chains), MOST)
        return chains, at_once, max(1, cluster.slots(connection, needs) // at_once)
    if connection is not None or min(len(chains), workers) < 2:
        return [], 0, 0
    if len(chains) < workers:
        return chains, len(chains), workers // len(chains)

    def size(chain: Sequence[str]) -> float:
        return sum(work[name] for name in chain)

    def seconds(ahead: int) -> float:
        later = sum(map(size, ordered[ahead:])) / workers
        return _longest([*map(size, ordered[:ahead])], workers) + later

    ordered = [chains[0], *sorted(chains[1:], key=size, reverse=True)]
    best = min(range(len(chains), workers - 1, -1), key=seconds)
    return sorted(ordered[:best], key=size, reverse=True), workers, 1


def _longest(sizes: Sequence[float], workers: int) -> float:
    """Return when all is done if whoever is free takes the largest piece that is left."""
    busy = [0.0] * workers
    for size in sorted(sizes, reverse=True):
        heapq.heapreplace(busy, busy[0] + size)
    return max(busy)


def _do(chain: Sequence[Stage], share: int, program: Program, connect: Callable[[], None]) -> int:
    """Do stages one after the other, and put their results aside.

    Returns:
        The exit status.
    """
    global _share
    _share = share
    cluster.share(share)
    for stage in chain:
        os.environ["DVC_STAGE"] = stage.name
        _remove(stage.outs)  # as DVC does
        key = inputs.fingerprint_of(stage)  # it fails if these are edited meanwhile
        if status := program(_arguments(stage), connect):
            return status
        connect = _stay_connected
        _put_aside(stage, key)
    return 0


def _stay_connected() -> None:
    """Do nothing."""


def _hear(
    bar: Progress, work: Mapping[str, float], at: dict[str, float], message: Mapping[str, Any]
) -> None:
    """Take a message of a process that does stages ahead.

    Raises:
        RunError: If one of them has failed.
    """
    name, told = message["stage"], message.get("bar")
    if "error" in message:
        raise RunError(message["error"])
    if told is not None and told["total"] and name in at:
        before = round(sum(at.values()))
        at[name] = work[name] * told["at"] / told["total"]
        bar.note(f"{told['what']}: {told['note']}" if told["note"] else told["what"])
        bar.advance(round(sum(at.values())) - before)


def _remove(outs: Sequence[str]) -> None:
    for out in outs:
        artifacts.remove_folder(Path(out))


def _put_aside(stage: Stage, key: str) -> None:
    """Keep what a stage has written; its key comes last, so that half of it is none."""
    place = ASIDE / stage.name
    artifacts.remove_folder(place)
    for out in stage.outs:
        shutil.copytree(out, place / out)
    write_text(place / KEY, key)


def _take(stage: Stage) -> bool:
    """Move what was put aside for a stage to where it belongs.

    Returns:
        Whether there was anything that comes from what the stage would read now.
    """
    place = ASIDE / stage.name
    try:
        fits = (place / KEY).read_text("utf-8") == inputs.fingerprint_of(stage)
    except OSError:
        fits = False
    _remove(stage.outs if fits else ())
    for out in stage.outs if fits else ():
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        (place / out).replace(out)
    artifacts.remove_folder(place)
    return fits

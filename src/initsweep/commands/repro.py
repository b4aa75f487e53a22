"""`initsweep repro`: brings the study up to date, then prints its verdict."""

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from initsweep.core import own_code, sizes
from initsweep.core.errors import ArtifactError, InitsweepError, few
from initsweep.core.params import Params, load_params
from initsweep.running import cluster_process, lock_file
from initsweep.running.dvc_file import kind_of, read_stages, upstream
from initsweep.running.leader import FORCE, lead
from initsweep.running.pace import Plan
from initsweep.statistics import racing
from initsweep.statistics.looks import STAYING

WRITTEN = (Path(), *map(Path, (".dvc", ".dvc/tmp", "results", "reports")))
"""Folders where a run writes something even if all is up to date but MLflow."""


LOOKING = {"versions", "publish"}
"""Stages that run every time, to look whether there is anything to do."""

TRAIN = {"tune", "tune_at", "train", "settle"}
"""Stages that a cluster has work from."""


def run(options: argparse.Namespace) -> int:
    """Run what is out of date.

    The verdict comes first and what went wrong last, where both are to be read: what could not be
    shown in MLflow has its verdict all the same.

    Returns:
        The exit status.
    """
    params = load_params(Path("params.yaml"))
    if not _writable():
        print(_verdict_of_finished(options, params))
        return 0
    _check_before_dvc(params)
    plan = _plan(params, options.targets)
    stale = [*plan.work] if options.targets or options.force else _stale(plan)
    if not stale and _is_shown(params):
        print(_verdict(params) + _note())
        return 0
    force = [FORCE] if options.force else []
    runtime = params.runtime
    with ExitStack() as stack:
        if runtime.executor == "ray" and TRAIN & {*map(kind_of, stale)}:
            there = cluster_process.process(runtime.address, runtime.n_workers)
            os.environ |= stack.enter_context(there)
        outcome = lead(
            "initsweep repro", [*options.targets, *force], plan, first=[*stale, "publish"][0]
        )
    if not options.targets and outcome.has_all_but("publish"):
        print(_verdict(params) + _note())
    outcome.say()
    return outcome.status


def _check_before_dvc(params: Params) -> None:
    """Give our message about a lock, or data or code in the wrong place, before DVC gives its."""
    from initsweep.datasets.loading import check_watched

    lock_file.check_locks()
    own_code.use(params.own_code)
    own_code.check(params.own_code, params.dotted_names)
    check_watched(params.data)
    sizes.check(params)


def _plan(params: Params, targets: Sequence[str]) -> Plan:
    """Return the stages that targets need; trainings are what takes long."""
    trainings = {
        "tune": racing.trainings(params.tune) * (params.tune.retunes + 1),
        "tune_at": racing.trainings(params.tune),
        "train": len(params.confirm.seeds),
        "settle": round(STAYING * len(params.schemes) * len(params.more_seeds)),
    }
    names = upstream(read_stages(Path("dvc.yaml")), targets)
    return Plan(noun="stage", work={name: trainings.get(kind_of(name), 0) for name in names})


def _stale(plan: Plan) -> list[str]:
    """Return the stages that DVC would run again, all of a plan if that cannot be told.

    Those do not count that only look. DVC would say the same, after seconds of imports and of
    reading its lock several times.
    """
    from initsweep.views.terminal import freshness

    always = {stage.name for stage in read_stages(Path("dvc.yaml")).values() if stage.always}
    try:
        return [*always - LOOKING, *freshness.outdated()]
    except InitsweepError:
        return [*plan.work]  # who runs into it says it


def _is_shown(params: Params) -> bool:
    from initsweep.stages import publish

    return publish.is_shown(params)


def _writable() -> bool:
    """Return whether DVC and we may write where we must."""
    places = [place for place in WRITTEN if place.exists()]
    return all(os.access(place, os.W_OK, effective_ids=True) for place in places)


def _verdict_of_finished(options: argparse.Namespace, params: Params) -> str:
    """Return the verdict of a study that cannot be written to, if nothing is to be run in it.

    Raises:
        ArtifactError: Naming what is out of date or asked for.
    """
    from initsweep.views.terminal import freshness

    if asked := " ".join([*options.targets, *[FORCE] * options.force]):
        why = f"`{asked}` would write to it"
    elif stale := freshness.outdated("report"):
        why = f"not all of it is up to date: {freshness.told_few(stale)}"
    else:
        return f"{_verdict(params)}\nThis folder is read-only: nothing was published in MLflow."
    raise ArtifactError(
        f"'{Path.cwd()}' is read-only, and {why}. Make it writable, or work in a copy: "
        "cp -r . ../copy"
    )


def _note() -> str:
    """Return what there is to say where results are not those of the committed `dvc.lock`."""
    found = lock_file.other_results(lock_file.read_lock(), lock_file.committed_lock())
    if not found:
        return ""
    return (
        f"\nOther results than in the committed dvc.lock, from the same parameters, data and code: "
        f"{few(found)}. Another kind of processor, or build of torch, rounds otherwise. Verdict "
        "and `initsweep promote` speak of the results here: commit dvc.lock to keep them; where a "
        "DVC remote has the others, `git checkout dvc.lock` and `dvc pull` bring them back."
    )


def _verdict(params: Params) -> str:
    """Return the verdict, and what is predicted for larger sizes if that was asked for."""
    from initsweep.commands.summary import screen
    from initsweep.views.packet import carried
    from initsweep.views.terminal import answer
    from initsweep.views.terminal import screen as terminal
    from initsweep.views.terminal.plain import spelt

    shown = screen()
    table = terminal.verdict_table(answer.read(), shown)
    return "\n".join([table, *(spelt(one.answer, shown.encoding) for one in carried.of(params))])

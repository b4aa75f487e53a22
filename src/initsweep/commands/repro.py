"""`initsweep repro`: brings the study up to date, then prints its verdict."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from initsweep import own_code
from initsweep.errors import ArtifactError
from initsweep.leading.folder_lock import LOCK
from initsweep.leading.leader import lead
from initsweep.leading.pace import Plan
from initsweep.params import Params, load_params
from initsweep.running import lock_file
from initsweep.running.dvc_file import read_stages, upstream

FEW = 3
WRITTEN = (Path(), *map(Path, (".dvc", ".dvc/tmp", "results", "reports")), LOCK)
"""Where a run writes something even if all is up to date but MLflow."""


def run(options: argparse.Namespace) -> int:
    """Run what is out of date.

    The verdict comes first and what went wrong last, where both are to be read: what could not be
    shown in MLflow has its verdict all the same.

    Returns:
        The exit status.
    """
    params = load_params(Path("params.yaml"))
    if not _writable():
        print(_verdict_of_finished())
        return 0
    _check_before_dvc(params)
    force = ["--force"] if options.force else []
    outcome = lead("initsweep repro", [*options.targets, *force], _plan(params, options.targets))
    if not options.targets and outcome.has_all_but("publish"):
        print(_verdict() + _note())
    outcome.say()
    return outcome.status


def _check_before_dvc(params: Params) -> None:
    """Give our message about data or code in the wrong place, before DVC's about a dependency."""
    from initsweep.datasets._loading import check_watched

    own_code.use(params.own_code)
    own_code.check(params.own_code, params.dotted_names)
    check_watched(params.data)


def _plan(params: Params, targets: Sequence[str]) -> Plan:
    """Return the stages that targets need; trainings are what takes long."""
    tune = params.tune
    rates = tune.grid.points + tune.refinement_trials
    trainings = {
        "tune": rates * len(tune.seeds) * (tune.retunes + 1),
        "train": len(params.confirm.seeds),
    }
    names = upstream(read_stages(Path("dvc.yaml")), targets)
    return Plan(
        noun="stage", work={name: trainings.get(name.partition("@")[0], 0) for name in names}
    )


def _writable() -> bool:
    """Return whether DVC and we may write where we must."""
    places = [place for place in WRITTEN if place.exists()]
    return all(os.access(place, os.W_OK) for place in places)


def _verdict_of_finished() -> str:
    """Return the verdict of a study that cannot be written to, if nothing of it is out of date.

    Raises:
        ArtifactError: Naming what is out of date.
    """
    from initsweep.answer import freshness

    if stale := freshness.outdated("report"):
        raise ArtifactError(
            f"'{Path.cwd()}' is read-only, and not all of it is up to date: "
            f"{freshness.told_few(stale)}. Make it writable, or work in a copy: cp -r . ../copy"
        )
    return f"{_verdict()}\nThis folder is read-only: nothing was published in MLflow."


def _note() -> str:
    """Return what there is to say where results are not those of the committed `dvc.lock`."""
    found = lock_file.other_results(lock_file.read_lock(), lock_file.committed_lock())
    if not found:
        return ""
    stages = ", ".join(found[:FEW]) + (", ..." if len(found) > FEW else "")
    return (
        f"\nOther results than in the committed dvc.lock, from the same parameters, data and code: "
        f"{stages}. Another kind of processor, or build of torch, rounds otherwise. Verdict and "
        "`initsweep promote` speak of the results here: commit dvc.lock to keep them; where a DVC "
        "remote has the others, `git checkout dvc.lock` and `dvc pull` bring them back."
    )


def _verdict() -> str:
    from initsweep.answer import study, terminal
    from initsweep.commands.summary import screen

    return terminal.verdict_table(study.read(), screen())

"""What `initsweep claims` does.

Without more it brings `claims/dvc.yaml` up to date and prints the answers; its stages call this
command with `run`, `page` and `publish`.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean

from initclaims.laboratory.claim import CLAIMS
from initclaims.laboratory.lab import Budget, Lab
from initclaims.laboratory.table import Measurement
from initclaims.page import files, render
from initsweep.core import artifacts
from initsweep.core.errors import ParamsError
from initsweep.core.params import load_params
from initsweep.core.provenance import NETWORK_CODE, code_sha
from initsweep.running import inputs
from initsweep.running.leader import lead
from initsweep.running.lock_file import check_locks
from initsweep.running.pace import Plan

PACKAGE = Path(__file__).parent


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Run, judge, publish or list claims.

    Returns:
        What to print, and the exit status.

    Raises:
        ParamsError: If the names do not fit the action.
    """
    budget = files.budget_of(options.quick)
    if options.action == "list":
        return _listing(), 0
    if options.action == "run":
        name = _one(options.names)
        with inputs.held(files.pipeline(budget), files.stage("measure", budget, name)):
            return measure(name, budget), 0
    if options.names:
        raise ParamsError(f"claims {options.action}: takes no names, received {options.names}.")
    if options.action == "all":
        return _all(budget)
    with inputs.held(files.pipeline(budget), files.stage(options.action, budget)):
        return _ACTIONS[options.action](options, budget), 0


def _page(_: argparse.Namespace, budget: Budget) -> str:
    found = render.write(files.settings().names, budget)
    return f"{render.counts_text(found)}; see {files.page(budget)}"


def _publish(options: argparse.Namespace, budget: Budget) -> str:
    from initclaims.mlflow_view import publish_claims

    found = render.judged(files.settings().names, budget)
    return publish_claims(found, budget, load_params(options.params), Path.cwd())


_ACTIONS = {"page": _page, "publish": _publish}


def measure(name: str, budget: Budget) -> str:
    """Run one experiment and write its measurements.

    Returns:
        What came of it, in one line.
    """
    claim, folder = CLAIMS.get(name), files.settings().mnist
    lab = Lab(
        name,
        budget,
        # Kept trainings do not depend on how experiments read data, choose rates, judge or draw.
        code_sha=code_sha(NETWORK_CODE) + code_sha(["laboratory/lab"], source=PACKAGE),
        claim_sha=code_sha([f"claims/{name}"], source=PACKAGE),
        mnist=None if folder is None else Path(folder),
    )
    rows = claim.measure(lab)
    artifacts.write_rows(files.measurements_file(name, budget), rows, Measurement)
    judgement = claim.judge(files.read_table(name, budget))
    return f"{claim.title}: {judgement.answer}"


def _all(budget: Budget) -> tuple[str, int]:
    names, pipeline = _known_names(), files.pipeline(budget)
    costs = files.costs()
    usual = fmean(costs.values() or [1.0])
    work = {files.stage("measure", budget, name): costs.get(name, usual) for name in names}
    check_locks()
    outcome = lead("initsweep claims", [str(pipeline)], Plan(noun="claim", work=work))
    # As in a study: what could not be shown in MLflow has its answers all the same.
    if outcome.has_all_but(files.stage("publish", budget)):
        print(_answers(names, budget))
    outcome.say()
    return "", outcome.status


def _answers(names: list[str], budget: Budget) -> str:
    from initclaims.mlflow_view import EXPERIMENT

    where = f"The page: {files.page(budget)}. In MLflow: `initsweep ui`, '{EXPERIMENT}'."
    return f"{render.summary(render.judged(names, budget))}\n\n{where}"


def _known_names() -> list[str]:
    """Return the names of all claims; DVC's list of them is brought up to date first."""
    settings = files.settings()
    names = _in_order(settings.names, CLAIMS.names())
    if names != settings.names:
        text = files.SETTINGS.read_text(encoding="utf-8")
        head, _, _ = text.partition("names:")
        listed = "".join(f"  - {name}\n" for name in names)
        artifacts.write_text(files.SETTINGS, f"{head}names:\n{listed}")
        print(f"{files.SETTINGS}: the list of claims has been brought up to date.", file=sys.stderr)
    return names


def _one(names: list[str]) -> str:
    if len(names) != 1:
        raise ParamsError(f"claims run: takes the name of one claim, received {names}.")
    return names[0]


def _listing() -> str:
    """Return all claims in the order of the page; outside a project there is none."""
    known = CLAIMS.names()
    names = _in_order(files.settings().names if files.SETTINGS.exists() else [], known)
    width = max(len(name) for name in names)
    claims = ((name, CLAIMS.get(name)) for name in names)
    return "\n".join(f"{name:{width}}  {claim.title} ({claim.source})" for name, claim in claims)


def _in_order(listed: list[str], known: list[str]) -> list[str]:
    """Return the known names in the order of the list; who is new goes to its end."""
    names = [name for name in listed if name in known]
    return [*names, *(name for name in known if name not in names)]

"""More fresh seeds, in blocks, for the schemes that may still be recommended."""

from collections.abc import Sequence
from dataclasses import replace

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError
from initsweep.core.params import Params
from initsweep.core.progress import Progress, progress
from initsweep.core.records import Confirmation, LookRow
from initsweep.running import inputs
from initsweep.stages import confirming
from initsweep.stages.confirming import Fresh
from initsweep.stages.experiment import Experiment, load_experiment
from initsweep.stages.own_loop import OwnLoop
from initsweep.stages.recorded_evidence import check_origin, evidence_of
from initsweep.statistics.evidence import check_evidence
from initsweep.statistics.scheme_summary import summarize
from initsweep.statistics.selection import laws_of, unsettled
from initsweep.statistics.thresholds import Thresholds


def run(params: Params) -> None:
    """Write `results/settle/`: all fresh runs of each scheme that got more, and why it got them.

    After every block the schemes are looked at as `compare` does, without test losses.
    """
    experiment = load_experiment(params)
    schema, first = experiment.schema.judged, params.confirm.seeds
    thresholds = Thresholds.of(experiment.schema, params.decide, len(first))
    train = {scheme: artifacts.train_folder(scheme) for scheme in params.schemes}
    evidence = {scheme: evidence_of(scheme, schema, folder) for scheme, folder in train.items()}
    racing = params.tune.strategy == "racing"
    check_evidence([*evidence.values()], schema, first, params.more_seeds, racing=racing)
    check_origin([*evidence.values()], experiment.params, experiment.schema)
    fresh = {scheme: confirming.read(folder) for scheme, folder in train.items()}
    blocks, planned = list[LookRow](), (*first, *params.more_seeds)
    laws = laws_of(summarize([*evidence.values()], thresholds))
    records = {scheme: one.confirmation for scheme, one in evidence.items()}
    kept = {scheme: _kept(experiment, record) for scheme, record in records.items()}
    with progress(0, "settle", "run") as bar:
        while block := unsettled(summarize([*evidence.values()], thresholds), thresholds):
            blocks += block
            for scheme, count in ((row.scheme, row.seeds) for row in block):
                seeds = planned[len(fresh[scheme].runs) : count]
                same = next(names for names in laws if scheme in names)
                more = _of_its_law(scheme, seeds, [fresh[name] for name in same])
                if more is None:
                    more = _trained(experiment, records[scheme], seeds, kept[scheme], bar)
                fresh[scheme] = fresh[scheme].followed_by(more)
                evidence[scheme] = replace(evidence[scheme], confirm=fresh[scheme].runs)
    inputs.check()  # before the work behind it is let go
    _write(experiment, fresh, records)
    artifacts.write_rows(artifacts.LOOKS, blocks, LookRow)
    for scheme in params.schemes:
        artifacts.remove_folder(experiment.checkpoint(scheme, "confirm"))


def _of_its_law(scheme: str, seeds: Sequence[int], law: Sequence[Fresh]) -> Fresh | None:
    """Return runs of a scheme that is the same law as another, if that has been trained further."""
    found = next((one for one in law if set(seeds) <= set(one.seeds)), None)
    return None if found is None else found.of(seeds).as_of(scheme)


def _trained(
    experiment: Experiment | OwnLoop,
    record: Confirmation,
    seeds: Sequence[int],
    kept: Fresh | None,
    bar: Progress,
) -> Fresh:
    """Return runs of more seeds, taken from what this stage wrote before where it holds them all.

    So that a scheme that is added to a study trains itself and no other.
    """
    bar.extend(len(seeds))
    bar.note(record.scheme)
    if kept is not None and set(seeds) <= set(kept.seeds):
        bar.advance(len(seeds))
        return kept.of(seeds)
    rate = record.learning_rate
    return confirming.confirm(experiment, record.scheme, rate, seeds, bar)[0]


def _kept(experiment: Experiment | OwnLoop, record: Confirmation) -> Fresh | None:
    """Return what the stage wrote for a scheme before, if it came from the same inputs."""
    folder = artifacts.settle_folder(record.scheme)
    try:
        before = artifacts.read_record(folder / "record.json", Confirmation)
        same = before.learning_rate == record.learning_rate
        if same and before.provenance == experiment.provenance(record.scheme, "confirm"):
            kept = confirming.read(folder)
            return kept if kept.whole and kept.seeds == before.seeds else None
    except ArtifactError:  # none, or written by another version: it is trained
        pass
    return None


def _write(
    experiment: Experiment | OwnLoop, fresh: dict[str, Fresh], records: dict[str, Confirmation]
) -> None:
    """Write all fresh runs of the schemes that got more, and remove what there is of others."""
    grown = {name: one for name, one in fresh.items() if len(one.runs) > len(records[name].seeds)}
    for folder in artifacts.SETTLE.glob("*/"):
        if folder.name not in grown:
            artifacts.remove_folder(folder)
    for scheme, one in grown.items():
        folder = artifacts.settle_folder(scheme)
        artifacts.remove_folder(folder)  # with its record, which comes last: half of it is none
        confirming.write(folder, one)
        record = replace(
            records[scheme],
            seeds=one.seeds,
            engine=one.engine,
            provenance=experiment.provenance(scheme, "confirm"),
        )
        artifacts.write_json(folder / "record.json", record)

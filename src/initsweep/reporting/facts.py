"""Label-and-text pairs of the review packet: the answer, the data, the protocol, the origin."""

from collections.abc import Iterable, Mapping

import numpy as np

from initsweep.figures import numbers
from initsweep.params import Model, Params
from initsweep.records import Schema, Verdict
from initsweep.reporting.study import Study
from initsweep.reporting.tables import basin_range
from initsweep.statistics.comparison import mostly_cut

Facts = list[tuple[str, str]]
FEW = 3

DECISIONS = {
    "winner": "Winner",
    "lead": "Ahead",
    "tie": "Tie",
    "cannot_tell": "Cannot tell",
    "none_trainable": "None trainable",
}


def decision(verdict: Verdict) -> str:
    """Return the decision in words, and whether another study would make it, too."""
    word = DECISIONS[verdict.decision]
    if verdict.recommended is None:
        return word
    return f"{word}, {'firm' if verdict.firm else 'fragile'}"


def how_sure(study: Study) -> str:
    """Return how often other studies would pick the same scheme, "" without a recommendation."""
    verdict = study.verdict
    if verdict.recommended is None:
        return ""
    often = f"{100 * verdict.repicked:.0f} of 100 studies like this one, drawn from its seeds, pick"
    if verdict.firm:
        return f"Firm: {often} the same scheme."
    others = {name: part for name, part in verdict.picks.items() if name != verdict.recommended}
    named = ", ".join(
        f"{name} {100 * part:.0f}"
        for name, part in sorted(others.items(), key=lambda one: -one[1])[:FEW]
    )
    return (
        f"Fragile: only {often} the same scheme (others: {named}). More seeds (`confirm.seeds`) "
        "would make it firmer; which of those that tie is taken matters little."
    )


def why_not(study: Study) -> list[str]:
    """Return why the schemes with the best raw numbers are not the recommended one."""
    verdict, rows = study.verdict, [row for row in study.schemes if row.trainable]
    chosen = next((row for row in rows if row.scheme == verdict.recommended), None)
    if chosen is None:
        return []
    found = []
    # Of equal numbers the chosen scheme's come first: there is nothing to ask.
    rows.sort(key=lambda row: row is not chosen)
    best = min(rows, key=lambda row: row.validation_loss)
    if best is not chosen:
        found.append(
            f"Why not {best.scheme}, lowest on validation ({numbers.loss(best.validation_loss)} "
            f"against {numbers.loss(chosen.validation_loss)})? The difference is within the "
            f"margin ({numbers.loss(verdict.margin)}), and its basin is shown to be narrower "
            f"({numbers.width(best.basin_width, best.basin_censored)} decades against "
            f"{numbers.width(chosen.basin_width, chosen.basin_censored)})."
        )
    other = verdict.other
    if other is not None and other.better:
        values = [numbers.score(v, other.criterion) for v in (other.test, other.recommended_test)]
        found.append(
            f"By {_words(other.criterion)} it would be {other.scheme} at learning rate "
            f"{numbers.rate(other.learning_rate)}: {values[0]} on test against {values[1]}. This "
            f"study selects by {study.schema.criterion.replace('_', ' ')} (`task.select_by`)."
        )
    tested = min(rows, key=lambda row: row.test_loss)
    if tested not in (best, chosen):
        found.append(
            f"Why not {tested.scheme}, lowest on test ({numbers.loss(tested.test_loss)} against "
            f"{numbers.loss(chosen.test_loss)})? Nothing is chosen on test rows; on validation: "
            f"{tested.why}."
        )
    return found


def headline(study: Study) -> str:
    """Return the recommendation in one sentence, with the interval of what it promises."""
    verdict = study.verdict
    row = next((row for row in study.schemes if row.scheme == verdict.recommended), None)
    if row is None:
        if verdict.decision == "none_trainable":
            return "None of these schemes trains this network."
        return "Which scheme is best cannot be told from this study."
    return (
        f"Use {row.scheme} at learning rate {numbers.rate(row.learning_rate)}: test "
        f"{_words(verdict.loss_name)} {numbers.loss(row.test_loss)} (95 % interval "
        f"{numbers.interval(row.test_low, row.test_high)})."
    )


def warning(study: Study) -> str:
    """Return what must not be overlooked about the recommendation, "" if there is nothing."""
    found = []
    better = [row.scheme for row in study.schemes if row.outcome == "better"]
    if better and study.verdict.recommended is not None:
        found.append(
            f"On test data {_joined(better)} did better; the choice was made on validation and is "
            "not revised."
        )
    row = next((row for row in study.schemes if row.scheme == study.verdict.recommended), None)
    if row is not None and (text := _cut_on_test(study, row.scheme)):
        found.insert(0, text)
    if row is not None and row.basin_censored != "no":
        found.append("Its basin reaches the end of the rates tried and may be wider.")
    if row is not None and row.failed_runs:
        found.append(f"{row.failed_runs} of its {row.runs} fresh runs failed.")
    if row is not None and row.overconfident_runs:
        found.append(
            f"{row.overconfident_runs} of its {row.runs} fresh runs are overconfident: better than "
            "guessing by score and not by loss."
        )
    return " ".join(found)


def _cut_on_test(study: Study, scheme: str) -> str:
    """Say that most runs are no better than guessing on the test rows.

    Returns:
        A sentence, "" if it is not so.
    """
    cap = study.schema.judged.constant_test_loss
    losses = np.array([run.capped_test_loss for run in study.fresh_runs[scheme]], dtype=float)
    if not mostly_cut(losses, losses, cap):
        return ""
    return (
        f"On test rows {int((losses >= cap).sum())} of its {len(losses)} runs are no better than "
        "the constant predictor; what was learned does not hold there."
    )


def answer(study: Study) -> Facts:
    """Return the verdict in a few numbers; only those that exist."""
    verdict = study.verdict
    facts: Facts = []
    row = next((row for row in study.schemes if row.scheme == verdict.recommended), None)
    if row is not None:
        facts.append(("Recommended scheme", row.scheme))
        facts.append(("Learning rate", numbers.rate(row.learning_rate)))
        tolerance = numbers.loss(verdict.basin_tolerance)
        facts.append((f"Rates within {tolerance} of its best", basin_range(row)))
        facts.append((f"Test {_words(verdict.loss_name)}", numbers.loss(row.test_loss)))
        if row.test_score is not None:
            score = numbers.score(row.test_score, verdict.score_name)
            facts.append((f"Test {_words(verdict.score_name)}", score))
    facts.append(("Schemes compared", str(len(study.schemes))))
    facts.append(("Fresh seeds each", str(verdict.seeds)))
    return facts


def data(study: Study) -> Facts:
    """Return what the data is."""
    schema = study.schema
    rows = ", ".join(f"{count} {split}" for split, count in schema.rows.items())
    if schema.validation == "rotating":
        rows += "; each seed draws its own train and validation rows"
    facts = [
        ("Source", schema.source),
        ("Reference", schema.reference),
        ("Task", schema.task),
        ("Rows", rows),
        ("Features", _features(schema)),
    ]
    if schema.class_names:
        facts.append(("Classes", f"{schema.n_outputs}: {', '.join(study.classes)}"))
    facts.append(("Loss", f"{_words(schema.loss_name)}; score: {_words(schema.score_name)}"))
    chosen_on = "validation" if schema.validation == "fixed" else "development rows"
    constant = (
        f"{numbers.loss(schema.constant_validation_loss)} on {chosen_on}, "
        f"{numbers.loss(schema.constant_test_loss)} on test"
    )
    facts.append(("Constant predictor's loss", constant))
    if schema.class_weights:
        facts.append(("Class weights", ", ".join(map(numbers.loss, schema.class_weights))))
    if schema.select_by == "score":
        judged = schema.judged
        low, high = judged.constant_validation_loss, judged.constant_test_loss
        text = f"{judged.loss_name.replace('_', ' ')}; of a constant predictor "
        text += f"{numbers.loss(low)} on {chosen_on}, {numbers.loss(high)} on test"
        facts.append(("Selected by", text))
    return facts + _noticed(study.profile)


def _features(schema: Schema) -> str:
    shape = f" (images of {' x '.join(map(str, schema.shape))})" if schema.shape else ""
    return f"{schema.n_features}{shape}"


def _noticed(profile: dict[str, object]) -> Facts:
    facts: Facts = []
    shared = profile.get("rows_also_in_train")
    if isinstance(shared, dict):
        text = ", ".join(f"{count} of {split}" for split, count in shared.items())
        known = "development" if "development" in shared else "train"
        facts.append((f"Rows that also occur in {known}", text))
    constant = profile.get("constant_features")
    if isinstance(constant, list):
        facts.append(("Features that never vary", str(len(constant))))
    notices = profile.get("notices")
    if isinstance(notices, list) and notices:
        facts.append(("Noticed", " ".join(notices)))
    return facts


def protocol(study: Study) -> Facts:
    """Return what was held fixed, what was tuned, and how."""
    params, grid, verdict = study.params, study.params.tune.grid, study.verdict
    decide = params.decide
    skill = f"at least {100 * decide.trainable_skill:g} %"
    return [
        ("Network", _with_options(params.model.name, params.model.options)),
        *_transfer(params.model),
        ("Optimizer", _optimizer(params)),
        ("Training", _training(params)),
        ("Batches", _batches(study)),
        ("Loss of a run", _run_loss(study)),
        (
            "Tuning",
            f"{grid.points} learning rates from {numbers.rate_range(grid.low, grid.high)}, the "
            f"same for every scheme, {len(params.tune.seeds)} seeds each; then "
            f"{params.tune.refinement_trials} refined rates; the grid grows up to "
            f"{params.tune.extension_rounds} times where the best rate sits on its edge",
        ),
        (
            "Confirmation",
            f"{len(params.confirm.seeds)} fresh seeds at each scheme's chosen rate; only these "
            "runs are measured on test rows, and no choice in this study is made on them",
        ),
        (
            "Practical margin",
            f"{100 * decide.margin:g} % of the constant predictor's loss "
            f"({numbers.loss(verdict.margin)} on validation)",
        ),
        (
            "Basin tolerance",
            f"{100 * decide.basin_tolerance:g} % of the constant predictor's loss "
            f"({numbers.loss(verdict.basin_tolerance)}): a basin is the neighbouring rates, "
            "interpolated between those tried, whose mean validation loss is within that of the "
            "scheme's best",
        ),
        (
            "Trainable",
            "better than guessing by loss or by score, both at some rate of the grid and on the "
            f"fresh seeds: {skill} of what the constant predictor lacks",
        ),
        ("Significance level", f"{decide.alpha:g}, after Holm's correction"),
    ]


def _optimizer(params: Params) -> str:
    chosen = params.optimizer
    used = {
        "sgd": ("momentum", "nesterov"),
        "adam": ("beta1", "beta2", "epsilon"),
        "adamw": ("beta1", "beta2", "epsilon"),
        "rmsprop": ("beta2", "epsilon"),
    }[chosen.name]
    options = {name: getattr(chosen, name) for name in (*used, "weight_decay")}
    return _with_options(chosen.name, options)


def _training(params: Params) -> str:
    training = params.training
    clip = training.gradient_clip
    return (
        f"{training.epochs} epochs, batches of {training.batch_size}, {training.schedule} "
        f"learning rate, warm-up {100 * training.warmup_fraction:g} % of the steps, "
        + ("no gradient clipping" if clip is None else f"gradient norm clipped at {clip:g}")
    )


def _batches(study: Study) -> str:
    rows, size = study.schema.rows["train"], study.params.training.batch_size
    left = rows % size
    if not left:
        return f"{rows // size} per epoch, in an order that every epoch draws anew"
    return (
        f"{rows // size} per epoch, in an order that every epoch draws anew; the last, partial "
        f"one is dropped, so each epoch leaves out {left} of {rows} train rows"
    )


def _run_loss(study: Study) -> str:
    return (
        f"the loss after the last epoch, epoch {study.params.training.epochs}, and not the lowest "
        "on the way; at most the constant predictor's, which a diverged run counts as"
    )


def provenance(study: Study) -> Facts:
    """Return what the results are a function of."""
    origin = study.verdict.provenance
    versions = {
        name: version
        for one in (*(r.provenance for r in study.confirmations.values()), origin)
        for name, version in one.versions.items()
    }
    engines: dict[str, list[str]] = {}
    for name in study.names:
        engines.setdefault(study.confirmations[name].engine, []).append(name)
    many = len(engines) > 1
    return [
        ("Parameters", origin.params_sha),
        ("Data", origin.data_sha),
        ("Code", origin.code_sha),
        ("Environment", _joined(f"{name} {version}" for name, version in versions.items())),
        (
            "Engine",
            "; ".join(
                f"{engine} ({', '.join(names)})" if many else engine
                for engine, names in engines.items()
            ),
        ),
        ("Tuning seeds", _joined(study.params.tune.seeds)),
        ("Fresh seeds", _joined(study.params.confirm.seeds)),
        ("Split seed", str(study.params.data.split_seed)),
    ]


def _transfer(model: Model) -> Facts:
    if (transfer := model.transfer) is None:
        return []
    frozen = ", ".join(transfer.frozen) or "nothing"
    return [
        ("Trained backbone", f"{transfer.pretrained} (SHA-256 {transfer.sha256[:12]}…)"),
        ("Initialized", f"{transfer.head} only; frozen: {frozen}"),
    ]


def _with_options(name: str, options: Mapping[str, object]) -> str:
    listed = _joined(f"{key} {_plain(value)}" for key, value in options.items())
    return f"{name} ({listed})" if listed else name


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _joined(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))


def _words(name: str) -> str:
    return name.replace("_", " ")

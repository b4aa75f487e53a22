"""Label-and-text pairs of the review packet: the data, the protocol, the origin."""

from collections.abc import Iterable, Mapping, Sequence

from initsweep.core import numbers
from initsweep.core.params import Loop, Model, Optimizer, Params, Tune
from initsweep.core.records import Schema
from initsweep.core.results import Results
from initsweep.statistics import racing

Facts = list[tuple[str, str]]


def data(study: Results) -> Facts:
    """Return what the data is."""
    schema = study.schema
    if schema.task == "own":
        return _own_data(schema)
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


def _own_data(schema: Schema) -> Facts:
    """Return what is known of data that only the training function sees."""
    validation, test = schema.constant_validation_loss, schema.constant_test_loss
    stated = f"{numbers.loss(validation)} on validation, {numbers.loss(test)} on test, as stated"
    return [
        ("Source", schema.source),
        ("Loss", f"{_words(schema.loss_name)}; score: {_words(schema.score_name)}"),
        ("Constant predictor's loss", stated),
    ]


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


def _seeds(tune: Tune) -> str:
    if tune.strategy == "full":
        return f"{len(tune.seeds)} seeds each"
    return f"up to {len(tune.seeds)} seeds each, fewer for rates that fall behind in a race"


def protocol(study: Results) -> Facts:
    """Return what was held fixed, what was tuned, and how."""
    params, grid, verdict = study.params, study.params.tune.grid, study.verdict
    decide = params.decide
    skill = f"at least {numbers.setting_percent(decide.trainable_skill)}"
    return [
        *(_engine(study) if params.loop is None else _own_loop(study, params.loop)),
        ("Loss of a run", _run_loss(study)),
        (
            "Tuning",
            f"{grid.points} learning rates from {numbers.rate_range(grid.low, grid.high)}, the "
            f"same for every scheme, {_seeds(params.tune)}; then "
            f"{racing.refinements(params.tune)} refined rates; the grid grows up to "
            f"{params.tune.extension_rounds} times where the best rate sits on its edge",
        ),
        (
            "Confirmation",
            f"{len(params.confirm.seeds)} fresh seeds at each scheme's chosen rate"
            f"{_blocks(params)}; only these runs are measured on test rows, and no choice in this "
            "study is made on them",
        ),
        (
            "Practical margin",
            f"{numbers.setting_percent(decide.margin)} of the constant predictor's loss "
            f"({numbers.loss(verdict.margin)} on validation)",
        ),
        (
            "Basin tolerance",
            f"{numbers.setting_percent(decide.basin_tolerance)} of the constant predictor's loss "
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


def _engine(study: Results) -> Facts:
    params = study.params
    return [
        ("Network", _with_options(params.model.name, params.model.options)),
        *_transfer(params.model),
        ("Optimizer", _optimizer(params.optimizer)),
        *((f"Optimizer of {one}", _optimizer(params.engine_optimizer(one))) for one in params.arms),
        ("Training", _training(params)),
        ("Batches", _batches(study)),
    ]


def _own_loop(study: Results, loop: Loop) -> Facts:
    """Return what is known of a training function, and of the networks that it builds."""
    found = study.loop
    options = _with_options("", loop.options).strip(" ()")
    facts = [("Training function", loop.function), ("Its options", options or "none")]
    if loop.optimizer is not None:
        chosen = dict(loop.optimizer)
        facts.append(("Optimizer", _with_options(str(chosen.pop("name")), chosen)))
    for one in study.params.arms:
        chosen = dict(study.params.optimizer_of(one) or {})
        facts.append((f"Optimizer of {one}", _with_options(str(chosen.pop("name")), chosen)))
    if found is not None:
        same = (
            "the same run twice gave the same losses to the last digit"
            if found.deterministic
            else "the same run twice gave different losses: running the study again gives other "
            "digits, and intervals cover that too"
        )
        facts += [("Learned numbers", f"{found.parameters}"), ("Repeatability", same)]
        if found.same_draws:
            same = (
                "batches and dropout are the same under every seed, or there are none: intervals "
                "cover initial weights alone"
            )
            facts.append(("What seeds vary", same))
        if found.passed_over:
            facts.append(("Not initialized by schemes", " ".join(found.passed_over)))
    return facts


def _blocks(params: Params) -> str:
    if not params.more_seeds:
        return ""
    return (
        f", and up to {params.decide.most_seeds} in blocks for schemes that may still be "
        "recommended"
    )


def _optimizer(chosen: Optimizer) -> str:
    adaptive = ("beta1", "beta2", "epsilon")
    used = {
        "sgd": ("momentum", "nesterov"),
        "sgdw": ("momentum", "nesterov"),
        "rmsprop": ("beta2", "epsilon"),
        "lion": ("beta1", "beta2"),
        "muon": ("momentum", "nesterov", *adaptive),
        "schedule_free_sgd": ("momentum",),
    }.get(chosen.name, adaptive)
    options = {name: getattr(chosen, name) for name in (*used, "weight_decay")}
    return _with_options(chosen.name, options)


def _training(params: Params) -> str:
    training = params.training
    clip = training.gradient_clip
    return (
        f"{training.epochs} epochs, batches of {training.batch_size}, {training.schedule} "
        f"learning rate, warm-up {numbers.setting_percent(training.warmup_fraction)} of the steps, "
        + (
            f"decay in the last {numbers.setting_percent(training.decay_fraction)}, "
            if training.schedule == "wsd"
            else ""
        )
        + ("no gradient clipping" if clip is None else f"gradient norm clipped at {clip:g}")
    )


def _batches(study: Results) -> str:
    rows, size = study.schema.rows["train"], study.params.training.batch_size
    left = rows % size
    if not left:
        return f"{rows // size} per epoch, in an order that every epoch draws anew"
    return (
        f"{rows // size} per epoch, in an order that every epoch draws anew; the last, partial "
        f"one is dropped, so each epoch leaves out {left} of {rows} train rows"
    )


def _run_loss(study: Results) -> str:
    return (
        f"the loss after the last epoch, epoch {study.epochs}, and not the lowest "
        "on the way; at most the constant predictor's, which a diverged run counts as"
    )


def provenance(study: Results) -> Facts:
    """Return what the results are a function of."""
    origin = study.verdict.provenance
    versions = {
        name: version
        for one in (*(own.confirmation.provenance for own in study.by_scheme.values()), origin)
        for name, version in one.versions.items()
    }
    engines: dict[str, list[str]] = {}
    for name in study.names:
        engines.setdefault(study.by_scheme[name].confirmation.engine, []).append(name)
    many = len(engines) > 1
    split = ("Split seed", str(study.params.data.split_seed))
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
        ("Fresh seeds", _joined(study.params.confirm.seeds) + _last_of(study.params.more_seeds)),
        *([] if study.schema.task == "own" else [split]),
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


def _last_of(more: Sequence[int]) -> str:
    return f", up to {more[-1]} for some" if more else ""


def _joined(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))


def _words(name: str) -> str:
    return name.replace("_", " ")

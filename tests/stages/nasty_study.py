"""A finished study in which every text from outside is the same, nasty one."""

import dataclasses
import types
import typing
from pathlib import Path

from initsweep.core.records import PredictionRow
from initsweep.core.results import Results
from tests.made_study import changed, make_study

SCHEMES = ["zeros", "he_normal", "orthogonal", "torch_default"]
# Words of ours, and names of schemes, which may hold letters, digits, - and _ only.
OURS = {"scheme", "task", "loss_name", "score_name", "select_by", "standing", "decision",
        "recommended", "best_on_validation", "tie_set", "undecided", "untrainable",
        "censored",
        "data_sha", "params_sha", "code_sha", "verdict", "class_names", "decided_when"}  # fmt: skip


def read_study(folder: Path, task: str = "classification") -> Results:
    """Return a study as the report stage reads it."""
    made = make_study(task=task, names=SCHEMES)
    made.write(folder)
    return Results(folder, made.params)


def with_text(study: Results, text: str) -> Results:
    """Return the study with one text wherever it shows any that is not ours."""
    return changed(
        study,
        **{name: swapped(getattr(study, name), text) for name in ("schema", "verdict")},
        challenge=swapped(study.challenge, text),
        layers=[swapped(row, text) for row in study.layers],
        diagnosis=[swapped(row, text) for row in study.diagnosis],
        by_scheme={
            name: changed(
                one,
                selection=swapped(one.selection, text),
                confirmation=swapped(one.confirmation, text),
            )
            for name, one in study.by_scheme.items()
        },
        profile={**study.profile, "notices": [text, text]},
        params=study.params.model_copy(update={"model": _model(study, text)}),
        hashes={text: text},
    )


def with_classes(study: Results, names: list[str]) -> Results:
    """Return the study with other classes, the first one the rarest."""
    counts = [3, *[30] * (len(names) - 1)]
    schema = dataclasses.replace(
        study.schema, class_names=names, n_outputs=len(names), class_counts=counts
    )
    seen = [
        PredictionRow(example=place, target=float(place), prediction=float(max(place - 1, 0)))
        for place in range(len(names))
    ]
    return changed(study, schema=schema, predictions=seen)


def _model(study: Results, text: str) -> object:
    model = type(study.params.model).model_validate({"name": "x", "option": text, "other": 1})
    return model.model_copy(update={"name": text})


def swapped(record: typing.Any, text: str) -> typing.Any:
    hints = typing.get_type_hints(type(record))
    fields = (field.name for field in dataclasses.fields(record) if field.name not in OURS)
    filled = {name: _filled(hints[name], getattr(record, name), text) for name in fields}
    return dataclasses.replace(record, **{k: one for k, one in filled.items() if one is not None})


def _filled(hint: object, value: object, text: str) -> object:
    if dataclasses.is_dataclass(value):
        return swapped(value, text)
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if str in members:
        return text
    if hint == list[str]:
        return [text, f"a {text}"]
    texts = typing.get_origin(hint) is dict and "str" in str(typing.get_args(hint)[1])
    return {"one": text} if texts else None

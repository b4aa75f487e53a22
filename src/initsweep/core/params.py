"""`params.yaml` as frozen, strictly checked objects.

Unknown keys, missing keys, wrong types and values out of range all raise one `ParamsError` that
names every offending dotted key, the value received and what to do about it.
"""

import hashlib
import itertools
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from initsweep.core.errors import ParamsError, cut, shown
from initsweep.core.records import JudgedBy, ModelOption, SchemeOption, rounded
from initsweep.core.registry import did_you_mean
from initsweep.core.yaml_files import read_yaml

Fraction = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
RETUNE_STEP = 1_000_000
"""How far apart the seeds of a study's tuning and of its re-tunings lie."""

FEWEST_SIZES = 3
"""Of which a law can be checked: the largest is predicted from the others."""

MOST_LINES = 20
"""Of mistakes that are told at once."""

Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]


Setting = JsonValue
"""What an own training function may be given: whatever YAML can say."""


class Section(BaseModel):
    """Base of all sections: strict types, no unknown keys, no change after reading."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _is_path(text: str) -> str:
    try:
        Path(text).exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a zero byte, links in a circle
        why = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{shown(text)} can be no file or folder: {why.lower()}") from None
    return text


PathName = Annotated[str, AfterValidator(_is_path)]

LOOP = re.compile(r"[\w.]+:\w+")
DELIMITER = re.compile(r"[^\0\r\n\"\x80-\U0010ffff]")
SCHEME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

ColumnName = str | int
"""A column by name, or by position from 0; negative positions count from the end."""


class Table(Section):
    """How a table is read. Only sources that are tables look at it."""

    target: ColumnName
    drop: tuple[ColumnName, ...]
    header: Literal["auto"] | bool
    delimiter: str
    categorical: Literal["auto"] | tuple[ColumnName, ...]
    encoding: Literal["onehot", "ordinal"]
    missing: Literal["auto", "empty"] | tuple[str, ...]
    quote: Literal["auto", "none", '"', "'"]
    decimal: Literal["auto", ".", ","]
    drop_missing_target: bool
    split_column: ColumnName | None
    test_file: PathName | None

    @model_validator(mode="after")
    def _delimiter_is_one_character(self) -> Self:
        if self.delimiter != "auto" and not DELIMITER.fullmatch(self.delimiter):
            raise ValueError(
                "delimiter must be auto or one character (of ASCII, no quotation mark or line "
                f"end), received {shown(self.delimiter)}; a tab is written "
                '"\\t"'
            )
        return self

    @model_validator(mode="after")
    def _test_rows_come_from_one_place(self) -> Self:
        if self.test_file is not None and self.split_column is not None:
            raise ValueError("test_file and split_column both name the test rows; set one to null")
        return self


class Fractions(Section):
    """How rows are split. Fractions are of all rows."""

    validation_fraction: Fraction
    test_fraction: Fraction
    split_seed: Seed

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> Self:
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "validation_fraction + test_fraction must stay below 1, "
                f"received {self.validation_fraction} + {self.test_fraction}"
            )
        return self


class Data(Fractions):
    """Which data set, how it is read, and how it is split.

    `validation` says whether each seed draws its own validation rows. `watch` is the file or folder
    that DVC looks at to see whether the user's data has changed.
    """

    source: str
    task: Literal["auto", "classification", "regression"]
    scaling: Literal["auto", "feature", "channel", "none"]
    validation: Literal["auto", "rotating", "fixed"]
    watch: PathName
    table: Table


class Task(Section):
    """What networks are trained to do and judged by.

    Names of losses and scores are checked against the targets when the data are prepared.
    """

    loss: str
    class_weights: Literal["none", "balanced"]
    score: str
    select_by: JudgedBy


class Transfer(Section):
    """A trained backbone and a new head: only the head is initialized.

    The checksum stands for the file, so that another file is another question.
    """

    pretrained: PathName
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    head: str
    frozen: tuple[str, ...]


class Model(BaseModel):
    """The network by name, and `transfer` if most of it is trained already.

    Every other key is an option of that architecture, checked there.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: str
    transfer: Transfer | None = None

    @property
    def options(self) -> dict[str, ModelOption]:
        """The options given to the architecture."""
        return dict(self.model_extra or {})


class Optimizer(Section):
    """The optimizer and its settings; settings of the other optimizers are ignored.

    Weight decay joins the gradient (sgd, adam, rmsprop, schedule_free_sgd), or shrinks the weights
    beside the update (sgdw, adamw, lion, muon, schedule_free_adamw, prodigy).
    """

    name: Literal[
        "sgd", "sgdw", "adam", "adamw", "rmsprop", "lion", "muon",
        "schedule_free_sgd", "schedule_free_adamw", "prodigy",
    ]  # fmt: skip
    momentum: Share
    nesterov: bool
    beta1: Share
    beta2: Share
    epsilon: Positive
    weight_decay: NonNegative

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.name in ("sgd", "sgdw", "muon") and self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs momentum > 0, received momentum 0.0")
        return self

    @model_validator(mode="after")
    def _averages_need_a_weight(self) -> Self:
        key = {"schedule_free_sgd": "momentum", "schedule_free_adamw": "beta1"}.get(self.name)
        if key is not None and getattr(self, key) == 0:
            raise ValueError(f"{self.name} needs {key} > 0 (0.9 is usual), received 0.0")
        return self


class Training(Section):
    """Length, batches, schedule and clipping, the same for every scheme and every rate.

    `decay_fraction` is the share of all steps in which `wsd` brings the rate down. A section that
    names a `function` is a `Loop` instead.
    """

    function: None = None
    epochs: Count
    batch_size: Count
    schedule: Literal["constant", "cosine", "linear", "wsd"]
    warmup_fraction: Share
    gradient_clip: Positive | None
    decay_fraction: Fraction = 0.2

    @model_validator(mode="after")
    def _decays_after_the_warm_up(self) -> Self:
        if self.schedule == "wsd" and "decay_fraction" not in self.model_fields_set:
            raise ValueError("wsd needs decay_fraction; 0.2 is usual")
        if self.schedule == "wsd" and self.warmup_fraction + self.decay_fraction > 1:
            raise ValueError(
                "warmup_fraction + decay_fraction must be at most 1, "
                f"received {self.warmup_fraction} + {self.decay_fraction}"
            )
        return self


class Baseline(Section):
    """What the constant predictor has, where the user says so."""

    validation_loss: Positive
    test_loss: Positive
    validation_score: Finite | None = None
    test_score: Finite | None = None


class Resources(Section):
    """What one training of a user's own needs: cores, and GPUs or a share of one."""

    cpu: Count
    gpu: Annotated[int, Field(ge=0, le=64)] | Annotated[float, Field(gt=0, lt=1)]

    @property
    def gpus(self) -> int:
        """How many GPUs it sees."""
        return math.ceil(self.gpu)

    @property
    def per_gpu(self) -> int:
        """How many trainings may use one at the same time."""
        return int(1 / self.gpu) if 0 < self.gpu < 1 else 1


class Loop(Section):
    """A training function of the user's own, in the place of the engine.

    In `params.yaml` it is what the section `training` holds if it names a `function`. `optimizer`
    is what the section of that name holds: any of torch's, or the user's own, and its settings.
    """

    function: str
    options: dict[str, Setting] = Field(default_factory=dict)
    baseline: Literal["auto"] | Baseline = "auto"
    resources: Resources = Resources(cpu=1, gpu=0)
    silence_limit: Positive | None = None
    optimizer: dict[str, Setting] | None = None

    @model_validator(mode="after")
    def _optimizer_is_named(self) -> Self:
        if self.optimizer is not None:
            check_optimizer(self.optimizer)
        return self


def check_optimizer(chosen: Mapping[str, object]) -> None:
    """Refuse an optimizer without a name, or with a rate.

    Raises:
        ValueError: Saying what to write.
    """
    if not chosen.get("name"):
        raise ValueError("optimizer: it needs a name, such as `optimizer: {name: adamw}`")
    if "lr" in chosen:
        raise ValueError("optimizer: leave out `lr`, the study tries rates itself")


class Grid(Section):
    """The learning rates that every scheme is tried at, evenly spaced in log10."""

    low: Positive
    high: Positive
    points: Annotated[int, Field(ge=3, le=1000)]

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low must be below high, received {self.low} and {self.high}")
        return self

    @property
    def spacing(self) -> float:
        """Distance of neighbouring rates in decades."""
        return (math.log10(self.high) - math.log10(self.low)) / (self.points - 1)

    def rate(self, index: int) -> float:
        """Return the rate at `index`; below 0 or above `points` - 1 it lies on the extension.

        Rounded, so that 10**-2.5 is the same number wherever it is computed.
        """
        return rounded(10 ** (math.log10(self.low) + index * self.spacing))


class Diagnose(Section):
    """The probes of untrained networks: how many seeds, on how many training examples."""

    seeds: Seeds
    batch_size: Count


class Tune(Section):
    """How the learning rate of each scheme is tuned."""

    seeds: Seeds
    grid: Grid
    extension_rounds: Annotated[int, Field(ge=0, le=4)]
    refinement_trials: Annotated[int, Field(ge=0, le=1000)]
    sampler_seed: Seed
    retunes: Annotated[int, Field(ge=0, le=20)]
    strategy: Literal["full", "racing"]

    def retune_seeds(self, number: int) -> tuple[int, ...]:
        """Return the tuning seeds of a re-tuning: those of the study, moved up by a million each.

        `number` counts from 1; 0 is the study's own tuning.
        """
        return tuple(seed + RETUNE_STEP * number for seed in self.seeds)


class Confirm(Section):
    """The fresh seeds of the final comparison."""

    seeds: Seeds


class Decide(Section):
    """Margins of the decision, as shares of the constant predictor's loss; how long it may take."""

    margin: Fraction
    basin_tolerance: Fraction
    trainable_skill: Fraction
    alpha: Fraction
    most_seeds: Annotated[int, Field(ge=0, le=1000)]


PACE = ("workers", "keep_every_minutes", "executor", "address", "gpu_share")
"""What of `runtime` changes where and how fast trainings run, and never what they come to."""


class Runtime(Section):
    """Where and how trainings run.

    `executor` says who does them: this machine, or the Ray cluster at `address`, where `gpu_share`
    is what a stack of networks takes of a GPU if the device is one.
    """

    device: str
    engine: Literal["auto", "compiled", "torch", "reference"]
    threads: Count
    lanes_per_chunk: Count | Literal["auto"]
    workers: Count | Literal["auto"]
    keep_every_minutes: Positive
    executor: Literal["local", "ray"] = "local"
    address: str | None = None
    gpu_share: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _device_is_known(self) -> Self:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise ValueError(
                f"device must be auto, cpu, cuda or cuda:N, received {shown(self.device)}"
            )
        return self

    @property
    def n_workers(self) -> int:
        """The number of workers, with `auto` resolved to the cores this process may use."""
        return len(os.sched_getaffinity(0)) if self.workers == "auto" else self.workers


class RateTransfer(Section):
    """The sizes at which schemes are tuned to predict their rates for larger networks; none: no.

    `vary` are the keys that grow: a size is the value of the first one, and the others keep their
    proportion to it (`core.sizes`).
    """

    vary: str | tuple[str, ...] = "model.width"
    sizes: tuple[Count, ...] = ()
    targets: tuple[Count, ...] = ()

    @field_validator("vary", mode="before")
    @classmethod
    def _is_a_key_or_several(cls, vary: object) -> object:
        keys = [vary] if isinstance(vary, str) else vary
        if isinstance(keys, list | tuple) and keys and all(isinstance(key, str) for key in keys):
            return vary if isinstance(vary, str) else tuple(keys)
        raise ValueError(
            f"received {shown(vary)}; name what grows, such as model.width, or a list of such keys"
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that grow, that of the sizes first."""
        return (self.vary,) if isinstance(self.vary, str) else self.vary

    @model_validator(mode="after")
    def _can_be_predicted(self) -> Self:
        if not self.sizes and not self.targets:
            return self
        for name, values in (("sizes", self.sizes), ("targets", self.targets)):
            if list(values) != sorted(set(values)):
                raise ValueError(f"{name} must ascend, each once, received {shown(list(values))}")
        if len(self.sizes) < FEWEST_SIZES:
            raise ValueError(
                f"sizes: received {shown(list(self.sizes))}; any law fits fewer than "
                f"{FEWEST_SIZES}, so that nothing would check it. Name more, such as [32, 64, 128]"
            )
        if not self.targets or self.targets[0] <= self.sizes[-1]:
            raise ValueError(
                f"targets: received {shown(list(self.targets))}; name what is to be predicted, "
                f"beyond the largest of the sizes, {self.sizes[-1]}"
            )
        return self


class Tracking(Section):
    """Where MLflow keeps its runs, and the files of new experiments if not in the own folder."""

    uri: str
    artifacts: str | None = None


class Params(Section):
    """The whole of `params.yaml`.

    `own_code` is the folder with the user's own networks, initializers and loaders.
    """

    own_code: Annotated[PathName, Field(min_length=1)]
    data: Data
    task: Task
    model: Model
    optimizer: Optimizer
    training: Training
    schemes: Annotated[tuple[str, ...], Field(min_length=1)]
    initializers: dict[str, dict[str, SchemeOption]]
    diagnose: Diagnose
    tune: Tune
    confirm: Confirm
    decide: Decide
    runtime: Runtime
    tracking: Tracking
    transfer: RateTransfer = RateTransfer()
    loop: Loop | None = None

    @model_validator(mode="after")
    def _arms_have_optimizers(self) -> Self:
        for scheme, options in self.initializers.items():
            for name, value in options.items():
                if name == "optimizer" and isinstance(value, dict):
                    self._check_arm(scheme, value)
                elif name == "optimizer":
                    raise ValueError(
                        f"initializers.{scheme}.optimizer: received {shown(value)}; it is a "
                        "mapping such as {name: adamw}"
                    )
                elif isinstance(value, dict):
                    raise ValueError(f"initializers.{scheme}.{name}: a mapping means nothing here")
                elif isinstance(value, list) and not all(isinstance(one, dict) for one in value):
                    raise ValueError(
                        f"initializers.{scheme}.{name}: received {shown(value)}; an option is a "
                        'single value, or a list of rules such as [{match: "*", std: 0.02}]'
                    )
        return self

    def _check_arm(self, scheme: str, own: Mapping[str, object]) -> None:
        if self.loop is not None:
            check_optimizer(own)
            return
        try:
            self.engine_optimizer(scheme)
        except ValidationError as error:
            where = ("initializers", scheme, "optimizer")
            lines = [
                explain({**details, "loc": (*where, *details["loc"])}, Optimizer)
                for details in error.errors()
            ]
            raise ValueError("\n  ".join(lines).rstrip(".")) from None

    @model_validator(mode="after")
    def _own_data_need_an_own_loop(self) -> Self:
        if self.data.source == OWN_DATA and self.loop is None:
            raise ValueError(
                "data.source: `own` says that your training function brings its data, and needs "
                "`training.function`"
            )
        return self

    @model_validator(mode="after")
    def _schemes_are_defined_once(self) -> Self:
        seen: dict[str, str] = {}
        for name in self.schemes:
            if not SCHEME_NAME.fullmatch(name):
                raise ValueError(
                    f"schemes: {shown(name)} names files and stages, so it must begin with a "
                    "letter or digit (of ASCII) and hold only these, - and _, at most 100 in all; "
                    "write e.g. `mine: {name: my_inits:my_init}` under `initializers` and list "
                    "`mine`"
                )
            if name == "recommended":
                raise ValueError("schemes: 'recommended' has a meaning in the results; rename it")
            if (other := seen.get(name.lower())) is not None:
                raise ValueError(
                    f"schemes lists {name} more than once"
                    if other == name
                    else f"schemes: '{other}' and '{name}' are one file on systems that do not "
                    "tell capitals; rename one"
                )
            seen[name.lower()] = name
            if name not in self.initializers:
                raise ValueError(
                    f"schemes: '{name}' has no entry under `initializers`."
                    f"{did_you_mean(name, list(self.initializers))} "
                    f"To add it, write `{name}: {{}}` there"
                )
        return self

    @model_validator(mode="after")
    def _seeds_are_fresh(self) -> Self:
        for section, seeds in (("tune", self.tune.seeds), ("confirm", self.confirm.seeds)):
            if len(set(seeds)) != len(seeds):
                raise ValueError(f"{section}.seeds repeats a seed: {shown(list(seeds))}")
        shared = sorted(set(self.tune.seeds) & set(self.confirm.seeds))
        if shared:
            raise ValueError(
                f"confirm.seeds overlaps tune.seeds in {shown(shared)}; the final comparison needs "
                "fresh seeds, because the rates were chosen on the tuning seeds"
            )
        return self

    @model_validator(mode="after")
    def _retunes_are_fresh(self) -> Self:
        used = [*self.confirm.seeds, *self.tune.seeds]
        for number in range(1, self.tune.retunes + 1):
            moved = self.tune.retune_seeds(number)
            if max(moved) >= 2**31 or set(moved) & set(used):
                raise ValueError(
                    f"tune.retunes: re-tuning {number} moves tune.seeds up by {number} million, to "
                    f"{shown(list(moved))}, which must be below 2**31 and neither in tune.seeds "
                    "nor in confirm.seeds; choose smaller seeds"
                )
            used += moved
        return self

    @model_validator(mode="after")
    def _seeds_suffice(self) -> Self:
        if max(self.more_seeds, default=0) >= 2**31:
            raise ValueError(
                f"decide.most_seeds: {self.decide.most_seeds} fresh seeds count on from "
                f"{max(self.confirm.seeds)}, the largest of confirm.seeds, beyond 2**31; choose "
                "smaller seeds"
            )
        return self

    @property
    def dotted_names(self) -> list[tuple[str, str]]:
        """Key and name of everything that may be the user's own, as `module:attribute`."""
        return [
            ("data.source", self.data.source),
            ("task.loss", self.task.loss),
            ("task.score", self.task.score),
            ("model.name", self.model.name),
            *([] if self.loop is None else [("training.function", self.loop.function)]),
            *self._optimizers,
            *((f"initializers.{one}.name", self.initializer(one)[0]) for one in self.schemes),
            *self._schemes_of_parts,
        ]

    @property
    def _schemes_of_parts(self) -> list[tuple[str, str]]:
        """Key and name of the initializers that schemes by part use."""
        found: list[tuple[str, str]] = []
        for one in self.schemes:
            options = self.initializer(one)[1]
            rows = options.get("rules")
            places = {f"initializers.{one}": options}
            for index, row in enumerate(rows if isinstance(rows, list) else []):
                places |= (
                    {f"initializers.{one}.rules[{index}]": row} if isinstance(row, dict) else {}
                )
            named = ((f"{key}.scheme", place.get("scheme")) for key, place in places.items())
            found += [(key, name) for key, name in named if isinstance(name, str)]
        return found

    @property
    def _optimizers(self) -> list[tuple[str, str]]:
        """Key and name of the optimizers that an own training loop is given."""
        if self.loop is None:
            return []
        chosen = {f"initializers.{one}.optimizer": self.optimizer_of(one) for one in self.schemes}
        return [(f"{key}.name", str(given["name"])) for key, given in chosen.items() if given]

    @property
    def more_seeds(self) -> tuple[int, ...]:
        """The fresh seeds that a scheme may get after those of `confirm`, in this order.

        They count on from the largest of those, and leave out tuning seeds.
        """
        first, last = self.confirm.seeds, max(self.confirm.seeds)
        tuned = {
            seed
            for number in range(self.tune.retunes + 1)
            for seed in self.tune.retune_seeds(number)
        }
        more = (seed for seed in itertools.count(last + 1) if seed not in tuned)
        return tuple(itertools.islice(more, max(0, self.decide.most_seeds - len(first))))

    def initializer(self, scheme: str) -> tuple[str, dict[str, SchemeOption]]:
        """Look up what a scheme is.

        Returns:
            The registered initializer's name, and its options.

        Raises:
            ParamsError: If `scheme` is not defined under `initializers`.
        """
        if scheme not in self.initializers:
            raise ParamsError(
                f"Unknown scheme '{scheme}'.{did_you_mean(scheme, list(self.initializers))} "
                f"Defined under `initializers`: {', '.join(self.initializers)}."
            )
        given = self.initializers[scheme]
        options: dict[str, SchemeOption] = {
            key: value for key, value in given.items() if not isinstance(value, dict)
        }
        name = options.pop("name", scheme)
        if not isinstance(name, str):
            raise ParamsError(f"initializers.{scheme}.name must be a name, received {name!r}.")
        return name, options

    def engine_optimizer(self, scheme: str) -> Optimizer:
        """Return what the engine trains a scheme by.

        That is the section `optimizer`, but for what the scheme's entry says itself. With an own
        training loop, whose optimizers are `optimizer_of`, it means nothing.
        """
        own = self.initializers.get(scheme, {}).get("optimizer")
        if self.loop is not None or not isinstance(own, dict):
            return self.optimizer
        return Optimizer.model_validate({**self.optimizer.model_dump(), **own})

    @property
    def arms(self) -> list[str]:
        """The schemes of the study that bring an optimizer of their own."""
        return [one for one in self.schemes if "optimizer" in self.initializers[one]]

    def arm_options(self, scheme: str) -> dict[str, SchemeOption]:
        """Return all that an entry says besides its initializer, its optimizer in words."""
        options, own = self.initializer(scheme)[1], self.initializers[scheme].get("optimizer")
        if not isinstance(own, dict):
            return options
        told = [str(value) if key == "name" else f"{key}={value}" for key, value in own.items()]
        return {**options, "optimizer": " ".join(told)}

    def optimizer_of(self, scheme: str) -> dict[str, Setting] | None:
        """Return the optimizer that a scheme, or else the study, gives an own training loop."""
        own = self.initializers[scheme].get("optimizer")
        if isinstance(own, dict):
            return own
        return None if self.loop is None else self.loop.optimizer


OWN_DATA = "own"
"""`data.source` of a training function that brings its own data."""

_OWN_NETWORK = {"name": "own"}
_UNUSED: dict[str, dict[str, object]] = {
    "training": {
        "epochs": 1, "batch_size": 1, "schedule": "constant", "warmup_fraction": 0.0,
        "gradient_clip": None,
    },
    "optimizer": {
        "name": "sgd", "momentum": 0.0, "nesterov": False, "beta1": 0.9, "beta2": 0.999,
        "epsilon": 1e-8, "weight_decay": 0.0,
    },
}  # fmt: skip


def apart(content: Mapping[str, object]) -> Mapping[str, object]:
    """Return the content of `params.yaml` with an own training loop in a place of its own.

    What only the engine reads has to be empty then: a setting that does nothing misleads.

    Raises:
        ValueError: Naming what is not.
    """
    if content.get("loop") is not None:
        raise ValueError("loop: unknown key. A training loop of your own is `training.function`")
    training = content.get("training")
    if not isinstance(training, Mapping) or training.get("function") is None:
        return content
    function = training["function"]
    if not isinstance(function, str) or not LOOP.fullmatch(function):
        raise ValueError(
            f"training.function: received {shown(function)}; write your training loop as "
            "package.module:train, or null for initsweep's engine"
        )
    if (model := content.get("model")) not in (None, _OWN_NETWORK):
        raise ValueError(
            f"model: training.function ({function}) builds the network, so write "
            f"`model: null` and give it what it needs in training.options; received {shown(model)}"
        )
    if "optimizer" in training:
        raise ValueError("training.optimizer: unknown key. Write the section `optimizer`")
    loop = {**training, "optimizer": content.get("optimizer")}
    return {**content, **_UNUSED, "model": _OWN_NETWORK, "loop": loop}


def load_params(path: Path) -> Params:
    """Read and check a parameter file (YAML 1.2, as DVC reads it: `1e-4` is a number).

    Returns:
        The parameters.

    Raises:
        ParamsError: If the file is missing, is not YAML, or holds anything unexpected.
    """
    try:
        content = read_yaml(path)
    except OSError as error:
        raise ParamsError(
            f"No parameter file '{path}' in {Path.cwd()} ({error.strerror}). Run in the folder of "
            "the study, or pass --params FILE."
        ) from None
    if not isinstance(content, Mapping):
        raise ParamsError(
            f"'{path}' must hold sections such as `data:`, received {shown(content)}."
        )
    return parse_params(cast(Mapping[str, object], content), str(path))


def parse_params(content: Mapping[str, object], origin: str = "params.yaml") -> Params:
    """Check parameters that have been read already.

    Returns:
        The parameters.

    Raises:
        ParamsError: Naming every offending key, the value received and the remedy.
    """
    try:
        # JSON mode lets lists become tuples; everything else stays strict.
        return Params.model_validate_json(json.dumps(apart(content)))
    except (TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            lines = [explain(details, Params) for details in error.errors()]
            if len(lines) > MOST_LINES:
                lines[MOST_LINES:] = [f"... and {len(lines) - MOST_LINES} more."]
            raise ParamsError(f"{origin}:\n  " + "\n  ".join(lines)) from None
        raise ParamsError(f"{origin}: {error}".rstrip(".") + ".") from None


def explain(details: ErrorDetails, schema: type[BaseModel]) -> str:
    """Return one of pydantic's findings as a line for a person."""
    kind, received = details["type"], details["input"]
    location = details["loc"]
    if kind == "extra_forbidden":
        parent, name = location[:-1], str(location[-1])
        known = [one for one in _schema_at(schema, parent).model_fields if one not in _NOT_WRITTEN]
        key = cut(".".join(_written(location)))
        return f"{key}: unknown key.{did_you_mean(name, known)} Known: {', '.join(known)}."
    key = cut(".".join(part for part in _written(location) if not _is_union_branch(part)))
    if kind == "missing":
        return f"{key}: missing. Add it; there are no hidden defaults."
    if kind == "value_error":
        message = details["msg"].removeprefix("Value error, ")
        return f"{key}: {message}." if key else f"{message}."
    return f"{key}: {details['msg'].lower()}, received {shown(received)}.{_hint(kind, received)}"


def _hint(kind: str, received: object) -> str:
    """Return what to do about text where something else should stand."""
    if not isinstance(received, str):
        return ""
    if kind.startswith("bool"):
        return " Write true or false, without quotes."
    try:
        number = float(received)
    except ValueError:
        return ""
    if kind.startswith("int") and number.is_integer() and abs(number) < 2**63:
        return f" This is text: write the number without quotes, e.g. {int(number)!r}."
    if kind.startswith("float") and math.isfinite(number):
        return f" This is text: write the number without quotes, e.g. {number!r}."
    return ""


def fingerprint(value: object) -> str:
    """Return a short SHA-256 of any JSON-like value; equal values give equal fingerprints."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _schema_at(schema: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    for part in location:
        field = schema.model_fields.get(str(part))
        branches = [] if field is None else [field.annotation, *get_args(field.annotation)]
        found = [one for one in branches if isinstance(one, type) and issubclass(one, BaseModel)]
        if not found:
            return schema
        schema = found[0]
    return schema


_NOT_WRITTEN = ("loop", "function")
"""Fields that are no keys of the file, or that say by themselves what else there is."""


def _written(location: tuple[int | str, ...]) -> list[str]:
    """Return a place among the parameters as it is called in the file."""
    parts = [str(part) for part in location]
    if parts[:2] == ["loop", "optimizer"]:
        return parts[1:]
    return ["training", *parts[1:]] if parts[:1] == ["loop"] else parts


def _is_union_branch(part: int | str) -> bool:
    """Return whether pydantic, not the file, put this part there ("literal['auto']")."""
    return str(part) in {
        "bool",
        "str",
        "int",
        "float",
        "constrained-int",
        "constrained-float",
        "Baseline",
    } or "[" in str(part)

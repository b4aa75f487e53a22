"""Do predicted rates hold on networks that are really swept? Three kinds, several schemes each.

Each network is tuned at three sizes, its rates are predicted at a larger one by the stage that
`initsweep transfer` runs, and that one is swept, too. What is done is kept in the folder, so that a
run that was stopped goes on, and networks can be run one by one.

    python -m benchmarks.transfer_held_out                       # hours on 2 cores
    python -m benchmarks.transfer_held_out mlp_adam cnn          # some of them
    python -m benchmarks.transfer_held_out --quick               # small sizes, few epochs: minutes
    python -m benchmarks.transfer_held_out mlp_sgd --quick --schemes he_normal  # tiny
"""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, parser_of
from initsweep.core import artifacts, own_code
from initsweep.core.numbers import rate
from initsweep.core.params import Params, parse_params
from initsweep.core.yaml_files import read_yaml
from initsweep.stages import at_target, extrapolate, prepare
from initsweep.stages.at_target import Swept
from initsweep.statistics.transfer_results import Transfer

WORK = Path("scratch/transfer_held_out")
SCHEMES = ("he_normal", "xavier_normal", "torch_default", "mup")
QUARTER = 0.25
SIZES, TARGET = (32, 64, 128), 512


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network with its optimizer, and the sizes that are to predict a larger one.

    Attributes:
        change: Dotted keys of the parameters, and what they are.
        vary: What grows.
        sizes, target: Where it is tuned, and what is predicted.
        quick: Sizes of a form that takes minutes, the target last.
        quick_change: What else is smaller then.
    """

    change: dict[str, Any]
    vary: str
    sizes: Sequence[int] = SIZES
    target: int = TARGET
    quick: Sequence[int] = (8, 16, 32, 64)
    quick_change: dict[str, Any] = field(default_factory=lambda: {"training.epochs": 4})


ADAM = {
    "optimizer.name": "adam",
    "tune.grid": {"low": 1e-5, "high": 0.1, "points": 9},
}
IMAGES = {
    "name": "cnn", "channels": [8, 16], "kernel": 3, "activation": "relu", "dense": 32,
    "image": None,
}  # fmt: skip
GPT = {
    "data.source": "own",
    "model": None,
    "optimizer": None,
    "training": {
        "function": "train:train",
        "options": {"epochs": 5, "steps": 30, "width": 32},
        "baseline": {"validation_loss": 3.30, "test_loss": 3.24},
    },
    "tune.seeds": [0, 1, 2],
    "tune.grid": {"low": 1e-4, "high": 1.0, "points": 9},
}
CASES = {
    "mlp_sgd": Case(change={}, vary="model.width"),
    "mlp_adam": Case(change=ADAM, vary="model.width"),
    "cnn": Case(
        change={**ADAM, "model": IMAGES, "training.epochs": 10},
        vary="model.channels",
        sizes=(8, 16, 32),
        target=128,
        quick=(4, 8, 12, 16),
    ),
    "gpt": Case(
        change=GPT,
        vary="training.options.width",
        sizes=(16, 32, 64),
        target=128,
        quick=(16, 24, 32, 48),
        quick_change={
            "training.options.epochs": 3,
            "tune.grid": {"low": 1e-3, "high": 0.1, "points": 5},
        },
    ),
}
FEWER = {
    "tune.seeds": [0, 1],
    "tune.refinement_trials": 2,
    "tune.extension_rounds": 1,
}


def main() -> None:
    """Run the networks, one after the other, and print a table of each."""
    asked = parser().parse_args()
    work = asked.work / ("quick" if asked.quick else "whole")
    swept: list[Swept] = []
    for name in asked.networks or CASES:
        with _in_folder(work / name):
            swept += run(name, asked.schemes, quick=asked.quick)
    print(_summary(swept))


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    made = parser_of(__doc__)
    made.add_argument("networks", nargs="*", metavar="NETWORK", help=f"of {', '.join(CASES)}")
    made.add_argument("--schemes", nargs="+", default=SCHEMES, help="instead of all")
    made.add_argument("--quick", action="store_true", help="small sizes, few epochs and seeds")
    made.add_argument("--work", type=Path, default=WORK, help="where what is done is kept")
    return made


def run(name: str, schemes: Sequence[str], *, quick: bool) -> list[Swept]:
    """Tune, predict and sweep a network in the current folder, and print what came of it.

    Returns:
        The same.
    """
    params = parameters(name, schemes, quick=quick)
    own_code.use(params.own_code)
    if not artifacts.SCHEMA.exists():
        prepare.run(params)
    (target,) = params.transfer.targets
    for size in params.transfer.sizes:
        for scheme in params.schemes:
            at_target.tuned(params, size, scheme, artifacts.size_folder(size, scheme))
    extrapolate.run(params, target)
    file = artifacts.target_folder(target) / "prediction.json"
    found = artifacts.read_record(file, Transfer)
    swept = at_target.sweep(params, found)
    print(_table(name, params, found, swept), flush=True)
    return swept


def parameters(name: str, schemes: Sequence[str], *, quick: bool) -> Params:
    """Return the study of a network."""
    case = CASES[name]
    content: dict[str, Any] = dict(read_yaml(ROOT / "params.yaml"))
    *sizes, target = case.quick if quick else (*case.sizes, case.target)
    change: dict[str, Any] = {
        **case.change,
        **({**FEWER, **case.quick_change} if quick else {}),
        "schemes": list(schemes),
        "transfer": {"vary": case.vary, "sizes": sizes, "targets": [target]},
        "initializers.mup": {"base_width": sizes[0]},
        "data.watch": ".",
    }
    for key, value in change.items():
        *parents, last = key.split(".")
        section = content
        for parent in parents:
            section = section[parent]
        section[last] = value
    return parse_params(content)


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    """Work in a folder that has the example's GPT as own code, its width an option.

    Raises:
        SystemExit: If the example is not what this script knows.
    """
    own = folder / "own"
    own.mkdir(parents=True, exist_ok=True)
    example = ROOT / "examples/gpt/own"
    (own / "gpt.py").write_text((example / "gpt.py").read_text())
    script = (example / "train.py").read_text()
    for before, after in (
        ("GPT(128, 32)", 'GPT(128, 32, run.options["width"])'),
        (
            "AdamW(model.parameters(), lr=run.learning_rate)",
            'AdamW(run.parameter_groups(model, optimizer="adamw"))',
        ),
    ):
        if before not in script:
            raise SystemExit(f"{example}/train.py has no `{before}` any more: correct this script.")
        script = script.replace(before, after)
    (own / "train.py").write_text(script)
    with contextlib.chdir(folder):
        yield


def _table(name: str, params: Params, found: Transfer, swept: Sequence[Swept]) -> str:
    """Return one line per scheme."""
    head = "predicted | interval | swept | decades off | loses | promised | kept | trainings"
    lines = [
        f"\n{name}: {params.transfer.keys[0]} {', '.join(map(str, params.transfer.sizes))} "
        f"predict {params.transfer.targets[0]}\n",
        f"| scheme | law | {head} |",
        "|---" * 10 + "|",
    ]
    for one in swept:
        low, high = map(rate, one.predicted.rate_interval)
        lines.append(
            f"| {one.predicted.scheme} | {'trusted' if one.predicted.trusted else 'not trusted'} | "
            f"{rate(one.predicted.rate)} | {low} to {high} | {rate(one.found)}"
            f"{' (edge)' if one.edge else ''} | {one.error:+.2f} | {one.lost:.4f} | "
            f"{one.predicted.promised_loss:.4f} | {'yes' if one.kept else 'NO'} | "
            f"{one.trainings} |"
        )
    lines += [f"| {one.scheme} | none: {one.reason} |" + " |" * 8 for one in found.omitted]
    return "\n".join(lines)


def _summary(swept: Sequence[Swept]) -> str:
    """Return how many predictions were right, of those that were trusted and of all."""
    lines = [""]
    for what, some in (
        ("all", swept),
        ("trusted", [one for one in swept if one.predicted.trusted]),
    ):
        near = sum(abs(one.error) <= QUARTER for one in some)
        kept = sum(one.kept for one in some)
        lines.append(
            f"{what}: {near} of {len(some)} within a quarter decade, promise kept in {kept} of "
            f"{len(some)}; {sum(one.trainings for one in some)} trainings to sweep the targets"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

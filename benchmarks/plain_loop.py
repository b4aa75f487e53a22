"""The same study as an ordinary script would do it: the thresholds of `whole_job.py`.

One Optuna study per scheme, a DataLoader, `torch.optim`, one network at a time, MLflow called as
the training goes. Networks, initial weights and the order of batches come from initsweep, so that
both train the same networks; the rest is what the tutorials of the three libraries teach. Grids
are not extended: compare with `tune.extension_rounds: 0`.

    python -m benchmarks.plain_loop           # the study of params.yaml
    python -m benchmarks.plain_loop --tiny    # tiny
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

import mlflow
import optuna
import torch
from ruamel.yaml import YAML
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

from benchmarks.common import count, parser_of
from benchmarks.timed_study import TINY, replaced
from initsweep.architectures import build_model
from initsweep.core.errors import InitsweepError
from initsweep.core.params import Params, parse_params
from initsweep.core.randomness import batch_order, stream_seed
from initsweep.datasets.loading import prepare
from initsweep.datasets.splitting import SPLITS
from initsweep.engine.reference import torch_optimizer
from initsweep.initializers import initial_states, make_initializer

DIVERGED = 1e3  # a loss beyond this, or NaN, ends a training


class PairedOrder(Sampler[int]):
    """Shuffles the rows anew each epoch, the same way for every scheme with this seed."""

    def __init__(self, seed: int, rows: int) -> None:
        self._seed, self._rows, self._epoch = seed, rows, 0

    def __iter__(self) -> Iterator[int]:
        """Return the order of the next epoch."""
        self._epoch += 1
        return iter(batch_order(self._seed, self._epoch - 1, self._rows).tolist())

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows


@dataclass(frozen=True)
class Script:
    """What a training needs: the settings, and the splits as (features, targets)."""

    params: Params
    splits: dict[str, tuple[torch.Tensor, torch.Tensor]]
    n_outputs: int
    states: dict[str, Callable[[int], dict[str, torch.Tensor]]] = field(default_factory=dict)

    def train(self, scheme: str, rate: float, seed: int) -> tuple[nn.Module, float]:
        """Train one network, logging every epoch into the current run.

        Returns:
            The network, and its validation loss after the last epoch, infinite if it diverged.
        """
        training, model = self.params.training, self._model(scheme, seed)
        optimizer = torch_optimizer(model, rate, self.params.optimizer)
        rows = TensorDataset(*self.splits["train"])
        loader = DataLoader(
            rows,
            batch_size=training.batch_size,
            sampler=PairedOrder(seed, len(rows)),
            drop_last=True,
        )
        loss = math.inf
        for epoch in range(1, training.epochs + 1):
            model.train()
            total = 0.0
            for features, targets in loader:
                optimizer.zero_grad()
                batch_loss = nn.functional.cross_entropy(model(features), targets)
                batch_loss.backward()
                optimizer.step()
                total += batch_loss.item()
            loss, accuracy = self.evaluate(model, "validation")
            if not (loss < DIVERGED and total < DIVERGED * len(loader)):
                mlflow.set_tag("diverged", "true")
                return model, math.inf
            mlflow.log_metric("train_loss", total / len(loader), step=epoch)
            mlflow.log_metric("validation_loss", loss, step=epoch)
            mlflow.log_metric("validation_accuracy", accuracy, step=epoch)
        return model, loss

    @torch.no_grad()
    def evaluate(self, model: nn.Module, split: str) -> tuple[float, float]:
        """Return loss and accuracy on all rows of a split."""
        features, targets = self.splits[split]
        model.eval()
        outputs = model(features)
        accuracy = (outputs.argmax(dim=1) == targets).float().mean().item()
        return nn.functional.cross_entropy(outputs, targets).item(), accuracy

    def _model(self, scheme: str, seed: int) -> nn.Module:
        if scheme not in self.states:  # once, or it would take longer than `torch.nn.init`
            name, options = self.params.initializer(scheme)
            initializer = make_initializer(name, options, scheme=scheme)
            self.states[scheme] = initial_states(self._built(), initializer)
        model = self._built()
        model.load_state_dict(self.states[scheme](seed), strict=False)
        return model

    def _built(self) -> nn.Module:
        return build_model(
            self.params.model.name,
            self.params.model.options,
            n_features=self.splits["train"][0].shape[1],
            n_outputs=self.n_outputs,
        )


def load_script(params: Params) -> Script:
    """Return the data, split once and standardized as the prepare stage does it.

    Raises:
        SystemExit: If there are no classes.
    """
    dataset, prepared = prepare(params.data.model_copy(update={"validation": "fixed"}))
    if dataset.task != "classification":
        raise SystemExit(f"plain_loop: for classes only, and {params.data.source} has none.")
    splits = {
        name: (torch.from_numpy(prepared.features[name]), torch.from_numpy(prepared.targets[name]))
        for name in SPLITS
    }
    return Script(params=params, splits=splits, n_outputs=len(dataset.class_names))


def run_scheme(script: Script, scheme: str) -> dict[str, float]:
    """Tune one scheme's rate, then train fresh seeds at the best one and test them.

    Returns:
        The chosen rate and mean losses.
    """
    params, chance = script.params, math.log(script.n_outputs)
    tune, confirm = params.tune, params.confirm

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", tune.grid.low, tune.grid.high, log=True)
        losses = []
        for seed in tune.seeds:
            with mlflow.start_run(run_name=f"{scheme}/lr={rate:.4g}/seed={seed}", nested=True):
                mlflow.log_params({"scheme": scheme, "learning_rate": rate, "seed": seed})
                losses.append(min(script.train(scheme, rate, seed)[1], chance))
        return fmean(losses)

    with mlflow.start_run(run_name=scheme):
        seed = stream_seed("tune", tune.sampler_seed) % 2**32
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        for point in range(tune.grid.points):
            study.enqueue_trial({"learning_rate": tune.grid.rate(point)})
        study.optimize(objective, n_trials=tune.grid.points + tune.refinement_trials)
        rate = study.best_params["learning_rate"]
        tested = []
        for seed in confirm.seeds:
            with mlflow.start_run(run_name=f"{scheme}/seed={seed}", nested=True):
                mlflow.log_params({"scheme": scheme, "learning_rate": rate, "seed": seed})
                model, _ = script.train(scheme, rate, seed)
                loss, accuracy = script.evaluate(model, "test")
                if math.isfinite(loss):
                    mlflow.log_metrics({"test_loss": loss, "test_accuracy": accuracy})
                tested.append(min(loss, chance) if math.isfinite(loss) else chance)
        result = {"learning_rate": rate, "test_loss": fmean(tested)}
        mlflow.log_metrics({"validation_loss": study.best_value, **result})
    return {**result, "validation_loss": study.best_value}


def _work(
    params: Params, uri: str, threads: int, schemes: Sequence[str]
) -> dict[str, dict[str, float]]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(threads)
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("plain loop")
    script = load_script(params)
    return {scheme: run_scheme(script, scheme) for scheme in schemes}


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--params", type=Path, default=Path("params.yaml"))
    made.add_argument("--processes", type=count, default=1)
    made.add_argument("--threads", type=count, default=1, help="of torch, per process")
    made.add_argument("--tiny", action="store_true", help="one epoch, few rates and seeds")
    made.add_argument("--uri", default="sqlite:///plain.db")
    made.add_argument("--out", type=Path, default=Path("plain.json"))
    return made


def read_params(file: Path, *, tiny: bool) -> Params:
    """Return the parameters of a study, or of a tiny form of it.

    Raises:
        SystemExit: If there are none, or they cannot be used.
    """
    try:
        content: Any = YAML(typ="safe", pure=True).load(file.read_text("utf-8"))
        return parse_params(replaced(content, TINY) if tiny else content)
    except (OSError, InitsweepError) as error:
        raise SystemExit(f"plain_loop: {error}") from None


def main() -> None:
    """Run the whole study."""
    options = parser().parse_args()
    params = read_params(options.params, tiny=options.tiny)
    schemes, shared = params.schemes, (params, options.uri, options.threads)
    if options.processes == 1:
        results = _work(*shared, schemes)
    else:
        _work(*shared, [])  # creates the database, which two processes cannot do at once
        shares = [
            (*shared, schemes[place :: options.processes]) for place in range(options.processes)
        ]
        with get_context("spawn").Pool(options.processes) as pool:
            results = {k: v for part in pool.starmap(_work, shares) for k, v in part.items()}
    options.out.write_text(json.dumps(results, indent=2) + "\n")
    print(f"{options.out}: {len(results)} schemes")


if __name__ == "__main__":
    main()

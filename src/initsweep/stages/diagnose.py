"""Measure every scheme before any training and say what is wrong with it, if anything."""

import torch
from torch import Tensor, nn

from initsweep.core import artifacts
from initsweep.core.errors import ParamsError
from initsweep.core.params import Params
from initsweep.core.progress import progress
from initsweep.core.randomness import torch_stream
from initsweep.core.records import DiagnosisRow, LayerRow
from initsweep.engine.devices import numerics
from initsweep.probes.averages import diagnosis, layer_table
from initsweep.probes.reading import Reading, read
from initsweep.stages import diagnose_loop
from initsweep.stages.diagnose_loop import LAYERS, LOOP, SCHEMES, SHARPNESS_SEEDS
from initsweep.stages.experiment import Experiment, load_experiment
from initsweep.stages.own_loop import OwnLoop


def run(params: Params) -> None:
    """Write the statistics of every layer and the verdict on every scheme."""
    experiment = load_experiment(params)
    if isinstance(experiment, OwnLoop):
        diagnose_loop.run(experiment)
        return
    artifacts.remove_file(LOOP)  # of a study with another training
    model, seeds = experiment.model(), params.diagnose.seeds
    layer_rows: list[LayerRow] = []
    scheme_rows: list[DiagnosisRow] = []
    with (
        numerics(torch.device("cpu"), params.runtime.threads),
        progress(len(params.schemes) * len(seeds), "diagnose", "network") as bar,
    ):
        for scheme in params.schemes:
            readings, state_of = [], experiment.initial_states(scheme)
            for index, seed in enumerate(seeds):
                batch = probe_batch(experiment, seed)
                state, wanted = state_of(seed), index < SHARPNESS_SEEDS
                readings.append(
                    read_network(experiment, model, state, *batch, with_sharpness=wanted)
                )
                bar.advance()
            layer_rows.extend(layer_table(scheme, readings))
            scheme_rows.append(
                diagnosis(
                    scheme,
                    readings,
                    experiment.schema.constant_validation_loss,
                    params.engine_optimizer(scheme).name,
                    one_rate=not experiment.multipliers(scheme),
                )
            )
            bar.note(f"{scheme}: {scheme_rows[-1].verdict}")
    artifacts.write_rows(LAYERS, layer_rows, LayerRow)
    artifacts.write_rows(SCHEMES, scheme_rows, DiagnosisRow)


def probe_batch(experiment: Experiment, seed: int) -> tuple[Tensor, Tensor]:
    """Return random training examples of a seed, the same for every scheme.

    Seeds that share their training rows share these.

    Returns:
        Features, shape (batch, features), and targets, shape (batch,), with at most
        `diagnose.batch_size` examples and at most as many as there are.
    """
    settings = experiment.params.diagnose
    split = experiment.split("train", settings.seeds).of(seed)
    order = torch.randperm(split.n, generator=torch_stream("diagnose"))[: settings.batch_size]
    return split.features[order], split.targets[order]


def read_network(
    experiment: Experiment,
    model: nn.Module,
    state: dict[str, Tensor],
    features: Tensor,
    targets: Tensor,
    *,
    with_sharpness: bool = True,
) -> Reading:
    """Return what one untrained network shows.

    Raises:
        ParamsError: If the network has no layer that the probes know.
    """
    reading = read(model, state, features, targets, experiment.loss, with_sharpness=with_sharpness)
    if reading is None:
        raise ParamsError(
            f"model.name: '{experiment.params.model.name}' has no layer that diagnose can look "
            "at; it knows torch's Linear, Conv1d to Conv3d and MultiheadAttention. Build the "
            "network from those."
        )
    return reading

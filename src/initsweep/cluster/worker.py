"""What a worker of the cluster does: it trains units of work of a study that was sent to it.

It knows nothing of the study before: it unpacks the files, builds network, data and path as a stage
does, and refuses to train where it would come to other bits. Results are bytes, and a Python error
is a sentence, so that nothing of ours is pickled.
"""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from initsweep.core.errors import InitsweepError, WorkerMismatchError, cut, few
from initsweep.running.edited import differing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from initsweep.engine.paths import TrainingPath
    from initsweep.stages.experiment import Experiment
    from initsweep.stages.own_loop import OwnLoop

KEPT = 16
"""Paths that a process keeps, one for each scheme and set of seeds: to build one takes a while."""

SIZES = 5
"""Parameters that a process keeps what trains by them of, with the data."""

Answer = dict[str, Any]
"""`parts`: bytes of each unit that is done; `seconds`: of each; `error` and `mismatch`: why the
next one is not."""


_begun: str = ""
"""What the study of this process is called: it has that one's modules."""


def do(content: "NDArray[Any]", key: str, asked: str) -> Answer:
    """Do units of work, in order, until one fails.

    Args:
        content: The study, as `study.packed` has made it.
        key: What it is called.
        asked: What the units have in common, and the units, as JSON.

    Returns:
        What came of them.
    """
    from initsweep.core.registry import in_words

    answer: Answer = {"parts": [], "seconds": [], "error": "", "mismatch": False}
    request = json.loads(asked)
    start = time.perf_counter()
    try:
        work = request["work"]
        study = _study(key, content.data, json.dumps(work["params"]))
        for part in _results(study, work, request["units"]):
            answer["parts"].append(part)
            answer["seconds"].append(time.perf_counter() - start)
            start = time.perf_counter()
    except InitsweepError as error:
        answer |= {"error": str(error), "mismatch": isinstance(error, WorkerMismatchError)}
    except MemoryError:
        answer["error"] = "it ran out of memory"
    except Exception as error:  # noqa: BLE001 - a user's network may raise anything
        answer["error"] = f"it raised {in_words(error)}"
    return answer


def _results(
    study: "Experiment | OwnLoop", work: Mapping[str, Any], units: Sequence[Any]
) -> Iterator[bytes]:
    from initsweep.stages.own_loop import OwnLoop

    if not isinstance(study, OwnLoop):
        return _lanes(study, work, units)
    code = study.provenance(work["scheme"], work["role"])
    refuse_others({"code": asdict(code), "machine": study.machine()}, work)
    return study.done_here(work["scheme"], work["role"], units)


def _study(key: str, content: memoryview, asked: str) -> "Experiment | OwnLoop":
    """Return who trains by some parameters, once the study lies on this node.

    Raises:
        InitsweepError: If this process has trained another study: it has that one's modules.
    """
    from initsweep.cluster.study import unpacked
    from initsweep.core import own_code
    from initsweep.core.params import Params

    global _begun
    if not _begun:
        params = Params.model_validate_json(asked)
        os.environ["PYTHONSAFEPATH"] = "1"
        os.chdir(unpacked(key, content))
        Path(params.own_code).mkdir(parents=True, exist_ok=True)  # without a file it is not sent
        own_code.use(params.own_code)
        _begun = key
    if _begun != key:
        raise InitsweepError("The files of the study were changed while it ran. Run again.")
    return _trainer(asked)


@lru_cache(maxsize=SIZES)
def _trainer(asked: str) -> "Experiment | OwnLoop":
    """Return who trains by some parameters: a study has several, one for each size of a network."""
    from initsweep.core.params import Params
    from initsweep.stages.experiment import load_experiment

    params = Params.model_validate_json(asked)
    runtime = params.runtime.model_copy(update={"executor": "local", "workers": 1})
    return load_experiment(params.model_copy(update={"runtime": runtime}))


def _lanes(
    experiment: "Experiment", work: Mapping[str, Any], units: Sequence[Any]
) -> Iterator[bytes]:
    """Train lanes by initsweep's engine.

    Yields:
        Results of each unit, which are lanes to be trained together.
    """
    from initsweep.engine.checkpoints import to_bytes
    from initsweep.engine.lanes import Lane
    from initsweep.engine.packing import Chunk
    from initsweep.engine.train_lanes import numerics_of
    from initsweep.engine.unfinished import Unfinished

    path = _path(experiment, json.dumps(work))
    kept, often = (
        experiment.kept_work(work["scheme"], work["role"]),
        experiment.params.runtime.keep_every_minutes,
    )
    with numerics_of(path):
        for unit in units:
            lanes = tuple(Lane(learning_rate=rate, seed=seed) for rate, seed in unit)
            if kept is not None:  # another worker of this node may have been lost at it
                path.unfinished = Unfinished(kept, path.identity(), often)
            results = path.train(Chunk(positions=tuple(range(len(lanes))), lanes=lanes), _never)
            if path.unfinished is not None:
                path.unfinished.forget(lanes)
            yield to_bytes(results)


def _never() -> bool:
    return False


@lru_cache(maxsize=KEPT)
def _path(experiment: "Experiment", asked: str) -> "TrainingPath":
    """Return the path that trains lanes of a scheme, which would come to the bits that are asked.

    Raises:
        WorkerMismatchError: If it would not.
    """
    from initsweep.engine.elsewhere import identity
    from initsweep.engine.train_lanes import lane_path

    work, params = json.loads(asked), experiment.params
    scheme, code = work["scheme"], experiment.provenance(work["scheme"], work["role"])
    refuse_others({"code": asdict(code)}, work)
    path = lane_path(
        experiment.problem(scheme, work["seeds"]),
        training=params.training,
        optimizer=params.engine_optimizer(scheme),
        runtime=params.runtime,
        keep_states=work["keep_states"],
    )
    refuse_others({"path": identity(path)}, work)
    return path


def refuse_others(ours: Mapping[str, object], work: Mapping[str, Any]) -> None:
    """Refuse to train what would come to other bits here.

    Raises:
        WorkerMismatchError: Naming this machine and what differs.
    """
    here = json.loads(json.dumps(ours))
    different = [
        f"{key} is {cut(str(value))}, not {cut(str(asked))}"
        for part, values in here.items()
        for key, (asked, value) in differing(part, work[part], values).items()
    ]
    if different:
        raise WorkerMismatchError(
            f"The worker on {socket.gethostname()} would not come to the same bits as this "
            f"machine: {few(different)}. Install the same versions on all nodes, and the same "
            "sources, or leave that node out; `initsweep cluster check` compares them."
        )


def about() -> dict[str, object]:
    """Return what this machine trains with."""
    import platform
    from importlib.metadata import version

    import torch

    from initsweep.core.provenance import TRAINING_CODE, code_sha
    from initsweep.engine.kernels.library import load_library

    try:
        portable = load_library()[0] == "portable"
        build = "portable" if portable else "with fused multiply-add"
    except InitsweepError as error:
        build = f"none ({cut(str(error))})"
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "ray")},
        "code": code_sha(TRAINING_CODE),
        "kernels": build,
        "processor": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
    }

"""Has chunks trained by the workers of a cluster, in the place of `workers.train_here`."""

from collections.abc import Iterator, Mapping, Sequence

import torch

from initsweep.engine.checkpoints import each_from_bytes
from initsweep.engine.lanes import LaneResults
from initsweep.engine.packing import Chunk
from initsweep.engine.paths import TrainingPath
from initsweep.engine.workers import Trainer
from initsweep.running.cluster import Cluster


def elsewhere(cluster: Cluster, work: Mapping[str, object]) -> Trainer:
    """Return what has chunks trained on a cluster.

    Args:
        cluster: The connection with it.
        work: What a worker has to know beside the lanes.
    """

    def train(path: TrainingPath, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, LaneResults]]:
        """Yield lanes one by one, as chunks come back."""
        asked = {**work, "path": identity(path), "keep_states": path.job.keep_states}
        units = [[[lane.learning_rate, lane.seed] for lane in chunk.lanes] for chunk in chunks]
        for done in cluster.run(asked, units):
            chunk = chunks[done.place]
            for place, results in enumerate(each_from_bytes(done.content)):
                position, lane = chunk.positions[place], chunk.lanes[place]
                yield Chunk(positions=(position,), lanes=(lane,)), results

    return train


def identity(path: TrainingPath) -> dict[str, object]:
    """Return what must be the same elsewhere for the same bits, as far as the engine knows."""
    found = path.identity()
    if path.job.device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(path.job.device)
    return found

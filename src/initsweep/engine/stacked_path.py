"""The path that trains the lanes of a chunk together, as one stack."""

from collections.abc import Callable, Sequence

from initsweep.engine.lanes import Lane, LaneResults
from initsweep.engine.packing import Chunk, pack, padded, spare_slots
from initsweep.engine.paths import Job, TrainingPath
from initsweep.engine.stackability import check_stackable
from initsweep.engine.stacked import ChunkTrainer


class StackedPath(TrainingPath):
    """Stacks of a fixed number of slots, on any device.

    Raises `StackingError` when built if the network cannot be stacked.
    """

    def __init__(self, job: Job, fallback_from: Sequence[str] = ()) -> None:
        super().__init__(job, fallback_from)
        check_stackable(job.problem)
        self._slots = job.runtime.lanes_per_chunk

    @property
    def kind(self) -> str:
        """What results are recorded under."""
        return "torch"

    @property
    def parallel(self) -> bool:
        """On the CPU one single-threaded worker per core beats threads inside an operation."""
        return self.job.device.type == "cpu"

    def settings(self) -> dict[str, object]:
        """Return the size of the stack, which decides how torch cuts its work."""
        return {"slots": self._slots}

    def chunks(self, lanes: Sequence[Lane]) -> list[Chunk]:
        """Return chunks that leave free the slots in which arithmetic differs."""
        return pack(lanes, self._slots - spare_slots(self._slots, self.job.training.batch_size))

    def train(self, chunk: Chunk, stopped: Callable[[], bool]) -> LaneResults:
        """Train the chunk's lanes and copies that fill the stack.

        Returns:
            Results in the order of the chunk's lanes.
        """
        job = self.job
        trainer = ChunkTrainer(
            job.problem,
            padded(chunk.lanes, self._slots),
            {seed: job.problem.initial_state(seed) for seed in {x.seed for x in chunk.lanes}},
            job.training,
            job.optimizer,
        )
        return trainer.train(len(chunk.lanes), keep_states=job.keep_states, stopped=stopped)

"""The path that serves every network: the plain loop of `reference`, one lane after the other."""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError

from initsweep.core.errors import ParamsError
from initsweep.engine.lanes import Lane, LaneResults
from initsweep.engine.packing import Assembly, Chunk, pack
from initsweep.engine.paths import Job, TrainingPath, Workers
from initsweep.engine.reference import train_one
from initsweep.engine.torch_optimizers import check_installed


class ReferencePath(TrainingPath):
    """Trains with optimizers like those of `torch.optim`, nothing shared, nothing clever."""

    def __init__(self, job: Job, fallback_from: Sequence[str] = ()) -> None:
        super().__init__(job, fallback_from)
        check_installed(job.optimizer)
        rates = {own.rate for own in job.problem.multipliers.values()}
        if job.optimizer.name == "prodigy" and rates - {1.0}:
            raise ParamsError(
                "optimizer.name: prodigy finds one step size for all parameters, and the scheme "
                "has factors on the rates of some. Give it another optimizer, such as adamw."
            )

    @property
    def kind(self) -> str:
        """What results are recorded under."""
        return "reference"

    @property
    def workers(self) -> Workers:
        """Processes or none: Python's own work dominates, a second thread would slow it."""
        return "processes" if self.job.forks else ""

    def chunks(self, lanes: Sequence[Lane]) -> list[Chunk]:
        """Return chunks that serve to keep finished work and to tell of progress."""
        asked = self.job.runtime.lanes_per_chunk
        return pack(lanes, 1 if asked == "auto" else asked)

    def train(self, chunk: Chunk, stopped: Callable[[], bool]) -> LaneResults:
        """Train the lanes of the chunk one by one.

        Returns:
            Results in the order of the chunk's lanes.

        Raises:
            CancelledError: If `stopped()` became true.
        """
        job = self.job
        assembly = Assembly(
            len(chunk.lanes), job.training.epochs, self.name, keep_states=job.keep_states
        )
        for position, lane in enumerate(chunk.lanes):
            if stopped():
                raise CancelledError
            result = train_one(
                job.problem,
                lane,
                training=job.training,
                optimizer=job.optimizer,
                keep_state=job.keep_states,
                state=self.state_of([lane]),
            )
            assembly.add([position], result)
        return assembly.results

"""One network in the kernels: a thin cover of their functions."""

import ctypes
from collections.abc import Mapping, Sequence
from weakref import finalize

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from initsweep.core.errors import KernelsError
from initsweep.core.multipliers import Multipliers
from initsweep.core.params import Optimizer
from initsweep.engine.kernels.library import load_library
from initsweep.engine.kernels.program import (
    BATCH_COUNTER,
    ROLES,
    operation_records,
    settings_record,
)
from initsweep.engine.plan import Plan


class Trainer:
    """Memory and program of one network on one core; not to be shared by threads.

    Every call leaves Python's lock to others while it computes.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        batch: int,
        loss: str,
        optimizer: Optimizer,
        clip: float | None,
        class_weights: Sequence[float] = (),
        multipliers: Mapping[str, Multipliers] | None = None,
    ) -> None:
        """Lay out the network; its parameters are zero until `start`.

        Args:
            plan: The network, covered by the kernels (see `coverage.check_coverage`).
            batch: Examples of one update.
            loss: The registered name of the loss.
            optimizer: The optimizer's settings.
            clip: Largest norm of the gradient, or None.
            class_weights: One per output for a weighted loss, otherwise none.
            multipliers: Factors on rate and decay by parameter; 1 for those left out.

        Raises:
            KernelsError: If there is not enough memory.
        """
        _, self._library = load_library()
        self._plan = plan
        self.n_outputs = plan.operations[-1].shape[0]
        settings = settings_record(
            plan,
            batch=batch,
            loss=loss,
            optimizer=optimizer,
            clip=clip,
            class_weights=class_weights,
        )
        self._handle = self._library.trainer_new(
            ctypes.byref(settings), operation_records(plan, multipliers or {})
        )
        if not self._handle:
            raise KernelsError("there is not enough memory for the network and its batch")
        finalize(self, self._library.trainer_free, self._handle)

    def start(self, state: Mapping[str, Tensor]) -> None:
        """Set parameters and buffers, and forget what the optimizer remembers."""
        self._library.trainer_restart(self._handle)
        self._copy({name: _contiguous(value) for name, value in state.items()}, read=False)

    def state(self, template: Mapping[str, Tensor], *, batches: int) -> dict[str, Tensor]:
        """Return parameters and buffers.

        Args:
            template: All of the network's, by name; buffers that do not move are copied from it.
            batches: Batches seen since `start`, which normalization layers count.
        """
        state = {
            name: value.detach().clone(memory_format=torch.contiguous_format)
            for name, value in template.items()
        }
        self._copy(state, read=True)
        for operation in self._plan.operations:
            if (counter := operation.parameters.get(BATCH_COUNTER)) is not None:
                state[counter] += batches
        return state

    def memory(self) -> tuple[int, npt.NDArray[np.float32]]:
        """Return what the optimizer remembers: its steps, and its averages."""
        steps = ctypes.c_int64()
        averages = np.empty(self._library.trainer_memory(self._handle), np.float32)
        self._library.trainer_remember(self._handle, ctypes.byref(steps), averages.ctypes.data, 1)
        return steps.value, averages

    def remember(self, steps: int, averages: npt.NDArray[np.float32]) -> None:
        """Let the optimizer go on from what `memory` has returned."""
        kept = np.ascontiguousarray(averages, np.float32)
        self._library.trainer_remember(
            self._handle, ctypes.byref(ctypes.c_int64(steps)), kept.ctypes.data, 0
        )

    def train(
        self,
        features: Tensor,
        targets: Tensor,
        order: Tensor,
        rates: npt.NDArray[np.float64],
        limit: float,
    ) -> npt.NDArray[np.float64]:
        """Make one update per rate.

        Args:
            features: Shape (n, ...), float32, contiguous.
            targets: Shape (n,), int64 for classes and float32 for numbers.
            order: Rows of the batches, int64, at least len(rates) times the batch size.
            rates: Learning rate of each update, shape (steps,).
            limit: Stop before the update whose loss is not below it.

        Returns:
            Losses of the batches seen, each before its update, shape (steps or fewer,).
        """
        losses = np.empty(len(rates))
        done = self._library.trainer_train(
            self._handle, features.data_ptr(), targets.data_ptr(), order.data_ptr(), len(rates),
            rates.ctypes.data, limit, losses.ctypes.data,
        )  # fmt: skip
        return losses[: done + 1]

    def predict(self, features: Tensor, outputs: Tensor) -> None:
        """Write outputs in evaluation mode, (n, n_outputs), for features (n, ...)."""
        self._library.trainer_predict(
            self._handle, features.data_ptr(), len(features), outputs.data_ptr()
        )

    def _copy(self, tensors: Mapping[str, Tensor], *, read: bool) -> None:
        for number, operation in enumerate(self._plan.operations):
            for role, name in operation.parameters.items():
                if role in ROLES:
                    address = tensors[name].data_ptr()
                    self._library.trainer_copy(
                        self._handle, number, ROLES.index(role), address, read
                    )


def _contiguous(value: Tensor) -> Tensor:
    return value.detach().to("cpu", torch.float32).contiguous()

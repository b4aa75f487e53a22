"""What the trainer needs of the networks that it trains together."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from initsweep.core.multipliers import Multipliers

Factors = Mapping[str, Multipliers]
"""Factors on rate and decay by parameter; 1 for those left out."""

NO_FACTORS: Factors = {}


class Stack(ABC):
    """The networks of some lanes, in one of several ways to run them.

    Attributes:
        lanes: How many networks there are.
        blocks: All that is trained, as tensors of shape (lanes, ...), in no particular division.
        multipliers: The factors of each block on rate and decay.
        names: The parameters in each block.
        parameters: The trained parameters by name, (lanes, *shape), views of `blocks`.
        constants: Everything else the networks own by name, (lanes, *shape): buffers, and
            parameters that are not to be trained.
        generators: What the networks draw random numbers from.
    """

    lanes: int
    blocks: Sequence[Tensor]
    multipliers: Sequence[Multipliers]
    names: Sequence[Sequence[str]]
    parameters: dict[str, Tensor]
    constants: dict[str, Tensor]
    generators: Sequence[torch.Generator] = ()

    @abstractmethod
    def losses_and_gradients(
        self, features: Tensor, targets: Tensor, rows: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Return each lane's training loss and its gradient; running statistics move on.

        Args:
            features: All examples, shape (n, ...).
            targets: Shape (n,).
            rows: Which of them make each lane's batch, shape (lanes, batch).

        Returns:
            Losses (lanes,), and one gradient per block, of its shape.
        """

    @abstractmethod
    def predict(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return outputs in evaluation mode.

        Args:
            features: All examples, shape (n, ...).
            rows: Which of them each lane is given, shape (lanes, m).

        Returns:
            Shape (lanes, m, n_outputs).
        """

    def states(self) -> list[dict[str, Tensor]]:
        """Return each lane's parameters and buffers on the CPU."""
        everything = {**self.parameters, **self.constants}
        columns = {name: value.detach().cpu() for name, value in everything.items()}
        return [
            {name: column[lane].clone() for name, column in columns.items()}
            for lane in range(self.lanes)
        ]

    def memory(self) -> list[Tensor]:
        """Return all that training changes; what is written into these tensors counts."""
        return [*self.blocks, *self.constants.values()]

    def keep(self, slots: Tensor) -> "Stack":
        """Return a stack of the networks in these slots only, where that leaves bits alone.

        Raises:
            NotImplementedError: If it does not; see `trainer`.
        """
        raise NotImplementedError


def take(values: Tensor, rows: Tensor) -> Tensor:
    """Return the rows (lanes, batch) of values (n, ...): shape (lanes, batch, ...)."""
    return values.index_select(0, rows.reshape(-1)).view(*rows.shape, *values.shape[1:])


def padded_to(rows: Tensor, multiple: int) -> Tensor:
    """Return rows (lanes, m), then the first again and again until m is a whole multiple."""
    lanes, m = rows.shape
    return torch.cat([rows, rows[:, :1].expand(lanes, -m % multiple)], dim=1)


def stacked_tensors(
    model: nn.Module, states: Sequence[Mapping[str, Tensor]]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return what is trained and what is not, by name, each (lanes, *shape).

    Args:
        model: On the device, with the buffers to start from.
        states: All parameters by name, one mapping per lane.
    """
    trained, constant = dict[str, Tensor](), dict[str, Tensor]()
    for name, parameter in model.named_parameters():
        stacked = torch.stack([state[name] for state in states]).to(parameter.device)
        (trained if parameter.requires_grad else constant)[name] = stacked
    for name, buffer in model.named_buffers():
        constant[name] = torch.stack([buffer] * len(states))
    return trained, constant

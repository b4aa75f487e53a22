"""Puts lanes into chunks such that no lane's result depends on which others are there.

Every stack has the same number of slots, short ones are filled up with copies of a lane, and the
last slots are left to copies where arithmetic differs there.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from initsweep.engine.lanes import Lane, LaneResults, empty_results

ALIGNMENT = 32
"""Elements that torch's vectorized loops take at a time, at most (two AVX-512 registers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Lanes trained together, with the positions they have in the caller's list."""

    positions: tuple[int, ...]
    lanes: tuple[Lane, ...]


def pack(lanes: Sequence[Lane], per_chunk: int) -> list[Chunk]:
    """Return chunks of at most `per_chunk` lanes, largest learning rates first.

    Lanes that diverge are then mostly in the same chunks, which stop early.
    """
    return _cut(lanes, range(per_chunk, len(lanes) + per_chunk, per_chunk))


def pack_evenly(lanes: Sequence[Lane], per_chunk: int, workers: int) -> list[Chunk]:
    """Return chunks like those of `pack`, of equal size, and equally many for each worker.

    For stacks whose size changes nothing but their speed.
    """
    fewest = math.ceil(len(lanes) / per_chunk)
    n_chunks = min(len(lanes), math.ceil(fewest / workers) * workers)
    return _cut(lanes, [len(lanes) * (part + 1) // n_chunks for part in range(n_chunks)])


def _cut(lanes: Sequence[Lane], ends: Iterable[int]) -> list[Chunk]:
    order = sorted(range(len(lanes)), key=lambda position: -lanes[position].learning_rate)
    chunks, start = [], 0
    for end in ends:
        part = order[start:end]
        chunks.append(
            Chunk(positions=tuple(part), lanes=tuple(lanes[position] for position in part))
        )
        start = end
    return chunks


def spare_slots(slots: int, batch_size: int) -> int:
    """Return how many slots at the end of a stack must not hold a lane that counts.

    Torch computes sigmoid, ELU and others with vector instructions, and what is left over at the
    end of the whole stack one by one, with other last bits. Nothing is left over if the stack is
    whole vectors; otherwise it lies in the last slots. A stack of one has only one place.
    """
    if slots * batch_size % ALIGNMENT == 0:
        return 0
    return min(slots - 1, spare_slots_of_any(batch_size))


def spare_slots_of_any(batch_size: int) -> int:
    """Return the same for stacks of every size, which are whole vectors if each lane is."""
    return 0 if batch_size % ALIGNMENT == 0 else math.ceil((ALIGNMENT - 1) / batch_size)


class Assembly:
    """Puts the results of chunks back into the caller's order."""

    def __init__(self, n_lanes: int, epochs: int, engine: str, *, keep_states: bool) -> None:
        self.results = empty_results(n_lanes, epochs, engine, keep_states=keep_states)

    def add(self, positions: Sequence[int], part: LaneResults) -> None:
        """Copy the results of one chunk to the positions of its lanes."""
        whole, at = self.results, list(positions)
        whole.initial_loss[at] = part.initial_loss
        whole.train_loss[at] = part.train_loss
        whole.validation_loss[at] = part.validation_loss
        whole.validation_score[at] = part.validation_score
        whole.diverged_at_step[at] = part.diverged_at_step
        if whole.final_states is not None and part.final_states is not None:
            for position, state in zip(at, part.final_states, strict=True):
                whole.final_states[position] = state

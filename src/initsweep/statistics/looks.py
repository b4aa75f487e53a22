"""Looks at the fresh seeds: how many there are, and what each may spend of the error.

All schemes have the first fresh seeds. Those that may still be recommended get more, in blocks
that double what they have, up to a stated number, and are compared again after every block. A
scheme that is called worse at a look gets no more. Each look has a share of alpha of its own, so
that over all of them a false "worse" is no more probable than in one: Bonferroni's inequality.
"""

FIRST_LOOK = 2 / 3
"""The share of alpha spent on the first look, where most schemes are sorted out."""

STAYING = 0.3
"""What part of all further seeds is trained, about, as in most studies: for estimates of work."""


def sizes(first: int, most: int) -> list[int]:
    """Return how many fresh seeds a scheme has at each look, ascending.

    Args:
        first: Seeds of every scheme.
        most: Seeds of a scheme that stays to the end; there is one look if it is not more.
    """
    found = [first]
    while found[-1] < most:
        found.append(min(2 * found[-1], most))
    return found


def level(seeds: int, first: int, most: int, alpha: float) -> float:
    """Return the level of a comparison over so many seeds.

    Args:
        seeds: Seeds that both schemes have.
        first: As in `sizes`.
        most: As in `sizes`.
        alpha: The level of all looks together.
    """
    later = len(sizes(first, most)) - 1
    if not later:
        return alpha
    return alpha * FIRST_LOOK if seeds <= first else alpha * (1 - FIRST_LOOK) / later

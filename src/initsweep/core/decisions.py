"""What a team has decided, and how a new study compares with it: plain, frozen, typed.

A `Decision` is kept in git (`decisions/champion.json`) and outlives the results that it was made
from, so it holds everything that a later comparison needs.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

Standing = Literal[
    "no_champion",
    "no_candidate",
    "same",
    "better",
    "equivalent",
    "worse",
    "inconclusive",
    "not_comparable",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One promotion of a scheme: what was chosen, from what, by whom and why.

    Attributes:
        network: The network's short name, such as "mlp-3x128-relu".
        outcome: What the study said of the scheme; "recommended" if it was its recommendation.
        test_losses: Capped test loss of each fresh seed, in the order of `seeds`.
        settings: The settings that shaped the results, flat.
        results_sha: Changes with data, scheme, rate, seeds and test losses.
        verdict_sha: SHA-256 of `results/compare/verdict.json`.
        lock_sha: SHA-256 of `dvc.lock`.
        git_revision: The commit that was checked out; empty outside git.
        although: Why in spite of what the study says; empty if nothing spoke against it.
        when: UTC, ISO 8601.
        model_name: The registered model in MLflow; empty if the network cannot be served.
        model_version: Its version; empty likewise.
    """

    scheme: str
    initializer: str
    options: dict[str, JsonValue]
    learning_rate: float
    network: str
    source: str
    outcome: str
    decision: str
    loss_name: str
    validation_loss: float
    validation_low: float
    validation_high: float
    test_loss: float
    test_low: float
    test_high: float
    score_name: str
    test_score: float | None
    test_score_low: float | None
    test_score_high: float | None
    basin_low: float | None
    basin_high: float | None
    basin_width: float | None
    basin_censored: str
    seeds: list[int]
    test_losses: list[float]
    settings: dict[str, str]
    data_sha: str
    results_sha: str
    verdict_sha: str
    lock_sha: str
    git_revision: str
    by: str
    because: str
    although: str
    when: str
    model_name: str
    model_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A scheme of this study against the last decision.

    Attributes:
        standing: What the comparison of test losses says of the candidate.
        change: Whether the decision should be changed.
        statement: The same in words, with the numbers.
        candidate: The scheme of this study; None if the study recommends none.
        champion: The scheme of the last decision; None if there is none.
        difference: Test loss of the candidate minus that of the champion, with the bounds of its
            95 % interval; None if they cannot be compared.
        paired: Whether runs of equal seeds were compared with each other.
        margin: The smallest difference of practical interest.
        changed_settings: What is set otherwise than it was then, as `key: then → now`.
    """

    standing: Standing
    change: bool
    statement: str
    candidate: str | None
    champion: str | None
    decided_by: str | None
    decided_when: str | None
    decided_because: str | None
    difference_low: float | None
    difference: float | None
    difference_high: float | None
    p_value: float | None
    paired: bool | None
    seeds: int | None
    margin: float
    changed_settings: list[str]

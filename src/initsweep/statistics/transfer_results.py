"""What a prediction for a larger size holds."""

from dataclasses import dataclass

Ends = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LawPoint:
    """What one size says of a scheme.

    Attributes:
        size: The size.
        rate: The best rate, between those tried.
        interval: Of the best rate, 95 %, over seeds and what lies between the rates.
        basin: The ends of the basin.
        loss: At the best rate, mean over the seeds.
        edge: Where the best rate is the lowest or highest one tried, which; else "". Such a size
            says nothing to the law.
    """

    size: float
    rate: float
    interval: Ends
    basin: Ends
    loss: float
    edge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The largest size predicted from the others: the check that a law has to pass.

    Attributes:
        size: The largest size.
        predicted: The best rate that the other sizes predict there.
        interval: Of what would be found there, 95 %.
        found: The best rate found there.
        error: Decades from the rate found up to the predicted one.
        inside: Whether the rate found lies in the interval.
        promised_share: What the predicted rate was to lose there at most, as a share of the
            constant predictor's loss.
        lost_share: What it loses, by the response measured there.
        kept: Whether that is no more than promised, as far as matters.
        loss: The mean loss at the best rate that the other sizes predict, in the unit of the loss.
        loss_interval: Of what would be found there, 95 %.
        loss_found: The one found.
        loss_inside: Whether that lies in the interval.
    """

    size: float
    predicted: float
    interval: Ends
    found: float
    error: float
    inside: bool
    promised_share: float
    lost_share: float
    kept: bool
    loss: float
    loss_interval: Ends
    loss_found: float
    loss_inside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeTransfer:
    """What is predicted of one scheme at the target.

    Attributes:
        scheme: The scheme.
        exponent: The best rate goes with the size to this power.
        exponent_interval: 95 %.
        rate: The predicted best rate.
        rate_interval: Of the best rate that a sweep with endless seeds would find there, 95 %.
        basin: The predicted ends of the basin; None where it reaches the end of the rates tried
            at too many sizes.
        loss: The predicted mean loss at the best rate.
        loss_interval: 95 %.
        promised_loss: With `rate`, at most so much more than at the best rate, in the unit of the
            loss, with the stated confidence.
        promised_share: The same as a share of the constant predictor's loss.
        trusted: Whether the law passed its checks.
        reason: Why not, or what speaks for it, in a sentence.
        check: The largest size predicted from the others; None where too few are left.
        points: What was found at each size, ascending.
    """

    scheme: str
    exponent: float
    exponent_interval: Ends
    rate: float
    rate_interval: Ends
    basin: Ends | None
    loss: float
    loss_interval: Ends
    promised_loss: float
    promised_share: float
    trusted: bool
    reason: str
    check: HeldOut | None
    points: tuple[LawPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingCheck:
    """Whether the choice of a scheme carries over: that for the largest size, from the others.

    Attributes:
        size: The largest size.
        picked: The scheme that the other sizes recommend for it.
        best: The scheme with the lowest loss found there.
        behind: How much more `picked` loses there at the best rate of each, as a share of the
            constant predictor's loss.
        kept: Whether that is within the margin, so that the choice carries over.
    """

    size: float
    picked: str
    best: str
    behind: float
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """A scheme about which nothing is predicted, and why."""

    scheme: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """The answer for the target.

    Attributes:
        target: The size that is predicted.
        sizes: Those that were measured, ascending.
        confidence: Of the promised losses.
        schemes: Those of which something is predicted, by name in the order given.
        omitted: The others.
        recommended: The trusted scheme to start from: the lowest predicted loss at its predicted
            rate. None if no law is trusted.
        tied: The trusted schemes that are not shown to lose more than the margin against it,
            itself included.
        ranking: How the choice for the largest size would have ended; None if nothing is left to
            choose from.
    """

    target: float
    sizes: tuple[float, ...]
    confidence: float
    schemes: tuple[SchemeTransfer, ...]
    omitted: tuple[Omitted, ...]
    recommended: str | None
    tied: tuple[str, ...]
    ranking: RankingCheck | None

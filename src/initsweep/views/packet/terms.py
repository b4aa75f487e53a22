"""What the words in the tables of the review packet mean, with this study's numbers."""

from initsweep.core import numbers
from initsweep.core.results import Results
from initsweep.statistics.comparison import EXACT_UP_TO
from initsweep.statistics.wording import compared_by

Terms = list[tuple[str, str]]

# Up to here all sign patterns are gone through; beyond, a random sample of them.


def of(study: Results) -> dict[str, Terms]:
    """Return term-and-meaning pairs by the table they belong to."""
    return {"verdict": _verdict(study), "sensitivity": _sensitivity(), "test": _test(study)}


def _verdict(study: Results) -> Terms:
    verdict, decide = study.verdict, study.params.decide
    score, compared = verdict.score_name.replace("_", " "), compared_by(study.schema)
    skill = numbers.setting_percent(decide.trainable_skill)
    share = numbers.setting_percent(decide.basin_tolerance)
    tolerance = numbers.loss(verdict.basin_tolerance)
    # Where a score is compared the caveats say which intervals leave the rows out.
    covered = study.schema.select_by == "loss" and study.knows_test_rows
    rows = ", on test over test rows too" if covered else ""
    return [
        (
            "On test",
            f"test {compared} against the recommended scheme's on the same fresh seeds"
            + (f"; it is about loss, not about {score}" if compared == "loss" else ""),
        ),
        (
            "Tied",
            "as good as the best on validation as far as matters: a mean within the margin "
            f"({numbers.loss(verdict.margin)}), and not shown to be worse",
        ),
        (
            "Undecided",
            "on validation neither within the margin of the best nor shown to be worse: these "
            "seeds cannot tell",
        ),
        (
            "Basin",
            "neighbouring rates whose mean validation loss is within "
            f"{tolerance} ({share} of the constant predictor's) of the scheme's best, interpolated "
            "between the rates tried; ≥ and ≤ mean that these ended before the basin did",
        ),
        (
            "Regret",
            "what a rate drawn from the shared grid costs on average, against the best of all "
            "schemes",
        ),
        (
            "Losses",
            "means over fresh seeds after the last epoch, each run cut at the constant "
            f"predictor's; beside them their 95 % interval over seeds{rows}",
        ),
        (
            "Failed run",
            f"it diverged, or is no better than guessing by loss and by {score}: it makes up for "
            f"less than {skill} of what the constant predictor lacks; beside the count the largest "
            "share that may fail (95 %, one-sided)",
        ),
        (
            "Untrainable",
            "no better than guessing at any rate of the grid, or not on the fresh seeds",
        ),
    ]


def _sensitivity() -> Terms:
    return [
        (
            "Rate",
            "what the optimizer is given; of a scheme with factors on rates (a parametrization) "
            "the base rate, which the factor of each parameter multiplies",
        ),
        (
            "Global basin",
            "as the basin, but within the tolerance of the best of all schemes; "
            f"{numbers.MISSING} where the scheme's best is not that good",
        ),
        (
            "Largest stable rate",
            "going up from the best rate, the last one at which no tuning run failed; ≥ means that "
            "none failed at any rate above",
        ),
        (
            "First unstable rate",
            "going up from the best rate, the first one at which a tuning run failed",
        ),
        (
            "Safety margin",
            f"from the chosen rate up to the first unstable one; {numbers.MISSING} where none was "
            "seen",
        ),
        ("Tuned gap", "the best mean loss on the grid, above that of the best of all schemes"),
        (
            "Sensitivity S'",
            "mean loss over the shared grid, above the scheme's own best; regret is tuned gap plus "
            "S'. It flatters a scheme whose best is poor, so compare schemes by regret",
        ),
        (
            "Wortsman's S",
            "as published (arXiv:2309.14322): mean over the shared grid of the loss, at most that "
            "at initialization, minus its minimum. Blind spot: a scheme that stays at its initial "
            "loss everywhere scores 0, and one that starts with a huge loss is charged that "
            "loss wherever it diverges",
        ),
        ("Divergence rate", "share of the runs on the shared grid whose loss stopped being finite"),
        (
            "Epochs to target, area under curve",
            "of the fresh runs' validation curves; the target is the best scheme's mean validation "
            "loss plus the basin tolerance; ≥ where runs did not get there",
        ),
        (
            "Small numbers",
            "what the number would be with other tuning seeds (95 %); `docs/statistics.md` says "
            "how each is found. They are left out where nothing bounds it or the seeds all agree",
        ),
    ]


def _test(study: Results) -> Terms:
    margin = numbers.loss(study.params.decide.margin * study.schema.judged.constant_test_loss)
    known = " and test rows" if study.knows_test_rows else ""
    return [
        ("Difference", "test loss minus the reference's, so a positive one is worse"),
        (
            "Holm p",
            "how often differences with their signs flipped at random are on average at least as "
            "far from zero: small where the differences are not symmetric about zero (sign-flip "
            f"test, exact up to {EXACT_UP_TO} seeds), corrected for the number of comparisons",
        ),
        (
            "P(better)",
            "chance that a run of this scheme has a lower loss than a run of the reference",
        ),
        (
            "Equivalent",
            f"its 95 % interval over seeds{known} lies within the practical margin "
            f"(±{margin}); these intervals are not corrected for the number of comparisons",
        ),
        ("Inconclusive", "the seeds do not decide it"),
    ]

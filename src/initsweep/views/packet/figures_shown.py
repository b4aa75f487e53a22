"""The figures of the review packet: which there are, what they show, and drawing them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from initsweep.core.results import Results
from initsweep.views.figures import (
    budget,
    comparison,
    errors,
    health,
    learning_curves,
    lr_overlay,
    lr_response,
    palette,
    rate_law,
    rate_law_responses,
    signal,
    style,
    tradeoff,
)
from initsweep.views.packet.carried import carried

Looks = dict[str, palette.Look]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One figure with its words.

    Attributes:
        name: File name without ending, and id in the page.
        title: What it shows, for those who cannot see it.
        caption: How to read it.
        linear: The same with linear axes, where there is a choice.
        applies: Whether a study has what it shows; None where every one has.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Results, Looks], Figure]
    linear: Callable[[Results, Looks], Figure] | None = None
    applies: Callable[[Results], bool] | None = None


def pictures_of(study: Results) -> list[Picture]:
    """Return the figures of a study."""
    return [picture for picture in PICTURES if not picture.applies or picture.applies(study)]


def looks_of(study: Results) -> Looks:
    """Return the look of each scheme, by its place in `params.yaml`."""
    return palette.looks(study.params.schemes, study.verdict.untrainable)


def _tradeoff(study: Results, looks: Looks, *, linear: bool = False) -> Figure:
    loss_name = study.verdict.loss_name
    return tradeoff.draw(study.schemes, looks, loss_name=loss_name, linear=linear)


def _lr_response(study: Results, looks: Looks) -> Figure:
    return lr_response.draw(
        study.response,
        study.schemes,
        looks,
        constant_loss=study.verdict.constant_loss,
        loss_name=study.verdict.loss_name,
    )


def _lr_overlay(study: Results, looks: Looks, *, linear: bool = False) -> Figure:
    return lr_overlay.draw(
        study.response,
        study.schemes,
        looks,
        constant_loss=study.verdict.constant_loss,
        loss_name=study.verdict.loss_name,
        linear=linear,
    )


def _budget(study: Results, looks: Looks) -> Figure:
    return budget.draw(
        study.budget,
        study.schemes,
        looks,
        constant_loss=study.verdict.constant_loss,
        loss_name=study.verdict.loss_name,
    )


def _errors(study: Results, looks: Looks) -> Figure:
    recommended = study.verdict.recommended
    look = None if recommended is None else looks[recommended]
    return errors.draw(study.predictions, study.schema, look)


def _comparison(study: Results, looks: Looks) -> Figure:
    return comparison.draw(
        study.pairs,
        looks,
        margin=study.params.decide.margin * study.schema.judged.constant_test_loss,
        loss_name=study.verdict.loss_name,
    )


def _learning_curves(study: Results, looks: Looks) -> Figure:
    if not study.curves:
        return style.message_figure("No learning curves were recorded.")
    return learning_curves.draw(
        study.curves,
        study.schemes,
        looks,
        # Of what was trained, whatever the runs are compared by.
        constant_loss=study.schema.constant_validation_loss,
        loss_name=study.schema.loss_name,
    )


def _has_predictions(study: Results) -> bool:
    return bool(carried(study))


def _rate_law(study: Results, looks: Looks) -> Figure:
    return rate_law.draw([one.found for one in carried(study)], looks, carried(study)[0].key)


def _rate_law_responses(study: Results, looks: Looks) -> Figure:
    one = carried(study)[0]  # the responses are those of the sizes, whatever the target
    return rate_law_responses.draw(
        one.responses, one.found, looks, one.key, loss_name=study.verdict.loss_name
    )


_UNSEEN = "No layers were looked at."


def _signal(study: Results, looks: Looks) -> Figure:
    if not study.layers:
        return style.message_figure(_UNSEEN)
    return signal.draw(study.layers, study.names, looks)


def _health(study: Results, looks: Looks) -> Figure:  # noqa: ARG001 - one signature for all
    if not study.layers:
        return style.message_figure(_UNSEEN)
    return health.draw(study.layers, study.names)


def _spectrum(study: Results, looks: Looks) -> Figure:
    if not study.layers:
        return style.message_figure(_UNSEEN)
    return health.draw_spectrum(study.layers, study.names, looks)


PICTURES = (
    Picture(
        name="tradeoff",
        title="Tuned validation loss against regret over the learning rates, by scheme",
        caption="Good when tuned is low, forgiving is left: the regret is what a rate drawn from "
        "the shared grid costs on average, against the best of all schemes. The front is one of "
        "point estimates. Bars are 95 % intervals over fresh seeds.",
        linear=partial(_tradeoff, linear=True),
        draw=_tradeoff,
    ),
    Picture(
        name="lr_response",
        title="Validation loss against learning rate, one panel per scheme",
        caption="Shaded in colour: the basin, neighbouring rates within the basin tolerance of "
        "the scheme's best, interpolated between all rates tried. Every scheme was tried at the "
        "same rates with the same seeds. Losses are cut at the constant predictor's, which is also "
        "what a diverged run counts as.",
        draw=_lr_response,
    ),
    Picture(
        name="lr_overlay",
        title="Validation loss against learning rate, all schemes, with their basins below",
        caption="Below: the basin of each scheme, the neighbouring rates whose loss is near its "
        "best, interpolated between all rates tried, and its chosen rate. Wide means forgiving. "
        "Shaded above: that of the recommended scheme.",
        linear=partial(_lr_overlay, linear=True),
        draw=_lr_overlay,
    ),
    Picture(
        name="budget",
        title="Expected best validation loss of n learning rates tried, by scheme",
        caption="If there is time for n rates only, drawn at random from the shared grid: how good "
        "the best of them is to be expected. A line that falls early needs little tuning.",
        draw=_budget,
    ),
    Picture(
        name="errors",
        title="What the kept model of the recommended scheme gets wrong on test rows",
        caption="Of the one model that was kept.",
        draw=_errors,
    ),
    Picture(
        name="comparison",
        title="Differences in test loss to the reference scheme, with intervals",
        caption="Each difference is taken seed by seed; bars are 95 % intervals over seeds. "
        "Inside the grey zone a difference is too "
        "small to matter in practice; an arrow marks a difference beyond the axis.",
        draw=_comparison,
    ),
    Picture(
        name="signal",
        title="Standard deviation of activations and gradients by layer before training",
        caption="A level line keeps its size through the network; a falling one fades and a rising "
        "one blows up. Dotted: what theory predicts.",
        draw=_signal,
    ),
    Picture(
        name="health",
        title="Dead units, saturated activations and alike examples, by scheme and layer",
        caption="Dark: all of them. The last layer is the output. Where two examples have a "
        "cosine of 1, the layers above cannot tell them apart.",
        draw=_health,
    ),
    Picture(
        name="spectrum",
        title="Effective and stable rank of the hidden activations by layer before training",
        caption="In how many directions the activations vary over the examples: by the entropy of "
        "the singular values, and by their squares over the largest. A rank near 1 leaves one.",
        draw=_spectrum,
    ),
    Picture(
        name="rate_law",
        title="Best learning rate against the size of the network, one panel per scheme, with "
        "what is predicted for larger ones",
        caption="Dots: the best rate at each size, with its 95 % interval. The line is the law "
        "fitted to them, dashed where it is not trusted; the diamond is what it predicts. An empty "
        "dot is a best rate on the edge of the rates tried, which says nothing to the law.",
        draw=_rate_law,
        applies=_has_predictions,
    ),
    Picture(
        name="rate_law_responses",
        title="Validation loss against the learning rate over the best one, by size of the network",
        caption="The responses at all sizes, moved so that their best rates lie on each other: "
        "where they have one shape, what is lost beside the best rate carries over, too.",
        draw=_rate_law_responses,
        applies=_has_predictions,
    ),
    Picture(
        name="learning_curves",
        title="Validation loss by epoch at each scheme's chosen learning rate, one panel each",
        caption="Fresh seeds at each scheme's own rate. A line that still falls at the right end "
        "would gain from longer training.",
        draw=_learning_curves,
    ),
)

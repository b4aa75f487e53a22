"""What a reader of the page has to know before the first claim."""

ANSWERED = {
    "supported": "The criterion, which stood in code before the run, is met.",
    "refuted": "It fails for certain.",
    "depends": "It holds in some cases and fails in others; on what that depends is said.",
    "cannot tell": "The intervals leave it open.",
}
TERMS = {
    "intervals": (
        "95 % over seeds, on fixed data and fixed test rows. They do not cover other data sets, "
        "and they are not corrected for the number of claims on this page."
    ),
    "best rate": (
        "Schemes are compared each at its own best learning rate, chosen on other seeds, unless a "
        "claim is about one rate."
    ),
    "nat": (
        "The unit of the loss. Guessing one of ten digits costs 2.30 nats; losses count as at most "
        "that, and a run that diverged counts as that."
    ),
    "schemes": (
        "He draws weights of variance 2/fan_in, Xavier 2/(fan_in + fan_out), LeCun 1/fan_in; "
        "fan_in and fan_out are the numbers of a layer's inputs and outputs. “He's weights / 3” "
        "are weights drawn like He's and divided by 3, a ninth of the variance."
    ),
    "pictures": (
        "Dots are seeds, diamonds their means with the 95 % interval; a line joins means, and its "
        "band holds all seeds."
    ),
    "the chapter": (
        "The textbook chapter behind this project, nine questions and answers on how to initialize "
        "a network's weights; its claims are told in our words."
    ),
}
DIGITS = (
    "Digits: 1797 images of 8 x 8 that come with scikit-learn. Given MNIST's files (`mnist` in "
    "`claims/params.yaml`), claims about images use them instead."
)
MNIST = (
    "Claims about images ran on MNIST's 10 000 test images, split into rows for training, "
    "validation and testing; all others on digits, 1797 images of 8 x 8 that come with "
    "scikit-learn, or on data that they name."
)
RUN = (
    "`initsweep claims` runs all experiments; `initsweep claims --quick` a shorter form of each, "
    "in a fraction of the time, and says “cannot tell” more often; `initsweep claims run NAME` "
    "only one."
)


def at_the_top(*, mnist: bool) -> dict[str, str]:
    """Return the terms that the top of the page explains.

    Args:
        mnist: Whether claims about images ran on MNIST.
    """
    return {**TERMS, "data": MNIST if mnist else DIGITS, "run": RUN}

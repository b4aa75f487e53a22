"""Zero weights in a ReLU network: nothing but the output biases ever moves."""

from initclaims.claims import Claim, Judgement
from initclaims.laboratory.judging import judged
from initclaims.laboratory.lab import Lab, Setup
from initclaims.laboratory.pictures import Strips
from initclaims.laboratory.table import Measurement, Table

RATES = (0.01, 0.1, 1.0)
MOVED = "largest weight after training"
GAIN = "loss below the constant predictor's"


def measure(lab: Lab) -> list[Measurement]:
    """Train from zeros at three rates; look at the weights and at the loss."""
    setup = Setup(data=lab.data(), network=lab.mlp(3, 128), epochs=lab.pick(60, 20))
    rows = []
    for scheme in ("zeros", "he_normal"):
        runs = lab.train(setup, scheme, RATES, lab.seeds(10, 3), keep_states=True)
        for place, rate in enumerate(RATES):
            for seed, state in runs.kept(rate):
                weights = [value for name, value in state.items() if name.endswith("weight")]
                moved = max(float(weight.abs().max()) for weight in weights)
                gain = runs.constant_loss - runs.final_losses[place, runs.seeds.index(seed)]
                for quantity, value in ((MOVED, moved), (GAIN, gain)):
                    rows.append(Measurement.of(scheme, quantity, value, seed=seed, setting=rate))
    return rows


def judge(table: Table) -> Judgement:
    """Supported if no weight has moved and the loss is that of a constant guess."""
    moved = float(table.values(MOVED, "zeros").max())
    gain = float(table.values(GAIN, "zeros").max())
    he = float(table.values(GAIN, "he_normal").max())
    return judged(
        [moved == 0 and gain < 0.01],
        {
            "largest weight after training from zeros": moved,
            "most that zeros gain over a constant guess, nats": gain,
            "most that He gains in the same time, nats": he,
        },
        (
            "Zero activations give zero gradients to every weight, and zero weights give zero "
            "gradients to everything below: only the output biases learn, the class frequencies."
        ),
    )


CLAIM = Claim(
    title="A ReLU network of zeros learns nothing",
    statement=(
        "With all weights and biases zero, ReLU layers output zero and no weight ever gets a "
        "gradient."
    ),
    source="Chapter, answer 4",
    experiment=(
        "A ReLU network of three layers of 128 units on digits from zeros, at three learning "
        "rates; the largest weight after training, and the loss against a constant guess."
    ),
    criterion=(
        "Supported if no weight has moved at all and the validation loss is at most 0.01 nats "
        "below that of the constant predictor, at every rate; refuted otherwise."
    ),
    measure=measure,
    judge=judge,
    picture=Strips(quantity=GAIN, label="validation loss below a constant guess, nats"),
    section="chapter",
)

"""Ask the diagnosis about networks as people report them, and try what it advises.

    python -m benchmarks.diagnosis_reports                    # some minutes
    python -m benchmarks.diagnosis_reports --every 20         # tiny

Every case is trained as reported, on batches of 64; it fails if it does not come 30 % of the way
from the constant predictor to perfection, in accuracy or in variance explained. Then the diagnosis
sees 128 rows, loss, optimizer and rate, and what it advises is done and trained again: schemes,
rates, scalings and normalized layers as its sentence says, faults of wiring by hand.
"""

import argparse
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.common import count, parser_of
from benchmarks.diagnosis_report_cases import Case, Loss
from benchmarks.diagnosis_report_data import Data, standard
from benchmarks.diagnosis_report_failing import FAILING
from benchmarks.diagnosis_report_training import TRAINING
from initsweep import Diagnosis, diagnose, initialize_
from initsweep.diagnosis.few_steps import normalize_layers

BATCH, LOOK, LEARNT = 64, 128, 0.3
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW,
              "rmsprop": torch.optim.RMSprop}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a case.

    Attributes:
        case: The case.
        fails: Whether it fails in training.
        found: The diagnosis.
        helped: Whether it learns once the remedy is applied.
    """

    case: Case
    fails: bool
    found: Diagnosis
    helped: bool


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--every", type=count, default=1, help="take every n-th case only")
    return made


def main() -> None:
    """Print the tables."""
    options = parser().parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # torch's on broadcasting, which is one of the reports
    for half, start in (("design", 0), ("held back", 1)):
        cases = [*FAILING[start::2], *TRAINING[start::2]][options.every - 1 :: options.every]
        report(half, [judged(case) for case in cases])


def report(half: str, done: Sequence[Judged]) -> None:
    """Print one half's rows of the table, and what was judged wrongly."""
    for cause in ("initialization", "rate", "data", "wiring"):
        ours = [one for one in done if one.case.cause == cause and one.fails]
        alarms = sum(one.found.cause is not None for one in ours)
        counts = [alarms, sum(one.found.cause == cause for one in ours)]
        counts.append(sum(one.helped for one in ours))
        print(f"| {half} | {cause} | {len(ours)} | {' | '.join(map(str, counts))} |")
    healthy = [one for one in done if one.case.cause is None and not one.fails]
    wrong = sum(not one.found.healthy for one in healthy)
    print(f"| {half} | none: it trains | {len(healthy)} | {wrong} false | | |")
    for one in done:
        odd = one.fails == (one.case.cause is None)
        missed = one.found.cause != one.case.cause or (one.case.cause and not one.helped)
        if odd or missed:
            print(f"{one.case.name}: fails {one.fails}, {one.found.cause}: {one.found.remedy}")


def judged(case: Case) -> Judged:
    """Return what becomes of a case when it is trained, asked about, and trained as advised."""
    features, targets = case.data()
    fails = not learns(built(case), (features, targets), case.loss, case)
    found = diagnose(
        built(case), features[:LOOK], targets[:LOOK], case.loss,
        optimizer=case.optimizer, rate=case.rate,
    )  # fmt: skip
    helped = case.cause is not None and found.cause == case.cause and mends(case, found.remedy)
    return Judged(case, fails, found, helped)


def built(case: Case) -> nn.Module:
    """Return a case's network, the same each time."""
    torch.manual_seed(0)
    return case.build()


def mends(case: Case, remedy: str | None) -> bool:
    """Return whether a case learns once this is done."""
    network, loss, (features, targets) = built(case), case.loss, case.data()
    if case.mended is not None:
        torch.manual_seed(0)
        network, loss = case.mended[0](), case.mended[1]
    elif not remedy:
        return False
    text = remedy or ""
    if scheme := re.search(r'initialize_\(model, "(\w+)"', text):
        initialize_(network, scheme[1], 0)
    if "BatchNorm" in text:
        normalize_layers(network)
    if "by 255" in text:
        features = features / 255
    if "standardize the inputs" in text:
        features = standard(features)
    if "standardize the targets" in text:
        targets = standard(targets)
    rate = re.search(r"learning rate ([\d.e-]+)", text)
    case = replace(case, rate=float(rate[1]) if rate else case.rate)
    return learns(network, (features, targets), loss, case)


def learns(network: nn.Module, data: Data, loss: Loss | None, case: Case) -> bool:
    """Return whether a network has learnt once it is trained."""
    features, targets = data
    trained = [one for one in network.parameters() if one.requires_grad]
    optimizer = OPTIMIZERS[case.optimizer](trained or [nn.Parameter(torch.zeros(1))], case.rate)
    generator = torch.Generator().manual_seed(0)
    network.train()
    for _ in range(case.steps):
        rows = torch.randint(len(features), (BATCH,), generator=generator)
        optimizer.zero_grad()
        value = (loss or usual)(network(features[rows]), targets[rows])
        if not value.requires_grad:
            break
        value.backward()
        optimizer.step()
    order = torch.randperm(len(features), generator=generator)
    with torch.no_grad():
        outputs = torch.cat([network(features[rows]) for rows in order.split(BATCH)])
    return bool(outputs.isfinite().all()) and skill(outputs, targets[order]) > LEARNT


def usual(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the usual loss of such targets."""
    if targets.is_floating_point():
        return functional.mse_loss(outputs.flatten(), targets.flatten())
    if outputs.numel() == targets.numel():
        return functional.binary_cross_entropy_with_logits(outputs.flatten(), targets.float())
    return functional.cross_entropy(outputs, targets)


def skill(outputs: Tensor, targets: Tensor) -> float:
    """Return how far it is from the constant predictor, 0, to perfection, 1."""
    if targets.is_floating_point() and not set(targets.unique().tolist()) <= {0.0, 1.0}:
        outputs = outputs.reshape(targets.shape)
        return float(1 - (outputs - targets).square().mean() / targets.var(0).mean())
    classes, places = targets.flatten().long(), outputs.shape[-1]
    middle = 0.5 if outputs.min() >= 0 and outputs.max() <= 1 else 0.0
    guess = outputs.argmax(-1) if places > 1 else (outputs.flatten() > middle).long()
    base = float(classes.bincount().max() / len(classes))
    return float(((guess == classes).float().mean() - base) / (1 - base))


if __name__ == "__main__":
    main()

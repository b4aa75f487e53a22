"""Trains a study's runs with the user's own function, each in a process of its own.

It stands where `Experiment` stands: the same rows come out of it, whoever trained the networks.
"""

import contextlib
import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save as to_safetensors
from torch import nn

from initsweep.core import artifacts, numbers, own_code
from initsweep.core.errors import ParamsError, RunError, few
from initsweep.core.params import OWN_DATA, Loop, Params, fingerprint
from initsweep.core.progress import Progress
from initsweep.core.provenance import Role, of_training
from initsweep.core.records import CurveRow, Provenance, RunRow, Schema, TrialKind
from initsweep.core.writing import write_bytes, write_text
from initsweep.exporting.forward_source import capture
from initsweep.graph.twins import copy_of
from initsweep.loops import run_as_bytes
from initsweep.loops.finished_runs import Kept
from initsweep.loops.libraries import libraries_of
from initsweep.loops.pool import OnReport, Pool
from initsweep.loops.run_process import Look
from initsweep.loops.saved import NETWORK, TENSORS
from initsweep.loops.spec import Failure, Outcome, Report, RunSpec, as_dict
from initsweep.running import cluster, inputs
from initsweep.stages.trained import Trained, finite

UNKNOWN = " as of "
_SAME = 3  # as many first runs that fail alike end the stage: the others would fail too


class OwnLoop:
    """A user's training function on the data of a study."""

    def __init__(self, params: Params, schema: Schema, loop: Loop) -> None:
        self.params, self.schema, self.loop = params, schema, loop
        self._whole: tuple[RunSpec, int] | None = None  # a finished run, and its epochs

    @classmethod
    def of(cls, params: Params) -> "OwnLoop":
        """Return the training function of a study, on the data that the prepare stage has written.

        Raises:
            ParamsError: If the study has none.
        """
        if params.loop is None:
            raise ParamsError("training.function: there is none, initsweep's engine trains.")
        return cls(params, artifacts.read_record(artifacts.SCHEMA, Schema), params.loop)

    def provenance(self, scheme: str, role: Role) -> Provenance:
        """Return the hashes that identify what the runs of `scheme` were computed from."""
        return of_training(self.params, self.schema, scheme, role)

    def checkpoint(self, scheme: str, role: Role) -> Path:
        """Return the folder for finished runs of a scheme, named by all that they depend on."""
        found = self.provenance(scheme, role)
        key = [found.params_sha, found.data_sha, found.code_sha, found.versions, self._installed]
        return artifacts.SCRATCH / role / scheme / fingerprint(key)

    @cached_property
    def _installed(self) -> list[str]:
        """Return versions of the packages that runs import; what has none is never found again."""
        names = [self.loop.function, *libraries_of(self.loop.function, self.params.own_code)]
        theirs = ("initializers.", "optimizer")
        names += [
            name for key, name in self.params.dotted_names if key.startswith(theirs) and ":" in name
        ]
        known, found = packages_distributions(), list[str]()
        for name in dict.fromkeys(one for one in names if ":" in one or one == self.loop.function):
            module = name.partition(":")[0].partition(".")[0]
            if own_code.holds(self.params.own_code, name) or module == "initsweep":
                continue
            place = own_code.place_of(name)
            covered = place is not None and "site-packages" in place.parts
            versions = [f"{one} {version(one)}" for one in known.get(module, []) if covered]
            found += versions or [f"{name}{UNKNOWN}{time.time_ns()}"]
        modules = {one.partition(".")[0] for one in names if ":" not in one}
        more = {one for module in modules for one in known.get(module, [])}
        return [*found, *sorted(f"{one} {version(one)}" for one in more)]

    def spec(self, scheme: str, rate: float, seed: int, *, final: bool) -> RunSpec:
        """Return one run; its folder is set by whoever keeps it."""
        name, options = self.params.initializer(scheme)
        return RunSpec(
            function=self.loop.function,
            options=self.loop.options,
            own_code=self.params.own_code,
            scheme=scheme,
            initializer=name,
            initializer_options=options,
            optimizer=self.params.optimizer_of(scheme) or {"name": "sgd"},
            learning_rate=rate,
            seed=seed,
            final=final,
            baseline=self.schema.constant_validation_loss,
            folder="",
            data=self.params.data.source != OWN_DATA,
            gpu=self.loop.resources.gpus,
            threads=self.loop.resources.cpu,
        )

    def pool(self, on_report: OnReport | None = None, look: Look | None = None) -> Pool:
        """Return where runs are done: as many at the same time as cores and GPUs allow.

        Raises:
            ParamsError: If a run needs more GPUs than there are.
        """
        return Pool.of(
            self.loop,
            self.params.own_code,
            cores=self.params.runtime.n_workers,
            look=look,
            keep=partial(keep, self.schema.n_features) if self.schema.n_features else None,
            on_report=on_report,
        )

    def run(
        self,
        scheme: str,
        kind: TrialKind,
        rates: Sequence[tuple[int, float]],
        seeds: Sequence[int],
        *,
        bar: Progress | None = None,
    ) -> Trained:
        """Train every (trial number, learning rate) of `rates` under every seed.

        Returns:
            The runs in the order rates x seeds; with what they are worth on test rows where they
            are of fresh seeds.

        Raises:
            RunError: If runs failed; what the others came to is kept.
        """
        final = kind == "confirm"
        kept = Kept(self.checkpoint(scheme, "confirm" if final else "tune"))
        plan = [(trial, rate, seed) for trial, rate in rates for seed in seeds]
        specs = [self._placed(kept, scheme, rate, seed, final=final) for _, rate, seed in plan]
        found = self._outcomes(specs, kept, bar)
        self._check_alike(specs, found)
        keys = [
            {"scheme": scheme, "kind": kind, "trial": trial, "learning_rate": rate, "seed": seed}
            for trial, rate, seed in plan
        ]
        return Trained(
            runs=[self._row(key, one) for key, one in zip(keys, found, strict=True)],
            curves=[row for key, one in zip(keys, found, strict=True) for row in _curve(key, one)],
            states=[],
            engine=f"own loop {self.loop.function}",
            test_rows=_test_rows(specs, found),
        )

    def files(self, run: RunRow) -> dict[str, bytes]:
        """Return the files in which a fresh run has kept its network, by their names."""
        kept = Kept(self.checkpoint(run.scheme, "confirm"))
        spec = self._placed(kept, run.scheme, run.learning_rate, run.seed, final=True)
        return kept.files(spec)

    def _placed(self, kept: Kept, scheme: str, rate: float, seed: int, *, final: bool) -> RunSpec:
        spec = self.spec(scheme, rate, seed, final=final)
        return replace(spec, folder=str(kept.place(as_dict(spec))))

    def _outcomes(
        self,
        specs: Sequence[RunSpec],
        kept: Kept,
        bar: Progress | None,
    ) -> list[Outcome]:
        """Return what came of the runs: of those that are kept, then of those still to be done.

        Raises:
            RunError: If runs failed.
        """
        known = {spec.folder: kept.load(spec) for spec in specs}
        found = {folder: one for folder, one in known.items() if one is not None}
        failed: list[tuple[RunSpec, Failure]] = []
        advance = (lambda _: None) if bar is None else bar.advance
        advance(len(found))
        todo = [one for one in specs if one.folder not in found]
        with contextlib.closing(self._done(todo, bar)) as done:
            for spec, result in done:
                if isinstance(result, Outcome):
                    inputs.check()  # each run imports the user's code anew
                    kept.save(spec, result)
                    found[spec.folder] = result
                    advance(1)
                elif isinstance(result, Failure):
                    failed.append((spec, result))
                    if not found and _alike(failed, specs[0]):
                        break
        if failed:
            raise RunError(_in_words(failed, len(found)))
        return [found[spec.folder] for spec in specs]

    def _done(
        self, specs: Sequence[RunSpec], bar: Progress | None
    ) -> Generator[tuple[RunSpec, object], None, None]:
        """Do runs here or on a cluster.

        Yields:
            Each with what came of it, as they end.
        """
        where = cluster.of(self.params.runtime)
        if where is None or not specs:
            with self.pool(None if bar is None else partial(_told, bar)) as pool:
                yield from pool.run(specs)
            return
        scheme = specs[0].scheme
        role: Role = "confirm" if specs[0].final else "tune"
        work = {
            "study": cluster.study_files(self.params),
            "params": self.params.model_dump(mode="json"),
            "needs": cluster.needs_of(self.params, "cpu"),
            "scheme": scheme,
            "role": role,
            "code": asdict(self.provenance(scheme, role)),
            "machine": self.machine(),
        }
        units = [[[spec.learning_rate, spec.seed]] for spec in specs]
        for done in where.run(work, units):
            spec = specs[done.place]
            yield spec, run_as_bytes.from_bytes(spec, done.content)

    def done_here(self, scheme: str, role: Role, units: Sequence[Any]) -> Iterator[bytes]:
        """Do runs for another machine.

        Args:
            scheme: Of all of them.
            role: Of all of them.
            units: Rate and seed of each, in a list.

        Yields:
            What came of each, for `run_as_bytes.from_bytes`.
        """
        kept = Kept(self.checkpoint(scheme, role))
        for ((rate, seed),) in units:
            spec = self._placed(kept, scheme, rate, seed, final=role == "confirm")
            with self.pool() as pool:
                for _, result in pool.run([spec]):
                    if isinstance(result, Outcome | Failure):
                        yield run_as_bytes.to_bytes(spec, result)
            artifacts.remove_folder(Path(spec.folder))

    def machine(self) -> dict[str, object]:
        """Return what must be the same elsewhere for the same bits, beside all that is hashed."""
        return {
            "processor": torch.backends.cpu.get_cpu_capability(),
            "packages": [one for one in self._installed if UNKNOWN not in one],
        }

    def _check_alike(self, specs: Sequence[RunSpec], found: Sequence[Outcome]) -> None:
        """Refuse runs that cannot be compared, or that did nothing of what they were asked for.

        Raises:
            RunError: Naming one.
        """
        function = self.loop.function
        for spec, one in zip(specs, found, strict=True):
            if one.ending != "finished":
                continue
            first, most = self._whole = self._whole or (spec, len(one.reports))
            if len(one.reports) != most:
                raise RunError(
                    f"{function} reported {len(one.reports)} epochs for {spec.called}, but {most} "
                    f"for {first.called}. All runs must report as many: where the function stops "
                    "early, let it go on reporting the last values."
                )
            if problem := self._left_out(spec, one):
                raise RunError(f"{function} {problem}.")

    def _left_out(self, spec: RunSpec, outcome: Outcome) -> str:
        """Return what a run was asked to use and did not, "" if nothing."""
        if not outcome.asked_rate:
            return "does not use run.learning_rate, so there is no rate to tune"
        if not outcome.asked_scheme:
            return "does not call run.initialize(model), so that all schemes are the same"
        if self.params.optimizer_of(spec.scheme) is not None and not outcome.optimizer_made:
            return (
                "makes its optimizer itself, but one is declared: take it from "
                "run.make_optimizer(model.parameters()), or leave out `optimizer`"
            )
        if outcome.factors_left:
            return (
                f"makes its optimizer without the factors that {spec.scheme} puts on the rates of "
                "parameters: after run.initialize(model), take it from "
                "run.make_optimizer(model.parameters()), or make it from "
                "run.parameter_groups(model, optimizer=...)"
            )
        return ""

    def _row(self, key: Mapping[str, object], outcome: Outcome) -> RunRow:
        schema, diverged = self.schema, outcome.ending == "diverged"
        last = None if diverged else outcome.reports[-1]
        loss = None if last is None else finite(last.validation_loss)
        score = None if last is None else last.validation_score
        if last is not None and score is None and schema.select_by == "score":
            raise RunError(
                f"{self.loop.function} reports no validation_score, but task.select_by is `score`."
            )
        start = None if outcome.start is None else finite(outcome.start.validation_loss)
        test = outcome.test
        test_loss = None if test is None else finite(test.loss)
        test_score = None if test is None else test.score
        return RunRow(
            **key,  # type: ignore[arg-type]
            status="diverged" if diverged else "finished",
            diverged_at_step=len(outcome.reports) if diverged else None,
            initial_loss=start,
            train_loss=None if last is None else last.train_loss,
            validation_loss=loss,
            validation_score=score,
            capped_loss=schema.capped(loss, score),
            test_loss=test_loss,
            test_score=test_score,
            capped_test_loss=(
                schema.capped_test(test_loss, test_score) if key["kind"] == "confirm" else None
            ),
        )


def keep(n_features: int, model: nn.Module, folder: Path) -> None:
    """Write down a trained network of prepared rows, or why it cannot be served."""
    held = model.state_dict().items()
    state = {name: one.detach().cpu() for name, one in held if isinstance(one, torch.Tensor)}
    said: dict[str, object] = {}
    try:
        captured = capture(copy_of(model, torch.device("cpu")), state, n_features)
        said = {"source": captured.source, "order": captured.order}
        write_bytes(folder / TENSORS, to_safetensors(captured.tensors))
    except Exception as error:  # noqa: BLE001 - a user's network may do anything
        said = {"why_not": str(error)}
    write_text(folder / NETWORK, json.dumps(said))


def _told(bar: Progress, spec: RunSpec, epoch: int, report: Report) -> None:
    bar.note(f"{spec.called}: epoch {epoch}, loss {numbers.loss(report.validation_loss)}")
    bar.advance(0)


def _curve(key: Mapping[str, object], outcome: Outcome) -> list[CurveRow]:
    """Return the epochs of a run, with the untrained network first, whose loss may be unknown."""
    start = Report(train_loss=None, validation_loss=np.nan, validation_score=None)
    return [
        CurveRow(
            **key,  # type: ignore[arg-type]
            epoch=epoch,
            train_loss=report.train_loss,
            validation_loss=finite(report.validation_loss),
            validation_score=report.validation_score,
        )
        for epoch, report in enumerate([outcome.start or start, *outcome.reports])
    ]


def _test_rows(specs: Sequence[RunSpec], found: Sequence[Outcome]) -> NDArray[np.float32]:
    """Return the losses of test rows, shape (runs, rows); of no row where some run tells of none.

    Raises:
        RunError: If runs tell of different numbers of rows.
    """
    told = [one.test.row_losses for one in found if one.test is not None]
    if not told or any(rows is None for rows in told):
        return np.zeros((len(found), 0), np.float32)
    counts = {len(rows) for rows in told if rows is not None}
    if len(counts) > 1:
        raise RunError(
            f"report_test: runs of {specs[0].scheme} have row_losses of {sorted(counts)} test "
            "rows; the test rows must be the same for all."
        )
    rows = np.full((len(found), counts.pop()), np.nan, np.float32)
    for row, one in zip(rows, found, strict=True):
        if one.test is not None and one.test.row_losses is not None:
            row[:] = one.test.row_losses
    return rows


def _alike(failed: Sequence[tuple[RunSpec, Failure]], first: RunSpec) -> bool:
    """Return whether the others would fail too: several did alike, the first one among them."""
    messages = {failure.message for _, failure in failed}
    return len(failed) >= _SAME and len(messages) == 1 and first in [spec for spec, _ in failed]


def _in_words(failed: Sequence[tuple[RunSpec, Failure]], done: int) -> str:
    """Return one message for all failed runs."""
    function = failed[0][0].function
    by_message: dict[str, list[RunSpec]] = {}
    for spec, failure in failed:
        by_message.setdefault(failure.message, []).append(spec)
    lines = [
        f"{few([spec.called for spec in specs], 2, '; ')}: {message}"
        for message, specs in by_message.items()
    ]
    kept = f" The {done} that finished are kept: run again to train the rest." if done else ""
    spec, failure = failed[0]
    printed = failure.printed.strip().splitlines()[-1:] if failure.printed else []
    said = f" What it printed is in '{spec.folder}/printed.txt'." if printed else ""
    many = f"{len(failed)} runs" if len(failed) > 1 else "a run"
    return f"{function}: {many} failed. {few(lines, 3, ' | ')}.{kept}{said}"

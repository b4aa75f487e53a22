from dataclasses import replace
from pathlib import Path

import pytest

from initsweep.loops.pool import Pool
from initsweep.loops.spec import RunSpec

HERE = Path(__file__).parent


@pytest.fixture
def spec(tmp_path):
    """Return a run of one of `training_functions`, in a folder of its own."""

    def make(function: str, seed: int = 0, **changes) -> RunSpec:
        made = RunSpec(
            function=f"training_functions:{function}", options={}, own_code=str(HERE),
            scheme="he_normal", initializer="he_normal", initializer_options={},
            optimizer={"name": "sgd"}, learning_rate=0.01, seed=seed, final=False, baseline=4.0,
            folder=str(tmp_path / "runs" / f"{function}-{seed}"),
        )  # fmt: skip
        return replace(made, **changes)

    return make


@pytest.fixture
def done():
    """Do runs and return what came of them, by seed."""

    def run(*specs: RunSpec, **settings):
        with Pool(workers=settings.pop("workers", 2), **settings) as pool:
            return {one.seed: found for one, found in pool.run(specs)}

    return run

"""How far a running study is, from the files that lie there."""

from pathlib import Path

from initsweep.core import artifacts
from initsweep.views.terminal.watching import progress_of


def test_finished_runs_are_counted_against_what_is_planned(small_params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = small_params({
        "tune.retunes": 1, "tune.grid": {"low": 0.01, "high": 1.0, "points": 3}
    })  # fmt: skip
    for run in range(4):
        folder = artifacts.SCRATCH / "tune/he_normal/inputs" / str(run)
        folder.mkdir(parents=True)
        (folder / artifacts.RUN_OUTCOME).write_text("{}")
    (Path(folder) / artifacts.RUN_OUTCOME).unlink()
    zeros, he_normal = progress_of(params)
    assert zeros == "zeros      tuning"
    # 3 rates and 2 refinements on 2 seeds, and all of it again.
    assert he_normal == "he_normal  tuning, 3 of about 20 runs finished"

import pytest

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError
from initsweep.core.records import SchemeRow
from initsweep.stages.publish import publication, run
from initsweep.views.mlflow.view import scheme_views
from tests.conftest import as_recorded
from tests.views.mlflow.processes import as_another_user
from tests.views.mlflow.synthetic_study import NAMES, make_params, make_study, write_study


@pytest.fixture
def written(tmp_path, monkeypatch):
    for name in ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"):
        monkeypatch.delenv(name, raising=False)
    study = make_study(NAMES)
    write_study(study, tmp_path)
    monkeypatch.chdir(tmp_path)
    return study


def test_it_reads_back_what_the_stages_wrote(written):
    study = publication(make_params(NAMES))
    assert study.experiment == "digits/mlp-3x128-relu"
    for name, one in written.by_scheme.items():
        for table in ("selection", "trials", "tuning_runs", "confirmation", "fresh_runs", "curves",
                      "measures", "summaries", "row", "diagnosis", "layers"):  # fmt: skip
            assert getattr(study.by_scheme[name], table) == as_recorded(getattr(one, table)), table
    assert study.verdict == as_recorded(written.verdict)
    assert sorted(study.attachments) == [
        "diagnosis/health.png",
        "diagnosis/layers.csv",
        "diagnosis/schemes.csv",
        "diagnosis/signal.png",
        "diagnosis/spectrum.png",
        "report/figures/health.png",
        "report/figures/signal.png",
        "report/figures/spectrum.png",
        "report/figures/tradeoff.png",
        "report/review.html",
        "report/review.md",
    ]


def test_the_settings_are_flat_and_leave_out_what_shapes_no_result(written):
    settings = publication(make_params(NAMES)).settings
    assert settings["model.depth"] == "3"
    assert settings["tune.grid.points"] == "9"
    assert settings["confirm.seeds"].startswith("[100, 101")
    assert settings["training.gradient_clip"] == "null"
    sections = {key.partition(".")[0] for key in settings}
    assert sections == {
        "data",
        "task",
        "model",
        "optimizer",
        "training",
        "tune",
        "confirm",
        "runtime",
    }
    assert "runtime.workers" not in settings


def test_it_names_the_experiment_and_the_commit(written, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "tame-yawl")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "f2e28fd")
    origin = publication(make_params(NAMES)).origin
    assert origin == {
        "dvc.exp": "tame-yawl",
        "git.baseline": "f2e28fd",
        "mlflow.source.git.commit": "f2e28fd",
    }


def test_a_scheme_that_the_comparison_does_not_cover_is_named(written):
    rows = [row for row in written.schemes if row.scheme == "zeros"]
    artifacts.write_rows(artifacts.COMPARE / "schemes.csv", rows, SchemeRow)
    with pytest.raises(ArtifactError, match=r"`compare` do not cover the scheme 'he_normal'"):
        scheme_views(publication(make_params(NAMES)))


def test_only_the_schemes_of_the_parameters_are_read(written):
    assert [*publication(make_params(["zeros"])).by_scheme] == ["zeros"]


def test_it_publishes_once_and_then_does_not_even_open_mlflow(written, monkeypatch, tmp_path):
    published = []

    def publish(study, params, root, content_sha):
        published.append((study.experiment, root, content_sha))

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr("initsweep.views.mlflow.publish", publish)
    sealed = set()
    monkeypatch.setattr("initsweep.views.mlflow.is_sealed", lambda sha, params, root: sha in sealed)
    run(make_params(NAMES))
    assert [found[:2] for found in published] == [("digits/mlp-3x128-relu", tmp_path)]
    sealed.add(published[0][2])
    run(make_params(NAMES))
    assert len(published) == 1
    run(make_params(NAMES, epochs=4))
    assert len(published) == 2
    with (artifacts.tune_folder("zeros") / "trials.csv").open("a") as table:
        table.write("zeros,9,grid,1.0,2.3,2.3,2.3,0,2\n")
    run(make_params(NAMES))
    assert len({content for _, _, content in published}) == 3


def test_what_is_up_to_date_is_not_even_touched_in_a_folder_that_can_only_be_read(
    written, tmp_path, monkeypatch
):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    params = make_params(NAMES)
    run(params)
    (tmp_path / "mlflow.db.lock").unlink()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    tmp_path.chmod(0o555)

    def look() -> None:
        monkeypatch.setattr("initsweep.views.mlflow.publish", None)  # it is sealed
        run(params)

    assert as_another_user(tmp_path, look) == ""
    tmp_path.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before

"""Files of runs and models in a store that speaks S3, where colleagues can open them."""

import sys

import pytest

from initsweep.core.errors import TrackingError
from initsweep.views.mlflow import publish
from tests.made_study import changed
from tests.views.mlflow.models import answers_without_initsweep, expected_outputs, make_model
from tests.views.mlflow.synthetic_study import NAMES, make_params, make_study

server = pytest.importorskip("moto.server", reason="moto is not installed")
ROWS = [{"height": 11.0, "width": 9.0}, {"height": 10.0, "width": 14.0}]


@pytest.fixture(scope="module")
def store():
    started = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    started.start()
    yield "http://{}:{}".format(*started.get_host_and_port())
    started.stop()


@pytest.fixture
def bucket(store, monkeypatch):
    import boto3

    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", store)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "unused")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = boto3.resource("s3").Bucket("team")
    made.create()
    yield made
    made.objects.all().delete()
    made.delete()


@pytest.fixture
def study(tmp_path):
    report = tmp_path / "review.md"
    report.write_text("# review")
    made = changed(make_study(NAMES), model=make_model())
    return changed(made, attachments={"report/review.md": report}, attachments_sha="1")


def test_a_colleague_opens_report_and_model(project, study, bucket, tmp_path, monkeypatch):
    import mlflow

    params = make_params(artifacts="s3://team/runs")
    publish(study, params, project.root)
    assert not (project.root / "mlartifacts").exists()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.root / 'mlflow.db'}")
    headliner = project.by_name()["he_normal"].info
    assert headliner.artifact_uri.startswith("s3://team/runs/")
    report = mlflow.artifacts.download_artifacts(run_id=headliner.run_id, artifact_path="report")
    assert [file.name for file in (tmp_path / report).iterdir()] == ["review.md"]
    model = mlflow.artifacts.download_artifacts("models:/digits@challenger")
    answers = answers_without_initsweep(model, ROWS)
    (expected, *_) = expected_outputs(ROWS, 3).softmax(-1).tolist()
    found = [answers[0][f"probability_{name}"] for name in ("no", "yes", "perhaps")]
    assert found == pytest.approx(expected, rel=1e-5)


def test_what_is_gone_from_the_store_is_put_back(project, study, bucket):
    params = make_params(artifacts="s3://team/runs")
    publish(study, params, project.root)
    before = sorted(one.key for one in bucket.objects.all())
    lost = [key for key in before if key.endswith(("review.md", "weights.safetensors"))]
    assert len(lost) == 2
    for key in lost:
        bucket.Object(key).delete()
    publish(study, params, project.root)
    assert sorted(one.key for one in bucket.objects.all()) == before


def test_a_client_of_s3_that_is_missing_is_named_with_its_extra(project, study, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(TrackingError, match=r"`pip install 'initsweep\[s3\]'`"):
        publish(study, make_params(artifacts="s3://team/runs"), project.root)

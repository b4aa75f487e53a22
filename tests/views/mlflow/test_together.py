"""Publishers that write to one server at the same time, without a lock between them."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from initclaims.mlflow_view import publish_claims
from initsweep.core.errors import TrackingError
from initsweep.views.mlflow import passes, promote, publish
from initsweep.views.mlflow.model_versions import ModelRegistry
from initsweep.views.mlflow.publisher import is_left_behind, this_publisher
from tests.initclaims.test_mlflow_view import Told
from tests.made_study import changed
from tests.views.mlflow.models import make_model, make_promotion
from tests.views.mlflow.processes import publisher, served
from tests.views.mlflow.synthetic_study import NAMES, make_params, make_study

PROCESS = "published.by.process"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    command = ["server", "--host", "127.0.0.1", "--workers", "2"]
    command += ["--backend-store-uri", f"sqlite:///{root / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(root / "artifacts")]
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with served(command, root, environment) as address:
        yield address


def client(uri: str):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def runs(uri: str, experiment: str) -> list:
    found = client(uri).get_experiment_by_name(experiment)
    return list(client(uri).search_runs([found.experiment_id], max_results=5000))


def test_two_at_once_end_with_everything_shown_once(server, tmp_path):
    report = tmp_path / "review.md"
    report.write_text("# review")
    lines = (
        f"study = changed(study, model=make_model(), attachments_sha='1', "
        f"attachments={{'report/review.md': Path({str(report)!r})}})",
    )
    processes = []
    for name in ("one", "two"):  # as two containers, or two users, each with a folder of its own
        (tmp_path / name).mkdir()
        temporary = str(tmp_path / name)
        waits = (
            *lines,
            "from tests.views.mlflow.processes import meet",
            f"meet(Path({temporary!r}))",
        )
        processes.append(publisher(tmp_path / name, *waits, uri=server, TMPDIR=temporary))
    assert [process.wait() for process in processes] == [0, 0]
    study = make_study(NAMES)
    shown = Counter(run.info.run_name for run in runs(server, study.experiment))
    assert set(shown.values()) == {1}
    assert len(shown) == 12
    assert {run.info.status for run in runs(server, study.experiment)} == {"FINISHED"}
    assert not [run for run in runs(server, study.experiment) if PROCESS in run.data.tags]
    (version,) = client(server).search_model_versions("name = 'digits'")
    headliner = next(r for r in runs(server, study.experiment) if r.info.run_name == "he_normal")
    assert version.run_id == headliner.info.run_id
    (file,) = client(server).list_artifacts(headliner.info.run_id, "report")
    assert file.path == "report/review.md"


def test_claims_of_two_at_once_are_shown_once(server, tmp_path):
    program = (
        "from pathlib import Path\n"
        "from initclaims.mlflow_view import publish_claims\n"
        "from tests.initclaims.test_mlflow_view import Told\n"
        "from tests.views.mlflow.synthetic_study import make_params\n"
        "claims = [Told(name=f'claim_{number}') for number in range(4)]\n"
        f"publish_claims(claims, 'full', make_params(uri={server!r}), Path({str(tmp_path)!r}))"
    )
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path}
    started = [subprocess.Popen([sys.executable, "-c", program], env=environment) for _ in range(2)]
    assert [process.wait() for process in started] == [0, 0]
    shown = Counter(run.info.run_name for run in runs(server, "initsweep claims"))
    assert shown == {f"claim {number}": 1 for number in range(4)}
    again = [Told(name=f"claim_{number}") for number in range(4)]
    said = publish_claims(again, "full", make_params(uri=server), tmp_path)
    assert "0 claims added, 0 outdated" in said


@pytest.fixture
def begun(published):
    """Begin to write a run, as somebody would who is not done yet."""

    def begin(process: str, *, like: str = "zeros/lr=0.1", hours: float = 0.0) -> str:
        run = published.by_name()[like]
        started = int((time.time() - 3600 * hours) * 1000)
        tags = {**run.data.tags, PROCESS: process, "mlflow.runName": "being written"}
        made = published.client().create_run(run.info.experiment_id, started, tags=tags)
        return str(made.info.run_id)

    return begin


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def name_of(pid: int) -> str:
    host, boot, space, _, _ = this_publisher().split()
    start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{host} {boot} {space} {pid} {start}"


def test_the_run_of_a_live_publisher_is_left_to_it_and_that_of_a_dead_one_removed(
    published, begun, sleeper
):
    before, study = published.shown(), make_study(NAMES)
    run_id = begun(name_of(sleeper.pid))
    assert published.publish(study).removed == 0
    assert published.client().get_run(run_id).info.lifecycle_stage == "active"
    os.kill(sleeper.pid, signal.SIGKILL)
    sleeper.wait()
    assert published.publish(study).removed == 1
    assert published.shown() == before


@pytest.mark.parametrize("where", ["machine", "container", "version"])
def test_what_cannot_be_asked_whether_it_lives_is_left_for_a_while(where, published, begun):
    host, boot, space, pid, start = this_publisher().split()
    process = {
        "machine": f"{host} 12345678-boot {space} {pid} {start}",
        "container": f"{host} {boot} pid:[1] {pid} {start}",
        "version": host,
    }[where]
    study, before = make_study(NAMES), published.shown()
    run_id = begun(process)
    assert published.publish(study).removed == 0
    published.client().delete_run(run_id)
    begun(process, hours=1.1)
    assert published.publish(study).removed == 1
    assert published.shown() == before


def test_a_process_number_that_is_used_again_is_another_process():
    host, boot, space, pid, start = this_publisher().split()
    assert is_left_behind(run_of(f"{host} {boot} {space} {pid} {int(start) - 1}", time.time()))
    assert not is_left_behind(run_of(f"{host} {boot} {space} 1 {init_start()}", 0))


def test_a_run_of_another_machine_counts_from_when_it_was_begun():
    elsewhere = "host boot pid:[1] 1 1 @"
    assert not is_left_behind(run_of(f"{elsewhere}{time.time() - 500:.0f}", 0))
    assert is_left_behind(run_of(f"{elsewhere}{time.time() - 700:.0f}", time.time()))


def run_of(process: str, started: float) -> SimpleNamespace:
    data = SimpleNamespace(tags={PROCESS: process})
    return SimpleNamespace(data=data, info=SimpleNamespace(start_time=1000 * started))


def init_start() -> str:
    return Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]


def test_a_run_that_ended_but_was_not_signed_off_is_written_again(published, begun):
    before = published.shown()
    run_id = begun("somewhere else", hours=2)
    published.client().set_terminated(run_id)
    assert published.publish(make_study(NAMES)).removed == 1
    assert published.shown() == before


@pytest.fixture
def study():
    return changed(make_study(NAMES), model=make_model())


def test_no_model_hangs_below_a_run_that_may_be_removed(published, begun, sleeper, study):
    """That of another publisher has ended, but not been signed off."""
    own = published.by_name()["he_normal"].info.run_id
    other = begun(name_of(sleeper.pid), like="he_normal", hours=0.5)
    published.client().set_terminated(other)
    published.publish(study)
    promotion = make_promotion(make_model(bias=0.5))
    promote(study, promotion, published.params, published.root)
    versions = published.client().search_model_versions("name = 'digits'")
    assert [version.run_id for version in versions] == [own, own]


def test_a_promotion_that_meets_a_publisher_looks_again(published, study, monkeypatch):
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

    logged, calls = ModelRegistry._logged, []

    def taken_away(*arguments: object) -> object:
        made = logged(*arguments)
        calls.append(made)
        if len(calls) == 1:  # what it is the model of is gone before there is a version of it
            raise MlflowException("no such run", RESOURCE_DOES_NOT_EXIST)
        return made

    monkeypatch.setattr(ModelRegistry, "_logged", taken_away)
    monkeypatch.setattr(passes.time, "sleep", lambda _: None)
    promotion = make_promotion(study.model)
    assert promote(study, promotion, published.params, published.root) == ("digits", "1")
    assert len({made.model_id for made in calls}) == 1


def test_while_somebody_else_is_writing_nothing_is_sealed(published, begun, sleeper):
    from initsweep.views.mlflow import is_sealed

    begun(name_of(sleeper.pid))
    publish(make_study(NAMES), published.params, published.root, "content")
    assert not is_sealed("content", published.params, published.root)


def test_of_two_versions_made_at_once_the_first_stays(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.root / 'mlflow.db'}")
    study = changed(make_study(NAMES), model=make_model())
    project.publish(study)
    project.client().delete_registered_model_alias("digits", "challenger")
    first = project.client().get_model_version("digits", "1")
    project.client().create_model_version(
        "digits", first.source, run_id=first.run_id, tags=first.tags
    )
    project.publish(study)
    (left,) = project.client().search_model_versions("name = 'digits'")
    assert str(left.version) == "1"


class Answering:
    """A client whose server is there."""

    def search_experiments(self, **_: object) -> list:
        return []


def test_what_never_settles_is_an_error(monkeypatch):
    looks = []
    monkeypatch.setattr(passes, "PASSES", 3)
    with pytest.raises(TrackingError, match="still changes after 3 looks"):
        passes.until_settled(Answering(), lambda: looks.append(1) or True)
    assert len(looks) == 3


@pytest.mark.parametrize(
    ("code", "looks"), [("BAD_REQUEST", passes._TURNED_DOWN), ("PERMISSION_DENIED", 1)]
)
def test_a_conflict_is_looked_at_again_and_a_refusal_is_not(code, looks, monkeypatch):
    from mlflow.exceptions import MlflowException
    from mlflow.protos import databricks_pb2

    monkeypatch.setattr(passes.time, "sleep", lambda _: None)
    tried = []

    def refused() -> bool:
        tried.append(1)
        raise MlflowException("no", getattr(databricks_pb2, code))

    with pytest.raises(MlflowException):
        passes.until_settled(Answering(), refused)
    assert len(tried) == looks

"""What `dvc repro` promises: it runs what changed, repeats exactly, and publishes once."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.pipeline

RESULTS = ("data/prepared", "results", "reports")


def test_repeating_and_forcing_changes_neither_bytes_nor_runs(project, computed, expected_names):
    assert any((project.path / "src").rglob("__pycache__"))
    assert "Running stage 'tune" not in project.dvc("repro")
    first = project.view()
    assert first.is_clean
    assert first.names == expected_names(project)
    forced = project.dvc("repro", "--force")
    assert "Running stage 'tune@he_normal'" in forced
    assert project.hashes(*RESULTS) == computed.hashes(*RESULTS)
    assert (project.path / "metrics.json").read_bytes() == (
        computed.path / "metrics.json"
    ).read_bytes()
    assert project.view() == first


def test_our_own_command_gives_the_bytes_of_dvc_and_the_verdict(project, computed, expected_names):
    done = project.initsweep("repro", "--force")
    assert re.findall(r"stage (\d+) of 10: ", done.stderr) == [str(n) for n in range(1, 11)]
    assert "tune he_normal" in done.stderr
    assert "dvc" not in done.stderr.lower()  # its own lines say nothing that a person needs
    assert done.stdout.startswith(("Winner", "Tie", "No winner", "Cannot", "Nothing", "None"))
    assert "Report: reports/review.html" in done.stdout
    assert project.hashes(*RESULTS) == computed.hashes(*RESULTS)
    view = project.view()
    assert view.is_clean
    assert view.names == expected_names(project)


def test_what_has_nothing_to_do_asks_neither_dvc_nor_mlflow_nor_torch(project, tmp_path):
    first = project.initsweep("repro")
    assert "stage" in first.stderr  # at least the publication
    for name in ("dvc", "mlflow", "torch"):
        (tmp_path / "no").mkdir(exist_ok=True)
        (tmp_path / "no" / f"{name}.py").write_text("raise SystemExit('not to be imported')")
    without = {"PYTHONPATH": f"{tmp_path / 'no'}:src"}
    done = project.initsweep("repro", **without)
    assert (done.returncode, done.stdout, done.stderr) == (0, first.stdout, "")
    # Whatever DVC would run is left to DVC.
    assert project.initsweep("repro", "--force", **without).returncode
    for file in ("results/compare/schemes.csv", "src/initsweep/metrics/accuracy.py", "dvc.yaml"):
        place = project.path / file
        before = place.read_text()
        more = "stages:\n  more: {cmd: touch more, outs: [more]}\n"
        place.write_text(f"{before}\n".replace("stages:\n", more))
        assert project.initsweep("repro", **without).returncode, file
        place.write_text(before)
    assert not project.initsweep("repro", **without).returncode
    (project.path / "mlflow.db").unlink()
    assert project.initsweep("repro", **without).returncode


def test_a_changed_module_of_the_user_s_trains_again(project):
    net = project.path / "own/net.py"
    net.write_text(
        "from torch import nn\n"
        "def make(n_features, n_outputs, *, width):\n"
        "    return nn.Sequential(nn.Linear(n_features, width), nn.Linear(width, n_outputs))\n"
    )
    (project.path / "own/init.py").write_text(
        "import torch\n"
        "def mine(layer, generator):\n"
        "    return 0.1 * torch.randn(layer.weight_shape, generator=generator)\n"
    )
    project.set(
        {
            "model": {"name": "net:make", "width": 5},
            "initializers.mine": {"name": "init:mine"},
            "schemes": ["mine"],
        }
    )
    first = project.dvc("repro", "train")
    assert "Running stage 'train@mine'" in first
    record = project.path / "results/tune/mine/selection.json"
    before = json.loads(record.read_text())["provenance"]["code_sha"]
    assert "Running stage" not in project.dvc("repro", "train")
    net.write_text(net.read_text().replace("width), nn", "width), nn.ReLU(), nn"))
    again = project.dvc("repro", "train")
    assert all(f"Running stage '{name}'" in again for name in ("tune@mine", "train@mine"))
    assert json.loads(record.read_text())["provenance"]["code_sha"] != before


def test_a_folder_of_own_code_that_is_missing_is_our_message(project):
    project.set({"own_code": "gone"})
    done = project.initsweep("repro")
    assert done.returncode == 2
    assert "own_code: there is no folder 'gone'" in done.stderr


def test_a_changed_data_file_runs_the_study_again(project):
    rows = [f"{row % 17}.5,{row % 5},{'ab'[row % 2]}" for row in range(60)]
    file = project.path / "data/raw/my.csv"
    file.write_text("\n".join(["x,z,y", *rows]))
    project.set({"data.source": "csv:data/raw/my.csv", "schemes": ["he_normal"]})
    assert "Running stage 'tune@he_normal'" in project.dvc("repro", "tune")
    assert "Running stage" not in project.dvc("repro", "tune")
    file.write_text("\n".join(["x,z,y", *rows]).replace("0.5,0,a", "9.5,0,a"))
    again = project.dvc("repro", "tune")
    assert "Running stage 'prepare'" in again
    assert "Running stage 'tune@he_normal'" in again
    # Another file beside it is looked at, and changes nothing.
    file.with_name("other.csv").write_text("x,y\n1,2\n")
    again = project.dvc("repro", "tune")
    assert "Running stage 'prepare'" in again
    assert "Running stage 'tune" not in again


def test_a_watched_file_that_is_missing_is_our_message(project):
    project.set({"data.watch": "data/raw/gone.csv"})
    done = project.initsweep("repro")
    assert done.returncode == 2
    assert "data.watch: there is no 'data/raw/gone.csv'" in done.stderr


def test_a_scheme_that_comes_or_changes_trains_alone_and_one_that_goes_is_left_out(
    project, expected_names
):
    published = project.initsweep("publish")
    assert published.returncode == 0
    project.set({"schemes": ["he_normal", "constant"]})
    output = project.dvc("repro")
    assert "Running stage 'tune@constant'" in output
    assert "Running stage 'train@constant'" in output
    assert "Running stage 'tune@he_normal'" not in output
    assert "Running stage 'train@he_normal'" not in output
    assert "zeros" not in (project.path / "results/compare/schemes.csv").read_text()
    assert (project.path / "results/tune/zeros").exists()
    view = project.view()
    assert view.is_clean
    assert view.names == expected_names(project)  # of the scheme that went, too: results are kept
    project.set({"initializers.constant": {"value": 0.3}})
    output = project.dvc("repro", "tune")
    assert "Running stage 'tune@constant'" in output
    assert "Running stage 'tune@he_normal'" not in output


def test_experiments_and_going_back_publish_each_result_once_in_the_project_s_own_database(
    project, expected_names
):
    first = expected_names(project)
    of_one = sum(count for name, count in first.items() if name.startswith("he_normal"))
    one = ("-S", "schemes=[he_normal]")
    project.dvc("exp", "run", "--name", "shorter", *one, "-S", "training.epochs=2")
    project.dvc("exp", "run", "--queue", "--name", "shortest", *one, "-S", "training.epochs=1")
    project.dvc("exp", "run", "--run-all")
    project.set({"training.epochs": 3, "schemes": ["zeros", "he_normal"]})
    assert "Running stage 'tune" not in project.dvc("repro")
    view = project.view()
    assert view.is_clean
    assert sum(view.names.values()) == sum(first.values()) + 2 * of_one
    assert {tags.get("dvc.exp", "") for tags in view.tags.values()} == {"", "shorter", "shortest"}
    assert "Running stage 'tune" not in project.dvc("repro")
    assert project.view().names == view.names


def test_a_clone_pulls_results_and_builds_the_view_without_training(
    project, tmp_path, computed, expected_names
):
    project.dvc("remote", "add", "-d", "store", str(tmp_path / "store"))
    project.commit("Add a remote")
    project.dvc("push")
    project.run("git", "clone", "-q", str(project.path), str(tmp_path / "clone"))
    clone = type(project)(tmp_path / "clone")
    clone.dvc("pull")
    output = clone.dvc("repro")
    for stage in ("prepare", "tune@", "train@"):
        assert f"Running stage '{stage}" not in output
    assert clone.hashes(*RESULTS) == computed.hashes(*RESULTS)
    assert clone.view().names == expected_names(project)


def test_kills_in_the_middle_of_publishing_are_made_good(project, expected_names):
    for runs_before_the_kill in (1, 6):
        process = subprocess.Popen(
            [sys.executable, "-m", "initsweep", "publish"],
            cwd=project.path,
            env=project.environment(),
        )
        while process.poll() is None and sum(project.view().names.values()) < runs_before_the_kill:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    project.dvc("repro")
    view = project.view()
    assert view.is_clean
    assert view.names == expected_names(project)


def test_a_deleted_database_is_rebuilt_the_same(project):
    def content():
        volatile = {"mlflow.parentRunId", "mlflow.artifactLocation"}
        assert project.initsweep("publish").returncode == 0
        return sorted(
            sorted((k, v) for k, v in tags.items() if k not in volatile)
            for tags in project.view().tags.values()
        )

    before = content()
    (project.path / "mlflow.db").unlink()
    assert content() == before


def test_a_killed_training_resumes_and_ends_with_the_same_bytes(project, computed):
    shutil.rmtree(project.path / "results/tune/he_normal")
    command = [sys.executable, "-m", "initsweep", "tune", "--scheme", "he_normal"]
    process = subprocess.Popen(command, cwd=project.path, env=project.environment())
    checkpoints = project.path / "scratch"
    while process.poll() is None and not any(checkpoints.rglob("*.npz")):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    project.initsweep("tune", "--scheme", "he_normal")
    folder = "results/tune/he_normal"
    assert project.hashes(folder) == computed.hashes(folder)
    assert not any(checkpoints.rglob("*.npz"))


def test_dvc_draws_the_responses_of_all_schemes(project):
    page = project.path / "plots"
    output = project.dvc("plots", "show", "-o", str(page))
    assert "failed" not in output
    drawn = (page / "index.html").read_text()
    assert all(text in drawn for text in ("learning_rate", "mean_loss", "zeros", "he_normal"))
    assert all(text in drawn for text in ("forward_std", "backward_predicted", "hidden.0.linear"))
    assert "<DVC_" not in drawn


def test_mlflow_run_runs_the_pipeline(project, expected_names):
    project.run(sys.executable, "-m", "mlflow", "run", ".", "--env-manager=local")
    view = project.view()
    assert view.is_clean
    assert view.names == expected_names(project)


def test_a_mistake_in_params_ends_with_one_message_and_loses_nothing(project, computed):
    project.set({"training.epochs": -1})
    done = project.initsweep("repro")
    assert done.returncode == 2
    assert "training.epochs" in done.stderr
    assert "-1" in done.stderr
    assert "Traceback" not in done.stderr
    assert project.hashes(*RESULTS) == computed.hashes(*RESULTS)


def test_a_tracking_server_that_is_down_loses_no_result(project, computed):
    done = project.initsweep("publish", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 2
    assert "http://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
    assert project.hashes(*RESULTS) == computed.hashes(*RESULTS)


def test_results_that_differ_from_the_committed_lock_are_told_of(project):
    """As after a run on another processor: the same inputs, other digits."""
    lock = project.path / "dvc.lock"
    yaml = YAML(typ="safe", pure=True)
    content = yaml.load(lock.read_text())
    for stage in ("tune@he_normal", "train@zeros"):
        content["stages"][stage]["outs"][0]["md5"] = "0" * 32 + ".dir"
    with lock.open("w") as stream:
        yaml.dump(content, stream)
    project.commit("Results of another processor")
    project.dvc("commit", "--force", "tune@he_normal", "train@zeros")
    told = " ".join(project.initsweep("repro").stdout.split())
    named = told.partition("from the same parameters, data and code: ")[2].partition(". ")[0]
    assert set(named.split(", ")) == {"tune@he_normal", "train@zeros"}
    project.commit("Results of this one")
    assert "Other results" not in project.initsweep("repro").stdout


def marked(text):
    return f"<<<<<<< HEAD\n# ours\n=======\n# theirs\n>>>>>>> theirs\n{text}"


def merged(project):
    lock = project.path / "dvc.lock"
    text = lock.read_text()
    project.run("git", "checkout", "-qb", "theirs")
    lock.write_text(f"# theirs\n{text}")
    project.commit("Theirs")
    project.run("git", "checkout", "-q", "main")
    lock.write_text(f"# ours\n{text}")
    project.commit("Ours")
    assert project.run("git", "merge", "theirs", check=False).returncode
    assert lock.read_text() == marked(text)


def committed(project):
    lock = project.path / "dvc.lock"
    lock.write_text(marked(lock.read_text()))
    project.commit("A conflict that nobody has seen")
    (project.path / "elsewhere").touch()
    project.commit("More")


@pytest.mark.parametrize("conflict", [merged, committed])
def test_a_conflict_in_the_lock_is_told_before_dvc_and_the_remedy_works(project, conflict):
    conflict(project)
    done = project.initsweep("repro")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "'dvc.lock' cannot be read: git's conflict marks in line 1." in line
    remedy = re.search(r"`(git .*?)`", line)[1]
    project.run(*remedy.split())
    done = project.initsweep("repro")
    assert (done.returncode, "Running stage" in done.stderr) == (0, False)
    # The lock of the last commit may still have its marks: there is nothing to compare with.
    assert done.stdout.startswith(("Winner", "Tie", "No winner", "Cannot", "Nothing", "None"))


def test_a_conflict_in_the_lock_of_claims_is_told_too(project):
    lock = project.path / "claims/dvc.lock"
    lock.parent.mkdir()
    lock.write_text(marked("schema: '2.0'\nstages: {}\n"))
    done = project.initsweep("repro")
    assert done.returncode == 2
    assert "'claims/dvc.lock' cannot be read" in done.stderr
    assert "`rm claims/dvc.lock`, then `initsweep claims`" in done.stderr

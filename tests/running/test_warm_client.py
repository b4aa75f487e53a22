"""A stage that is handed over does what it does by itself; and nothing depends on it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from initsweep.core import link, stopping
from initsweep.core.link import LEADER
from initsweep.core.stopping import RUN
from initsweep.running.warm_client import WARM, warm_process
from tests.conftest import ROOT

COMMAND = (sys.executable, "-X", "importtime", "-m", "initsweep")
RAN_ITSELF = "initsweep.commands.main"  # a process that hands over need not import the command line
PATIENCE = 30


@pytest.fixture
def environment(monkeypatch) -> dict[str, str]:
    monkeypatch.chdir(ROOT)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "DVC_"))}
    return {**clean, "PYTHONPATH": str(ROOT / "src")}


@pytest.fixture
def hearing():
    """No signal is ignored by what is started, however these tests were; a test may change that."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in stopping.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def led(environment):
    """The environment of a run whose leader never stops it; the paths of sockets are short."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as leader:
        leader.bind(str(Path(folder) / LEADER))
        leader.listen(100)
        yield environment | {RUN: folder}


@pytest.fixture
def warm(led):
    with warm_process(led):
        yield led


def run(environment, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def wait_for(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_the_warm_process_prints_what_the_command_prints(environment, warm):
    alone = run(environment, "list", "initializers")
    handed_over = run(warm, "list", "initializers")
    assert (alone.returncode, handed_over.returncode) == (0, 0)
    assert handed_over.stdout == alone.stdout
    assert RAN_ITSELF in alone.stderr
    assert RAN_ITSELF not in handed_over.stderr


@pytest.mark.parametrize("begun", [False, True], ids=["that has just begun", "that imports"])
def test_nobody_waits_for_a_process(led, tmp_path, monkeypatch, capfd, begun):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "optuna.py").write_text(
        "from pathlib import Path\nfrom time import sleep\n"
        "Path('begun').touch()\nsleep(120)\nPath('done').touch()\n"
    )
    led["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT / 'src'}"
    with warm_process(led, "tune@he_normal"):
        if begun:
            wait_for((tmp_path / "begun").exists)
    assert not (tmp_path / "done").exists()
    assert capfd.readouterr().err == ""


def test_mistakes_end_with_the_same_status(environment, warm, tmp_path):
    assert run(environment, "prepare", folder=tmp_path).returncode == 2
    missing = run(warm, "prepare", folder=tmp_path)
    unknown = run(warm, "prepare", "--nonsense")
    assert (missing.returncode, unknown.returncode) == (2, 2)
    assert "--nonsense" in unknown.stderr
    assert "Traceback" not in missing.stderr + unknown.stderr
    assert RAN_ITSELF not in missing.stderr + unknown.stderr


@pytest.fixture
def copied(tmp_path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / "src/initsweep", tmp_path / "src/initsweep", ignore=ignored)
    return tmp_path / "src"


def test_another_installation_runs_its_own_sources(warm, copied):
    other = warm | {"PYTHONPATH": str(copied)}
    assert RAN_ITSELF in run(other, "list", "metrics").stderr


@pytest.mark.parametrize("seconds", [None, 0], ids=["edited", "replaced by an old file"])
def test_sources_edited_meanwhile_are_the_ones_that_run(led, copied, monkeypatch, seconds):
    monkeypatch.chdir(copied.parent)
    led["PYTHONPATH"] = str(copied)
    with warm_process(led):
        assert RAN_ITSELF not in run(led, "list", "metrics").stderr
        with (copied / "initsweep/metrics/accuracy.py").open("a") as source:
            source.write("\n")
        if seconds is not None:
            os.utime(copied / "initsweep/metrics/accuracy.py", (seconds, seconds))
        assert RAN_ITSELF in run(led, "list", "metrics").stderr


def test_where_there_is_no_warm_process_the_stage_runs_by_itself(led):
    done = run(led, "list", "metrics")
    assert done.returncode == 0
    assert RAN_ITSELF in done.stderr


@pytest.fixture
def slow(tmp_path, default_content):
    """Return a function that starts a stage of ten minutes: who asked for it, and who runs it."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/slow.py").write_text(
        "import os, pathlib, time\n"
        "def load():\n"
        "    pathlib.Path('pid.new').write_text(str(os.getpid()))\n"
        "    os.replace('pid.new', 'pid')\n"
        "    time.sleep(600)\n"
    )
    content = {**default_content, "data": {**default_content["data"], "source": "slow:load"}}
    with (tmp_path / "params.yaml").open("w") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)

    def start(environment) -> tuple["subprocess.Popen[bytes]", int]:
        command = [*COMMAND[:1], "-m", "initsweep", "prepare"]
        client = subprocess.Popen(command, cwd=tmp_path, env=environment)
        wait_for((tmp_path / "pid").exists)
        stage = int((tmp_path / "pid").read_text())
        assert stage != client.pid
        assert is_alive(stage)
        return client, stage

    return start


@pytest.mark.parametrize("given", [signal.SIG_DFL, signal.SIG_IGN], ids=["", "deaf to SIGTERM"])
def test_a_stage_ends_with_the_process_that_handed_it_over(led, slow, hearing, given):
    signal.signal(signal.SIGTERM, given)
    with warm_process(led):
        client, stage = slow(led)
        client.kill()
        client.wait()
        end = time.monotonic() + link.GRACE / 2
        wait_for(lambda: not is_alive(stage))
        assert time.monotonic() < end


@pytest.mark.parametrize("sent", stopping.SIGNALS)
def test_the_warm_process_waits_for_its_stages_without_a_word(led, slow, hearing, capfd, sent):
    """However often it is told to end."""
    with warm_process(led):
        client, stage = slow(led)
        serving = int(Path(f"/proc/{stage}/stat").read_text().split(") ")[1].split()[1])
        for _ in range(3):
            os.kill(serving, sent)
            time.sleep(0.2)
        assert is_alive(serving)
        assert is_alive(stage)
        client.kill()
        client.wait()
        wait_for(lambda: not is_alive(serving))
    assert capfd.readouterr().err == ""


def test_the_warm_process_ends_with_the_one_that_started_it(led):
    program = [
        "import os, time",
        "from initsweep.running.warm_client import warm_process",
        "with warm_process(os.environ):",
        "    print('started', flush=True)",
        "    time.sleep(600)",
    ]
    starter = subprocess.Popen(
        [sys.executable, "-c", "\n".join(program)], env=led, stdout=subprocess.PIPE
    )
    assert starter.stdout is not None
    starter.stdout.readline()
    address = str(Path(led[RUN]) / WARM)
    assert is_listening(address)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    wait_for(lambda: not is_listening(address))


def is_listening(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(address) == 0

import os
import platform
import subprocess
import sys

import pytest
import torch

from initsweep.core.errors import ParamsError
from initsweep.engine.devices import MATMUL_SETTING, numerics, pin_matmul, resolve_device


@pytest.fixture
def cards(monkeypatch):
    def pretend(n):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n)

    return pretend


@pytest.mark.parametrize(
    ("name", "n", "expected"),
    [
        ("cpu", 0, "cpu"),
        ("cpu", 2, "cpu"),
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda:0"),
        ("cuda", 1, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_names_of_devices(cards, name, n, expected):
    cards(n)
    assert resolve_device(name) == torch.device(expected)


@pytest.mark.parametrize(
    ("name", "n", "found"), [("cuda", 0, "none"), ("cuda:0", 0, "none"), ("cuda:2", 2, "2")]
)
def test_a_missing_device_is_refused(cards, name, n, found):
    cards(n)
    with pytest.raises(ParamsError, match=rf"runtime\.device: received '{name}'.*finds {found}"):
        resolve_device(name)


def test_threads_are_set_and_restored_even_after_an_error():
    before = torch.get_num_threads()
    seen = []

    @numerics(torch.device("cpu"), 3)
    def broken():
        seen.append(torch.get_num_threads())
        raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert seen == [3]
    assert torch.get_num_threads() == before


def test_pinning_leaves_a_choice_of_the_user_alone(monkeypatch):
    name, value = MATMUL_SETTING
    monkeypatch.delenv(name, raising=False)
    pin_matmul()
    assert os.environ[name] == value
    monkeypatch.setenv(name, "COMPATIBLE")
    pin_matmul()
    assert os.environ[name] == "COMPATIBLE"


def test_pinning_after_torch_is_imported_still_works():
    """Odd shapes whose products depend on the slot otherwise (with MKL on most processors)."""
    code = (
        "import torch\n"
        "from initsweep.engine.devices import pin_matmul\n"
        "pin_matmul()\n"
        "for a, b, c in ((61, 17, 3), (54, 111, 2), (57, 6, 16), (22, 5, 29), (16, 7, 13)):\n"
        "    x, w = torch.randn(16, a, b), torch.randn(16, c, b)\n"
        "    out = torch.bmm(x, w.mT)\n"
        "    for shift in range(1, 16):\n"
        "        rolled = torch.bmm(x.roll(shift, 0), w.roll(shift, 0).mT)\n"
        "        assert torch.equal(rolled.roll(-shift, 0), out)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != MATMUL_SETTING[0]}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked")
def test_memory_that_was_freed_is_used_again():
    """Counted as page faults of a loop that allocates and frees 16 MB each time."""
    code = (
        "import resource, sys, torch\n"
        "from initsweep.engine.devices import keep_freed_memory\n"
        "keep_freed_memory()\n"
        "work = lambda: torch.ones(4 * 1024 * 1024).add_(1)\n"
        "for _ in range(5): work()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(50): work()\n"
        "faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "assert faults < 10 * 4096, faults  # one 16 MB tensor has 4096 pages\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

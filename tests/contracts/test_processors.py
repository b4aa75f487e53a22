"""One study gives the same tables on every processor that the compiled kernels are fast on.

The libraries choose other routines on another processor; they can be told to.
"""

import copy
import os
import platform
import subprocess
import sys

import pytest
import torch
from numpy._core._multiarray_umath import __cpu_features__
from ruamel.yaml import YAML

from initsweep.core.errors import KernelsError
from initsweep.engine.kernels.library import load_library
from tests.conftest import ROOT, replace_keys

ANOTHER = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch, and the build of our kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Prescott",
}
if __cpu_features__.get("X86_V4"):
    ANOTHER["NPY_DISABLE_CPU_FEATURES"] = "X86_V4"
ALL_STAGES = """
from initsweep.core.params import load_params
from tests.all_stages import compute
from pathlib import Path
import os, sys
for folder in sys.argv[1:]:
    os.chdir(folder)
    compute(load_params(Path("params.yaml")))
"""
SMALL = {
    "model.width": 16,
    "training.batch_size": 64,
    "model.depth": 2,
    "training.epochs": 6,
    "schemes": ["he_normal", "orthogonal", "truncated_normal", "xavier_uniform"],
    "tune.seeds": [0, 1],
    "tune.refinement_trials": 4,
    "confirm.seeds": list(range(10, 20)),
    "decide.most_seeds": 0,
    "diagnose.seeds": [0, 1],
}
CASES = {
    "classes": {"data.source": "digits"},
    "numbers": {"data.source": "diabetes", "model.activation": "tanh"},
    "layers": {"data.source": "wine", "model.norm": "layer", "model.activation": "gelu"},
}


def kernels_are_fast() -> bool:
    try:
        return load_library()[0] != "portable"
    except KernelsError:
        return False


@pytest.fixture(scope="module")
def results() -> set[str]:
    """What the libraries' routines come to, with the settings and without."""
    code = (
        "import torch; from initsweep.engine.devices import pin_matmul; pin_matmul(); "
        "g = torch.Generator().manual_seed(0); x = torch.randn(50, 64, generator=g); "
        "print((x @ x.T).sum().item(), x.log_softmax(-1).sum().item(), (x @ x.T).tolist())"
    )
    return {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **changes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for changes in ({}, ANOTHER)
    }


@pytest.fixture(scope="module")
def studies(tmp_path_factory, params_file, results):
    """The folder with the studies of each processor, which are of one process: imports are slow."""
    if platform.machine() != "x86_64" or not kernels_are_fast():
        pytest.skip("no kernels for AVX2 here")
    if len(results) == 1:
        pytest.skip("the settings choose no other routines: a processor is compared with itself")
    root = tmp_path_factory.mktemp("processors")
    for name, changes in (("this", {}), ("another", ANOTHER)):
        folders = [root / name / case for case in CASES]
        for folder, case in zip(folders, CASES.values(), strict=True):
            (folder / "own").mkdir(parents=True)
            content = copy.deepcopy(params_file)
            replace_keys(content, SMALL | case)
            with (folder / "params.yaml").open("w") as stream:
                YAML(typ="safe", pure=True).dump(content, stream)
        done = subprocess.run(
            [sys.executable, "-c", ALL_STAGES, *folders],
            cwd=ROOT,
            env={**os.environ, **changes},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return root


@pytest.mark.parametrize("case", CASES)
def test_another_processor_writes_the_same_tables(case, studies):
    this, another = (
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        for folder in (studies / "this" / case, studies / "another" / case)
    )
    assert "results/compare/verdict.json" in this
    assert list(this) == list(another)
    assert [name for name in this if this[name] != another[name]] == []


@pytest.mark.skipif(
    not torch.backends.mkl.is_available(), reason="no MKL, which is known to choose"
)
def test_the_settings_do_choose_other_routines(results):
    assert len(results) == 2

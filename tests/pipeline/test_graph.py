"""dvc.yaml, MLproject, params.yaml and the import graph say the same thing."""

import re
from pathlib import Path

import grimp
import pytest
from ruamel.yaml import YAML

from initsweep.commands.main import STAGES
from initsweep.core.provenance import TRAINING_CODE
from tests.conftest import ROOT

# Modules that cannot change a result: words for people, and the way a stage is started.
WITHOUT_EFFECT = {
    "initclaims",
    "initsweep",
    "initsweep.commands.main",
    "initsweep.core.errors",
    "initsweep.core.progress",
}
WITHOUT_EFFECT |= {f"initsweep.core.{name}" for name in ("counted", "link", "stopping", "writing")}
RUNNING = "initsweep.running."

# How numbers are written is no result of a stage that trains: only its progress says any.
WRITING = "initsweep.core.numbers"
TRAINING = {"tune", "train", "settle", "tune_at"}

# Settings that change bits are declared one by one; workers and tracking change nothing.
NOT_DEPENDENCIES = {"runtime", "tracking"}


# Packages whose modules a stage finds by itself, which the import graph cannot see.
FOUND_BY_FILE = {
    "prepare": "initsweep.datasets.readers",
    "report": "initsweep.views.packet.sections",
}


def yaml(name: str) -> dict:
    return YAML(typ="safe", pure=True).load((ROOT / name).read_text())


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("initsweep", "initclaims")


def source_of(module: str) -> Path:
    path = Path("src", *module.split("."))
    return path if (ROOT / path).is_dir() else path.with_suffix(".py")


def used_by(stage: str, imports: grimp.ImportGraph) -> set[str]:
    used = {f"initsweep.stages.{stage}"}
    if stage in FOUND_BY_FILE:
        used |= imports.find_descendants(FOUND_BY_FILE[stage])
    used = used.union(*(upstream_of(module, imports) for module in used))
    return used - {WRITING} if stage in TRAINING else used


def upstream_of(module: str, imports: grimp.ImportGraph) -> set[str]:
    found = imports.find_upstream_modules(module)
    return {one for one in found if not one.startswith(RUNNING)} - WITHOUT_EFFECT


def test_dvc_mlproject_and_the_package_have_the_same_stages():
    assert list(yaml("dvc.yaml")["stages"]) == list(STAGES)
    assert [name for name in yaml("MLproject")["entry_points"] if name != "main"] == list(STAGES)
    folder = ROOT / "src/initsweep/stages"
    assert all("\ndef run(params: Params" in (folder / f"{name}.py").read_text() for name in STAGES)


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "publish"])
def test_a_stage_depends_on_all_the_code_that_it_runs(stage, imports):
    deps = [Path(dep) for dep in yaml("dvc.yaml")["stages"][stage]["deps"]]
    missing = {
        module
        for module in used_by(stage, imports)
        if module != "initsweep.stages"
        and not any(source_of(module).is_relative_to(dep) for dep in deps)
    }
    assert not missing


# Records and hashes themselves, and what is read before anything trains: files, parameters, names.
BESIDE_TRAINING = {
    f"initsweep.core.{name}"
    for name in (
        "artifacts", "numbers", "own_code", "params", "provenance", "records", "registry",
        "user_files", "yaml_files",
    )
}  # fmt: skip


def test_the_hash_of_code_that_trains_covers_it(imports):
    rooms = {f"initsweep.{name.replace('/', '.')}" for name in TRAINING_CODE}
    modules = rooms.union(*map(imports.find_descendants, rooms))
    used = set().union(*(upstream_of(module, imports) for module in modules)) - modules
    assert used == BESIDE_TRAINING


# What imports one of these may be led by params.yaml to a module of the user's.
RESOLVING = {
    "initsweep.datasets.loading",
    "initsweep.architectures",
    "initsweep.initializers.catalogue",
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_resolves_names_of_the_user_depends_on_their_code(stage, imports):
    deps = yaml("dvc.yaml")["stages"][stage]["deps"]
    assert ("${own_code}" in deps) == bool(used_by(stage, imports) & RESOLVING)


# A training function of the user's may import it.
IMPORTED_BY_USERS = {Path("src/initsweep/adapters")}


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "publish"])
def test_a_stage_depends_on_no_code_that_it_does_not_run(stage, imports):
    sources = {source_of(module) for module in used_by(stage, imports)}
    code = [Path(d) for d in yaml("dvc.yaml")["stages"][stage]["deps"] if d.startswith("src")]
    idle = {dep for dep in code if not any(s.is_relative_to(dep) for s in sources)}
    assert idle <= IMPORTED_BY_USERS


@pytest.mark.parametrize(
    "stage", ["prepare", "diagnose", "settle", "compare", "extrapolate", "report"]
)
def test_a_stage_s_params_cover_the_sections_that_it_reads(stage):
    text = (ROOT / f"src/initsweep/stages/{stage}.py").read_text()
    read = set(re.findall(r"\bparams\.(\w+)", text)) & set(yaml("params.yaml"))
    declared = {str(p).split(".")[0] for p in yaml("dvc.yaml")["stages"][stage].get("params", [])}
    assert read - NOT_DEPENDENCIES <= declared


@pytest.mark.parametrize("stage", ["diagnose", "tune", "train", "settle", "tune_at"])
def test_stages_that_compute_depend_on_the_number_of_threads(stage):
    assert "runtime.threads" in yaml("dvc.yaml")["stages"][stage]["params"]


def test_training_stages_depend_on_their_own_scheme_only():
    for stage in ("tune", "train", "tune_at"):
        params = yaml("dvc.yaml")["stages"][stage]["params"]
        assert "initializers.${item.scheme}" in params
        assert "initializers" not in params
        assert "schemes" not in params
        assert "runtime.workers" not in params


def test_each_entry_point_runs_its_own_stage_with_typed_parameters():
    for name, entry in yaml("MLproject")["entry_points"].items():
        command = "repro" if name == "main" else name
        assert f"python -m initsweep {command}" in entry["command"]
        for parameter, declared in entry.get("parameters", {}).items():
            assert declared["type"] in {"string", "path", "float"}
            assert f"{{{parameter}}}" in entry["command"]


def test_every_scheme_of_params_is_defined(default_content):
    assert set(default_content["schemes"]) <= set(default_content["initializers"])


@pytest.mark.parametrize("name", yaml("claims/params.yaml")["names"])
def test_a_claim_depends_on_all_the_code_that_measures_it(name, imports):
    deps = [
        Path(dep.replace("${item.claim}", name))
        for dep in yaml("claims/dvc.yaml")["stages"]["measure"]["deps"]
    ]
    used = upstream_of(f"initclaims.claims.{name}", imports)
    missing = {
        module
        for module in used | {f"initclaims.claims.{name}"}
        # How a claim is drawn and told is the page's concern.
        if not module.startswith(
            ("initsweep.views.figures", "initclaims.claims", "initsweep.core.spelling", WRITING)
        )
        and not any(source_of(module).is_relative_to(dep) for dep in deps)
    }
    assert not missing
    assert source_of(f"initclaims.claims.{name}") in deps

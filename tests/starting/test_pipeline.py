"""The dvc.yaml of a study is the repository's graph, with hashes of the package for sources."""

import shutil
from argparse import Namespace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from initsweep.commands import versions
from initsweep.core import part_hashes
from initsweep.core.errors import ArtifactError
from initsweep.starting.pipeline import study_pipeline
from tests.conftest import ROOT


def loaded(text: str) -> dict:
    return YAML(typ="safe", pure=True).load(text)


def test_the_graph_is_that_of_the_repository():
    repository = loaded((ROOT / "dvc.yaml").read_text())
    study = loaded(study_pipeline())
    assert study["stages"].pop("versions")["outs"] == [str(part_hashes.FOLDER)]
    assert study["plots"] == repository["plots"]
    assert list(study["stages"]) == list(repository["stages"])
    for name, stage in repository["stages"].items():
        made = study["stages"][name]
        assert made.pop("cmd") == stage.pop("cmd").replace("PYTHONPATH=src ", "")
        parts = [f"src/initsweep/{part}" for part in part_hashes.sources().get(name, [])]
        assert [dep for dep in stage["deps"] if dep.startswith("src/")] == parts
        own = [dep for dep in stage.pop("deps") if dep not in parts]
        deps = made.pop("deps")
        assert [dep for dep in deps if dep != f"versions/{name}"] == own
        assert (f"versions/{name}" in deps) == bool(parts)
        assert made == stage
    assert "src/" not in study_pipeline()


def test_the_templates_are_the_files_of_the_repository():
    pairs = {
        "params.yaml": "params.yaml",
        "dvc.yaml": "dvc.yaml",
        "gitignore": ".gitignore",
        "dvcignore": ".dvcignore",
        "decisions.md": "decisions/README.md",
        "own.md": "own/README.md",
        "transfer.md": "transfer/README.md",
    }
    pairs |= {f"plots/{file.name}": f".dvc/plots/{file.name}" for file in ROOT.glob(".dvc/plots/*")}
    for packaged, own in pairs.items():
        assert (part_hashes.TEMPLATE / packaged).read_bytes() == (ROOT / own).read_bytes()


def test_a_hash_follows_the_code_of_its_stage_and_no_other(tmp_path, monkeypatch):
    package = tmp_path / "initsweep"
    shutil.copytree(
        part_hashes.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "*.so")
    )
    monkeypatch.setattr(part_hashes, "PACKAGE", package)
    monkeypatch.chdir(tmp_path)
    part_hashes.write()
    before = {file: file.read_text() for file in Path("versions").iterdir()}
    assert {file.name for file in before} == {
        "prepare", "diagnose", "tune", "train", "settle", "compare", "tune_at",
        "extrapolate", "report",
    }  # fmt: skip
    (package / "views/packet/templates/review.css").write_text("/* new */")
    (package / "engine/kernels/_avx2.so").write_bytes(b"built here")
    part_hashes.write()
    changed = {file.name for file, text in before.items() if file.read_text() != text}
    assert changed == {"report"}
    (package / "metrics/regression.py").write_text("# new")
    part_hashes.write()
    changed = {file.name for file, text in before.items() if file.read_text() != text}
    assert changed == {*map(str, (file.name for file in before))} - {"compare", "extrapolate"}


def test_a_part_that_is_gone_is_an_error():
    with pytest.raises(FileNotFoundError):
        part_hashes.part_hash("nowhere")


def test_a_pipeline_of_another_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    versions.run(Namespace())
    pipeline = Path("dvc.yaml")
    pipeline.write_text(study_pipeline())
    versions.run(Namespace())
    pipeline.write_text(study_pipeline().replace("versions/tune", "versions/engine"))
    with pytest.raises(ArtifactError, match=r"another version of initsweep.* no versions/engine"):
        versions.run(Namespace())

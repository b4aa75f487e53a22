"""Files in the folder of a study that have the names of libraries' modules."""

import pkgutil

import pytest

pytestmark = pytest.mark.pipeline


def test_a_whole_study_runs_none_of_them(project):
    log = project.path.parent / "log.txt"
    for module in pkgutil.iter_modules():
        if module.name != "initsweep":
            trap = f"open({str(log)!r}, 'a').write(__name__ + ' ')\nraise SystemExit(__name__)\n"
            (project.path / f"{module.name}.py").write_text(trap)
    project.set({"decide.margin": 0.02})
    project.run("initsweep", "repro")
    project.set({"decide.margin": 0.03})
    project.run("dvc", "repro")
    assert "margin" in project.run("git", "diff", "dvc.lock").stdout
    assert not log.exists(), log.read_text()

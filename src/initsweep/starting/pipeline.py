"""Writes the `dvc.yaml` of a study outside the repository: the same graph, without sources."""

from initsweep.core.part_hashes import FOLDER, TEMPLATE, stages_of

HEADING = """\
# Made by `initsweep init` from the pipeline of initsweep itself: the same stages, whose code is the
# installed package. A file under versions/ stands for the code of a stage, so that a new version
# runs those stages again whose code it changes.
"""

VERSIONS = f"""\
  versions:
    desc: Hashes of the code of each stage in the installed initsweep
    cmd: PYTHONSAFEPATH=1 python -m initsweep versions
    always_changed: true
    outs:
      - {FOLDER}

"""


def study_pipeline() -> str:
    """Return the text of `dvc.yaml`."""
    text = (TEMPLATE / "dvc.yaml").read_text(encoding="utf-8")
    text = text[text.index("stages:\n") :].replace("stages:\n", "stages:\n" + VERSIONS, 1)
    lines, seen = list[str](), set[str]()
    for stage, part, line in stages_of(text.replace("PYTHONPATH=src ", "")):
        if part is None:
            lines.append(line)
        elif stage not in seen:
            seen.add(stage)
            lines.append(f"      - {FOLDER}/{stage}")
    return HEADING + "\n".join(lines) + "\n"

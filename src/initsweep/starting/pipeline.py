"""Writes the `dvc.yaml` of a study outside the repository: the same graph, without sources."""

from initsweep.core.part_hashes import FOLDER, SOURCE, TEMPLATE, version_file

HEADING = """\
# Made by `initsweep init` from the pipeline of initsweep itself: the same stages, whose code is the
# installed package. Files under versions/ stand for its parts, so that a new version runs those
# stages again whose code it changes.
"""

VERSIONS = f"""\
  versions:
    desc: Hashes of the parts of the installed initsweep
    cmd: PYTHONSAFEPATH=1 python -m initsweep versions
    always_changed: true
    outs:
      - {FOLDER}

"""


def study_pipeline() -> str:
    """Return the text of `dvc.yaml`."""
    text = (TEMPLATE / "dvc.yaml").read_text(encoding="utf-8")
    text = text[text.index("stages:\n") :]
    text = text.replace("stages:\n", "stages:\n" + VERSIONS, 1)
    text = text.replace("PYTHONPATH=src ", "")
    return HEADING + SOURCE.sub(lambda match: version_file(match[1]).as_posix(), text)

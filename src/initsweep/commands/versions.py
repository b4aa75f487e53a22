"""`initsweep versions`: write the hashes that a study outside the repository depends on."""

import argparse
import re
from pathlib import Path

from initsweep.core import part_hashes
from initsweep.core.errors import ArtifactError, few

_NAMED = re.compile(rf"^ +- ({part_hashes.FOLDER}/[\w.]+)$", re.MULTILINE)


def run(options: argparse.Namespace) -> tuple[str, int]:  # noqa: ARG001 - as all commands
    """Write `versions/`.

    Returns:
        How many files, and the exit status.

    Raises:
        ArtifactError: If the `dvc.yaml` here depends on others.
    """
    pipeline = Path("dvc.yaml")
    named = _NAMED.findall(pipeline.read_text(encoding="utf-8")) if pipeline.exists() else []
    written = {f"{part_hashes.FOLDER}/{stage}" for stage in part_hashes.sources()}
    if unknown := sorted({*named} - written):
        raise ArtifactError(
            f"dvc.yaml is of another version of initsweep: this one writes no {few(unknown)}. Make "
            "a study of the same parameters in another folder, `initsweep init NAME --params "
            "params.yaml`, and take its dvc.yaml."
        )
    return f"versions: code of {part_hashes.write()} stages of the installed initsweep", 0

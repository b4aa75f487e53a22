"""`initsweep fetch`: download public data once, with a checksum, tracked by DVC."""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from initsweep.datasets.fetching import fetch, sum_file


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Return what was fetched and how to use it, and the exit status."""
    path, downloaded = fetch(options.source)
    how = "downloaded" if downloaded else "is here already, and its checksum holds"
    lines = [f"{options.source}: {path} {how} (checksum in {sum_file(path).name})."]
    if downloaded:
        lines.append(_track(path))
    lines.append(f"Use it: dvc exp run -S {shlex.quote(f'data.source={options.source}')}")
    return "\n".join(lines), 0


def _track(path: Path) -> str:
    """Return what became of `dvc add`; data that cannot be tracked is still usable."""
    if not Path(".dvc").is_dir():
        return "This folder is no DVC project, so the file is not tracked."
    command = [sys.executable, "-m", "dvc", "add", "--quiet", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"`dvc add {path}` failed: {done.stderr.strip()}"
    return f"Tracked by DVC: commit {path}.dvc and {sum_file(path)}; `dvc push` shares the data."

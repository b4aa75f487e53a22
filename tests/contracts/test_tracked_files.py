"""What a clone costs: no result or database slips into the repository beside the sources."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LARGEST = 1.5e6  # bytes: a pool of data for the benchmarks has 1.3e6


def test_no_tracked_file_is_large():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert files
    sizes = {file: file.stat().st_size for file in files if file.is_file()}
    assert {str(file): size for file, size in sizes.items() if size > LARGEST} == {}

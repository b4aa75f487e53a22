"""What git says of the current folder."""

import subprocess

_PATIENCE = 10  # seconds


def output_of(*arguments: str) -> bytes:
    """Return what a command of git prints; nothing if it fails, or there is no git."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return b"" if done.returncode else done.stdout


def head() -> str:
    """Return the commit that is checked out; "" if there is none."""
    return output_of("rev-parse", "HEAD").decode().strip()

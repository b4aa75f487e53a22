"""`initsweep`, and `python -m initsweep`."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` puts the current folder first, where any file may have a library's name.
    sys.path.pop(0)

from initsweep.core import stopping

stopping.end_at_signals()  # before all other imports, which take seconds

from initsweep.running.warm_client import hand_over  # noqa: E402


def run() -> int:
    """Run the command that the command line names, here or where its libraries are loaded.

    Returns:
        The exit status.
    """
    status = hand_over(sys.argv[1:])
    if status is not None:
        return status
    try:
        from initsweep.commands.main import program
    except ModuleNotFoundError as missing:
        # DVC runs the `python` it finds: outside the environment that one lacks our requirements.
        sys.exit(
            f"initsweep: {sys.executable} has no module '{missing.name}'. Activate the project's "
            "environment (source .venv/bin/activate), or use `make repro`, which needs no "
            "activation."
        )
    return program()


if __name__ == "__main__":
    sys.exit(run())

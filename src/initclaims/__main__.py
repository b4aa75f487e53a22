"""`python -m initclaims`: the same as `initsweep claims`, also where nothing is installed."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        sys.path.pop(0)  # the current folder, where any file may have a library's name

    from initsweep.__main__ import run

    sys.argv.insert(1, "claims")
    sys.exit(run())

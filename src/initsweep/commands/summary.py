"""`initsweep summary`: the verdict, for people, scripts and pull requests."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from initsweep.core import artifacts
from initsweep.core.errors import ParamsError
from initsweep.core.finished import check_finished
from initsweep.views.terminal import answer, comment, record
from initsweep.views.terminal.screen import WIDTH, Screen, verdict_table


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Return the verdict as a table, as JSON or as a comment.

    Raises:
        ParamsError: If options do not go together.
        ArtifactError: If the study has not run.
    """
    if options.figures is not None and not options.markdown:
        raise ParamsError("--figures belongs to --markdown: add that, or leave it out.")
    if options.markdown:
        check_finished(Path.cwd())
        packet = artifacts.read_text(artifacts.REPORTS / "review.md")
        return comment.as_comment(packet, options.figures), 0
    found = answer.read()
    if options.json:
        return json.dumps(record.as_record(found), indent=2, allow_nan=False), 0
    return verdict_table(found, screen()), 0


def screen() -> Screen:
    """Return what standard output can show."""
    return Screen(
        width=shutil.get_terminal_size(fallback=(WIDTH, 24)).columns,
        coloured=sys.stdout.isatty(),
        encoding=sys.stdout.encoding or "utf-8",
    )

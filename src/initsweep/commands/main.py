"""`initsweep <command>`: one command per stage, and a few for people.

Nothing heavy is imported before the command is known, so that each stage pays only for what
it uses.
"""

import argparse
import contextlib
import gc
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from initsweep.commands.parsers import COMMANDS, parse
from initsweep.commands.parsers.stages import STAGES, arguments_of
from initsweep.core import link, own_code, stopping
from initsweep.core.errors import (
    STUDY,
    InitsweepError,
    ParamsError,
    extras_in_words,
    memory_in_words,
    plain_warnings,
    require,
)
from initsweep.core.params import Params, load_params
from initsweep.core.spelling import legible
from initsweep.core.writing import refusal
from initsweep.running import inputs

COLOURED = ("summary",)  # these spell what they show themselves
WHOLE_STUDY = ("init", "repro", "ui")  # these begin what other processes go on with
NAME_OWN_CODE = ("check", "coordinates", "diagnose", "explain", "export", "promote")
USER_MISTAKE = 2
PIPE_CLOSED = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status. Mistakes of the user end with one message and 2; a stage leaves saying it
        to the process that leads its run.
    """
    try:
        return _run(parse(arguments))
    except BrokenPipeError:
        _write_nowhere()  # whoever read our output has enough
        return PIPE_CLOSED


def program(
    arguments: Sequence[str] | None = None, connect: Callable[[], None] = link.connect
) -> int:
    """Run one command as all that this process does: a signal stops it in order.

    From its return on a signal ends the process.

    Args:
        arguments: Those of the command line.
        connect: Connects it with whoever leads the run.

    Returns:
        The exit status.

    Raises:
        BaseException: What escapes is a defect.
    """
    # No process that we start may take a file in the current folder for a library's.
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        stopping.raise_at_signals()
        connect()
        status = main(arguments)
        stopping.end_at_signals()  # Python still has to tidy up
        return status  # noqa: TRY300 - until that line a signal is raised
    except BaseException:
        if (stopped := stopping.status()) is None:
            stopping.end_at_signals()
            raise
        stopping.say_so()
        return stopped


def _run(options: argparse.Namespace) -> int:
    """Run one command, and explain what people can mend.

    Returns:
        The exit status.

    Raises:
        OSError: If it is a defect of ours, or whoever read our output has gone.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without "≥" still gets the verdict, and whoever leads us every line at once.
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    try:
        _check_folder()
        with plain_warnings(_spelt), memory_in_words(options.command), extras_in_words():
            return _dispatch(options)
    except InitsweepError as error:
        _say(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError) or (refused := refusal(error)) is None:
            raise
        if error.filename is None:
            _write_nowhere()
        _say(refused)
    return USER_MISTAKE


def _check_folder() -> None:
    """Refuse to work where nothing can be found.

    Raises:
        ParamsError: If the current folder is there no more.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        raise ParamsError("The current folder has been deleted: go to one that exists.") from None


def _say(text: str) -> None:
    text = _spelt(text)
    if not link.tell(error=text):
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"initsweep: {text}", file=sys.stderr)


def _write_nowhere() -> None:
    """Let Python, which flushes once more at its end, do so into nothing where nobody reads."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _spelt(text: str) -> str:
    """Return text that does nothing to a terminal but to be shown, in several lines."""
    return legible(text, keep="\n\t")


def _dispatch(options: argparse.Namespace) -> int:
    if options.command in WHOLE_STUDY:
        require(*STUDY)
    if options.command == "list":
        from initsweep.commands.listing import listing

        print(listing(options.kind))
        return 0
    if options.command == "repro":
        from initsweep.commands import repro

        return repro.run(options)
    if options.command == "diagnose" and (options.network or options.batch):
        return _for_people(options)
    if options.run or options.command in COMMANDS:
        return _for_people(options)
    if options.command in STAGES:
        return _stage(options)
    params = load_params(options.params)
    if options.command == "bench":
        _use_own_code(params)
        return _bench(params, options.rounds)
    return _ui(params, options.port)


def _stage(options: argparse.Namespace) -> int:
    from initsweep.commands import ahead

    arguments = arguments_of(options)
    name = "@".join(filter(None, [options.command, "-".join(map(str, arguments))]))
    with inputs.held(Path("dvc.yaml"), name) as held:
        params = ahead.shared(load_params(options.params))
        stage = _imported(f"initsweep.stages.{options.command}")
        # After the libraries: they look for others, and would take a module of that name for one.
        _use_own_code(params)
        if held is None or not ahead.done(held, params, program):
            stage.run(params, *arguments)
    return 0


def _for_people(options: argparse.Namespace) -> int:
    run = options.run or _imported(f"initsweep.commands.{options.command}").run
    if options.command in NAME_OWN_CODE:
        _find_own_code(options)  # after the libraries, as in a stage
    text, status = run(options)
    if text:
        print(text if options.command in COLOURED else _spelt(text))
    return int(status)


def _imported(module: str) -> ModuleType:
    """Import what stays to the end: looking for garbage in it takes a sixth of the time.

    Returns:
        The module.
    """
    if module in sys.modules:
        return sys.modules[module]
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _use_own_code(params: Params) -> None:
    own_code.use(params.own_code)
    own_code.check(params.own_code, params.dotted_names)


def _find_own_code(options: argparse.Namespace) -> None:
    """Let a command find what lies in the study's `own_code`, if there is a study, or here."""
    file = options.params
    if file.exists() and Path(folder := load_params(file).own_code).is_dir():
        own_code.use(folder)
    own_code.use_here(vars(options).values())


def _bench(params: Params, rounds: int) -> int:
    from initsweep.commands.bench.command import report

    if rounds < 1:
        raise ParamsError(f"--rounds: received {rounds}. Use 1 or more.")
    for text in report(params, rounds):
        print(_spelt(text), flush=True)
    return 0


def _ui(params: Params, port: int) -> int:
    from initsweep.views import mlflow as tracking

    command, environment = tracking.ui_command(params, Path.cwd())
    page = tracking.ui_page(params, Path.cwd(), port)
    print(f"Starting MLflow; Ctrl-C stops it. Open {page}", flush=True)
    # In our place, so that whoever ends this process ends the server.
    os.execvpe(command[0], [*command, "--port", str(port)], environment)

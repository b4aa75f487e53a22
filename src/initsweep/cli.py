"""`initsweep <command>`: one command per stage, and a few for people.

Nothing heavy is imported before the command is known, so that each stage pays only for what
it uses.
"""

import argparse
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from initsweep import own_code
from initsweep.commands.parsers import COMMANDS, add_option, add_parsers
from initsweep.errors import InitsweepError, ParamsError, plain_warnings
from initsweep.params import Params, load_params
from initsweep.running import inputs, link, stopping
from initsweep.spelling import legible
from initsweep.writing import refusal

STAGES = {
    "prepare": "load, check, split and standardize the data",
    "diagnose": "look at every scheme's signals before any training",
    "tune": "tune the learning rate of one scheme",
    "train": "train one scheme at its chosen rate on fresh seeds, and test it once",
    "compare": "sensitivity, statistics, selection, verdict",
    "report": "write the review packet",
    "publish": "replay the result records into MLflow",
}
PER_SCHEME = ("tune", "train")
COLOURED = ("summary",)  # these spell what they show themselves
NAME_OWN_CODE = ("check", "explain", "export", "promote")
USER_MISTAKE = 2
PIPE_CLOSED = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status. Mistakes of the user end with one message and 2; a stage leaves saying it
        to the process that leads its run.
    """
    try:
        return _run(_parser().parse_args(arguments))
    except BrokenPipeError:
        _write_nowhere()  # whoever read our output has enough
        return PIPE_CLOSED


def program(arguments: Sequence[str] | None = None) -> int:
    """Run one command as all that this process does: a signal stops it in order.

    Returns:
        The exit status.

    Raises:
        BaseException: What escapes is a defect.
    """
    try:
        stopping.in_order()
        link.connect()
        return main(arguments)
    except BaseException:
        if (status := stopping.status()) is None:
            raise
        stopping.say_so()
        return status


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
        _find_modules_here()
        with plain_warnings(_spelt):
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


def _find_modules_here() -> None:
    """Let a user's own module be found in the current folder, as with `python -m`.

    Raises:
        ParamsError: If there is none any more.
    """
    try:
        here = str(Path.cwd())
    except FileNotFoundError:
        raise ParamsError("The current folder has been deleted: go to one that exists.") from None
    if "" not in sys.path and here not in sys.path:
        sys.path.insert(0, here)


def _say(text: str) -> None:
    text = _spelt(text)
    if not link.tell(error=text):
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"initsweep: {text}", file=sys.stderr)


def _write_nowhere() -> None:
    """Let Python, which flushes once more at its end, do so into nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _spelt(text: str) -> str:
    """Return text that does nothing to a terminal but to be shown, in several lines."""
    return legible(text, keep="\n\t")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(_spelt(message))


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(
        prog="initsweep",
        description="Which initializer and which learning rate, for this network on this data?",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, description in STAGES.items():
        stage = commands.add_parser(name, help=description, description=description)
        if name in PER_SCHEME:
            stage.add_argument("--scheme", required=True, help="an entry of `schemes`")
        if name == "diagnose":
            _add_network(stage)
        _add_params(stage)
    study = commands.add_parser("repro", help="run what is out of date, then print the verdict")
    study.add_argument("targets", nargs="*", help="stages, as for `dvc repro` (default: all)")
    study.add_argument("--force", action="store_true", help="run all of it again")
    ui = commands.add_parser("ui", help="serve MLflow on 127.0.0.1")
    ui.add_argument("--port", type=int, default=5000)
    _add_params(ui)
    bench = commands.add_parser("bench", help="measure the engine on this machine")
    bench.add_argument("--rounds", type=int, default=5, help="how often everything is timed")
    _add_params(bench)
    listing = commands.add_parser("list", help="show what can be named in params.yaml")
    kinds = ("initializers", "architectures", "datasets", "metrics", "engines")
    listing.add_argument("kind", choices=kinds)
    add_parsers(commands)
    return parser


def _add_params(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")


def _add_network(parser: argparse.ArgumentParser) -> None:
    """Let `diagnose` look at a network of the user's, without a study around it."""
    parser.add_argument(
        "network",
        nargs="?",
        help="look at this network only: package.module:attribute, a network or what builds one",
    )
    parser.add_argument("--batch", type=Path, help="its inputs, a .npy file")
    parser.add_argument("--targets", type=Path, help="its targets, a .npy file (default: random)")
    parser.add_argument(
        "--task",
        choices=("classification", "regression"),
        help="what the targets are (default: whole numbers are classes)",
    )
    parser.add_argument("--schemes", help="initializers to try, comma-separated")
    add_option(parser)
    parser.add_argument("--optimizer", default="sgd", help="what it will be trained with")
    parser.add_argument("--seeds", type=int, default=5, help="how many draws of the weights")
    parser.add_argument("--figures", type=Path, help="folder for pictures")
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 1 if it is not expected to train; mild verdicts pass",
    )
    parser.add_argument(
        "--strict", action="store_true", help="as --check, and mild verdicts fail too"
    )


def _dispatch(options: argparse.Namespace) -> int:
    if options.command == "list":
        from initsweep.commands.listing import listing

        print(listing(options.kind))
        return 0
    if options.command == "repro":
        from initsweep.commands import repro

        return repro.run(options)
    if options.command == "diagnose" and (options.network or options.batch):
        return _inspect(options)
    if options.command in COMMANDS:
        return _for_people(options)
    if options.command in STAGES:
        return _stage(options)
    params = load_params(options.params)
    if options.command == "bench":
        _use_own_code(params)
        return _bench(params, options.rounds)
    return _ui(params, options.port)


def _stage(options: argparse.Namespace) -> int:
    arguments = [options.scheme] if options.command in PER_SCHEME else []
    with inputs.held(Path("dvc.yaml"), "@".join([options.command, *arguments])):
        params = load_params(options.params)
        _use_own_code(params)
        importlib.import_module(f"initsweep.stages.{options.command}").run(params, *arguments)
    return 0


def _for_people(options: argparse.Namespace) -> int:
    if options.command in NAME_OWN_CODE:
        _find_own_code(options.params)
    text, status = importlib.import_module(f"initsweep.commands.{options.command}").run(options)
    if text:
        print(text if options.command in COLOURED else _spelt(text))
    return int(status)


def _use_own_code(params: Params) -> None:
    own_code.use(params.own_code)
    own_code.check(params.own_code, params.dotted_names)


def _find_own_code(file: Path) -> None:
    """Let a command find what lies in the study's `own_code`, if there is a study."""
    if file.exists() and Path(folder := load_params(file).own_code).is_dir():
        own_code.use(folder)


def _bench(params: Params, rounds: int) -> int:
    from initsweep.benchmark.command import report

    if rounds < 1:
        raise ParamsError(f"--rounds: received {rounds}. Use 1 or more.")
    for text in report(params, rounds):
        print(_spelt(text), flush=True)
    return 0


def _inspect(options: argparse.Namespace) -> int:
    if not (options.network and options.batch):
        raise ParamsError(
            "diagnose: a network needs a batch and the other way round, e.g. "
            "`initsweep diagnose my_package.nets:make_net --batch batch.npy`."
        )
    from initsweep import inspection

    _find_own_code(options.params)
    text, healthy = inspection.run(
        inspection.Request(
            network=options.network,
            batch=options.batch,
            targets=options.targets,
            task=options.task,
            schemes=tuple((options.schemes or "").replace(",", " ").split()),
            options=tuple(options.option),
            params=options.params,
            strict=options.strict,
            optimizer=options.optimizer,
            seeds=options.seeds,
            figures=options.figures,
        )
    )
    print(_spelt(text))
    return 1 if (options.check or options.strict) and not healthy else 0


def _ui(params: Params, port: int) -> int:
    from initsweep import tracking

    command, environment = tracking.ui_command(params, Path.cwd())
    page = tracking.ui_page(params, Path.cwd(), port)
    print(f"Starting MLflow; Ctrl-C stops it. Open {page}", flush=True)
    # In our place, so that whoever ends this process ends the server.
    os.execvpe(command[0], [*command, "--port", str(port)], environment)

"""`initsweep <command>`: one command per stage, and a few for people.

Nothing heavy is imported before the command is known, so that each stage pays only for what
it uses.
"""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from initsweep import own_code
from initsweep.commands.parsers import COMMANDS, add_option, add_parsers
from initsweep.errors import InitsweepError, ParamsError, plain_warnings
from initsweep.params import Params, load_params

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
NAME_OWN_CODE = ("check", "explain", "export", "promote")
USER_MISTAKE = 2
INTERRUPTED = 130
PIPE_CLOSED = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status. Mistakes of the user end with one message on standard error and 2.
    """
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without "≥" still gets the verdict
    # As with `python -m`: a user's own module is found in the current folder.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        with plain_warnings():
            return _dispatch(options)
    except InitsweepError as error:
        print(f"initsweep: {error}", file=sys.stderr)
        return USER_MISTAKE
    except BrokenPipeError:
        # Whoever read our output has enough. Python flushes once more at its end: into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        print("initsweep: stopped; finished work is kept, run again to go on.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
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
        return _repro(options)
    if options.command == "diagnose" and (options.network or options.batch):
        return _inspect(options)
    if options.command in COMMANDS:
        return _for_people(options)
    params = load_params(options.params)
    if options.command in (*STAGES, "bench"):
        _use_own_code(params)
    if options.command in STAGES:
        stage = importlib.import_module(f"initsweep.stages.{options.command}")
        arguments = [options.scheme] if options.command in PER_SCHEME else []
        stage.run(params, *arguments)
        return 0
    if options.command == "bench":
        return _bench(params, options.rounds)
    return _ui(params, options.port)


def _for_people(options: argparse.Namespace) -> int:
    if options.command in NAME_OWN_CODE:
        _find_own_code(options.params)
    text, status = importlib.import_module(f"initsweep.commands.{options.command}").run(options)
    print(text)
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
        print(text, flush=True)
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
    print(text)
    return 1 if (options.check or options.strict) and not healthy else 0


def _repro(options: argparse.Namespace) -> int:
    _check_before_dvc(load_params(Path("params.yaml")))
    from initsweep.commands.stages import bring_up_to_date

    status = bring_up_to_date(*options.targets, *(["--force"] if options.force else []))
    if status:
        return status
    if not options.targets:
        _print_verdict()
    return 0


def _check_before_dvc(params: Params) -> None:
    """Give our message about data or code in the wrong place, before DVC's about a dependency."""
    from initsweep.datasets._loading import check_watched

    _use_own_code(params)
    check_watched(params.data)


def _print_verdict() -> None:
    from initsweep.answer import study, terminal
    from initsweep.commands.summary import screen

    print(terminal.verdict_table(study.read(), screen()))


def _ui(params: Params, port: int) -> int:
    from initsweep import tracking

    command, environment = tracking.ui_command(params, Path.cwd())
    page = tracking.ui_page(params, Path.cwd(), port)
    print(f"Starting MLflow; Ctrl-C stops it. Open {page}", flush=True)
    # In our place, so that whoever ends this process ends the server.
    os.execvpe(command[0], [*command, "--port", str(port)], environment)

"""What `init` was asked for: the data and code it names, and the parameters that follow."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from initsweep.core.errors import InitsweepError, ParamsError
from initsweep.core.params import OWN_DATA, Params, load_params
from initsweep.core.spelling import is_whole
from initsweep.starting import data_source as sources
from initsweep.starting import folder as folders
from initsweep.starting import own, parameters
from initsweep.starting.settings import SAID_OTHERWISE, SETTINGS, TABLE, as_options, values_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for; its help says what each of these is.

    `settings` holds the options of `settings.SETTINGS` that were given, as text.
    """

    folder: Path
    data: str | None = None
    params: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    minutes: float | None = None
    model: str | None = None
    train: str | None = None
    baseline: float | None = None
    options: Sequence[str] = ()
    in_place: bool = False


def find(request: Request) -> tuple[sources.Source, list[Path]]:
    """Find data and code; what a parameter file names starts from its own folder.

    Returns:
        The data, and the user's own code that is to be copied.

    Raises:
        ParamsError: If no data are named, or options do not fit together.
    """
    _refuse_halves(request)
    if request.minutes is not None and not 0 < request.minutes < math.inf:
        raise ParamsError(f"--minutes: received {request.minutes}; use a number above 0.")
    if request.params is None and request.data is None and request.train is None:
        raise ParamsError(
            "init needs --data (or --params with a parameter file that names some, or --train with "
            "a training function that brings its own)."
        )
    if request.baseline is not None and not 0 < request.baseline < math.inf:
        raise ParamsError(f"--baseline: received {request.baseline}; use a number above 0.")
    source = None if request.data is None else sources.find_source(request.data)
    asked = request.settings.get("test_file")
    test = None if asked is None else sources.existing(Path(asked), "--test-file")
    names = [("--data", request.data), ("--model", request.model), ("--train", request.train)]
    code = own.found(folders.OWN, [(key, name) for key, name in names if name])
    if request.params is not None:
        given = load_params(request.params)
        with contextlib.chdir(request.params.absolute().parent):
            test = test or _test_file(given)
            source = source or _source_of(given)
            given = _without_replaced(given, request)
            code += own.found(Path(given.own_code), given.dotted_names)
    source = source or sources.NOTHING
    only = [one.option for one in TABLE if one.name in request.settings]
    if only and not source.is_table:
        raise ParamsError(f"{', '.join(only)}: for tables only (csv, tsv, parquet).")
    if {"test_file", "split_column"} <= request.settings.keys():
        raise ParamsError("--test-file and --split-column both name the test rows; give one.")
    return sources.with_test(source, test if source.is_table else None), code


def _source_of(given: Params) -> sources.Source:
    named = given.data.source
    return sources.NOTHING if named == OWN_DATA else sources.find_source(named)


def _refuse_halves(request: Request) -> None:
    """Refuse names that params.yaml, which is UTF-8, cannot hold.

    Raises:
        ParamsError: If there is one.
    """
    given = {
        "the folder": str(request.folder),
        "--data": request.data,
        "--model": request.model,
        "--train": request.train,
    }
    given |= {f"--{name.replace('_', '-')}": text for name, text in request.settings.items()}
    given |= {f"--option {text}": text for text in request.options}
    for what, text in given.items():
        if text is not None and not is_whole(text):
            raise ParamsError(
                f"{what}: received {text!r}, which is not UTF-8 as params.yaml is. Rename it, or "
                "let the terminal use UTF-8."
            )


def _without_replaced(given: Params, request: Request) -> Params:
    """Return the parameters with what the command line names in the place of what they name."""
    data = {"source": request.data or given.data.source}
    model = {"name": request.model or given.model.name}
    return given.model_copy(
        update={
            "data": given.data.model_copy(update=data),
            "model": given.model.model_copy(update=model),
        }
    )


def _test_file(given: Params) -> Path | None:
    named = given.data.table.test_file
    return None if named is None else sources.existing(Path(named), "data.table.test_file")


def values(request: Request, source: sources.Source, watch: str) -> dict[str, object]:
    """Return the parameters that follow from the command line alone."""
    place = None if request.in_place else folders.RAW
    found: dict[str, object] = {
        "data.source": source.named(place),
        "data.watch": watch,
        "own_code": str(folders.OWN),
        **values_of(request.settings),
    }
    if source.test is not None:
        test = source.test if place is None else place / source.test.name
        found["data.table.test_file"] = str(test)
    if request.train is not None:
        return found
    if request.model or request.options or request.params is None:
        found["model"] = parameters.network_options(request.model or "auto", request.options)
    return found


@contextlib.contextmanager
def in_words_of(request: Request, source: sources.Source) -> Iterator[Callable[[str], str]]:
    """Name options where errors name keys, and the user's files where they name copies.

    Someone who gave a parameter file knows its keys, but for those that options replace.

    Yields:
        What says other messages so.
    """
    words = dict(SAID_OTHERWISE)
    if request.params is not None:
        given = {one.key for one in SETTINGS if one.name in request.settings}
        given |= {"data.source"} if request.data else set()
        words = {key: said for key, said in words.items() if key in given}
    for file in source.all_files:
        # Copied, or left in place; a name alone is never the beginning of something else.
        places = ((folders.RAW / file.name).as_posix(), str(file), _shown(file), file.name)
        words |= dict.fromkeys(places[:3], _shown(file)) | {places[3]: file.name}
        # As a shell reads a single quotation mark.
        words |= {_in_shell(place): _in_shell(words[place]) for place in places}
    try:
        yield lambda message: as_options(message, words)
    except InitsweepError as error:
        raise type(error)(as_options(str(error), words)) from error


def _in_shell(path: str) -> str:
    return path.replace("'", "'\"'\"'")


def _shown(file: Path) -> str:
    """Return a file as it is named from the folder where `init` was called."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)

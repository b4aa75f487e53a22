"""What a record was computed from, as hashes: parameters, data and source code."""

import hashlib
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from initsweep.core.counted import counted
from initsweep.core.params import PACE, Params, fingerprint
from initsweep.core.records import Provenance, Schema

SOURCE = Path(__file__).parents[1]
SUFFIXES = (".py", ".cpp", ".hpp")

Role = Literal["tune", "confirm"]
"""The two sections of parameters that runs can belong to."""

NETWORK_CODE = (
    "engine",
    "graph",
    "initializers",
    "architectures",
    "metrics",
    "core/multipliers",
    "core/options",
    "core/randomness",
)
"""What makes and trains a network."""

TRAINING_CODE = (
    *NETWORK_CODE,
    "core/network_choice",
    "stages/experiment",
    "stages/own_loop",
    "stages/trained",
    "loops",
    "adapters",
    "exporting/forward_source",
    "preprocessing",
)
"""What trains a network of a study. How a rate is chosen is not part of it, so that tuning and
training by the same code carry the same hash."""

_TASK = ("loss_name", "class_weights", "score_name", "select_by")


def code_sha(modules: Sequence[str], own: Path | None = None, *, source: Path = SOURCE) -> str:
    """Return a short SHA-256 over the sources of modules and packages, such as "engine".

    Args:
        modules: Below `source`.
        own: The folder with the user's own code, all of which counts; None to leave it out.
        source: The folder of a package.
    """
    digest = _digest(tuple(modules), source).copy()
    if own is not None:
        for file in counted(own):
            _add(digest, f"own:{file.relative_to(own).as_posix()}", file)
    return digest.hexdigest()[:16]


@cache  # `compare` asks for every scheme, and what is imported stays as it is
def _digest(modules: Sequence[str], source: Path) -> "hashlib._Hash":
    digest = hashlib.sha256()
    for name in modules:
        module = source / f"{name}.py"
        inside = (path for path in sorted((source / name).rglob("*")) if path.suffix in SUFFIXES)
        files = [module] if module.exists() else list(inside)
        for file in files:
            _add(digest, file.relative_to(source).as_posix(), file)
    return digest


def _add(digest: "hashlib._Hash", name: str, file: Path) -> None:
    content = file.read_bytes()
    digest.update(f"{name}:{len(content)}:".encode() + content)


def provenance(
    *,
    params: object,
    data_sha: str,
    modules: Sequence[str],
    packages: Sequence[str],
    own: Path | None = None,
) -> Provenance:
    """Describe the inputs of a result.

    Args:
        params: The parameters that the result depends on, as JSON-like value.
        data_sha: Hash of the prepared data.
        modules: Sources that computed it, below `src/initsweep`, such as "engine".
        packages: Installed packages whose version matters.
        own: The folder with the user's own code, if that computed it too.

    Returns:
        The hashes, and the versions of Python and of the packages.
    """
    return Provenance(
        params_sha=fingerprint(params),
        data_sha=data_sha,
        code_sha=code_sha(modules, own),
        versions={
            "python": ".".join(platform.python_version_tuple()[:2]),  # patches change no result
            **{name: version(name) for name in packages},
        },
    )


def of_training(
    params: Params, schema: Schema, scheme: str, role: Role, *, how: bool = True
) -> Provenance:
    """Describe the inputs of a scheme's runs.

    Args:
        params: The parameters, with the network that they mean (`with_network`).
        schema: The prepared data, and what losses and scores the parameters mean for them.
        scheme: An entry of `params.initializers`.
        role: Whether its rate is tuned or confirmed.
        how: Whether engine, threads and the like count, which change last digits.

    Returns:
        The hashes, and the versions of Python and of the packages.
    """
    ours = {"model", "training"} if params.loop is None else {"loop"}
    sections = params.model_dump(mode="json", include={*ours, "runtime", role})
    sections["task"] = {key: getattr(schema, key) for key in _TASK}
    for key in PACE:
        sections["runtime"].pop(key)
    if not how:
        sections.pop("runtime")
    sections["initializer"] = params.initializer(scheme)
    if params.loop is None:
        sections["optimizer"] = params.engine_optimizer(scheme).model_dump(mode="json")
    else:
        sections["optimizer"] = params.optimizer_of(scheme)
        sections["loop"].pop("silence_limit")
    return provenance(
        params=sections,
        data_sha=schema.data_sha,
        modules=TRAINING_CODE,
        packages=("torch", "numpy"),
        own=Path(params.own_code),
    )

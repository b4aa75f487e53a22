"""Data files as nobody meant them: they are prepared, or one message says what is wrong."""

import contextlib
import copy
import gzip
import hashlib
import io
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import save
from torch import nn

from initsweep.architectures.transfer import transfer_
from initsweep.core import artifacts, user_files
from initsweep.core.errors import InitsweepError
from initsweep.core.params import Params, Transfer, parse_params
from initsweep.core.records import Schema
from initsweep.preprocessing.prepared import PreparedData
from initsweep.stages import prepare
from tests.faults.fuzzing import GIGABYTE, bounded, check_told, rounds

CASES = 30
"""Of each format in one batch."""

ROWS = 60


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A study on a machine with four gigabytes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(user_files, "usable_memory", lambda: 4 * GIGABYTE)
    (tmp_path / "raw").mkdir()
    return tmp_path


def judge(params: Params, *names: str) -> None:
    """Prepare the data, and look at what came of it."""
    try:
        with bounded():
            prepare.run(params, lambda _: None)
    except InitsweepError as error:
        check_told(error, "data.", *names)
        return
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    for split in ("train", "validation", "test"):
        features, targets = PreparedData(schema).rows(split, seed=3)
        assert features.shape == (len(targets), schema.n_features)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()
        assert np.isfinite(targets).all()
        assert schema.task == "regression" or targets.max() < len(schema.class_names)


NUMBERS = [
    0, 1, -1, 0.5, -0.0, 1e300, -1e300, 1e-300, 5e-324, 1e38, 3.5e38, 1e30, 1e20, 2 ** 31,
    2 ** 53 + 1, 2 ** 63 - 1, -(2 ** 63), 2 ** 64 - 1, np.inf, -np.inf, np.nan,
]  # fmt: skip
TYPES = [
    "f2", "f4", "f8", "f16", ">f8", ">f4", "i1", "u1", ">i2", "i4", "i8", ">i8", "u8", "?",
    "c8", "U3", "S2", "M8[D]", "m8[s]", "O", "V4",
]  # fmt: skip


SHAPES = [(-1,), (-1, 1), (1, -1), (-1, 1, 1), (1, 1, 1, 1, -1)]
SCALES = [1e300, 1e-300, 1e-200, 1e-40, 1e36, 1e18, 0]
CHANGES: list[Callable[[random.Random, np.ndarray], np.ndarray]] = [
    lambda chance, array: (
        array.astype(chance.choice(TYPES)) if array.dtype.kind in "fiu" else array
    ),
    lambda chance, array: odd_values(chance, array) if array.dtype.kind in "fiu" else array,
    lambda chance, array: array.reshape(chance.choice(SHAPES)),
    lambda chance, array: array[: chance.choice((0, 1, 5, 19))],
    lambda chance, array: np.asfortranarray(array),
    lambda chance, array: array[..., None],
    lambda chance, array: array * chance.choice(SCALES) if array.dtype.kind == "f" else array,
]


def odd_array(chance: random.Random, array: np.ndarray) -> np.ndarray:
    """Return an array of another type, shape or order, or with other values."""
    with warnings.catch_warnings(action="ignore"):
        for _ in range(chance.choice((1, 1, 2))):
            with contextlib.suppress(ValueError, TypeError, RuntimeError):  # not every type fits
                array = chance.choice(CHANGES)(chance, array)
    return array


def odd_values(chance: random.Random, array: np.ndarray) -> np.ndarray:
    """Return an array with nasty numbers in some places, or everywhere."""
    values = chance.sample(NUMBERS, chance.choice((1, 2, 3)))
    places = np.array(
        [chance.random() < chance.choice((0.02, 0.5, 1)) for _ in range(array.size)], bool
    )
    flat = array.flatten()
    if flat.size:
        drawn = np.array([chance.choice(values) for _ in range(flat.size)], object)
        if flat.dtype.kind != "f":
            drawn = np.array([v if np.isfinite(v) else 0 for v in drawn], object)
            low, high = np.iinfo(flat.dtype).min, np.iinfo(flat.dtype).max
            drawn = np.array([min(max(int(v), low), high) for v in drawn], object)
        flat[places] = drawn[places].astype(flat.dtype)
    return flat.reshape(array.shape)


def odd_bytes(chance: random.Random, content: bytes) -> bytes:
    """Return bytes of which a few are changed, left out, repeated or cut off."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3))):
        start = chance.randrange(len(changed) + 1)
        # Most formats say at their ends what is between.
        start = chance.choice(
            (
                start,
                min(start, chance.randrange(150)),
                max(0, len(changed) - 1 - chance.randrange(60)),
            )
        )
        length = chance.choice((1, 2, 8, 100))
        match chance.randrange(6):
            case 0:
                del changed[start : start + length]
            case 1:
                changed[start:start] = bytes(chance.randrange(256) for _ in range(length))
            case 2:
                changed[start : start + length] = bytes(
                    chance.randrange(256) for _ in range(length)
                )
            case 3:
                changed[start : start + 4] = struct.pack(
                    "<I", chance.choice((0, 1, 2**31 - 1, 2**32 - 1))
                )
            case 4:
                del changed[start:]
            case _:
                changed[start:start] = changed[start : start + length]
        changed = changed or bytearray(b"\0")
    return bytes(changed)


def arrays(chance: random.Random) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(chance.randrange(2**32))
    shape = chance.choice(((ROWS, 3), (ROWS, 4, 4), (ROWS, 3, 4, 4), (ROWS, 4, 4, 3)))
    features = generator.normal(size=shape)
    if chance.random() < 0.3:
        features = (features * 60).astype("i2").astype("u1")
    targets: Any = np.arange(ROWS) % 3
    return features, chance.choice(
        (targets, generator.normal(size=ROWS), np.array(["a", "b", "c"])[targets])
    )


def npy(array: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=True)
    return sink.getvalue()


def npz(chance: random.Random, **content: np.ndarray) -> bytes:
    sink = io.BytesIO()
    method = chance.choice(
        (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    )
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, array in content.items():
            part = npy(array)
            archive.writestr(
                f"{name}.npy", odd_bytes(chance, part) if chance.random() < 0.2 else part
            )
    return sink.getvalue()


def idx(array: np.ndarray) -> bytes:
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8 or array.ndim > 255:
        array = np.zeros(array.shape, "u1")
    code = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
    kind = array.dtype.str[1:]
    kind = kind if kind in code else "f8"
    with warnings.catch_warnings(action="ignore"):
        body = array.astype(f">{kind}").tobytes()
    return bytes([0, 0, code[kind], array.ndim]) + np.array(array.shape, ">u4").tobytes() + body


CELLS = [
    "", " ", "?", "NA", "nan", "inf", "-inf", "1e999", "1e38", "1e300", "1e-300", "1,5", "$5",
    "12%", "2020-01-01", '"', '""', '"a', 'a"b', '"a\nb"', "\r", "a\rb", "\0", "\ufeff",
    "\ud7ff", "名", "é", "x" * 200_000, "9" * 400, "0x10", "1_000", "+5", ".5", "5.", "--5",
    "True", "null", ",", ";", "\t", "|", "'", "\\", "#", "=1+1", "\x1a", "\x0b",
]  # fmt: skip


def odd_text(chance: random.Random, usual: str) -> bytes:
    """Return a table as text, some cells, rows or ends of it odd."""
    jobs = ["clerk", "smith", "teacher"]
    rows: list[list[str]] = [["age", "income", "job", "answer"]]
    rows += [
        [str(20 + r % 40), f"{13.5 * (r % 31)}", jobs[r % 3], "ny"[r % 2]] for r in range(ROWS)
    ]
    for _ in range(chance.choice((0, 1, 1, 3, 10))):
        row = chance.choice(rows)
        match chance.randrange(12):
            case 0:
                row.append(chance.choice(CELLS))
            case 1:
                del row[chance.randrange(len(row) + 1) :]
            case 2 | 3 | 4 | 5 | 6 | 7 if row:
                row[chance.randrange(len(row))] = chance.choice(CELLS)
            case _:
                column, cell = chance.randrange(4), chance.choice(CELLS)
                for one in rows[1:]:
                    one[column : column + 1] = [cell]
    delimiter = chance.choice((usual, usual, usual, usual, *";\t| "))
    end = chance.choice(("\n", "\n", "\r\n", "\r", "\n\n"))
    text = end.join(delimiter.join(row) for row in rows) + chance.choice(("", end, end * 3, '"'))
    return text.encode(chance.choice(("utf-8", "utf-8-sig") * 8 + ("utf-16",)))


def odd_table(chance: random.Random) -> bytes:
    """Return a Parquet file, of odd types or values."""
    rows = chance.choice((ROWS,) * 9 + (0, 1, 19))
    kinds: list[Callable[[], Any]] = [
        lambda: pa.array([r * 0.5 for r in range(rows)]),
        lambda: pa.array([r % 3 for r in range(rows)], pa.uint64()),
        lambda: pa.array([chance.choice((2**63 - 1, -(2**63), 0)) for _ in range(rows)]),
        lambda: pa.array([chance.choice((1e300, 1e-300, float("nan"), 1e30)) for _ in range(rows)]),
        lambda: pa.array(["ab"[r % 2] for r in range(rows)]),
        lambda: pa.array(["ab"[r % 2] for r in range(rows)]).dictionary_encode(),
        lambda: pa.array([b"\xff\x00"] * rows, pa.binary()),
        lambda: pa.array([None] * rows),
        lambda: pa.array([[1, 2]] * rows),
        lambda: pa.array([{"a": 1}] * rows),
        lambda: pa.array(range(rows), pa.date32()),
        lambda: pa.array(range(rows), pa.timestamp("ns")),
        lambda: pa.array([r % 7 for r in range(rows)], pa.decimal128(38, 10)),
        lambda: pa.array([10**70 + r for r in range(rows)], pa.decimal256(76, 0)),
        lambda: pa.array([r % 2 == 0 for r in range(rows)]),
        lambda: pa.array([np.float16(r) for r in range(rows)], pa.float16()),
        lambda: pa.array(
            ["x" * chance.choice((1, 10_000)) for _ in range(rows)], pa.large_string()
        ),
        lambda: pa.array(range(rows), pa.duration("s")),
        lambda: pa.array(["1,5", "2,5"] * (rows // 2) + ["3"] * (rows % 2)),
    ]
    names = ["a", "b", "c", "c" if chance.random() < 0.1 else "d", "e\n", "__index_level_0__", "é"]
    chosen = [chance.choice(kinds)() for _ in range(chance.choice((1, 2, 3)))]
    if rows and chance.random() < 0.7:
        chosen.append(pa.array([r % 2 for r in range(rows)]))
    sink = pa.BufferOutputStream()
    packing = chance.choice(("snappy", "gzip", "zstd", "none"))
    parquet.write_table(
        pa.Table.from_arrays(chosen, names[: len(chosen)]), sink, compression=packing
    )
    return sink.getvalue().to_pybytes()


def files(chance: random.Random, kind: str) -> dict[str, bytes]:
    """Return files of a format by name."""
    features, targets = arrays(chance)
    if chance.random() < 0.7:
        features = odd_array(chance, features)
    if chance.random() < 0.5:
        targets = odd_array(chance, targets)
    match kind:
        case "npy":
            return {"x.npy": npy(features), "y.npy": npy(targets)}
        case "npz":
            names = chance.choice((("features", "targets"), ("X", "y")) * 5 + (("a", "b"),))
            return {"my.npz": npz(chance, **dict(zip(names, (features, targets), strict=True)))}
        case "idx":
            return {"images": idx(features), "labels": idx(targets)}
        case "parquet":
            return {"my.parquet": odd_table(chance)}
        case _:
            return {f"my.{kind}": odd_text(chance, "\t" if kind == "tsv" else ",")}


PLAIN = {"task": "auto", "scaling": "auto"}
ODD_SETTINGS: list[dict[str, Any]] = [
    {"task": "classification"},
    {"task": "regression"},
    {"scaling": "none"},
    {"scaling": "channel"},
    {"table": {"target": 0}},
    {"table": {"target": "answer"}},
    {"table": {"target": "nowhere"}},
    {"table": {"target": 2**40}},
    {"table": {"encoding": "ordinal"}},
    {"table": {"header": True}},
    {"table": {"header": False}},
    {"table": {"delimiter": ";"}},
    {"table": {"delimiter": "\x01"}},
    {"table": {"delimiter": "'"}},
    {"table": {"drop": [0]}},
    {"table": {"drop": ["income", 1]}},
    {"table": {"categorical": [0, 1]}},
    {"table": {"missing": ["-", "clerk"]}},
    {"table": {"missing": "empty"}},
    {"table": {"quote": "none"}},
    {"table": {"quote": "'"}},
    {"table": {"decimal": ","}},
    {"table": {"drop_missing_target": True}},
    {"table": {"split_column": "job"}},
    {"table": {"test_file": "raw/test"}},
]


def settings_of(chance: random.Random, default: dict[str, Any], source: str) -> Params:
    """Return parameters that name the data, most often plain ones."""
    content = copy.deepcopy(default)
    odd = chance.choice(ODD_SETTINGS) if chance.random() < 0.3 else {}
    table = content["data"]["table"] | odd.get("table", {})
    content["data"] |= {**PLAIN, **odd, "table": table, "source": source, "watch": "raw"}
    return parse_params(content)


@pytest.mark.parametrize("kind", ["npy", "npz", "idx", "csv", "tsv", "parquet"])
@pytest.mark.parametrize("chance", rounds("data", 1))
def test_odd_data(here, default_content, chance, kind):
    packed = 0.2 if kind in {"csv", "tsv", "idx"} else 0.02
    for _ in range(CASES):
        content = files(chance, kind)
        (here / "raw/test").write_bytes(next(iter(content.values())))
        for name in content:
            if chance.random() < packed:
                content[name] = gzip.compress(content[name], 1)
            if chance.random() < 0.25:
                content[name] = odd_bytes(chance, content[name])
            (here / "raw" / name).write_bytes(content[name])
        places = [f"raw/{name}" for name in content]
        params = settings_of(chance, default_content, f"{kind}:{','.join(places)}")
        try:
            judge(params, *places)
        except BaseException as error:
            error.add_note(str(params.data))
            raise


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(3, 4), nn.Linear(4, 2)
        self.norm = nn.BatchNorm1d(4)


@pytest.mark.parametrize("chance", rounds("weights", 1))
def test_odd_weights(here, chance):
    kinds = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool]
    for _ in range(CASES):
        state = {name: value.clone() for name, value in Small().state_dict().items()}
        name = chance.choice(list(state))
        match chance.randrange(5):
            case 0:
                state[name] = state[name].to(chance.choice(kinds))
            case 1:
                del state[name]
            case 2:
                state[name] = torch.zeros(chance.choice([(0,), (1,), (4, 3, 2), ()]))
            case 3:
                state[chance.choice(("stem", "", "head.x", "é", "a.b\n"))] = torch.ones(2)
            case _:
                state[name] = state[name] * chance.choice((1.0, float("nan"), float("inf"), 1e38))
        content = save(state)
        content = odd_bytes(chance, content) if chance.random() < 0.6 else content
        (here / "w.safetensors").write_bytes(content)
        settings = Transfer(
            pretrained="w.safetensors",
            sha256=hashlib.sha256(content).hexdigest(),
            head="head",
            frozen=("body.*",),
        )
        network = Small()
        try:
            with bounded():
                transfer_(network, settings)
        except InitsweepError as error:
            check_told(error, "model.transfer")
        else:
            assert all(value.isfinite().all() for value in network.state_dict().values())

import gzip
import pickle
import struct

import numpy as np
import pytest

from initsweep.core.errors import DataError
from initsweep.datasets.loading import load, prepare
from initsweep.datasets.numpy_files import load_array

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (60, 6, 5), dtype=np.uint8)
LABELS = (np.arange(60) % 3).astype(np.uint8)


def idx(array: np.ndarray) -> bytes:
    kinds = {"u1": 8, "i4": 12, "f4": 13}
    head = bytes([0, 0, kinds[array.dtype.str[1:]], array.ndim])
    sizes = np.array(array.shape, ">u4").tobytes()
    return head + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def saved(tmp_path, name: str, array: np.ndarray) -> str:
    np.save(tmp_path / name, array)
    return str(tmp_path / name)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("images", [IMAGES, IMAGES.astype("<i4") * 1000, IMAGES.astype("<f4") / 7])
def test_idx_files_of_any_type_plain_or_packed(written, settings, pack, images):
    paths = [written(pack(idx(a)), n) for a, n in ((images, "images"), (LABELS, "labels"))]
    dataset = load(settings(f"idx:{paths[0]},{paths[1]}"))
    assert np.array_equal(dataset.features, images.reshape(60, 30))
    assert dataset.targets.tolist() == LABELS.tolist()
    assert dataset.shape == (1, 6, 5)
    assert dataset.class_names == ("0", "1", "2")


def test_four_idx_files_give_a_test_set(written, settings):
    paths = [written(idx(a), f"f{i}") for i, a in enumerate((IMAGES, LABELS) * 2)]
    _, prepared = prepare(settings("idx:" + ",".join(map(str, paths))))
    assert prepared.rows["test"].tolist() == list(range(60, 120))
    assert len(prepared.rows["validation"]) == 12


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (idx(IMAGES)[:-5], "should have 1816 bytes"),
        (idx(IMAGES) + b"x", "should have 1816 bytes .* and has 1817"),
        (b"\x89PNG rest", "is not an IDX file: it begins with 89 50 4e 47"),
        (gzip.compress(idx(IMAGES), mtime=0)[:-9], "cannot be read"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
    ],
)
def test_files_that_are_no_idx(written, settings, content, expected):
    paths = written(content, "images"), written(idx(LABELS), "labels")
    with pytest.raises(DataError, match=expected):
        load(settings(f"idx:{paths[0]},{paths[1]}"))


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((60, 4), ()),
        ((60, 6, 5), (1, 6, 5)),
        ((60, 3, 6, 5), (3, 6, 5)),
        ((60, 6, 5, 3), (3, 6, 5)),
        ((60, 1, 6, 4), (1, 6, 4)),
    ],
)
def test_the_shape_is_inferred(tmp_path, settings, shape, found):
    array = GENERATOR.normal(size=shape)
    files = saved(tmp_path, "X.npy", array), saved(tmp_path, "y.npy", LABELS)
    dataset = load(settings(f"npy:{files[0]},{files[1]}"))
    assert dataset.shape == found
    moved = np.moveaxis(array, -1, 1) if shape == (60, 6, 5, 3) else array
    assert np.array_equal(dataset.features, moved.reshape(60, -1))
    assert dataset.scaling == ("channel" if found else "feature")


def test_images_are_scaled_per_channel(tmp_path, settings):
    array = GENERATOR.normal([[[[3.0]], [[-5.0]]]], [[[[1.0]], [[4.0]]]], (60, 2, 6, 5))
    files = saved(tmp_path, "X.npy", array), saved(tmp_path, "y.npy", LABELS)
    source = f"npy:{files[0]},{files[1]}"
    _, prepared = prepare(settings(source))
    train = prepared.features["train"].reshape(-1, 2, 30)
    assert np.allclose(train.mean(axis=(0, 2)), 0, atol=1e-6)
    assert np.allclose(train.std(axis=(0, 2)), 1, atol=1e-6)
    assert train.mean(axis=0).std() > 0.01  # pixels keep their own means
    assert len(set(prepared.preprocessing.mean)) == 2
    _, by_pixel = prepare(settings(source, scaling="feature"))
    assert np.allclose(by_pixel.features["train"].mean(axis=0), 0, atol=1e-6)
    _, raw = prepare(settings(source, scaling="none"))
    rows = raw.rows["train"]
    assert np.array_equal(raw.features["train"], array.reshape(60, -1)[rows].astype(np.float32))


def test_scaling_by_channel_is_for_images(settings):
    with pytest.raises(DataError, match=r"data\.scaling: channel is for images, and wine has none"):
        load(settings("wine", scaling="channel"))


@pytest.mark.parametrize("names", [("features", "targets"), ("X", "y"), ("images", "labels")])
def test_npz_arrays_by_their_usual_names(tmp_path, settings, names):
    words = np.array(["cat", "dog", "eel"])[LABELS]
    np.savez(tmp_path / "a.npz", **dict(zip(names, (IMAGES, words), strict=True)))
    dataset = load(settings(f"npz:{tmp_path / 'a.npz'}"))
    assert dataset.class_names == ("cat", "dog", "eel")
    assert dataset.targets.tolist() == LABELS.tolist()


def test_npz_with_a_test_set(tmp_path, settings):
    arrays = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:9], "y_test": LABELS[:9]}
    np.savez(tmp_path / "mnist.npz", **arrays)
    _, prepared = prepare(settings(f"npz:{tmp_path / 'mnist.npz'}"))
    assert prepared.rows["test"].tolist() == list(range(60, 69))


class Dangerous:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_pickles_are_refused_unread(tmp_path, settings):
    np.save(tmp_path / "X.npy", np.array([Dangerous()], dtype=object), allow_pickle=True)
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Dangerous()))
    np.savez(tmp_path / "a.npz", features=np.array([Dangerous()], dtype=object), targets=LABELS)
    y = saved(tmp_path, "y.npy", LABELS)
    for source in (
        f"npy:{tmp_path}/X.npy,{y}",
        f"npz:{tmp_path}/a.npz",
        f"npy:{tmp_path}/raw.npy,{y}",
    ):
        with pytest.raises(DataError, match=r"pickled Python objects, .* refused"):
            load(settings(source))


@pytest.mark.parametrize(
    ("features", "targets", "expected"),
    [
        (IMAGES, LABELS[:9], r"60 rows of features, but targets of shape \(9,\)"),
        (LABELS, LABELS, r"features of shape \(60,\)"),
        (IMAGES.astype(str), LABELS, "features must be numbers"),
        (IMAGES, LABELS * 1j, "targets must be numbers or text"),
        (IMAGES, np.where(LABELS == 1, np.nan, LABELS), "the target of row 1 .* is nan"),
        (np.zeros((3, 200_001)), LABELS[:3], "has 200001 columns"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, settings, features, targets, expected):
    files = saved(tmp_path, "X.npy", features), saved(tmp_path, "y.npy", targets)
    with pytest.raises(DataError, match=expected):
        load(settings(f"npy:{files[0]},{files[1]}"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_cell_that_is_no_number(tmp_path, settings, value):
    array = GENERATOR.normal(size=(60, 4))
    array[7, 2] = value
    files = saved(tmp_path, "X.npy", array), saved(tmp_path, "y.npy", LABELS)
    with pytest.raises(DataError, match=f"X.npy.*'feature_2' is {value} in row 7"):
        prepare(settings(f"npy:{files[0]},{files[1]}"))


def test_the_wrong_kind_of_numpy_file(tmp_path, settings):
    path = saved(tmp_path, "X.npy", IMAGES)
    with pytest.raises(DataError, match="holds one array"):
        load(settings(f"npz:{path}"))
    np.savez(tmp_path / "a.npz", foo=IMAGES)
    with pytest.raises(DataError, match=r"no array called features, .* it has foo"):
        load(settings(f"npz:{tmp_path / 'a.npz'}"))
    with pytest.raises(DataError, match=r"holds several arrays"):
        load(settings(f"npy:{tmp_path / 'a.npz'},{path}"))


def test_numpy_is_heard_outside_of_commands_and_never_by_a_filter_of_ours(tmp_path):
    file, header = tmp_path / "x.npy", b"{'descr': '<f8', 'fortran_order': False, 'shape': (3L,)}\n"
    file.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(24))
    with pytest.warns(UserWarning, match="created on Python 2"):
        assert load_array(file).tolist() == [0, 0, 0]

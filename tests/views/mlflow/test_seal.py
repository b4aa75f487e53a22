import pytest

from initsweep.core.errors import TrackingError
from initsweep.views.mlflow import is_sealed, publish
from tests.views.mlflow.synthetic_study import NAMES, make_params, make_study

STUDY = make_study(NAMES)


def test_what_was_published_is_sealed_until_the_content_changes(published):
    publish(STUDY, published.params, published.root, "content")
    assert is_sealed("content", published.params, published.root)
    assert not is_sealed("other content", published.params, published.root)


def test_any_change_of_the_database_breaks_the_seal(published):
    publish(STUDY, published.params, published.root, "content")
    published.client().delete_run(published.by_name()["he_normal"].info.run_id)
    assert not is_sealed("content", published.params, published.root)
    publish(STUDY, published.params, published.root, "content")
    assert is_sealed("content", published.params, published.root)


def test_another_or_no_database_is_not_sealed(published):
    publish(STUDY, published.params, published.root, "content")
    assert not is_sealed("content", make_params(uri="sqlite:///other.db"), published.root)
    assert not is_sealed("content", make_params(uri="http://host"), published.root)
    (published.root / "mlflow.db").unlink()
    assert not is_sealed("content", published.params, published.root)


def test_a_database_in_write_ahead_mode_is_looked_into_every_time(published):
    publish(STUDY, published.params, published.root, "content")
    (published.root / "mlflow.db-wal").write_bytes(b"")
    assert not is_sealed("content", published.params, published.root)


def test_an_interrupted_publication_is_not_sealed(published, monkeypatch):
    other = make_study(NAMES, epochs=4)
    monkeypatch.setattr("initsweep.views.mlflow.passes.PASSES", 1)
    with pytest.raises(TrackingError):
        publish(other, published.params, published.root, "content")
    assert not is_sealed("content", published.params, published.root)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{}", b"[]", b"null", b'{"content": "content", "folders": 3}'],
)
def test_a_damaged_seal_is_no_seal(content, published):
    seal = published.root / "mlflow.db.published"
    publish(STUDY, published.params, published.root, "content")
    seal.write_bytes(content)
    assert not is_sealed("content", published.params, published.root)
    publish(STUDY, published.params, published.root, "content")
    assert is_sealed("content", published.params, published.root)


def test_looking_at_the_seal_writes_nothing(published):
    publish(STUDY, published.params, published.root, "content")
    (published.root / "mlflow.db.lock").unlink()
    before = {path: path.stat() for path in published.root.rglob("*")}
    assert is_sealed("content", published.params, published.root)
    after = {path: path.stat() for path in published.root.rglob("*")}
    assert {path: stat.st_mtime_ns for path, stat in after.items()} == {
        path: stat.st_mtime_ns for path, stat in before.items()
    }


def test_a_seal_that_cannot_be_written_or_read_stops_nobody(published):
    seal = published.root / "mlflow.db.published"
    seal.mkdir()
    publish(STUDY, published.params, published.root, "content")
    assert not is_sealed("content", published.params, published.root)
    assert [path for path in published.root.iterdir() if path.name.endswith(".partial")] == []

"""No password, in whatever form, gets out."""

import pytest

from initsweep.views.mlflow.location import address_setting, locate
from initsweep.views.mlflow.passwords import hide, hide_all
from tests.views.mlflow.synthetic_study import make_params


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://me:secret@db/runs", "postgresql://***@db/runs"),
        ("postgresql://me:p@ss@db:5432/runs", "postgresql://***@db:5432/runs"),
        ("postgresql://me:p/ss w@db/runs", "postgresql://***@db/runs"),
        ("mysql+pymysql://me:p%40ss%2F@db/runs", "mysql+pymysql://***@db/runs"),
        ("https://t0ken@host", "https://***@host"),
        ("postgresql:/me:secret@db", "postgresql:/***@db"),
        ("postgresql://db/runs?user=me&password=p&sslmode=no", "postgresql://db/runs?user=me&password=***&sslmode=no"),
        ("mssql+pyodbc://?odbc_connect=DRIVER%3D1%3BPWD%3Dp", "mssql+pyodbc://?odbc_connect=***"),
        ("http://host/?API_TOKEN=abc", "http://host/?API_TOKEN=***"),
        ("http://host:5000", "http://host:5000"),
        ("sqlite:////home/me@work/mlflow.db", "sqlite:////home/me@work/mlflow.db"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_what_gives_access(uri, shown):
    assert hide(uri) == shown


def test_what_a_driver_says_is_shown_without_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "ey.tok3n")
    said = (
        "could not reach postgresql://me:s3c@ret@db/runs (host 'ret', 'ret@db', password "
        "s3c@ret, Bearer ey.tok3n), nor http://a:b@host, nor sqlite:////home/me@work/x.db"
    )
    assert hide_all(said, "postgresql://me:s3c@ret@db/runs") == (
        "could not reach postgresql://***@db/runs (host '***', '***@db', password "
        "***, Bearer ***), nor http://***@host, nor sqlite:////home/me@work/x.db"
    )


def test_the_address_for_a_command_is_quoted_absolute_and_asks_for_the_password(
    tmp_path, monkeypatch
):
    assert address_setting(make_params(), tmp_path / "my study; rm") == (
        f"MLFLOW_TRACKING_URI='sqlite:///{tmp_path}/my study; rm/mlflow.db'"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@host/?a=1&token=secret")
    assert address_setting(make_params(), tmp_path) == (
        "MLFLOW_TRACKING_URI='https://USER:PASSWORD@host/?a=1&token=PASSWORD'"
    )
    assert "secret" not in locate(make_params(), tmp_path).shown

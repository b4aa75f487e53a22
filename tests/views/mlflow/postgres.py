"""A PostgreSQL server of this machine, for tests: on loopback, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.views.mlflow.processes import NOBODY, PATIENCE, free_port

USER, PASSWORD = "ann", "s3cr3t-w0rd"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")


def programs() -> Path:
    """Return the folder with the server's programs, or skip what needs them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    if not found and named is None:
        pytest.skip("no PostgreSQL server here (Debian: apt-get install postgresql)")
    return Path(named or found[-1]).resolve().parent


class Postgres:
    """A server in a folder, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._bin, self._folder, self.port = programs(), folder, free_port()
        # It refuses to be root.
        self._as = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        if self._as:
            os.chown(folder, NOBODY, NOBODY)
        words = folder / "words"
        words.write_text(PASSWORD)
        words.chmod(0o644)
        options = ["-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile", "words"]
        locale = ["--no-locale", "-E", "UTF8", "--no-sync"]
        self._run("initdb", *options, *locale).check_returncode()
        self.start()

    def uri(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        settings = [*_FAST, "listen_addresses=127.0.0.1", "unix_socket_directories="]
        more = [word for setting in settings for word in ("-c", setting)]
        command = [self._bin / "postgres", "-D", "data", "-p", str(self.port), *more]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )
        end = time.monotonic() + PATIENCE
        while self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)).returncode:
            if self._process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"no PostgreSQL:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End at once whatever it is doing, as a machine that is started again."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)

    def create(self, database: str, template: str = "template1") -> str:
        """Make a database.

        Returns:
            Its URI.
        """
        import psycopg

        with psycopg.connect(self.uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.uri(database)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self._bin / program, *arguments],
            cwd=self._folder,
            capture_output=True,
            check=False,
            **self._as,
        )


@contextmanager
def running() -> Iterator[Postgres]:
    """Run a server until the block ends."""
    with tempfile.TemporaryDirectory(prefix="initsweep-postgres-") as folder:
        server = Postgres(Path(folder))
        try:
            yield server
        finally:
            server.stop()

"""The documentation builds, has a page for every public name, and needs no network."""

import os
import re
import subprocess
import sys

import pytest

import initsweep
from tests.conftest import ROOT


def build(config, site):
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", site],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built with every warning an error: a link that leads nowhere is one."""
    folder = tmp_path_factory.mktemp("site")
    done = build("mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path):
    hook = "def on_page_markdown(text, **_):\n    return text + '[x](nowhere.md) [y](#nowhere)'\n"
    (tmp_path / "hook.py").write_text(hook)
    config = tmp_path / "mkdocs.yml"
    hooks = f"[{ROOT / 'docs/pages.py'}, {tmp_path / 'hook.py'}]"
    config.write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: {ROOT / 'docs'}\nhooks: {hooks}\n"
    )
    done = build(config, tmp_path / "site")
    assert done.returncode == 1
    assert "contains a link 'nowhere.md'" in done.stderr
    assert "contains a link '#nowhere'" in done.stderr


def test_every_public_name_has_a_page_with_an_example(site):
    pages = {file.stem: file.read_text("utf-8") for file in site.glob("docs/api/*.html")}
    assert set(pages) == {*initsweep.__all__, "index"}
    del pages["index"]
    for name, page in pages.items():
        assert re.search(rf'<h1 id="initsweep\.[\w.]*{name}"', page), name
        assert "&gt;&gt;&gt;" in page, name


def test_every_page_of_the_repository_is_there(site):
    for page in ROOT.glob("docs/**/*.md"):
        assert (site / page.relative_to(ROOT).with_suffix(".html")).is_file()
    assert "<table>" in (site / "index.html").read_text("utf-8")


def test_the_pages_can_be_read_without_a_network(site):
    fetched = r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//"
    pages = [*site.rglob("*.html")]
    assert pages
    assert not [page for page in pages if re.search(fetched, page.read_text("utf-8"))]

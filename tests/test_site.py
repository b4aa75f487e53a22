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


ONE_PAGE = """
import sys
sys.path.insert(0, {!r})
import pages
from pages import on_files
pages.PAGES, pages.NAMES = ("decisions/README.md",), []
pages._found = lambda pattern: [pattern] if pattern in pages.PAGES else []

def on_page_markdown(text, **given):
    return pages.on_page_markdown(text, **given) + "[x](nowhere.md) [y](#nowhere)"
"""


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path):
    (tmp_path / "hook.py").write_text(ONE_PAGE.format(str(ROOT / "docs")))
    config, hook = tmp_path / "mkdocs.yml", tmp_path / "hook.py"
    config.write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: {ROOT / 'docs'}\n"
        f'nav: []\nnot_in_nav: "*"\nhooks: [{hook}]\n'
    )
    done = build(config, tmp_path / "site")
    assert done.returncode == 1
    assert "contains a link 'nowhere.md'" in done.stderr
    assert "contains a link '#nowhere'" in done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    assert not [line for line in warnings if "nowhere" not in line]  # these are what stops it


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

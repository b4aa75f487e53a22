"""Says to mkdocs which pages the site has: the repository's own, where they lie, and the API's.

As the site is laid out like the repository, a link that works in one works in the other, and a
build with `--strict` finds those that do not.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import initsweep

ROOT = Path(__file__).parent.parent
PAGES = ("*.md", "docs/**/*.md", "examples/*.md", "examples/*/README.md", "*/README.md")
SHOWN = ("docs/img/*.png", "examples/*/packet/*", "examples/github-actions/*")
API = "docs/api"


def _title(page: Path) -> str:
    return page.read_text("utf-8").partition("\n")[0].lstrip("# ")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Return the settings with decisions and public names in the menu, as they are found."""
    found = sorted(ROOT.glob("docs/adr/*.md"))
    decisions = [{_title(page): page.relative_to(ROOT).as_posix()} for page in found]
    names = [{name: f"{API}/{name}.md"} for name in sorted(initsweep.__all__, key=str.lower)]
    config.nav = [*(config.nav or []), {"Decisions": decisions}, {"Python": names}]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Return the repository's pages, each where it lies, beside what the theme brings."""
    kept = [one for one in files if one.src_dir != config.docs_dir]
    for pattern in (*PAGES, *SHOWN):
        for path in sorted(ROOT.glob(pattern)):
            where = path.relative_to(ROOT).as_posix()
            kept.append(File.generated(config, where, abs_src_path=str(path)))
    for name in initsweep.__all__:
        text = f"::: initsweep.{name}\n"
        kept.append(File.generated(config, f"{API}/{name}.md", content=text))
    return Files(kept)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return the text with links to a folder leading to its README, as on a forge."""
    return re.sub(r"(\]\([\w./-]+/)\)", r"\1README.md)", markdown)

"""Says to mkdocs which pages the site has: the repository's own, where they lie, and the API's.

As the site is laid out like the repository, a link that works in one works in the other, and a
build with `--strict` finds those that do not.
"""

import re
from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import initsweep

ROOT = Path(__file__).parent.parent
PAGES = ("*.md", "docs/**/*.md", "examples/**/*.md", "own/*.md", "decisions/*.md")
FILES = ("docs/*.css", "docs/img/*", "examples/**/packet/*.[jp]*", "examples/*/*.yml")
NAMES = sorted(initsweep.__all__, key=str.lower)
SOURCES = griffe.load("initsweep", search_paths=[ROOT / "src"], resolve_aliases=True)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Return the settings with what is found by its place in the menu."""
    sections = {
        "Examples": [
            "examples/README.md",
            *_found("examples/*/README.md"),
        ],
        "Design decisions": ["docs/adr/README.md", *_found("docs/adr/*.md")],
        "Python": ["docs/api/README.md", *({name: f"docs/api/{name}.md"} for name in NAMES)],
    }
    config.nav = [*(config.nav or []), *({title: part} for title, part in sections.items())]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Return the repository's pages, each where it lies, beside what the theme brings."""
    made = {f"docs/api/{name}.md": f"::: initsweep.{name}\n" for name in NAMES}
    names = [f"[{name}]({name}.md): {_summary(name)}" for name in NAMES]
    decisions = [f"[{_title(path)}]({Path(path).name})" for path in _found("docs/adr/*.md")]
    made["docs/api/README.md"] = "\n- ".join(["# Python\n", *names])
    made["docs/adr/README.md"] = "\n- ".join(["# Design decisions\n", *decisions])
    return Files(
        [
            *(one for one in files if one.src_dir != config.docs_dir),
            *(
                File.generated(config, path, abs_src_path=str(ROOT / path))
                for pattern in (*PAGES, *FILES)
                for path in _found(pattern)
            ),
            *(File.generated(config, path, content=text) for path, text in made.items()),
        ]
    )


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Return the text with links to a folder leading to its README, as on a forge.

    Of the figures of a packet the repository keeps one, as a bitmap.
    """
    if page.file.src_uri.endswith("packet/review.md"):
        markdown = markdown.replace("(figures/lr_overlay.svg)", "(lr_overlay.png)")
        markdown = markdown.replace("<details>", "<details markdown>")  # with Markdown inside
        markdown = re.sub(r"!\[[^]]*\]\(figures/.*?\)\n", "", markdown)
    return re.sub(r"(\]\([\w./-]+/)\)", r"\1README.md)", markdown)


def _found(pattern: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))


def _title(path: str) -> str:
    return (ROOT / path).read_text("utf-8").partition("\n")[0].removeprefix("# ")


def _summary(name: str) -> str:
    docstring = SOURCES[name].docstring
    return docstring.value.partition("\n")[0] if docstring else ""

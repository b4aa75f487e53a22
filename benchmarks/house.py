"""The house in figures: rooms, floors, arrows between rooms, circles, names used twice, lines.

    python -m benchmarks.house --arrows   # and every arrow, with how many imports it stands for
    python -m benchmarks.house            # tiny

A *room* is a folder or a loose file directly under a package; an *arrow* leads from a room to
another one that it imports (what is imported for types alone counts too); a *floor* is a step of
the longest chain of arrows; rooms that import each other in a *circle* count as one step.
"""

import argparse
import re
from collections import Counter, defaultdict

import grimp
import networkx

from benchmarks.common import ROOT, parser_of

SOURCES = ROOT / "src"
PACKAGES = ("initsweep", "initclaims")
NO_ROOMS = {"__init__", "__main__"}


def main() -> None:
    """Print the figures of each package that there is."""
    arrows_too = parser().parse_args().arrows
    for package in PACKAGES:
        if (SOURCES / package).is_dir():
            report(package, arrows_too=arrows_too)


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    made = parser_of(__doc__)
    made.add_argument("--arrows", action="store_true", help="list them")
    return made


def report(package: str, *, arrows_too: bool) -> None:
    """Print what one package looks like."""
    rooms, arrows = measured(package)
    graph = networkx.DiGraph(list(arrows))
    graph.add_nodes_from(rooms)
    circles = [sorted(c) for c in networkx.strongly_connected_components(graph) if len(c) > 1]
    floors = networkx.dag_longest_path_length(networkx.condensation(graph)) + 1
    loose = sorted(room for room in rooms if (SOURCES / package / f"{room}.py").exists())
    files = sorted((SOURCES / package).rglob("*.py"))
    lines = sum(len(file.read_text("utf-8").splitlines()) for file in files)
    twice = [name for name, count in Counter(f.name for f in files).items() if count > 1]
    print(f"{package}: {len(rooms)} rooms, {floors} floors, {len(arrows)} arrows, ", end="")
    print(f"{len(circles)} circles, {len(loose)} loose files, {len(files)} files, {lines} lines")
    print("  rooms:", ", ".join(sorted(rooms)))
    print("  loose:", ", ".join(loose) or "none")
    print("  circles:", "; ".join(" <-> ".join(circle) for circle in circles) or "none")
    print("  names twice:", ", ".join(sorted(set(twice) - {"__init__.py"})) or "none")
    for (above, below), count in sorted(arrows.items()) if arrows_too else ():
        print(f"  {above} -> {below}  {count}")


def measured(package: str) -> tuple[set[str], dict[tuple[str, str], int]]:
    """Return the rooms of a package, and for each arrow how many imports it stands for."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=False, cache_dir=None)
    arrows: dict[tuple[str, str], int] = defaultdict(int)
    rooms = {room_of(module) for module in graph.modules} - {""}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = room_of(module), room_of(imported)
            if all(pair) and pair[0] != pair[1]:
                arrows[pair] += 1
    return rooms, dict(arrows)


def room_of(module: str) -> str:
    """Return the room that a module lies in; none for the package itself and its start."""
    found = re.match(r"\w+\.(\w+)", module)
    return found.group(1) if found and found.group(1) not in NO_ROOMS else ""


if __name__ == "__main__":
    main()

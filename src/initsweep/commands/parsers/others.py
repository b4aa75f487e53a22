"""Commands of other packages: what stands under the entry points `initsweep.commands`."""

from importlib.metadata import EntryPoint, entry_points

import initsweep
from initsweep.commands.parsers.parser import Command

GROUP = "initsweep.commands"


def commands() -> dict[str, Command]:
    """Return them by name; a source tree has its own, whatever is installed beside it."""
    tree = initsweep.project_of_the_tree().get("entry-points", {}).get(GROUP, {})
    ours = [EntryPoint(name, value, GROUP) for name, value in tree.items()]
    found = {one.name: one for one in [*entry_points(group=GROUP), *ours]}
    return {name: found[name].load() for name in sorted(found)}

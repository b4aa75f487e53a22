"""The sections of the review packet, one file each, found by themselves.

A file registers one function of the study that returns a `Section`, or None where it does not
apply. Its `place` says where it stands between the others.
"""

from dataclasses import replace

from initsweep.core.results import Results
from initsweep.views.packet.document import SECTIONS, Section


def sections_of(study: Results) -> list[Section]:
    """Return all sections that have something to say about a study, in order."""
    made = ((name, section(study)) for name, section in SECTIONS)
    found = [replace(section, name=name) for name, section in made if section is not None]
    return sorted(found, key=lambda section: (section.place, section.name))

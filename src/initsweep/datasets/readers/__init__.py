"""What `data.source` can name besides a data set: `FORMAT:LOCATION`, one file per family.

A reader takes what stands behind the colon and the parameters, and returns a `Dataset`. It reads
local files only; what must be downloaded first is fetched by `initsweep fetch`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from initsweep.core.params import Data
from initsweep.core.registry import Registry
from initsweep.datasets import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How one kind of source is read.

    Attributes:
        form: What is written behind the colon, for messages ("FEATURES,TARGETS").
        summary: What it is, in one sentence.
        read: Returns the data.
        files: The local files that a location stands for.
    """

    form: str = "FILE"
    summary: str
    read: Callable[[str, Data], Dataset]
    files: Callable[[str], list[Path]] = lambda location: [Path(location)]


READERS: Registry[Reader] = Registry("file format", __name__)

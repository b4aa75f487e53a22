"""`initsweep list KIND`: what can be named in params.yaml."""

import importlib
import sys


def listing(kind: str) -> str:
    """Return all names of a kind with what each is, one a line."""
    if kind == "engines":
        from initsweep.engine.kernels.library import describe_engines

        return describe_engines()
    registry = getattr(importlib.import_module(f"initsweep.{kind}"), kind.upper())
    rows = {name: _summary(entry) for name, entry in registry}
    if kind == "datasets":
        from initsweep.datasets.readers import READERS

        rows |= {f"{name}:{reader.form}": reader.summary for name, reader in READERS}
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {summary}" for name, summary in rows.items())


def _summary(entry: object) -> str:
    """Return an entry's own summary, or the first line of the file it lives in."""
    if isinstance(own := getattr(entry, "summary", None), str):
        return own
    function = getattr(entry, "function", entry)
    return (sys.modules[function.__module__].__doc__ or "").partition("\n")[0]

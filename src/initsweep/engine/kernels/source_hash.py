"""The kernels' sources, hashed, so that a build of others is never taken for one of these."""

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent


def source_files() -> list[Path]:
    """Return the C++ files in a fixed order."""
    return sorted([*FOLDER.glob("*.cpp"), *FOLDER.glob("*.hpp")])


def sources_sha() -> str:
    """Return a short SHA-256 over all of them."""
    digest = hashlib.sha256()
    for file in source_files():
        content = file.read_bytes()
        digest.update(f"{file.name}:{len(content)}:".encode() + content)
    return digest.hexdigest()[:16]

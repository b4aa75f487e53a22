"""Builds the engine's kernels, once per kind of processor, where a C++ compiler is found.

Everything else about the package stands in pyproject.toml. Without a compiler the package
installs all the same, and trains on the path that needs none.
"""

import platform
import runpy
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FOLDER = "src/initsweep/engine/kernels"
SOURCES = runpy.run_path(f"{FOLDER}/source_hash.py")
FLAGS = ["-std=c++17", "-O3", "-fno-math-errno", "-fvisibility=hidden", "-Wno-psabi", "-g0"]
FLAGS += ["-ffp-contract=off"]  # bits must not follow what a compiler likes to fuse
X86 = {
    "avx512": ["-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mavx2", "-mfma"],
    "avx2": ["-mavx2", "-mfma"],
}


class BuildKernels(build_ext):
    """Goes on without kernels where they cannot be built, and says so in one line."""

    def run(self) -> None:
        """Build what can be built."""
        self.failures: list[str] = []
        self.parallel = True  # a build takes five seconds
        super().run()
        if self.failures:
            print(f"initsweep: kernels not built: {'; '.join(self.failures)}", file=sys.stderr)

    def build_extension(self, ext: Extension) -> None:
        """Build for one kind of processor; the loader takes the best that is there."""
        try:
            super().build_extension(ext)
        except Exception as error:  # noqa: BLE001 - a missing compiler raises many things
            self.failures.append(f"{ext.name.rpartition('.')[2]} ({error})")


def kernels(build: str, flags: list[str]) -> Extension:
    """Return the kernels compiled with these flags, as `_<build>.so`."""
    return Extension(
        f"initsweep.engine.kernels._{build}",
        sources=[f"{FOLDER}/kernels.cpp"],
        depends=[str(path) for path in SOURCES["source_files"]()],
        define_macros=[("SOURCES_SHA", f'"{SOURCES["sources_sha"]()}"')],
        extra_compile_args=FLAGS + flags,
        language="c++",
        optional=True,
    )


fast = X86 if platform.machine() in ("x86_64", "AMD64") else {}
setup(
    cmdclass={"build_ext": BuildKernels},
    ext_modules=[kernels(build, flags) for build, flags in {**fast, "portable": []}.items()],
)

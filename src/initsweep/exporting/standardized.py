"""By what a study standardized its inputs and targets, as source that does it to raw ones."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from initsweep.core.errors import few
from initsweep.exporting.quoting import literal, source_list
from initsweep.exporting.template import INPUTS, NUMBERS, TARGETS, WIDTH
from initsweep.preprocessing.transform import Preprocessing

MOST_INLINE = 32
"""Inputs whose numbers stand in the source; those of more are read from the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardized:
    """By what inputs and targets were standardized.

    Attributes:
        preprocessing: What turns raw columns into inputs.
        target: Mean and scale of regression targets, None where there are classes.
        rows: Of which rows means and scales are, such as "training".
        file: Source of the path at which `preprocessing` lies as JSON.
    """

    preprocessing: Preprocessing
    target: tuple[float, float] | None
    rows: str
    file: str

    @property
    def what(self) -> list[str]:
        """What is standardized, "inputs" and "targets"; the source has a function for each."""
        return ["inputs"] * self._scales + ["targets"] * (self.target is not None)

    @property
    def reads(self) -> bool:
        """Whether the source reads the file."""
        return self._scales and len(self.preprocessing.mean) > MOST_INLINE

    @property
    def refers(self) -> bool:
        """Whether the source reads the file or sends its reader there."""
        return self.reads or self._encodes

    def text(self) -> str:
        """Return the source: numbers, and functions from raw to standardized and back."""
        parts = [_commented(one) for one in self._about()]
        functions = NUMBERS if self._scales or self.target is not None else ""
        if self.refers:
            parts.append(f"FILE = {self.file}")
        if self._scales:
            parts += self._inputs()
            functions += INPUTS
        if self.target is not None:
            mean, scale = self.target
            parts.append(f"TARGET_MEAN, TARGET_SCALE = {mean!r}, {scale!r}")
            functions += TARGETS
        return "\n".join(["", *parts, functions, ""])

    @property
    def _scales(self) -> bool:
        fitted = self.preprocessing
        return any(fitted.mean) or any(one != 1 for one in fitted.scale)

    @property
    def _encodes(self) -> bool:
        return bool(self.preprocessing.indicators or self.preprocessing.categorical)

    def _about(self) -> Iterator[str]:
        """Yield what is to be known of inputs and targets.

        Yields:
            A paragraph each.
        """
        if self.what:
            yield (
                f"These weights, and rates tuned for them, are for {' and '.join(self.what)} "
                f"standardized by the means and standard deviations of the study's {self.rows} "
                "rows. On raw ones training may diverge at once."
            )
        if not self._scales:
            yield "Inputs go in as they are (`data.scaling: none`)."
        if self._encodes:
            yield (
                f"Before that, {self._encoding()}. This does all of it for raw columns, as does "
                "the model that `initsweep promote` registers:"
            )
            yield "initsweep.preprocessing.transform.Preprocessing.load(FILE).apply(columns)"
        if shape := self.preprocessing.shape:
            yield f"Inputs are images of shape {shape}, flattened in this order."

    def _encoding(self) -> str:
        fitted = self.preprocessing
        done = {
            "gaps are filled and marked": fitted.indicators,
            "categories are encoded": [one.name for one in fitted.categorical],
        }
        named = {how: few([literal(one) for one in columns]) for how, columns in done.items()}
        return " and ".join(f"{how} ({columns})" for how, columns in named.items() if columns)

    def _inputs(self) -> Iterator[str]:
        """Yield the statements that name the columns, their means and their scales.

        Yields:
            One each.
        """
        fitted = self.preprocessing
        if self.reads:
            yield 'PREPROCESSING = json.loads(FILE.read_text(encoding="utf-8"))'
            encoded = [literal(one) for one in fitted.feature_names[len(fitted.numeric) :]]
            more = f" + [\n{source_list(encoded, WIDTH)}\n]" if encoded else ""
            yield f'COLUMNS = PREPROCESSING["numeric"]{more}'
            for name in ("mean", "scale"):
                of_file = f'torch.tensor(PREPROCESSING["{name}"], dtype=torch.float64)'
                yield f"{name.upper()} = {of_file}"
            return
        columns = [literal(one) for one in fitted.feature_names]
        yield f"COLUMNS = [\n{source_list(columns, WIDTH)}\n]"
        for name, values in (("MEAN", fitted.mean), ("SCALE", fitted.scale)):
            numbers = source_list([repr(value) for value in values], WIDTH)
            yield f"{name} = torch.tensor([\n{numbers}\n], dtype=torch.float64)"


def _commented(text: str) -> str:
    whole = textwrap.fill(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return textwrap.indent(whole, "# ")

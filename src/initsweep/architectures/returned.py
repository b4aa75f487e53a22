"""What a network returned, in a few words: whole tensors say nothing."""

from collections.abc import Mapping, Sequence

from torch import Tensor


def in_words(outputs: object) -> str:
    """Return what something is that a network returned, such as "a tuple of 2"."""
    if isinstance(outputs, Tensor):
        return f"a tensor of shape {tuple(outputs.shape)}"
    kind = type(outputs).__name__
    if isinstance(outputs, Mapping):
        return f"a {kind} of {len(outputs)} ({', '.join(map(str, outputs))})"
    if isinstance(outputs, Sequence) and not isinstance(outputs, str):
        return f"a {kind} of {len(outputs)}"
    return "None" if outputs is None else f"a {kind}"

"""Tune the learning rate of one scheme at one size of the network, by the code of `tune`."""

from initsweep.core import artifacts
from initsweep.core.params import Params
from initsweep.core.sizes import at_size
from initsweep.stages import tune


def run(params: Params, size: int, scheme: str) -> None:
    """Write `transfer/sizes/<size>/<scheme>/`: what `tune` writes of the main study."""
    tune.into(artifacts.size_folder(size, scheme), at_size(params, size), scheme)

"""Weight initializers by name, and how they fill a network."""

from initsweep.initializers.apply import initial_state, initialize_, layers_of
from initsweep.initializers.base import Initializer
from initsweep.initializers.catalogue import INITIALIZERS, make_initializer
from initsweep.initializers.layers import Layer

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "Layer",
    "initial_state",
    "initialize_",
    "layers_of",
    "make_initializer",
]

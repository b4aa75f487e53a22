"""Weight initializers by name, and how they fill a network."""

from initsweep.core.multipliers import Multipliers, OptimizerKind
from initsweep.graph.kinds import layer_kind
from initsweep.initializers.adjacent import Activations, activations_after, activations_before
from initsweep.initializers.apply import (
    initial_state,
    initial_states,
    initialize_,
    layers_of,
    multipliers_of,
)
from initsweep.initializers.base import Initializer
from initsweep.initializers.catalogue import INITIALIZERS, is_kind, make_initializer
from initsweep.initializers.groups import multipliers_under, parameter_groups
from initsweep.initializers.laws.gains import backward_gain, forward_gain
from initsweep.initializers.layers import Layer
from initsweep.initializers.network import Network

__all__ = [
    "INITIALIZERS",
    "Activations",
    "Initializer",
    "Layer",
    "Multipliers",
    "Network",
    "OptimizerKind",
    "activations_after",
    "activations_before",
    "backward_gain",
    "forward_gain",
    "initial_state",
    "initial_states",
    "initialize_",
    "is_kind",
    "layer_kind",
    "layers_of",
    "make_initializer",
    "multipliers_of",
    "multipliers_under",
    "parameter_groups",
]

"""Says what law each weight of a network has, and what that does to the signal."""

from initsweep.explanation.explain import explain
from initsweep.explanation.laws import Law, identify
from initsweep.explanation.rows import Explanation, LayerLaw

__all__ = ["Explanation", "Law", "LayerLaw", "explain", "identify"]

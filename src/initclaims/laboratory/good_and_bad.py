"""What good and bad initialization stand for where a claim says no more than that."""

from initclaims.laboratory.lab import Scheme
from initclaims.laboratory.rates import half_decade

GOOD, SMALL, LARGE = "He", "He's weights / 3", "He's weights x 3"
BAD = (SMALL, LARGE)
SCHEMES = {
    GOOD: Scheme.named("he_normal"),
    SMALL: Scheme.named("random_scaled", scale=2 / 9, mode="fan_in", distribution="normal"),
    LARGE: Scheme.named("random_scaled", scale=18.0, mode="fan_in", distribution="normal"),
}
RATES = tuple(half_decade(1e-5, step) for step in range(11))
"""Half decades from 0.00001 to 1: weights that are too large need small rates."""
FACTORS = ("depth", "whether weights are too small or too large")
"""What a claim about bad weights can depend on, over the networks and the two bad scales."""
NETWORKS = {"3 layers": 3, "6 layers": 6}
WIDTH = 64

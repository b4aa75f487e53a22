"""The data: laws, what each framework calls them, and traps.

Read off the frameworks' own sources: torch 2.13, Keras 3, jax.nn.initializers (which Flax uses),
dm-haiku and timm.layers. `w` is the weight, `n` its fan_in and `m` its fan_out as the framework
counts them.
"""

from typing import Literal, NamedTuple

from initsweep.initializers.laws.draws import TRUNCATED_STD

Framework = Literal["initsweep", "torch", "keras", "jax", "haiku", "timm", "textbook"]


class Named(NamedTuple):
    """A law in one framework.

    Attributes:
        framework: Where.
        law: The law it is, a key of `LAWS`.
        call: How to write it there.
        names: The names under which people look for it.
    """

    framework: Framework
    law: str
    call: str
    names: tuple[str, ...]


CORRECTION = f"{TRUNCATED_STD:.17f}"
"""Standard deviation of N(0, 1) cut at -2 and 2, as the frameworks write it."""

LAWS: dict[str, str] = {
    "he_normal": "N(0, 2/n): std sqrt(2/n), no bounds",
    "he_truncated_normal": "normal, std sqrt(2/n) after a cut at 2.27 of these",
    "he_uniform": "U(±sqrt(6/n)): std sqrt(2/n)",
    "xavier_normal": "N(0, 2/(n+m)): std sqrt(2/(n+m)), no bounds",
    "xavier_truncated_normal": "normal, std sqrt(2/(n+m)) after a cut at 2.27 of these",
    "xavier_uniform": "U(±sqrt(6/(n+m))): std sqrt(2/(n+m))",
    "lecun_normal": "N(0, 1/n): std sqrt(1/n), no bounds",
    "lecun_truncated_normal": "normal, std sqrt(1/n) after a cut at 2.27 of these",
    "lecun_uniform": "U(±sqrt(3/n)): std sqrt(1/n)",
    "torch_default": "U(±sqrt(1/n)): std sqrt(1/(3n))",
    "random_scaled": "normal or uniform, variance scale / fan: n, m or their mean",
    "random_normal": "N(mean, std²), the same for every size",
    "random_uniform": "U(low, high), the same for every size",
    "truncated_normal": "normal, `std` after a cut at 2.27 std",
    "truncated, not corrected": "normal of std s cut at ±2s: std 0.8796 s",
    "truncated at fixed bounds": "normal of std s cut at ±2 whatever s: no cut at s = 0.02",
    "he_textbook_variant": "N(0, 1/n), or U(±sqrt(2/n)): std sqrt(1/n) or sqrt(2/(3n))",
    "orthogonal": "random orthogonal matrix times a gain",
    "dirac": "identity at the centre of the kernel",
    "sparse": "a few normal weights per unit, the others 0",
    "zeros": "all 0",
    "constant": "all the same",
}

_HAIKU = "hk.initializers.VarianceScaling"
_JAX = "jax.nn.initializers"

NAMED: tuple[Named, ...] = (
    Named("torch", "he_normal", 'nn.init.kaiming_normal_(w, nonlinearity="relu")',
          ("kaiming_normal", "he_normal")),
    Named("keras", "he_normal",
          'VarianceScaling(2.0, "fan_in", "untruncated_normal")', ()),
    Named("jax", "he_normal", f'{_JAX}.variance_scaling(2.0, "fan_in", "normal")', ()),
    Named("haiku", "he_normal", f'{_HAIKU}(2.0, "fan_in", "normal")', ()),
    Named("timm", "he_normal", 'variance_scaling_(w, 2.0, "fan_in", "normal")', ()),
    Named("textbook", "he_normal", "sigma = √(2/n_in)", ("he", "he_normal", "kaiming")),
    Named("torch", "he_truncated_normal",
          "s = math.sqrt(2 / n) / 0.87962566103423975; nn.init.trunc_normal_(w, 0, s, -2*s, 2*s)",
          ()),
    Named("keras", "he_truncated_normal", "HeNormal()", ("he_normal",)),
    Named("jax", "he_truncated_normal", f"{_JAX}.he_normal(), also called kaiming_normal",
          ("he_normal", "kaiming_normal")),
    Named("haiku", "he_truncated_normal", f'{_HAIKU}(2.0, "fan_in", "truncated_normal")',
          ("he_normal",)),
    Named("timm", "he_truncated_normal", 'variance_scaling_(w, 2.0, "fan_in", "truncated_normal")',
          ()),
    Named("torch", "he_uniform", 'nn.init.kaiming_uniform_(w, nonlinearity="relu")',
          ("kaiming_uniform", "he_uniform")),
    Named("keras", "he_uniform", "HeUniform()", ("he_uniform",)),
    Named("jax", "he_uniform", f"{_JAX}.he_uniform(), also called kaiming_uniform",
          ("he_uniform", "kaiming_uniform")),
    Named("haiku", "he_uniform", f'{_HAIKU}(2.0, "fan_in", "uniform")', ("he_uniform",)),
    Named("timm", "he_uniform", 'variance_scaling_(w, 2.0, "fan_in", "uniform")', ()),
    Named("textbook", "he_uniform", "bound √(6/n_in)", ("he", "he_uniform", "kaiming")),
    Named("textbook", "he_textbook_variant", "sigma = √(1/n_in), or bound √(2/n_in)",
          ("he", "he_normal", "he_uniform", "kaiming")),
    Named("torch", "xavier_normal", "nn.init.xavier_normal_(w)",
          ("xavier_normal", "glorot_normal")),
    Named("keras", "xavier_normal", 'VarianceScaling(1.0, "fan_avg", "untruncated_normal")', ()),
    Named("jax", "xavier_normal", f'{_JAX}.variance_scaling(1.0, "fan_avg", "normal")', ()),
    Named("haiku", "xavier_normal", f'{_HAIKU}(1.0, "fan_avg", "normal")', ()),
    Named("timm", "xavier_normal", 'variance_scaling_(w, 1.0, "fan_avg", "normal")', ()),
    Named("textbook", "xavier_normal", "sigma = √(2/(n_in+n_out))",
          ("xavier", "glorot", "xavier_normal")),
    Named("torch", "xavier_truncated_normal",
          "s = math.sqrt(2 / (n + m)) / 0.87962566103423975; "
          "nn.init.trunc_normal_(w, 0, s, -2*s, 2*s)", ()),
    Named("keras", "xavier_truncated_normal", "GlorotNormal()", ("glorot_normal",)),
    Named("jax", "xavier_truncated_normal",
          f"{_JAX}.glorot_normal(), also called xavier_normal",
          ("glorot_normal", "xavier_normal")),
    Named("haiku", "xavier_truncated_normal", f'{_HAIKU}(1.0, "fan_avg", "truncated_normal")',
          ("glorot_normal",)),
    Named("torch", "xavier_uniform", "nn.init.xavier_uniform_(w)",
          ("xavier_uniform", "glorot_uniform")),
    Named("keras", "xavier_uniform", "GlorotUniform(), the default of Dense and Conv",
          ("glorot_uniform",)),
    Named("jax", "xavier_uniform", f"{_JAX}.glorot_uniform(), also called xavier_uniform",
          ("glorot_uniform", "xavier_uniform")),
    Named("haiku", "xavier_uniform", f'{_HAIKU}(1.0, "fan_avg", "uniform")', ("glorot_uniform",)),
    Named("timm", "xavier_uniform", 'variance_scaling_(w, 1.0, "fan_avg", "uniform")', ()),
    Named("textbook", "xavier_uniform", "bound √(6/(n_in+n_out))",
          ("xavier", "glorot", "xavier_uniform")),
    Named("torch", "lecun_normal", 'nn.init.kaiming_normal_(w, nonlinearity="linear")',
          ("lecun_normal",)),
    Named("keras", "lecun_normal", 'VarianceScaling(1.0, "fan_in", "untruncated_normal")', ()),
    Named("jax", "lecun_normal", f'{_JAX}.variance_scaling(1.0, "fan_in", "normal")', ()),
    Named("haiku", "lecun_normal", f'{_HAIKU}(1.0, "fan_in", "normal")', ()),
    Named("timm", "lecun_normal", 'variance_scaling_(w, 1.0, "fan_in", "normal")', ()),
    Named("textbook", "lecun_normal", "sigma = √(1/n_in)", ("lecun", "lecun_normal")),
    Named("torch", "lecun_truncated_normal",
          "s = math.sqrt(1 / n) / 0.87962566103423975; nn.init.trunc_normal_(w, 0, s, -2*s, 2*s)",
          ()),
    Named("keras", "lecun_truncated_normal", "LecunNormal()", ("lecun_normal",)),
    Named("jax", "lecun_truncated_normal",
          f"{_JAX}.lecun_normal(), the default of Flax's Dense and Conv", ("lecun_normal",)),
    Named("haiku", "lecun_truncated_normal", f"{_HAIKU}()", ("lecun_normal",)),
    Named("timm", "lecun_truncated_normal", "lecun_normal_(w)", ("lecun_normal",)),
    Named("torch", "lecun_uniform", 'nn.init.kaiming_uniform_(w, nonlinearity="linear")',
          ("lecun_uniform",)),
    Named("keras", "lecun_uniform", "LecunUniform()", ("lecun_uniform",)),
    Named("jax", "lecun_uniform", f"{_JAX}.lecun_uniform()", ("lecun_uniform",)),
    Named("haiku", "lecun_uniform", f'{_HAIKU}(1.0, "fan_in", "uniform")', ("lecun_uniform",)),
    Named("timm", "lecun_uniform", 'variance_scaling_(w, 1.0, "fan_in", "uniform")', ()),
    Named("textbook", "lecun_uniform", "bound √(3/n_in)", ("lecun", "lecun_uniform")),
    Named("torch", "torch_default", "nn.init.kaiming_uniform_(w, a=math.sqrt(5))",
          ("kaiming_uniform", "torch_default", "default", "reset_parameters")),
    Named("keras", "torch_default", 'VarianceScaling(1/3, "fan_in", "uniform")', ()),
    Named("jax", "torch_default", f'{_JAX}.variance_scaling(1/3, "fan_in", "uniform")', ()),
    Named("haiku", "torch_default", f'{_HAIKU}(1/3, "fan_in", "uniform")', ()),
    Named("timm", "torch_default", 'variance_scaling_(w, 1/3, "fan_in", "uniform")', ()),
    Named("torch", "random_scaled", "nn.init.normal_(w, 0, math.sqrt(scale / n))", ()),
    Named("keras", "random_scaled", "VarianceScaling(scale, mode, distribution)",
          ("variance_scaling",)),
    Named("jax", "random_scaled", f"{_JAX}.variance_scaling(scale, mode, distribution)",
          ("variance_scaling",)),
    Named("haiku", "random_scaled", f"{_HAIKU}(scale, mode, distribution)",
          ("variance_scaling",)),
    Named("timm", "random_scaled", "variance_scaling_(w, scale, mode, distribution)",
          ("variance_scaling",)),
    Named("torch", "random_normal", "nn.init.normal_(w, mean, std)", ("normal", "random_normal")),
    Named("keras", "random_normal", "RandomNormal(mean, stddev)", ("random_normal", "normal")),
    Named("jax", "random_normal", f"{_JAX}.normal(stddev)", ("normal",)),
    Named("haiku", "random_normal", "hk.initializers.RandomNormal(stddev, mean)",
          ("random_normal",)),
    Named("torch", "random_uniform", "nn.init.uniform_(w, low, high)",
          ("uniform", "random_uniform")),
    Named("keras", "random_uniform", "RandomUniform(low, high)", ("random_uniform", "uniform")),
    Named("jax", "random_uniform", f"low + {_JAX}.uniform(high - low); it starts at 0",
          ("uniform",)),
    Named("haiku", "random_uniform", "hk.initializers.RandomUniform(low, high)",
          ("random_uniform",)),
    Named("torch", "truncated at fixed bounds", "nn.init.trunc_normal_(w, std=s)",
          ("trunc_normal", "truncated_normal")),
    Named("timm", "truncated at fixed bounds", "trunc_normal_(w, std=s)",
          ("trunc_normal", "truncated_normal")),
    Named("timm", "truncated, not corrected", "trunc_normal_tf_(w, std=s)",
          ("trunc_normal_tf", "truncated_normal")),
    Named("keras", "truncated, not corrected", "TruncatedNormal(0, s)", ("truncated_normal",)),
    Named("jax", "truncated, not corrected", f"{_JAX}.truncated_normal(s)", ("truncated_normal",)),
    Named("haiku", "truncated, not corrected",
          "hk.initializers.TruncatedNormal(s); with s = 1/sqrt(n) the default of hk.Linear",
          ("truncated_normal",)),
    Named("torch", "truncated_normal",
          "s = std / 0.87962566103423975; nn.init.trunc_normal_(w, 0, s, -2*s, 2*s)", ()),
    Named("torch", "truncated, not corrected", "nn.init.trunc_normal_(w, 0, s, -2*s, 2*s)", ()),
    Named("torch", "orthogonal", "nn.init.orthogonal_(w, gain)", ("orthogonal",)),
    Named("keras", "orthogonal", "Orthogonal(gain)", ("orthogonal",)),
    Named("jax", "orthogonal", f"{_JAX}.orthogonal(scale); scale is a gain here", ("orthogonal",)),
    Named("haiku", "orthogonal", "hk.initializers.Orthogonal(scale); scale is a gain here",
          ("orthogonal",)),
    Named("torch", "dirac", "nn.init.dirac_(w); eye_(w) without a kernel",
          ("dirac", "eye", "identity")),
    Named("keras", "dirac", "Identity(gain), without a kernel only", ("identity",)),
    Named("haiku", "dirac", "hk.initializers.Identity(gain), without a kernel only",
          ("identity",)),
    Named("torch", "sparse", "nn.init.sparse_(w, sparsity, std); counts along the other axis",
          ("sparse",)),
    Named("torch", "zeros", "nn.init.zeros_(w)", ("zeros",)),
    Named("keras", "zeros", "Zeros()", ("zeros",)),
    Named("jax", "zeros", f"{_JAX}.zeros", ("zeros",)),
    Named("torch", "constant", "nn.init.constant_(w, value)", ("constant",)),
    Named("keras", "constant", "Constant(value)", ("constant",)),
    Named("jax", "constant", f"{_JAX}.constant(value)", ("constant",)),
    Named("haiku", "constant", "hk.initializers.Constant(value)", ("constant",)),
)  # fmt: skip

TRAPS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("he_normal", "he_truncated_normal", "xavier_normal", "xavier_truncated_normal",
      "lecun_normal", "lecun_truncated_normal"),
     "Keras, JAX and Haiku cut what they call he_normal, glorot_normal and lecun_normal at two "
     f"standard deviations and divide by {CORRECTION}, so that the std is as named; torch and the "
     "papers cut nothing."),
    (("he_normal", "he_uniform", "he_textbook_variant"),
     "A textbook states He twice: sigma = √(2/n_in) and bound √(6/n_in), which is He et al., and "
     "sigma = √(1/n_in) and bound √(2/n_in), which is neither He nor consistent with itself."),
    (("torch_default", "he_uniform"),
     "torch's kaiming_uniform_ has a = sqrt(5) in reset_parameters, which makes U(±1/sqrt(n)), a "
     "sixth of He's variance; called without arguments it has a = 0 and is he_uniform."),
    (("truncated_normal", "truncated, not corrected", "truncated at fixed bounds"),
     "torch's and timm's trunc_normal_ have absolute bounds, by default ±2: at std 0.02 nothing is "
     "cut. Keras, JAX, Haiku and timm's trunc_normal_tf_ cut at two std and leave a smaller one."),
    (("he_normal", "he_uniform", "xavier_normal", "xavier_uniform", "lecun_normal", "lecun_uniform",
      "torch_default"),
     "torch's gain multiplies the std; scale in Keras, JAX, Haiku and timm the variance: scale = "
     "gain²."),
    (("he_normal", "he_uniform", "xavier_normal", "xavier_uniform", "lecun_normal",
      "lecun_uniform"),
     "torch keeps weights as (out, in), the others as (in, out); of grouped, strided and "
     "transposed convolutions they all read other fans off the shape than the layer has."),
    (("orthogonal",),
     "In Keras gain and in JAX and Haiku scale both multiply the matrix: here scale is a gain."),
    (("random_scaled",),
     "Keras' and Haiku's VarianceScaling cuts its normal law unless told otherwise. In Keras "
     "'normal' too is the one that is cut; the other is 'untruncated_normal'."),
    (("lecun_normal", "lecun_truncated_normal"),
     "hk.Linear's default is TruncatedNormal(1/sqrt(n)), not corrected: std 0.8796/sqrt(n)."),
)  # fmt: skip
"""Laws that a trap concerns, and the trap."""

"""The factors of a scheme on rates and decays, as source."""

import textwrap
from collections.abc import Mapping

from initsweep.core.multipliers import Multipliers, OptimizerKind
from initsweep.exporting.quoting import literal, source_list
from initsweep.exporting.template import WIDTH

_SOURCE = '''
# What the scheme multiplies the learning rate and the weight decay of parameters by, under
# optimizers whose steps follow the size of gradients (sgd), whose entries do not (adam: Adam,
# AdamW, RMSprop, Lion), or whose matrices do not (muon). Of parameters left out both factors are
# 1, and the learning rate that a study recommends is for those.
FACTORS = {{
{factors}
}}


def parameter_groups(model, optimizer, learning_rate, weight_decay=0.0):
    """Return what the optimizer takes in the place of model.parameters()."""
    factors, groups = FACTORS[optimizer], {{}}
    for name, parameter in model.named_parameters():
        rate, decay = factors.get(name, (1.0, 1.0))
        settings = {{"lr": learning_rate * rate, "weight_decay": weight_decay * decay}}
        groups.setdefault((rate, decay), {{"params": [], **settings}})["params"].append(parameter)
    return list(groups.values())

'''


def factors_source(by_kind: Mapping[OptimizerKind, Mapping[str, Multipliers]]) -> str:
    """Return the source of `parameter_groups(model, optimizer, learning_rate, weight_decay)`.

    Args:
        by_kind: Factors by parameter, for each kind of optimizers.
    """
    kinds = []
    for kind, factors in by_kind.items():
        rows = [f"{literal(name)}: {tuple(own)}" for name, own in factors.items()]
        listed = f"\n{source_list(rows, WIDTH - 4)}\n" if rows else ""
        kinds.append(f"{literal(kind)}: {{{listed}}},")
    return _SOURCE.format(factors=textwrap.indent("\n".join(kinds), " " * 4))

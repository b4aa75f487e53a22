"""A whole study in this process, stage by stage."""

from initsweep.core.params import Params
from initsweep.stages import compare, diagnose, prepare, settle, train, tune


def compute(params: Params) -> None:
    """Run all stages that compute, in the current folder."""
    prepare.run(params)
    diagnose.run(params)
    for scheme in params.schemes:
        tune.run(params, scheme)
        train.run(params, scheme)
    settle.run(params)
    compare.run(params)

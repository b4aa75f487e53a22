"""Runs the stages that are out of date, for `initsweep repro` and `initsweep claims`."""

from initsweep.handover import repro
from initsweep.progress import remarks_once


def bring_up_to_date(*arguments: str) -> int:
    """Run `dvc repro`, in which the stages together make each remark once.

    Args:
        arguments: For DVC.

    Returns:
        Its exit status.
    """
    with remarks_once():
        return repro(*arguments)

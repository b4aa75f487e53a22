"""Every error a user can cause, each with one clear message and no traceback.

The command line prints the message of an `InitsweepError` and exits with status 2. Anything
else that escapes is a defect, of ours or of a user's own module, and keeps its traceback.
"""


class InitsweepError(Exception):
    """Root of all errors that initsweep raises on purpose."""


class InitsweepWarning(UserWarning):
    """Something was taken for granted that the user can state, or could not be done in full."""


class ParamsError(InitsweepError, ValueError):
    """A parameter is unknown, missing, of the wrong type or out of range."""


class UnknownNameError(InitsweepError, LookupError):
    """No initializer, architecture, dataset, metric or probe goes by this name."""


class DuplicateNameError(InitsweepError, ValueError):
    """Two entries of one registry claim the same name."""


class DataError(InitsweepError, ValueError):
    """The data set cannot be used as it is: missing values, a single class, no rows."""


class ArtifactError(InitsweepError):
    """A file that one stage hands to the next is missing, damaged or of another shape."""


class PathError(InitsweepError):
    """A way of training does not cover the network, a setting or the machine."""


class StackingError(PathError):
    """The network cannot be trained as stacked lanes through `torch.func`."""


class TrackingError(InitsweepError):
    """The MLflow tracking server cannot be reached or refuses what is written to it."""


class PlanError(PathError):
    """The network cannot be read as a list of known operations."""


class KernelsError(PathError):
    """The compiled kernels are not there or cannot be loaded."""


class UnhealthyError(InitsweepError, AssertionError):
    """An untrained network that is not expected to train."""

"""MLflow as a view of the result records: it can be deleted and rebuilt, and is never the truth.

`study` holds the records, `view` turns them into the runs that MLflow should show (`points` are
their metrics, `commentary` is what the comparison says of them), `plan` compares these with the
runs that it does show, `store` writes the difference, `publishing` holds all together and
`location` says where everything lies; `seal` recognizes that there is nothing to do. MLflow is
imported only by `store` and `connection`, and only when used, because that import takes seconds.
"""

from initsweep.tracking.connection import preload_mlflow
from initsweep.tracking.location import project_root, ui_command
from initsweep.tracking.publishing import Summary, publish
from initsweep.tracking.seal import is_sealed
from initsweep.tracking.study import SchemeResults, Study

__all__ = [
    "SchemeResults",
    "Study",
    "Summary",
    "is_sealed",
    "preload_mlflow",
    "project_root",
    "publish",
    "ui_command",
]

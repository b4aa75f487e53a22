"""MLflow as a view of the result records: it can be deleted and rebuilt, and is never the truth.

`publication` holds the records, `view` turns them into the runs that MLflow should show (`points`
are their metrics, `commentary` is what the comparison says of them), `plan` compares these with the
runs that it does show, `store` writes the difference, and `publishing` holds all together, in
`passes` until nothing is left to do; `seal` recognizes that at once. `saved_views` are what
MLflow's pages show, `ui` opens them.

`location` says where everything lies and `connection` opens it: `database` sees to it that a file
can be opened (`tables`, `holdings`), `lock` that one process at a time writes it, `trouble` says
what went wrong, without `passwords`. `experiments` are known by a tag, `publisher` tells who is
writing a run, `files` what lies among the artifacts.

`model` is the kept model as files, `served_model` what runs where it is served, `registry` and
`promotion` keep its versions and aliases. MLflow is imported only where it is used, because that
takes seconds.
"""

from initsweep.views.mlflow.connection import preload_mlflow
from initsweep.views.mlflow.location import address_setting, project_root
from initsweep.views.mlflow.model import Promotion, ServedModel
from initsweep.views.mlflow.promotion import promote
from initsweep.views.mlflow.publication import Publication
from initsweep.views.mlflow.publishing import publish
from initsweep.views.mlflow.seal import is_sealed
from initsweep.views.mlflow.ui import ui_command, ui_page

__all__ = [
    "Promotion",
    "Publication",
    "ServedModel",
    "address_setting",
    "is_sealed",
    "preload_mlflow",
    "project_root",
    "promote",
    "publish",
    "ui_command",
    "ui_page",
]

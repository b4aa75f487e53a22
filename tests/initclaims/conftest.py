"""What is shown in MLflow is tested on the same databases as studies."""

from tests.views.mlflow.conftest import new_project, project, template_database

__all__ = ["new_project", "project", "template_database"]

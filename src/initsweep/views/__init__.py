"""What people look at: packet, figures, terminal and MLflow, each a view of the records."""

"""What other frameworks call a law, and which of their names mean two."""

"""How a process runs: how it is stopped, who leads it, and what it must not lose sight of."""

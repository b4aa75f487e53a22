"""One file per scheme, nothing else."""

"""Training loops of other people: one run of one, in a process of its own.

`TrainingRun` is what their function is given; `worker` calls it, `pool` starts the workers,
`finished_runs` keeps what has finished. A run is a `RunSpec`, what comes of it an `Outcome`: both
are plain, so that any machine can do it.
"""

"""Trains many networks at once. It sees tensors only: no names of schemes, no files of results.

`train.train_lanes` is the entrance. `reference` is the same training as an ordinary loop, and
the thresholds that everything else here is tested against.
"""

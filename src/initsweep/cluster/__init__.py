"""Trainings on a Ray cluster: the process that speaks with it, and what its workers do.

`driver` serves the stages of a run (`initsweep.running.cluster` is their side), cuts what they ask
for into tasks (`tasks`) and sends the study along (`study`); `worker` is what a task runs, on any
machine, once it has shown that it would come to the same bits. No
other room imports Ray.
"""

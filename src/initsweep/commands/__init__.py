"""Commands for people that are no stages: explain, names, export, check.

Each module has a function `run(options)` that returns the text to print and the exit status; what
the commands take is in `parsers`, which imports nothing else.
"""

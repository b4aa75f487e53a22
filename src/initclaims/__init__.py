"""initclaims: what is claimed about initialization, put to the test with initsweep.

It uses initsweep as anybody may, and nothing there knows of it: its command is an entry point.
"""

"""Compiled training of one network on one core, in plain C++; optional.

`library` finds the build that fits the processor, `program` writes a network down for it, and
`trainer` drives it. Everything here works on one lane and shares nothing.
"""

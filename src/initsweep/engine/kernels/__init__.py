"""Compiled training of one network on one core, in plain C++; optional.

`library` finds the build that fits the processor, `coverage` says what it can train, `program`
writes a network down for it, `verification` compares it with torch, and `trainer` drives it.
Everything here works on one lane and shares nothing.
"""

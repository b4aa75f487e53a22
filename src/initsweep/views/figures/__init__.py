"""Figures: tables in, a matplotlib `Figure` out; one figure per file.

Every figure's file says which question it answers and which tables it requires. Nothing here
reads a file or touches matplotlib's global state.
"""

"""What connects other people's trainers to a study: one module for each of their libraries.

Each imports its library, and nothing else here imports any of these modules.
"""

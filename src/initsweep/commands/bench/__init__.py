"""Measures the engine against ordinary loops on the machine at hand, in interleaved rounds."""

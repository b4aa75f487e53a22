"""Schemes as plain PyTorch, without initsweep."""

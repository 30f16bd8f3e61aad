"""Weights files: the layout of the original, checkpoints, downloads."""

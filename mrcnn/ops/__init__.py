"""Weightless algorithms on `keras.ops`, the same on every backend."""

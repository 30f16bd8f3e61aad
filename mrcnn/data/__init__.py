"""Data sets: the files people have, read into one `Dataset`."""

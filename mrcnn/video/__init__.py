"""Video: reading, writing, and the pipeline between."""

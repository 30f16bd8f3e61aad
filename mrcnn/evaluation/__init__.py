"""How good detections are: average precision."""

"""Detection: from images to `Detections`."""

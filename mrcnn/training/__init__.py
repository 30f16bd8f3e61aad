"""Training: batches, targets, augmentation, schedule and the fit itself."""

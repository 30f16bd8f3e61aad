"""Boxes, masks, anchors and resizing in NumPy."""

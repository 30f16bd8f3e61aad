"""The Mask R-CNN network: backbones, pyramid, proposals, targets, heads, losses."""

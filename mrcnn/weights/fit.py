"""Whether a weights file fits the network, said in words when it does not."""

import logging
import re
from collections.abc import Iterable

from mrcnn.errors import WeightsError
from mrcnn.weights.inflation import FIRST_LAYERS
from mrcnn.weights.report import ShapeClash, WeightsReport, one_per_layer, shorten

logger = logging.getLogger(__name__)

# Layers whose last axis follows the number of classes, and its length per class.
CLASS_HEADS = {"mrcnn_class_logits": 1, "mrcnn_bbox_fc": 4, "mrcnn_mask": 1}

_BACKBONE_LAYER = re.compile(r"(res|bn)\d[a-z]_branch|stage\d_")
# The pyramid's layers that look at the backbone's stages.
_LATERAL_LAYER = re.compile(r"fpn_c\dp\d")


def follows_class_count(clash: ShapeClash) -> bool:
    """Return whether two shapes of a class head differ in the class count alone."""
    file_shape, model_shape = clash.file_shape, clash.model_shape
    return (
        clash.layer in CLASS_HEADS
        and file_shape is not None
        and model_shape is not None
        and file_shape[:-1] == model_shape[:-1]
    )


def check_fit(
    report: WeightsReport,
    errors: list[ShapeClash],
    *,
    in_file: list[str],
    in_network: list[str],
    for_training: bool,
) -> None:
    """Raise unless a file fits the network well enough for its purpose.

    Args:
        report: what would be loaded.
        errors: clashes that are not a matter of the class count.
        in_file: layers of the file that have weights.
        in_network: layers of the network that have weights.
        for_training: whether layers may be missing, and class counts differ.

    Raises:
        WeightsError: it does not; says what to do.
    """
    path = str(report.path)
    if errors:
        raise WeightsError(
            f"Expected weights of the network's shapes. Received: {path!r} with "
            f"{shorten(one_per_layer(errors), '; ', shown=2)}. {_advice(errors)}"
        )
    if report.clashed and not for_training:
        raise WeightsError(_class_count_message(report))
    if not report.matched:
        raise WeightsError(
            "Expected weights for at least one layer of the network "
            f"({shorten(in_network)}). Received: {path!r} with "
            f"weights for {shorten(in_file) or 'no layer'}; nothing was loaded. Name a "
            "file with the layer names of Mask R-CNN, and exclude less."
        )
    if for_training:
        _warn_of_other_backbone(report)
        return
    if report.missing:
        raise WeightsError(
            f"Expected weights for every layer. Received: {path!r} without "
            f"{shorten(report.missing)}; detecting would run on random values. Name a "
            "file that was trained with this network's BACKBONE and layers."
        )
    if other := _backbone_layers(report.unused):
        raise WeightsError(
            f"Expected weights of the network's BACKBONE. Received: {path!r} with "
            f"{shorten(other)}, which the network does not have. Set BACKBONE to what "
            "the file was trained with."
        )
    if report.excluded:
        logger.warning(
            "%s: %s keep their random values, because they were excluded; detections "
            "mean nothing until they are loaded.",
            path,
            shorten(report.excluded),
        )


def _advice(clashes: list[ShapeClash]) -> str:
    """Return what to do about shapes that differ for another reason than classes."""
    names = [clash.layer for clash in clashes]
    if len(set(names)) == 1 and names[0] in FIRST_LAYERS:
        return (
            "The file was trained with another IMAGE_CHANNEL_COUNT: set that one, or "
            f"pass exclude=[{names[0]!r}] to train the layer anew."
        )
    if _backbone_layers(names) or any(map(_sees_other_stage, clashes)):
        return (
            "The file was trained with another BACKBONE: set that one, or start "
            "without the file (--weights=imagenet or --weights=none)."
        )
    return (
        "Build the network as the file's was, or exclude the layers to train them anew."
    )


def _class_count_message(report: WeightsReport) -> str:
    clashes = {clash.layer: clash for clash in one_per_layer(report.clashed)}
    clash = next(clashes[head] for head in CLASS_HEADS if head in clashes)
    per_class = CLASS_HEADS[clash.layer]
    in_file = clash.file_shape[-1] // per_class
    in_model = clash.model_shape[-1] // per_class
    return (
        f"Expected weights for {in_model} classes. Received: {str(report.path)!r}; "
        f"the file has {in_file} classes, NUM_CLASSES is {in_model} ({clash}). Set "
        f"NUM_CLASSES to {in_file}, or name a file trained for {in_model} classes."
    )


def _backbone_layers(names: Iterable[str]) -> list[str]:
    return [name for name in names if _BACKBONE_LAYER.match(name)]


def _sees_other_stage(clash: ShapeClash) -> bool:
    """Return whether a layer of the pyramid expects other channels of a stage."""
    if not _LATERAL_LAYER.fullmatch(clash.layer):
        return False
    if clash.file_shape is None or clash.model_shape is None:
        return False
    return clash.file_shape[:-1] != clash.model_shape[:-1]


def _warn_of_other_backbone(report: WeightsReport) -> None:
    if other := _backbone_layers(report.unused):
        logger.warning(
            "%s has weights for %s, which the network does not have: it was trained "
            "with another BACKBONE.",
            report.path,
            shorten(other),
        )
    missing = _backbone_layers(report.missing)
    if missing and _backbone_layers(report.matched):
        logger.warning(
            "%s fills only a part of the backbone: %s keep their random values. Set "
            "the BACKBONE that it was trained with.",
            report.path,
            shorten(missing),
        )

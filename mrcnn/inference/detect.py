"""Detection: images in, `Detections` out. Mold, predict, unmold.

Called by `MaskRCNN.detect` and by everything that reads images or video.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from mrcnn.config import Config
from mrcnn.data.images import as_rgb
from mrcnn.errors import DatasetError
from mrcnn.evaluation.speed import Stopwatch
from mrcnn.geometry.boxes import denorm_boxes, norm_boxes
from mrcnn.geometry.masks import mask_in_box
from mrcnn.geometry.molding import compose_image_meta, mold_image
from mrcnn.geometry.resize import apply_to_image, plan_resize
from mrcnn.structures import Detections, ResizePlan


def detect(
    network,
    images: Sequence[np.ndarray],
    config: Config,
    anchors_of,
    *,
    mask_threshold: float = 0.5,
    watch: Stopwatch | None = None,
):
    """Return the objects found in images of any number and size.

    Images whose molded sizes agree go through the network BATCH_SIZE at a time.

    Args:
        network: from `network.build` in inference mode.
        images: uint8 [H, W, 3] RGB each; grey, RGBA and 16 bit are converted.
        config: molding settings and BATCH_SIZE.
        anchors_of: callable from (height, width) of a molded image to its
            anchors, float32 [A, 4] normalised.
        mask_threshold: as in `unmold`.
        watch: measures molding, network and unmolding.

    Returns:
        list of `Detections`, one an image, in order.

    Raises:
        DatasetError: something in `images` is not an image.
    """
    watch = watch or Stopwatch()
    images = [_with_channels(image, config) for image in images]
    plans = [_plan(image, config) for image in images]
    found = []
    # Neighbours of one molded size share batches; the order of images stays.
    for molded_hw, indices in groupby(
        range(len(images)), key=lambda i: plans[i].output_hw
    ):
        indices = list(indices)
        for start in range(0, len(indices), config.BATCH_SIZE):
            batch = indices[start : start + config.BATCH_SIZE]
            with watch.step("molding", len(batch)):
                molded = mold(
                    [images[i] for i in batch], [plans[i] for i in batch], config
                )
            with watch.step("network", len(batch)):
                outputs = predict(network, *molded, anchors_of(molded_hw))
            with watch.step("unmolding", len(batch)):
                found += [
                    unmold(
                        outputs["mrcnn_detection"][row],
                        outputs["mrcnn_mask"][row],
                        image_hw=plans[i].image_hw,
                        molded_hw=molded_hw,
                        window=plans[i].window,
                        mask_threshold=mask_threshold,
                    )
                    for row, i in enumerate(batch)
                ]
    return found


def mold(images: Sequence[np.ndarray], plans: Sequence[ResizePlan], config: Config):
    """Return images of one molded size, as the network takes them, and their metas.

    Args:
        images: uint8 [H, W, C] each.
        plans: how each is resized; one output size.
        config: MEAN_PIXEL and NUM_CLASSES.

    Returns:
        float32 [B, H, W, C], mean subtracted, and float64 [B, 12 + K].
    """
    molded = np.stack(
        [
            mold_image(apply_to_image(image, plan), config.MEAN_PIXEL)
            for image, plan in zip(images, plans, strict=True)
        ]
    )
    metas = [
        compose_image_meta(
            0,
            image.shape,
            molded.shape[1:],
            plan.window,
            plan.scale,
            np.zeros(config.NUM_CLASSES, np.int32),
        )
        for image, plan in zip(images, plans, strict=True)
    ]
    return molded, np.stack(metas)


def mold_inputs(images: Sequence[np.ndarray], config: Config):
    """Return images as the network takes them, with metas and windows.

    Args:
        images: uint8 [H, W, 3] each; their molded sizes must agree.
        config: molding settings.

    Returns:
        molded float32 [B, H, W, C], metas float64 [B, 12 + K], windows int [B, 4].

    Raises:
        DatasetError: the molded sizes differ, as they can with "pad64" and "none".
    """
    images = [_with_channels(image, config) for image in images]
    plans = [_plan(image, config) for image in images]
    sizes = {plan.output_hw for plan in plans}
    if len(sizes) > 1:
        raise DatasetError(
            f"Expected images of one molded size. Received: {sorted(sizes)} with "
            f"IMAGE_RESIZE_MODE={config.IMAGE_RESIZE_MODE!r}. Mold them one by one."
        )
    windows = np.array([plan.window for plan in plans])
    return *mold(images, plans, config), windows


def predict(network, molded, metas, anchors) -> dict[str, np.ndarray]:
    """Return the network's outputs by name, as `network.build` lists them.

    Args:
        network: from `network.build` in inference mode.
        molded: float32 [B, H, W, C].
        metas: [B, 12 + K].
        anchors: float32 [A, (y1, x1, y2, x2)], normalised.
    """
    return network.predict_on_batch(network_inputs(molded, metas, anchors))


def network_inputs(molded, metas, anchors) -> dict[str, np.ndarray]:
    """Return the network's inputs by name, of the arguments of `predict`."""
    return {
        "image": molded,
        "image_meta": metas.astype(np.float32),
        "anchors": np.broadcast_to(anchors, (len(molded), *anchors.shape)),
    }


def unmold(
    detections, masks, *, image_hw, molded_hw, window, mask_threshold: float = 0.5
) -> Detections:
    """Return what the network found, in pixels of the original image.

    Args:
        detections: float32 [N, (y1, x1, y2, x2, class id, score)], zero padded.
        masks: float32 [N, h, w, K], probabilities.
        image_hw: (height, width) of the original image.
        molded_hw: (height, width) of the network's input.
        window: [(y1, x1, y2, x2)], where the picture lay in it, pixels.
        mask_threshold: probability from which a pixel belongs to the object; a lower
            one makes larger masks, up to the box.
    """
    detections = detections[detections[:, 4] > 0]
    boxes = boxes_in_image(detections[:, :4], image_hw, molded_hw, window)
    class_ids = detections[:, 4].astype(np.int32)
    # Tiny objects can vanish by rounding.
    kept = np.flatnonzero(np.all(boxes[:, 2:] > boxes[:, :2], axis=1))
    return Detections(
        image_hw=tuple(image_hw),
        boxes=boxes[kept],
        class_ids=class_ids[kept],
        scores=detections[kept, 5],
        box_masks=tuple(
            mask_in_box(
                masks[i, :, :, class_ids[i]],
                tuple(boxes[i, 2:] - boxes[i, :2]),
                mask_threshold,
            )
            for i in kept
        ),
    )


def boxes_in_image(boxes, image_hw, molded_hw, window) -> np.ndarray:
    """Return boxes of the network in whole pixels of the original image.

    Args:
        boxes: float32 [N, (y1, x1, y2, x2)], normalised.
        image_hw: (height, width) of the original image.
        molded_hw: (height, width) of the network's input.
        window: [(y1, x1, y2, x2)], where the picture lay in it, pixels.

    Returns:
        int32 [N, (y1, x1, y2, x2)].
    """
    # Coordinates of the padded input -> coordinates of the picture in it.
    window = norm_boxes(np.asarray(window, np.float32), molded_hw)
    origin = np.concatenate([window[:2], window[:2]])
    size = np.concatenate([window[2:] - window[:2]] * 2)
    return denorm_boxes((boxes - origin) / size, image_hw)


def _plan(image: np.ndarray, config: Config) -> ResizePlan:
    return plan_resize(
        image.shape[:2],
        min_dim=config.IMAGE_MIN_DIM,
        max_dim=config.IMAGE_MAX_DIM,
        min_scale=config.IMAGE_MIN_SCALE,
        mode="square"
        if config.IMAGE_RESIZE_MODE == "crop"
        else config.IMAGE_RESIZE_MODE,
    )


def _with_channels(image: np.ndarray, config: Config) -> np.ndarray:
    if config.IMAGE_CHANNEL_COUNT == 3:
        return as_rgb(image)
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != config.IMAGE_CHANNEL_COUNT:
        raise DatasetError(
            f"Expected an image of shape (H, W, {config.IMAGE_CHANNEL_COUNT}), as "
            f"IMAGE_CHANNEL_COUNT says. Received: shape={image.shape}."
        )
    return image

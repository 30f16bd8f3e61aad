"""Bringing images and their masks to the network's size, and back.

`plan_resize` decides once how an image is scaled, padded or cropped; the plan
is then applied to the image and to its masks alike; `jitter_plan` changes its
scale at random. `resize_image` and
`resize_mask` are the original's functions on top of it. Called by training
(images and masks) and detection (images); axis letters as in `structures`.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mrcnn.errors import ConfigError, DatasetError
from mrcnn.geometry.interpolation import nearest_taps, resize_linear, resize_nearest
from mrcnn.geometry.masks import extract_bboxes
from mrcnn.structures import ResizePlan

# Sides of a padded image divide by this: five halvings, and one to spare for P6.
_PAD_MULTIPLE = 64
_NO_PADDING = ((0, 0), (0, 0), (0, 0))


def plan_resize(
    image_hw: tuple[int, int],
    *,
    min_dim: int | None = None,
    max_dim: int | None = None,
    min_scale: float | None = None,
    mode: str = "square",
    rng: np.random.Generator | None = None,
) -> ResizePlan:
    """Return how an image of this size is scaled and then padded or cropped.

    Args:
        image_hw: height and width of the image, pixels.
        min_dim: the shorter side is scaled up to this; never down.
        max_dim: with "square", the longer side is at most this, pixels.
        min_scale: least factor, even where `min_dim` asks for less.
        mode: "square" pads to `max_dim` on all sides, "pad64" to multiples of 64,
            "crop" cuts a random square of `min_dim`, "none" leaves all as it is.
        rng: where "crop" cuts; without one, somewhere else at each call.

    Returns:
        The plan, for `apply_to_image` and `apply_to_masks`.

    Raises:
        ConfigError: the mode is unknown, or lacks the size that it needs.
        DatasetError: the image has no pixels.

    Example:
        >>> plan = plan_resize((476, 640), min_dim=800, max_dim=1024)
        >>> plan.scale, plan.scaled_hw, plan.window
        (1.6, (762, 1024), (131, 0, 893, 1024))
    """
    height, width = (int(side) for side in image_hw)
    if min(height, width) < 1:
        raise DatasetError(
            "Expected an image of at least one pixel. "
            f"Received: image_hw={(height, width)}. Remove the empty image."
        )
    _check_mode(mode, min_dim, max_dim)
    if mode == "none":
        scale = 1
    else:
        longest = max_dim if mode == "square" else None
        scale = _scale((height, width), min_dim, longest, min_scale)
    scaled_hw = _scaled_hw((height, width), scale)
    padding, crop = _NO_PADDING, None
    if mode == "square":
        padding = _center_padding(scaled_hw, (max_dim, max_dim))
    elif mode == "pad64":
        padding = _center_padding(scaled_hw, tuple(map(_next_multiple, scaled_hw)))
    elif mode == "crop":
        crop = _random_crop(scaled_hw, min_dim, rng or np.random.default_rng())
    (top, bottom), (left, right), _ = padding
    picture_h, picture_w = crop[2:] if crop else scaled_hw
    return ResizePlan(
        image_hw=(height, width),
        scaled_hw=scaled_hw,
        output_hw=(top + picture_h + bottom, left + picture_w + right),
        scale=scale,
        window=(top, left, top + picture_h, left + picture_w),
        padding=padding,
        crop=crop,
    )


def jitter_plan(
    plan: ResizePlan, factors: tuple[float, float], rng: np.random.Generator
) -> ResizePlan:
    """Return a plan with the picture at another size in a result of the same size.

    Large-scale jitter; Ghiasi et al. 2021, Simple Copy-Paste, section 3. A picture
    that became larger than the result is cut at a random place, a smaller one lies
    at a random place in it.

    Args:
        plan: from `plan_resize`.
        factors: least and greatest factor to `plan.scale`.
        rng: the factor, and where to cut or to lay.

    Example:
        >>> plan = plan_resize((50, 100), max_dim=100)
        >>> jittered = jitter_plan(plan, (2, 2), np.random.default_rng(0))
        >>> jittered.scaled_hw, jittered.output_hw, jittered.window
        ((100, 200), (100, 100), (0, 0, 100, 100))
    """
    scale = plan.scale * float(rng.uniform(*factors))
    scaled_hw = _scaled_hw(plan.image_hw, scale)
    (y, top, height), (x, left, width) = (
        _random_place(extent, side, rng)
        for extent, side in zip(scaled_hw, plan.output_hw, strict=True)
    )
    output_h, output_w = plan.output_hw
    return dataclasses.replace(
        plan,
        scaled_hw=scaled_hw,
        scale=scale,
        window=(top, left, top + height, left + width),
        padding=(
            (top, output_h - top - height),
            (left, output_w - left - width),
            (0, 0),
        ),
        crop=(y, x, height, width) if (height, width) != scaled_hw else None,
    )


def apply_to_image(image: np.ndarray, plan: ResizePlan) -> np.ndarray:
    """Return the image scaled and then padded with zeros or cropped.

    Args:
        image: [H, W, C] or [H, W], of the size the plan was made for.
        plan: from `plan_resize`.

    Returns:
        The dtype of `image`, [plan.output_hw, C]; integers are truncated, as the
        original does. The image itself where there is nothing to change.
    """
    image = np.asarray(image)
    _check_size("an image", image, plan)
    if plan.scaled_hw == plan.image_hw:
        return _pad_or_crop(image, plan.padding, plan.crop)
    image = resize_linear(image, plan.scaled_hw, dtype=image.dtype, crop=plan.crop)
    return _pad_or_crop(image, plan.padding, None)


def apply_to_masks(masks: np.ndarray, plan: ResizePlan) -> np.ndarray:
    """Return the masks scaled and then padded with zeros or cropped.

    Args:
        masks: bool [H, W, N], of the size the plan was made for.
        plan: from `plan_resize`.

    Returns:
        bool [plan.output_hw, N], each mask in one piece of memory; the masks
        themselves where there is nothing to change.
    """
    masks = np.asarray(masks).astype(bool, copy=False)
    _check_size("masks", masks, plan)
    if plan.scaled_hw == plan.image_hw == plan.output_hw:
        return masks
    rows, columns = _source_pixels(plan, 0), _source_pixels(plan, 1)
    output = np.zeros((masks.shape[-1], *plan.output_hw), bool)
    # Only the boxes: outside them the memory is not even touched.
    for i, (y1, x1, y2, x2) in enumerate(extract_bboxes(masks)):
        top, bottom = _run(rows, y1, y2)
        left, right = _run(columns, x1, x2)
        # Row by row is quicker than both at once.
        cut = masks[rows[top:bottom], x1:x2, i]
        output[i, top:bottom, left:right] = cut[:, columns[left:right] - x1]
    return np.moveaxis(output, 0, -1)


def resize_image(
    image: np.ndarray,
    min_dim: int | None = None,
    max_dim: int | None = None,
    min_scale: float | None = None,
    mode: str = "square",
    *,
    rng: np.random.Generator | None = None,
) -> tuple[np.ndarray, tuple, float, list, tuple | None]:
    """Return the image at the network's size, and how it got there.

    Args:
        image: [H, W, C].
        min_dim: as in `plan_resize`.
        max_dim: as in `plan_resize`.
        min_scale: as in `plan_resize`.
        mode: as in `plan_resize`.
        rng: as in `plan_resize`.

    Returns:
        image: the dtype of `image`, [h, w, C].
        window: (y1, x1, y2, x2), where the picture lies in the result, pixels.
        scale: factor from the source to the picture.
        padding: [(top, bottom), (left, right), (0, 0)], pixels of zeros.
        crop: (y, x, h, w) cut from the scaled picture, or None.
    """
    plan = plan_resize(
        np.shape(image)[:2],
        min_dim=min_dim,
        max_dim=max_dim,
        min_scale=min_scale,
        mode=mode,
        rng=rng,
    )
    resized = apply_to_image(image, plan)
    return resized, plan.window, plan.scale, list(plan.padding), plan.crop


def resize_mask(
    mask: np.ndarray, scale: float, padding, crop: tuple | None = None
) -> np.ndarray:
    """Return masks resized as `resize_image` resized their image.

    Args:
        mask: [H, W, N], bool or numbers.
        scale: what `resize_image` returned, as are the next two.
        padding: [(top, bottom), (left, right), (0, 0)].
        crop: (y, x, h, w), or None.

    Returns:
        The dtype of `mask`, [h, w, N].
    """
    mask = np.asarray(mask)
    mask = resize_nearest(mask, _scaled_hw(mask.shape[:2], scale))
    return _pad_or_crop(mask, () if crop is not None else padding, crop)


def resize(
    image: np.ndarray,
    output_shape: tuple[int, ...],
    order: int = 1,
    mode: str = "constant",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
    anti_aliasing: bool = False,
    anti_aliasing_sigma=None,
) -> np.ndarray:
    """Return `skimage.transform.resize` of the image, with the original's defaults.

    Kept for scripts that call it; the package itself uses `resize_linear`.

    Args:
        image: [H, W, ...].
        output_shape: (height, width, ...) of the result.
        order: of the spline; 0 nearest, 1 bilinear.
        mode: what lies outside the image, "constant" for `cval`.
        cval: value outside the image.
        clip: keep the result inside the range of `image`.
        preserve_range: keep the values of integer images; else 0 to 1.
        anti_aliasing: smooth before scaling down.
        anti_aliasing_sigma: how much, pixels.

    Returns:
        float [output_shape].
    """
    from skimage.transform import resize as skimage_resize  # half a second to import

    return skimage_resize(
        image,
        output_shape,
        order=order,
        mode=mode,
        cval=cval,
        clip=clip,
        preserve_range=preserve_range,
        anti_aliasing=anti_aliasing,
        anti_aliasing_sigma=anti_aliasing_sigma,
    )


def _check_mode(mode: str, min_dim: int | None, max_dim: int | None) -> None:
    modes = ("square", "pad64", "crop", "none")
    if mode not in modes:
        raise ConfigError(
            f"Expected a resize mode out of {', '.join(modes)}. Received: "
            f"mode={mode!r}. Set IMAGE_RESIZE_MODE to one of them."
        )
    if mode == "square" and not max_dim:
        raise ConfigError(
            f"Expected the side of the square. Received: max_dim={max_dim}. "
            "Set IMAGE_MAX_DIM."
        )
    if mode == "crop" and not min_dim:
        raise ConfigError(
            f"Expected the side of the crop. Received: min_dim={min_dim}. "
            "Set IMAGE_MIN_DIM."
        )
    if mode == "pad64" and min_dim and min_dim % _PAD_MULTIPLE:
        raise ConfigError(
            f"Expected a least side that divides by {_PAD_MULTIPLE} with mode 'pad64'. "
            f"Received: min_dim={min_dim}. Change IMAGE_MIN_DIM."
        )


def _check_size(what: str, array: np.ndarray, plan: ResizePlan) -> None:
    if tuple(array.shape[:2]) != plan.image_hw:
        raise DatasetError(
            f"Expected {what} of height and width {plan.image_hw}, as the image has. "
            f"Received: {tuple(array.shape[:2])}. Make both the same size."
        )


def _scale(image_hw, min_dim, max_dim, min_scale) -> float:
    scale = max(1, min_dim / min(image_hw)) if min_dim else 1
    if min_scale and scale < min_scale:
        scale = min_scale
    if max_dim and round(max(image_hw) * scale) > max_dim:
        scale = max_dim / max(image_hw)
    return scale


def _scaled_hw(image_hw: tuple[int, int], scale: float) -> tuple[int, int]:
    # A panorama of 20000 x 8 keeps a row of pixels when scaled down.
    height, width = (max(1, round(side * scale)) for side in image_hw)
    return height, width


def _next_multiple(side: int) -> int:
    return -(-side // _PAD_MULTIPLE) * _PAD_MULTIPLE


def _center_padding(picture_hw, output_hw):
    (top, left), (bottom, right) = zip(
        *(
            ((outer - inner) // 2, outer - inner - (outer - inner) // 2)
            for inner, outer in zip(picture_hw, output_hw, strict=True)
        ),
        strict=True,
    )
    return (top, bottom), (left, right), (0, 0)


def _random_crop(scaled_hw, side: int, rng: np.random.Generator):
    y, x = (int(rng.integers(0, extent - side, endpoint=True)) for extent in scaled_hw)
    return y, x, side, side


def _random_place(
    extent: int, side: int, rng: np.random.Generator
) -> tuple[int, int, int]:
    """Return the first of the pixels that are kept, their place, and how many."""
    offset = int(rng.integers(abs(side - extent), endpoint=True))
    return (0, offset, extent) if extent <= side else (offset, 0, side)


def _source_pixels(plan: ResizePlan, axis: int) -> np.ndarray:
    """Return the row (axis 0) or column of a mask that each one of the result copies.

    Returns:
        int [output side], ascending; -1, also in between, where it stays empty.
    """
    index, is_inside = nearest_taps(plan.image_hw[axis], plan.scaled_hw[axis])
    index = np.where(is_inside, index, -1)
    if plan.crop is not None:
        index = index[plan.crop[axis] :][: plan.crop[axis + 2]]
    return np.pad(index, plan.padding[axis], constant_values=-1)


def _run(source: np.ndarray, start: int, stop: int) -> tuple[int, int]:
    """Return where the indices from `start` to `stop` begin, and where they end."""
    places = np.flatnonzero((source >= start) & (source < stop))
    return (places[0], places[-1] + 1) if len(places) else (0, 0)


def _pad_or_crop(array: np.ndarray, padding, crop) -> np.ndarray:
    if crop is not None:
        y, x, height, width = crop
        array = array[y : y + height, x : x + width]
    if np.any(padding):
        array = np.pad(array, padding[: array.ndim])
    return array

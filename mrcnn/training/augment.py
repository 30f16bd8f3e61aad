"""Augmentation of an image together with its masks, by any imgaug augmenter.

`augment` is called by `samples` for every training image. The masks travel as
imgaug's segmentation maps in the same call as the image, so both are moved by
the same numbers, whatever the augmenter; one that cannot move masks is refused.

This is the one place that imports imgaug. Its last release (0.4.0) is from
before NumPy 2 and OpenCV 5, and `import_imgaug` lends it what it misses.
"""

from __future__ import annotations

import copy
import functools
import importlib
import threading
import types
import warnings

import numpy as np

from mrcnn.errors import ConfigError

_import_lock = threading.RLock()
# Instances in a channel of a segmentation map.
_BITS = 8


def augment(
    image: np.ndarray, masks: np.ndarray, augmenter, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return an image and its masks, changed alike by an imgaug augmenter.

    Where an augmenter fills what it uncovers with more of the picture (mode or
    pad_mode "reflect", for example), the masks are continued in the same way.
    The augmenter itself is left as it is and its own seed plays no part, unless
    it was made deterministic.

    Args:
        image: uint8 [H, W, C].
        masks: bool [H, W, N].
        augmenter: an `imgaug.augmenters.Augmenter`. A Lambda in it must say what
            happens to segmentation maps; it sees 8 instances a channel, a bit each.
        rng: source of all randomness.

    Returns:
        image: uint8 [H, W, C].
        masks: bool [H, W, N], in the same order; empty where an object left the image.

    Raises:
        ConfigError: this is no augmenter, or it cannot move masks, fails, or
            changes the size of the image; names it.

    Example:
        >>> iaa = import_imgaug().augmenters
        >>> image = np.array([[[10], [20]]], np.uint8)
        >>> masks = np.array([[[True], [False]]])
        >>> image, masks = augment(image, masks, iaa.Fliplr(1), np.random.default_rng())
        >>> image.ravel(), masks.ravel()
        (array([20, 10], dtype=uint8), array([False,  True]))
    """
    imgaug = import_imgaug()
    check_augmenter(augmenter)
    seeded = copy.deepcopy(augmenter)
    seeded.seed_(int(rng.integers(2**31)))
    for part in _parts(seeded):
        _continue_masks_as_the_image(part)
    image, masks = np.asarray(image), np.asarray(masks, bool)
    maps = imgaug.SegmentationMapsOnImage(_packed(masks), shape=image.shape)
    try:
        new_image, new_maps = seeded(image=image, segmentation_maps=maps)
    except Exception as error:
        raise ConfigError(
            "Expected an augmenter that runs on an image with masks. Received: "
            f"{_culprit(error, seeded)}, which fails: {_one_line(error)} "
            "Take it out of the augmentation."
        ) from error
    if new_image.shape != image.shape or new_image.dtype != image.dtype:
        raise ConfigError(
            f"Expected an augmenter that keeps the image {_kind(image)}. Received: "
            f"{_describe(augmenter)}, which makes it {_kind(new_image)}. Give it "
            "keep_size=True, or wrap it in imgaug.augmenters.KeepSizeByResize(...)."
        )
    return new_image, _unpacked(new_maps.arr, masks.shape[-1])


def check_augmenter(augmenter) -> None:
    """Refuse an augmenter of which a part would move the image and not its masks.

    Args:
        augmenter: an `imgaug.augmenters.Augmenter`, however nested.

    Raises:
        ConfigError: names the part and what it lacks.
    """
    iaa = import_imgaug().augmenters
    if not isinstance(augmenter, iaa.Augmenter):
        raise ConfigError(
            "Expected an imgaug augmenter. Received: augmentation="
            f"{type(augmenter).__name__}. Put several into "
            "imgaug.augmenters.Sequential([...])."
        )
    for part in _parts(augmenter):
        problem = _why_masks_stay(part, iaa)
        if problem:
            raise ConfigError(
                "Expected an augmenter that can move masks with the image. Received: "
                f"{_describe(part)}. {problem}"
            )


def import_imgaug() -> types.ModuleType:
    """Return imgaug, which NumPy 2 alone does not let be imported.

    After the first call a plain ``import imgaug`` works too.
    """
    with _import_lock:
        return _imgaug()


@functools.cache
def _imgaug() -> types.ModuleType:
    # Nobody can act on warnings about the code of a library that has ended.
    warnings.filterwarnings("ignore", module=r"(.*[/\\])?imgaug\b")
    # JpegCompression's, which is reported as imageio's own.
    warnings.filterwarnings("ignore", message=".pilmode. is deprecated")
    lacking = {key: value for key, value in _numpy_1().items() if not hasattr(np, key)}
    for name, value in lacking.items():
        setattr(np, name, value)
    try:
        imgaug = importlib.import_module("imgaug")
        importlib.import_module("imgaug.augmenters")
    finally:
        for name in lacking:
            delattr(np, name)
    _mend(imgaug)
    return imgaug


def _numpy_1() -> dict:
    """Return what imgaug reads from NumPy at import and NumPy 2 no longer has."""
    kinds = {
        "int": (np.int8, np.int16, np.int32, np.int64),
        "uint": (np.uint8, np.uint16, np.uint32, np.uint64),
        "float": (np.float16, np.float32, np.float64, np.longdouble),
    }
    return {"sctypes": {kind: list(types_) for kind, types_ in kinds.items()}}


def _mend(imgaug: types.ModuleType) -> None:
    # Frequency noise (clouds, fog) asks for np.complex at each call: its module
    # gets a NumPy of its own that has it.
    numpy = types.ModuleType("numpy")
    numpy.__getattr__ = functools.partial(getattr, np)
    numpy.complex = complex
    imgaug.parameters.np = numpy

    # Elastic shifts were float32 by NumPy 1's promotion; OpenCV takes no others.
    elastic = imgaug.augmenters.ElasticTransformation
    make_shifts = elastic._generate_shift_maps

    def make_float32_shifts(*args, **kwargs):
        return tuple(s.astype(np.float32) for s in make_shifts(*args, **kwargs))

    elastic._generate_shift_maps = staticmethod(make_float32_shifts)


def _packed(masks: np.ndarray) -> np.ndarray:
    """Return masks with a bit for each instance, uint8 [H, W, ceil(N / 8)].

    imgaug's time grows with the channels: 30 instances so take a tenth of it.
    Right because segmentation maps are never interpolated: their pixels only move.
    """
    num = masks.shape[-1]
    planes = np.zeros((max(-(-num // _BITS), 1), *masks.shape[:2]), np.uint8)
    for i in range(num):
        planes[i // _BITS] |= masks[..., i].astype(np.uint8) << i % _BITS
    return np.moveaxis(planes, 0, -1)


def _unpacked(packed: np.ndarray, num: int) -> np.ndarray:
    """Return the masks in a packed array, bool [H, W, num]."""
    planes = np.moveaxis(packed, -1, 0).astype(np.uint8, order="C")
    masks = np.empty((num, *packed.shape[:2]), bool)
    for i in range(num):
        masks[i] = planes[i // _BITS] >> i % _BITS & 1
    return np.moveaxis(masks, 0, -1)


def _parts(augmenter) -> list:
    return [augmenter, *augmenter.get_all_children(flat=True)]


def _why_masks_stay(part, iaa) -> str | None:
    """Return why this augmenter cannot move masks and what to do, or None."""
    if isinstance(part, (iaa.pillike.Affine, iaa.imgcorruptlike.ElasticTransform)):
        return (
            "It changes images only. Use imgaug.augmenters.Affine or "
            "imgaug.augmenters.ElasticTransformation."
        )
    if isinstance(part, iaa.BlendAlphaSegMapClassIds):
        return "It asks for class ids, and masks have none. Use another of the Blends."
    if isinstance(part, (iaa.AssertLambda, iaa.AssertShape)):
        return None  # they look, and change nothing
    if isinstance(part, iaa.Lambda):
        if part.func_images is None or part.func_segmentation_maps is not None:
            return None
        return (
            "It has no func_segmentation_maps. Give it one that moves them as "
            "func_images moves the image, or returns them where only colours change."
        )
    if not _says_what_happens_to_masks(type(part)):
        return (
            "It does not define _augment_segmentation_maps. Define it there to move "
            "them as the image, or to return them where only colours change."
        )
    return None


def _says_what_happens_to_masks(kind: type) -> bool:
    """Whether a class of augmenters is imgaug's, or deals with segmentation maps.

    An augmenter written elsewhere inherits a method that leaves segmentation maps
    as they are: right for colours, silently wrong for anything that moves.
    """
    for ancestor in kind.__mro__:
        if ancestor.__module__.split(".")[0] == "imgaug":
            return True
        if "_augment_segmentation_maps" in vars(ancestor):
            return True
        if {"_augment_images", "_augment_batch_"} & set(vars(ancestor)):
            return False
    return False


# Ways to fill uncovered pixels that only copy others; "mean", for example, makes
# new values, which packed masks must not have.
_COPYING_PAD_MODES = {"constant", "edge", "reflect", "symmetric", "wrap"}


def _continue_masks_as_the_image(part) -> None:
    """Let an augmenter fill what it uncovers in masks as it does in the image.

    By imgaug's default masks get zeros there: an object mirrored at the border
    would be in the picture and not in any mask.
    """
    if hasattr(part, "_mode_segmentation_maps"):
        part._mode_segmentation_maps = None  # None: that of the image
    if hasattr(part, "_pad_mode_segmentation_maps"):
        mode = part.pad_mode
        modes = np.ravel(getattr(mode, "a", getattr(mode, "value", "unknown")))
        if _COPYING_PAD_MODES.issuperset(modes):
            part._pad_mode_segmentation_maps = None
            part._pad_mode_heatmaps = None  # PadToFixedSize takes this one for both


def _culprit(error: Exception, augmenter) -> str:
    """Return the innermost augmenter in the error's traceback, in words."""
    traceback, found = error.__traceback__, augmenter
    kind = import_imgaug().augmenters.Augmenter
    while traceback:
        owner = traceback.tb_frame.f_locals.get("self")
        found = owner if isinstance(owner, kind) else found
        traceback = traceback.tb_next
    return _describe(found)


def _describe(augmenter) -> str:
    """Return the class of an augmenter with those inside: Sequential(Fliplr, Add)."""
    inside = [
        _describe(part) for parts in augmenter.get_children_lists() for part in parts
    ]
    name = type(augmenter).__name__
    return f"{name}({', '.join(inside)})" if inside else name


def _kind(image: np.ndarray) -> str:
    return f"{image.dtype} {list(image.shape)}"


def _one_line(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
    return (text if len(text) < 200 else text[:200] + "...") + "."

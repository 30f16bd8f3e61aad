"""The one place that opens image files, and the rules that turn any picture into RGB.

A file or an array goes in; uint8 [H, W, 3], RGB, comes out, or another number of
channels where it is asked for. The orientation
that a camera writes into EXIF is applied, because annotation tools show the
picture that way round. `Dataset` reads through `read_image`; detection hands
its arrays to `as_rgb`.

The rules, the same for files and arrays:

    grey, palette, 1 bit, CMYK   converted to RGB
    alpha                        dropped, the colour under it kept, as the original did
    16 bits a channel            the upper 8 bits; the same factor for every picture
    float                        0..1 scaled by 255, or 0..255 taken as it is
    several frames               the first
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mrcnn.errors import DatasetError

_EXIF_ORIENTATION = 0x0112
# How to turn the stored picture upright, by EXIF orientation.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TIFF = (".tif", ".tiff")
_SIDES_SWAPPED = (5, 6, 7, 8)
# Modes with one number a pixel.
_NUMBER_MODES = ("1", "L", "P", "I", "I;16", "I;16B", "F")
# What Pillow's readers are known to raise on damaged bytes.
_DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, struct.error),
    *(TypeError, ArithmeticError, RuntimeError),
    MemoryError,  # a length in the file is out of all proportion
)


def read_image(path: str | os.PathLike, num_channels: int = 3) -> np.ndarray:
    """Return the picture in a file, upright.

    Args:
        path: an image file of any kind that Pillow reads, or a TIFF of as many
            channels as are asked for.
        num_channels: C; 3 is RGB, 1 is grey, 4 is RGB and alpha for files that
            have it; other numbers are the channels of a TIFF.

    Returns:
        uint8 [H, W, C], EXIF orientation applied.

    Raises:
        DatasetError: the file is missing, is no image, is damaged, is unreasonably
            large, or has other channels; names the file.
    """
    if num_channels not in (1, 3) and Path(path).suffix.lower() in _TIFF:
        return _read_tiff(path, num_channels)
    with _opened(path) as image:
        upright = _UPRIGHT.get(_orientation(image))
        if upright is not None:
            image = image.transpose(upright)
        if image.mode == "F" or image.mode.startswith("I"):
            return as_rgb(_grey_of_many_bits(image))[..., : min(num_channels, 3)]
        if num_channels == 3:
            return np.array(image.convert("RGB"))
        if num_channels == 1:
            return np.array(image.convert("L"))[..., None]
        array = np.array(image)
        if array.ndim != 3 or array.shape[2] != num_channels:
            raise DatasetError(
                f"Expected an image of {num_channels} channels. Received: one of mode "
                f"{image.mode}. Save it as a TIFF with all channels, or set "
                "IMAGE_CHANNEL_COUNT to what it has."
            )
        return array


def read_labels(path: str | os.PathLike) -> np.ndarray:
    """Return a picture whose values are numbers and not colours, an instance map say.

    Args:
        path: an image file without loss, PNG for example.

    Returns:
        int32 [H, W]: the grey value, the place in the palette, or 0xRRGGBB of a
        colour. Alpha is dropped; nothing is turned.

    Raises:
        DatasetError: the file is missing, is no image, or is damaged.
    """
    with _opened(path) as image:
        if image.mode == "LA":
            image = image.convert("L")
        elif image.mode not in _NUMBER_MODES:
            image = image.convert("RGB")
        labels = np.array(image)
        if labels.dtype.kind == "f":
            raise DatasetError(
                "Expected whole numbers. Received: a picture of floats. Save it as a "
                "PNG of 8 or 16 bits."
            )
        if labels.ndim == 2:
            return labels.astype(np.int32)
        red, green, blue = np.moveaxis(labels.astype(np.int32), 2, 0)
        is_grey = np.array_equal(red, green) and np.array_equal(red, blue)
        return red if is_grey else red << 16 | green << 8 | blue


def _read_tiff(path: str | os.PathLike, num_channels: int) -> np.ndarray:
    """Return a TIFF of many channels, uint8 [H, W, C], as it is stored."""
    with _tiff(path) as tiff:
        height, width = _tiff_hw(tiff, path)
        array = tiff.asarray()
    if array.shape == (num_channels, height, width):
        array = np.moveaxis(array, 0, 2)  # [C, H, W] -> [H, W, C]
    if array.shape != (height, width, num_channels):
        raise DatasetError(
            f"{os.fspath(path)}: expected an image of {num_channels} channels, [H, W, "
            f"C] or [C, H, W]. Received: {list(array.shape)}. Set IMAGE_CHANNEL_COUNT "
            "to what it has, or save one page with all channels."
        )
    return np.ascontiguousarray(_to_8_bits(array))


@contextmanager
def _tiff(path: str | os.PathLike) -> Iterator:
    """Open a TIFF with the library that knows all kinds."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            yield tiff
    except DatasetError:
        raise
    except (*_DAMAGE, AttributeError) as error:
        raise DatasetError(
            f"Expected a whole image file. Received: {os.fspath(path)}, which is "
            f"damaged ({error}). Replace it or leave it out."
        ) from error


def _tiff_hw(tiff, path: str | os.PathLike) -> tuple[int, int]:
    page, shape = tiff.pages[0], tiff.series[0].shape
    height, width = page.imagelength, page.imagewidth
    # An array [H, W, C] that was written as H pages of [W, C].
    is_sliced = len(shape) == 3 and shape[1:] == page.shape and shape[2] == min(shape)
    if is_sliced and len(tiff.pages) > 1:
        height, width = shape[:2]
    return stated_hw(height, width, os.fspath(path))


def to_show(image: np.ndarray) -> np.ndarray:
    """Return a picture of any number of channels as RGB: its first three, or grey.

    Args:
        image: uint8 [H, W, C].

    Returns:
        uint8 [H, W, 3].
    """
    return as_rgb(image[..., : 3 if image.shape[2] >= 3 else 1])


def image_hw(path: str | os.PathLike) -> tuple[int, int]:
    """Return the height and width `read_image` will give, from the file's header alone.

    Args:
        path: an image file.

    Returns:
        (height, width), pixels, EXIF orientation applied.

    Raises:
        DatasetError: the file is missing or is no image; names the file.
    """
    is_tiff = Path(path).suffix.lower() in _TIFF
    try:
        with _opened(path) as image:
            width, height = image.size
            swapped = _orientation(image) in _SIDES_SWAPPED
            is_known = not is_tiff or image.n_frames == 1
    except DatasetError as error:
        if not is_tiff or not isinstance(error.__cause__, UnidentifiedImageError):
            raise
        is_known = False
    if not is_known:  # channels as pages, or more of them than Pillow knows
        with _tiff(path) as tiff:
            return _tiff_hw(tiff, path)
    return (width, height) if swapped else (height, width)


def stated_hw(height, width, where: str) -> tuple[int, int]:
    """Return the size of an image that an annotation file states.

    Args:
        height: pixels, as it stands in the file.
        width: likewise.
        where: annotation file and image, for the message.

    Raises:
        DatasetError: it is no size, or larger than any image that would be opened.
    """
    largest = 2 * (Image.MAX_IMAGE_PIXELS or 1 << 30)  # what Pillow refuses
    is_whole = all(isinstance(side, (int, float)) for side in (height, width))
    # NaN fails the comparison.
    if not is_whole or not (min(height, width) >= 1 and height * width <= largest):
        raise DatasetError(
            f"{where}: expected its height and width, at most {largest:,} pixels. "
            f"Received: {str((height, width))[:60]}. Export the annotations again."
        )
    return int(height), int(width)


def as_rgb(array: np.ndarray) -> np.ndarray:
    """Return a picture held in an array as RGB of 8 bits.

    Args:
        array: [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] (alpha last, dropped);
            uint8, uint16, bool, whole numbers from 0 to 255, or float from 0 to 1
            or from 0 to 255. Channels in the order red, green, blue.

    Returns:
        uint8 [H, W, 3]; shares memory with `array` where nothing had to change.

    Raises:
        DatasetError: shape, dtype or values are not those of a picture.

    Example:
        >>> as_rgb(np.array([[0.0, 1.0]]))
        array([[[  0,   0,   0],
                [255, 255, 255]]], dtype=uint8)
    """
    array = np.asarray(array)
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not is_picture or 0 in array.shape:
        raise DatasetError(
            "Expected an image array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]. "
            f"Received: shape={array.shape}. Give one image, channels last."
        )
    if array.ndim == 2:
        array = array[..., None]  # [H, W] -> [H, W, 1]
    if array.shape[2] == 4:
        array = array[..., :3]
    array = _to_8_bits(array)
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array


def _to_8_bits(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16:
        return (array >> 8).astype(np.uint8)
    is_number = array.dtype.kind in "iuf"
    # NaN fails both comparisons.
    if not (is_number and array.min() >= 0 and array.max() <= 255):
        found = f" from {array.min()} to {array.max()}" if is_number else ""
        raise DatasetError(
            "Expected an image array of uint8, uint16, bool, whole numbers from 0 to "
            "255, or float from 0 to 1 or from 0 to 255. "
            f"Received: dtype={array.dtype}{found}. Scale it to one of these."
        )
    if array.dtype.kind == "f":
        array = np.rint(array * 255 if array.max() <= 1 else array)
    return array.astype(np.uint8)


def _grey_of_many_bits(image: Image.Image) -> np.ndarray:
    array = np.asarray(image)
    if image.mode == "F":
        return array
    if array.min() < 0 or array.max() > 0xFFFF:
        raise DatasetError(
            "Expected an image of at most 16 bits a channel. Received: values from "
            f"{array.min()} to {array.max()}. Convert it to 8 bits."
        )
    return array.astype(np.uint16)


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":
        return 1  # Pillow's reader has turned it already, and its size
    # The base class's method reads the header only; PNG's own decodes the pixels.
    try:
        return Image.Image.getexif(image).get(_EXIF_ORIENTATION, 1)
    except _DAMAGE:
        return 1  # damaged EXIF turns no picture: browsers do the same


@contextmanager
def _opened(path: str | os.PathLike) -> Iterator[Image.Image]:
    name = os.fspath(path)
    if not Path(name).is_file():
        what = "a folder" if Path(name).is_dir() else "no such file"
        raise DatasetError(
            f"Expected an image file. Received: {name} ({what}). Check the path."
        )
    try:
        with Image.open(name) as image:
            yield image
    except UnidentifiedImageError as error:
        raise DatasetError(
            f"Expected an image file. Received: {name}, which is none that can be "
            "read. Convert it to JPEG or PNG."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DatasetError(
            f"Expected an image of at most {Image.MAX_IMAGE_PIXELS} pixels. "
            f"Received: {name}, which is larger. Scale it down or cut it in tiles."
        ) from error
    except DatasetError as error:
        raise DatasetError(f"{name}: {error}") from error
    except _DAMAGE as error:
        raise DatasetError(
            f"Expected a whole image file. Received: {name}, which is damaged "
            f"({error}). Replace it or leave it out."
        ) from error

import numpy as np
import pytest
import tifffile
from PIL import Image

from mrcnn.data.images import as_rgb, image_hw, read_image, read_labels, to_show
from mrcnn.errors import DatasetError

# What each EXIF orientation says the stored rows and columns are, as a function
# that turns the stored picture upright (EXIF 2.32, tag 274).
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.fixture
def stored():
    return np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_exif_orientation_is_applied(tmp_path, stored, orientation, kind):
    path = tmp_path / f"a.{kind}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if kind == "webp" else {}
    Image.fromarray(stored).save(path, exif=exif, **lossless)
    expected = UPRIGHT[orientation](stored)
    np.testing.assert_array_equal(read_image(path), expected)
    assert image_hw(path) == expected.shape[:2]


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_of_jpeg(tmp_path, orientation):
    # JPEG changes pixels, so the stored picture is read back without EXIF.
    left_dark = np.zeros((8, 16, 3), np.uint8)
    left_dark[:4, 8:] = 255
    Image.fromarray(left_dark).save(tmp_path / "plain.jpg")
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(left_dark).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "plain.jpg") as image:
        expected = UPRIGHT[orientation](np.array(image))
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), expected)
    assert image_hw(tmp_path / "a.jpg") == expected.shape[:2]


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0"])
def test_damaged_exif_turns_nothing(tmp_path, stored, exif):
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == stored.shape
    assert image_hw(tmp_path / "a.jpg") == stored.shape[:2]


def test_header_alone_gives_the_size(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((300, 400, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    assert image_hw(path) == (300, 400)


def test_modes(tmp_path, stored):
    grey = stored[..., 0]
    palette = Image.fromarray(grey).convert("RGB").quantize(4, dither=0)
    on_off = Image.fromarray(np.where(grey > 127, 255, 0).astype(np.uint8)).convert("1")
    alpha = np.dstack([stored, grey])
    many_bits = grey.astype(np.uint16) * 257  # 0..255 -> 0..65535
    expected = {
        "grey.png": (Image.fromarray(grey), np.dstack([grey] * 3)),
        "palette.png": (palette, np.array(palette.convert("RGB"))),
        "bits.png": (on_off, np.dstack([np.where(grey > 127, 255, 0)] * 3)),
        # Transparency is dropped, the colour under it kept.
        "alpha.png": (Image.fromarray(alpha), stored),
        "grey_alpha.png": (
            Image.merge("LA", [Image.fromarray(grey)] * 2),
            np.dstack([grey] * 3),
        ),
        # v * 257 >> 8 is v again
        "16.png": (Image.fromarray(many_bits), np.dstack([grey] * 3)),
        "16.tif": (Image.fromarray(many_bits), np.dstack([grey] * 3)),
        "32.tif": (Image.fromarray(many_bits.astype(np.int32)), np.dstack([grey] * 3)),
        "float.tif": (Image.fromarray(grey.astype(np.float32)), np.dstack([grey] * 3)),
        "cmyk.tif": (
            Image.fromarray(stored).convert("CMYK"),
            stored,  # without black, CMYK is 255 - RGB
        ),
    }
    for name, (image, pixels) in expected.items():
        image.save(tmp_path / name)
        read = read_image(tmp_path / name)
        assert read.dtype == np.uint8, name
        np.testing.assert_array_equal(read, pixels, err_msg=name)
        assert image_hw(tmp_path / name) == pixels.shape[:2]


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (read_image(tmp_path / "a.gif") == (255, 0, 0)).all()


def test_read_image_can_be_written_to(tmp_path, stored):
    Image.fromarray(stored).save(tmp_path / "a.png")
    read_image(tmp_path / "a.png")[:] = 0


def test_missing_folder_and_foreign_files(tmp_path, stored):
    with pytest.raises(DatasetError, match=r"none\.jpg \(no such file\)"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(DatasetError, match=r"\(a folder\)"):
        image_hw(tmp_path)
    (tmp_path / "a.jpg").write_text("not a picture")
    for function in (read_image, image_hw):
        with pytest.raises(DatasetError, match=r"a\.jpg, which is none that can be"):
            function(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_truncated_files(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    pixels = np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DatasetError, match=f"a.{kind}"):
        read_image(path)


def test_too_large(tmp_path, monkeypatch):
    Image.new("L", (30, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # an error from 200 on
    with pytest.raises(DatasetError, match=r"at most 100 pixels.*a\.png"):
        read_image(tmp_path / "a.png")


def test_more_than_16_bits(tmp_path):
    Image.fromarray(np.full((2, 2), 70000, np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(DatasetError, match=r"a\.tif.*at most 16 bits.*70000"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[7]], np.uint8), [7, 7, 7]),
        (np.array([[[7]]], np.uint8), [7, 7, 7]),
        (np.array([[[1, 2, 3]]], np.uint8), [1, 2, 3]),
        (np.array([[[1, 2, 3, 99]]], np.uint8), [1, 2, 3]),
        (np.array([[0x12FF]], np.uint16), [0x12] * 3),
        (np.array([[True]]), [255] * 3),
        (np.array([[0.5]]), [128] * 3),  # 127.5 rounds to even
        (np.array([[[0.4, 1.6, 255.0]]], np.float32), [0, 2, 255]),
        (np.array([[[1, 2, 255]]]), [1, 2, 255]),
    ],
)
def test_as_rgb(array, expected):
    array.flags.writeable = False
    rgb = as_rgb(array)
    assert rgb.dtype == np.uint8
    assert rgb.shape == (1, 1, 3)
    assert rgb[0, 0].tolist() == expected


@pytest.mark.parametrize(
    "shape", [(), (3,), (3, 4, 5), (4, 4, 2), (1, 4, 4, 3), (0, 3), (0, 4, 3)]
)
def test_as_rgb_refuses_shapes(shape):
    with pytest.raises(DatasetError, match=r"\[H, W, 3\].*Received: shape=\("):
        as_rgb(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.array([[300]]), "dtype=int64 from 300 to 300"),
        (np.array([[-1, 0]]), "dtype=int64 from -1 to 0"),
        (np.array([[np.nan]]), "dtype=float64 from nan"),
        (np.array([[np.inf]]), "dtype=float64 from inf"),
        (np.array([[1j]]), "dtype=complex128. Scale"),
        (np.array([["a"]]), "dtype=<U1. Scale"),
    ],
)
def test_as_rgb_refuses_values(array, found):
    with pytest.raises(DatasetError, match="uint8, uint16, bool") as caught:
        as_rgb(array)
    assert found in str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tiff", "gif", "jpg"])
def test_kinds_of_files(tmp_path, suffix):
    # Flat colour, that no compression changes much.
    pixels = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    pixels[:, 15:] = (20, 220, 120)
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", quality=95)
    assert image_hw(tmp_path / f"a.{suffix}") == (20, 30)
    image = read_image(tmp_path / f"a.{suffix}")
    assert image.shape == (20, 30, 3)
    # Away from the edge, where lossy kinds mix.
    for columns in (slice(0, 12), slice(18, 30)):
        difference = image[:, columns].astype(int) - pixels[:, columns]
        assert abs(difference).max() <= 8


def test_grey_of_one_channel(tmp_path, rng):
    grey = rng.integers(0, 256, (20, 30), np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", 1), grey[..., None])
    deep = rng.integers(0, 2**16, (20, 30), np.uint16)
    Image.fromarray(deep).save(tmp_path / "b.png")
    image = read_image(tmp_path / "b.png", 1)
    np.testing.assert_array_equal(image, (deep >> 8)[..., None])
    colour = np.zeros((4, 5, 3), np.uint8)
    colour[...] = (255, 0, 0)
    Image.fromarray(colour).save(tmp_path / "c.png")
    # Luma of red by ITU-R 601: 0.299 * 255 = 76.2
    assert (read_image(tmp_path / "c.png", 1) == 76).all()


@pytest.mark.parametrize("num_channels", [2, 4, 5, 13])
@pytest.mark.parametrize("config", ["contig", "separate", "pages", None])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_of_many_channels(tmp_path, rng, num_channels, config, dtype):
    pixels = rng.integers(0, np.iinfo(dtype).max + 1, (20, 30, num_channels), dtype)
    # A page for each channel, or, as [H, W, C] by default, one for each row.
    stored = np.moveaxis(pixels, 2, 0) if config in ("separate", "pages") else pixels
    config = None if config == "pages" else config
    tifffile.imwrite(
        tmp_path / "a.tif", stored, photometric="minisblack", planarconfig=config
    )
    image = read_image(tmp_path / "a.tif", num_channels)
    assert image.dtype == np.uint8
    assert image_hw(tmp_path / "a.tif") == (20, 30)
    expected = pixels if dtype == np.uint8 else pixels >> 8
    np.testing.assert_array_equal(image, expected)


def test_alpha_is_the_fourth_channel(tmp_path, rng):
    pixels = rng.integers(0, 256, (20, 30, 4), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", 4), pixels)


def test_other_channels_than_asked_for(tmp_path, rng):
    pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(DatasetError, match=r"a.png: Expected an image of 5 channels"):
        read_image(tmp_path / "a.png", 5)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    with pytest.raises(DatasetError, match=r"of 5 channels.*Received: \[20, 30, 3\]"):
        read_image(tmp_path / "a.tif", 5)
    content = (tmp_path / "a.tif").read_bytes()
    for length in (4, 100, len(content) - 900):
        (tmp_path / "b.tif").write_bytes(content[:length])
        with pytest.raises(DatasetError, match=r"b\.tif"):
            read_image(tmp_path / "b.tif", 5)


def test_to_show(rng):
    image = rng.integers(0, 256, (4, 5, 7), np.uint8)
    np.testing.assert_array_equal(to_show(image), image[..., :3])
    for num_channels in (1, 2):
        shown = to_show(image[..., :num_channels])
        np.testing.assert_array_equal(shown, image[..., [0, 0, 0]])


def test_labels(tmp_path):
    labels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    Image.fromarray(labels).save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png").tolist() == [[0, 1, 2], [3, 4, 5]]
    Image.fromarray(labels.astype(np.uint16) * 9000).save(tmp_path / "b.png")
    assert read_labels(tmp_path / "b.png")[1, 2] == 45000
    Image.fromarray(labels > 2).save(tmp_path / "c.png")
    assert read_labels(tmp_path / "c.png").tolist() == [[0, 0, 0], [1, 1, 1]]
    Image.fromarray(labels.astype(np.float32)).save(tmp_path / "d.tif")
    with pytest.raises(DatasetError, match=r"d.tif: Expected whole numbers"):
        read_labels(tmp_path / "d.tif")

import numpy as np
import pytest

from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError

META = """<meta><task><labels>
<label><name>cat</name></label><label><name>dog</name></label>
</labels></task></meta>"""


@pytest.fixture
def cvat_folder(tmp_path, save_image):
    """Write a CVAT file with one image, of 20 x 30 pixels."""

    def write(*shapes, image='name="a.png" width="30" height="20"', meta=META):
        save_image("images/a.png")
        (tmp_path / "annotations.xml").write_text(
            f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{meta}'
            f'<image id="0" {image}>{"".join(shapes)}</image></annotations>'
        )
        return tmp_path

    return write


def masks_of(folder):
    return Dataset.load(folder).load_mask(0)[0]


def centres():
    """Coordinates of the centres of the pixels, as CVAT counts."""
    y, x = np.mgrid[:20, :30]
    return x + 0.5, y + 0.5


def test_box_covers_its_pixels(cvat_folder):
    folder = cvat_folder('<box label="cat" xtl="4" ytl="5" xbr="14" ybr="8"/>')
    dataset = Dataset.load(folder)
    mask = dataset.load_mask(0)[0][..., 0]
    assert mask.sum() == 30
    assert mask[5:8, 4:14].all()
    assert dataset.class_names == ["BG", "cat", "dog"]


def test_polygon_and_box_agree(cvat_folder):
    # No corner falls on the centre of a pixel.
    masks = masks_of(
        cvat_folder(
            '<box label="cat" xtl="3.6" ytl="5" xbr="14" ybr="8.4"/>',
            '<polygon label="cat" points="3.6,5;14,5;14,8.4;3.6,8.4"/>',
        )
    )
    x, y = centres()
    expected = (x > 3.6) & (x < 14) & (y > 5) & (y < 8.4)
    np.testing.assert_array_equal(masks[..., 0], expected)
    np.testing.assert_array_equal(masks[..., 1], expected)


def test_turned_box_and_ellipse(cvat_folder):
    masks = masks_of(
        cvat_folder(
            '<box label="cat" xtl="8" ytl="7" xbr="22" ybr="12" rotation="30"/>',
            '<ellipse label="cat" cx="15" cy="9" rx="10" ry="4" rotation="30"/>',
            '<ellipse label="cat" cx="15" cy="9" rx="10" ry="4"/>',
        )
    )
    x, y = centres()

    def turned(cx, cy, degrees):
        """Along and across an axis that is turned clockwise on screen."""
        turn = np.exp(-1j * np.radians(degrees))
        point = ((x - cx) + 1j * (y - cy)) * turn
        return point.real, point.imag

    along, across = turned(15, 9.5, 30)
    box = (abs(along) < 7) & (abs(across) < 2.5)
    np.testing.assert_array_equal(masks[..., 0], box)
    for i, degrees in ((1, 30), (2, 0)):
        along, across = turned(15, 9, degrees)
        ellipse = (along / 10) ** 2 + (across / 4) ** 2 <= 1
        np.testing.assert_array_equal(masks[..., i], ellipse)


def test_mask(cvat_folder):
    folder = cvat_folder(
        '<mask label="dog" rle="1, 2, 3, 2" left="3" top="4" width="4" height="2"/>'
    )
    mask = masks_of(folder)[..., 0]
    # Along the rows: .11. / ..11
    np.testing.assert_array_equal(mask[4:6, 3:7], [[0, 1, 1, 0], [0, 0, 1, 1]])
    assert mask.sum() == 4


def test_groups(cvat_folder):
    box = '<box label="{}" xtl="{}" ytl="2" xbr="{}" ybr="6" group_id="{}"/>'
    folder = cvat_folder(
        box.format("cat", 1, 3, 7),
        box.format("dog", 5, 8, 7),
        box.format("cat", 10, 14, 7),
        box.format("cat", 20, 21, 0),
        box.format("cat", 22, 23, 0),
    )
    masks, class_ids = Dataset.load(folder).load_mask(0)
    # 2 and 4 columns of 4 rows are one cat; the dog of the group is another object.
    assert masks.sum(axis=(0, 1)).tolist() == [24, 12, 4, 4]
    assert class_ids.tolist() == [1, 2, 1, 1]


def test_project_with_subsets(cvat_folder, save_image, tmp_path):
    save_image("images/train/b.png")
    folder = cvat_folder(
        '<box label="cat" xtl="4" ytl="5" xbr="14" ybr="8"/><tag label="dog"/>',
        image='name="b.png" subset="train" width="30" height="20"',
    )
    dataset = Dataset.load(folder)
    assert dataset.image_info[0]["path"] == str(tmp_path / "images/train/b.png")
    assert dataset.load_image(0).shape == (20, 30, 3)


def test_size_is_read_where_it_is_not_stated(cvat_folder):
    folder = cvat_folder(
        '<box label="cat" xtl="4" ytl="5" xbr="14" ybr="8"/>', image='name="a.png"'
    )
    assert masks_of(folder).shape == (20, 30, 1)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ('<points label="a" points="1,2"/>', "points 0: expected a shape with an area"),
        ('<polyline label="a" points="1,2;3,4"/>', "Received: 'polyline'"),
        ('<box xtl="4" ytl="5" xbr="14" ybr="8"/>', "box 0: expected a label"),
        ('<box label="a" xtl="4" ytl="5" xbr="4" ybr="8"/>', "a box with an area"),
        (
            '<box label="a" xtl="4" ytl="5" xbr="x" ybr="8"/>',
            "expected a number in xbr",
        ),
        ('<box label="a" xtl="4" ytl="nan" xbr="9" ybr="8"/>', "a number in ytl"),
        (
            '<box label="a" xtl="4" ytl="5" xbr="14"/>',
            "a number in ybr. Received: None",
        ),
        ('<polygon label="a" points="1,2;3"/>', "expected points x,y;x,y;"),
        ('<polygon label="a" points="1,2;inf,2;3,4"/>', "expected points"),
        ('<polygon label="a"/>', "expected points"),
        ('<polygon label="a" points="1,2;2,4;1,2"/>', "at least 3 points"),
        ('<polygon label="a" points="1,1;2,2;3,3"/>', "with an area"),
        ('<ellipse label="a" cx="5" cy="5" rx="0" ry="2"/>', "radii above 0"),
        (
            '<mask label="a" rle="1,2" left="0" top="0" width="2" height="2"/>',
            "run len",
        ),
        ('<mask label="a" rle="x" left="0" top="0" width="2" height="2"/>', "run len"),
        ('<mask label="a" left="0" top="0" width="2" height="2"/>', "run lengths"),
        (
            '<mask label="a" rle="900" left="0" top="0" width="30" height="30"/>',
            "no larger than its image",
        ),
        ('<mask label="a" rle="4" left="0" top="0" width="2" height="2"/>', "none"),
        ('<box label="a" xtl="94" ytl="5" xbr="99" ybr="8"/>', "inside the image"),
    ],
)
def test_broken_shapes_are_named(cvat_folder, shape, message):
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(cvat_folder(shape))
    assert "annotations.xml, image 'a.png', " in str(caught.value)


def test_video_is_another_format(cvat_folder):
    folder = cvat_folder(meta='<track id="0" label="cat"/>')
    with pytest.raises(DatasetError, match="XML for video"):
        Dataset.load(folder)

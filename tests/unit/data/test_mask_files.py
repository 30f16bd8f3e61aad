import numpy as np
import pytest
from PIL import Image

from mrcnn.data import formats
from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError


@pytest.fixture
def save_mask(tmp_path):
    def save(name, mask) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)

    return save


def blob(top, left, height=5, width=6, value=255):
    mask = np.zeros((20, 30), np.uint8)
    mask[top : top + height, left : left + width] = value
    return mask


def test_masks(tmp_path, save_image, save_mask):
    ring = blob(2, 2, 9, 9)
    ring[5:7, 5:7] = 0
    ring[15, 25] = 1  # a part of its own, and not 255
    save_image("x1/images/x1.png")
    save_mask("x1/masks/0.png", ring)
    save_mask("x1/masks/1.png", blob(3, 15))
    save_image("x2/images/picture.jpg")
    save_mask("x2/masks/0.png", np.repeat(blob(0, 0)[..., None], 4, axis=2))
    dataset = Dataset.load(tmp_path)
    assert dataset.class_names == ["BG", "object"]
    assert [info["id"] for info in dataset.image_info] == ["x1", "x2"]
    masks, class_ids = dataset.load_mask(0)
    assert class_ids.tolist() == [1, 1]
    np.testing.assert_array_equal(masks[..., 0], ring > 0)
    np.testing.assert_array_equal(masks[..., 1], blob(3, 15) > 0)
    np.testing.assert_array_equal(dataset.load_mask(1)[0][..., 0], blob(0, 0) > 0)
    named = Dataset.load(tmp_path, class_names=["nucleus"])
    assert named.class_names == ["BG", "nucleus"]


def test_a_folder_for_each_class(tmp_path, save_image, save_mask):
    save_image("x1/images/x1.png")
    save_mask("x1/masks/dog/0.png", blob(3, 15))
    save_mask("x1/masks/cat/0.png", blob(0, 0))
    dataset = Dataset.load(tmp_path)
    assert dataset.class_names == ["BG", "cat", "dog"]
    assert dataset.load_mask(0)[1].tolist() == [1, 2]
    with pytest.raises(DatasetError, match="expected one of the classes"):
        Dataset.load(tmp_path, class_names=["cat"])


def test_train_and_val(tmp_path, save_image, save_mask):
    for subset in ("train", "val"):
        save_image(f"{subset}/x1/images/x1.png")
        save_mask(f"{subset}/x1/masks/0.png", blob(3, 15))
    assert formats.subsets(tmp_path) == ("train", "val")
    assert Dataset.load(tmp_path, "val").num_images == 1
    with pytest.raises(DatasetError, match="is divided"):
        Dataset.load(tmp_path)


def test_image_without_masks(tmp_path, save_image, save_mask):
    save_image("x1/images/x1.png")
    save_mask("x1/masks/0.png", blob(3, 15))
    save_image("x2/images/x2.png")
    (tmp_path / "x2/masks").mkdir()
    assert Dataset.load(tmp_path).num_images == 1
    assert Dataset.load(tmp_path, keep_unannotated=True).num_images == 2


def test_broken_folders_are_named(tmp_path, save_image, save_mask):
    save_image("x1/images/x1.png")
    save_mask("x1/masks/0.png", blob(3, 15))
    with pytest.raises(DatasetError, match="one class name"):
        Dataset.load(tmp_path, class_names=["cat", "dog"])
    with pytest.raises(DatasetError, match="no class_attribute"):
        Dataset.load(tmp_path, class_attribute="label")
    save_mask("x1/masks/1.png", blob(0, 0)[:9])
    with pytest.raises(DatasetError, match=r"1.png: expected the size.*\(9, 30\)"):
        Dataset.load(tmp_path)
    save_mask("x1/masks/1.png", blob(0, 0, value=0))
    with pytest.raises(DatasetError, match=r"'x1', masks.1.png: .*covers a pixel"):
        Dataset.load(tmp_path)
    (tmp_path / "x1/masks/1.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"1.png, which is none that can be read"):
        Dataset.load(tmp_path)
    save_image("x1/images/x2.png")
    with pytest.raises(DatasetError, match="expected one image in images/"):
        Dataset.load(tmp_path)


def test_link_out_of_the_folder(tmp_path, save_image, save_mask):
    save_image("data/x1/images/x1.png")
    save_mask("secret.png", blob(3, 15))
    save_mask("data/x1/masks/0.png", blob(3, 15))
    (tmp_path / "data/x1/masks/1.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(DatasetError, match=r"1.png: .*a link that leaves it"):
        Dataset.load(tmp_path / "data")

import json

from mrcnn.data.dataset import Dataset
from tests.unit.data.painted import assert_same


def test_labelme_files(painted, tmp_path):
    folder = painted.save(tmp_path / "labelme", "labelme")
    files = sorted(file.name for file in folder.iterdir())
    assert files == ["a.json", "b.json"]
    content = json.loads((folder / "a.json").read_text())
    assert content["imagePath"] == "../photos/a.png"  # from the file on, for LabelMe
    assert (content["imageHeight"], content["imageWidth"]) == (20, 30)
    first, second, ring = content["shapes"]
    assert first["group_id"] == second["group_id"] == 1
    assert {s["shape_type"] for s in (first, second)} == {"polygon"}
    assert ring["shape_type"] == "mask" and ring["points"] == [[5, 5], [17, 14]]
    assert ring["group_id"] is None
    # Our reader never leaves the folder: the images are found beside their files.
    for name in ("a.png", "b.png"):
        (tmp_path / "photos" / name).rename(folder / name)
        painted.image_info[name == "b.png"]["path"] = str(folder / name)
    assert_same(Dataset.load(folder), painted)

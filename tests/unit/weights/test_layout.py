"""The HDF5 layout, on files written by hand and files that are broken."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from mrcnn.errors import WeightsError
from mrcnn.weights.layout import read_weights, write_weights

CONV = [
    ("conv1/kernel:0", np.arange(6, dtype=np.float32).reshape(1, 2, 3)),
    ("conv1/bias:0", np.ones(3, np.float32)),
]
RPN = [
    ("rpn_conv_shared/kernel:0", np.full((2, 2), 0.1, np.float32)),
    ("rpn_class_raw/kernel:0", np.full((2, 1), -3.5, np.float32)),
]
WEIGHTS = {"input_image": [], "conv1": CONV, "rpn_model": RPN}


def assert_equal(found, expected):
    assert list(found) == list(expected)
    for layer, arrays in expected.items():
        assert [name for name, _ in found[layer]] == [name for name, _ in arrays]
        for (_, array), (_, right) in zip(found[layer], arrays, strict=True):
            assert array.dtype == right.dtype
            np.testing.assert_array_equal(array, right)


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"group": "model_weights"},
        {"pieces": 2},
        {"group": "model_weights", "pieces": 3},
    ],
)
def test_read_every_form_of_the_layout(write_h5, layout):
    assert_equal(read_weights(write_h5(WEIGHTS, **layout)), WEIGHTS)


def test_write_then_read_gives_the_same_bits(tmp_path):
    path = tmp_path / "new" / "folder" / "out.h5"
    write_weights(path, WEIGHTS, {"backend": "tensorflow"})
    assert_equal(read_weights(str(path)), WEIGHTS)
    with h5py.File(path, "r") as file:
        assert file.attrs["backend"] == "tensorflow"
        assert file["rpn_model/rpn_class_raw/kernel:0"].shape == (2, 1)
        assert list(file.attrs["layer_names"]) == [
            b"input_image",
            b"conv1",
            b"rpn_model",
        ]
    assert os.listdir(path.parent) == ["out.h5"]


def test_names_over_64_kb_are_cut_in_pieces(tmp_path):
    # 3,000 names of 50 bytes: 150 kB, more than two attributes can hold.
    weights = {f"layer_{i:044d}": [] for i in range(3000)}
    path = tmp_path / "long.h5"
    write_weights(path, weights, {})
    assert list(read_weights(path)) == list(weights)
    with h5py.File(path, "r") as file:
        assert "layer_names" not in file.attrs
        assert {f"layer_names{i}" for i in range(3)} <= set(file.attrs)
        assert max(len(n.tobytes()) for n in file.attrs.values()) <= 64512


def test_manifest_of_the_coco_file_with_small_arrays(write_h5):
    """All 394 layers and 690 arrays by name; the shapes are cut to one per axis."""
    root = Path(__file__).resolve().parents[3]
    shared = Path(os.environ.get("MRCNN_SHARED", root.parent / "shared"))
    name = "manifest_coco_resnet101.json"
    found = [
        folder / "golden" / name
        for folder in (root / "tests", shared)
        if (folder / "golden" / name).exists()
    ]
    if not found:
        pytest.skip(f"{name} is neither in tests/golden nor beside the project")
    manifest = json.loads(found[0].read_text())
    weights = {layer: [] for layer in manifest["layer_names"]}
    for group, array, shape in manifest["weights"]:
        value = np.full([1] * len(shape), len(array), np.float32)
        weights[group].append((array, value))
    assert len(weights) == 394
    assert sum(map(len, weights.values())) == 690
    assert_equal(read_weights(write_h5(weights)), weights)


def test_write_replaces_a_file_only_when_whole(tmp_path):
    path = tmp_path / "kept.h5"
    write_weights(path, WEIGHTS, {})
    before = path.read_bytes()
    with pytest.raises(ValueError):
        # Two arrays of one name: h5py gives up in the middle of the file.
        write_weights(path, {"conv1": [CONV[0], CONV[0]]}, {})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["kept.h5"]


def test_write_below_a_file_names_the_path(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"write the weights to '.*out\.h5'.*Check"):
        write_weights(tmp_path / "file" / "out.h5", WEIGHTS, {})


def test_missing_file_names_it_and_its_neighbour(tmp_path):
    (tmp_path / "mask_rcnn_coco.h5").write_text("")
    with pytest.raises(WeightsError) as caught:
        read_weights(tmp_path / "mask_rcnn_koko.h5")
    message = str(caught.value)
    assert "mask_rcnn_koko.h5', which does not exist" in message
    assert "Did you mean 'mask_rcnn_coco.h5'?" in message
    assert "--weights=coco" in message
    assert "\n" not in message


def test_missing_folder_is_a_missing_file(tmp_path):
    with pytest.raises(WeightsError, match="does not exist. Check the path"):
        read_weights(tmp_path / "nowhere" / "a.h5")


def test_folder_is_not_a_weights_file(tmp_path):
    with pytest.raises(WeightsError, match=r"a folder\. Name the \.h5 file inside"):
        read_weights(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x89HD"])
def test_other_content_is_named_with_its_size(tmp_path, content):
    path = tmp_path / "web.h5"
    path.write_bytes(content)
    with pytest.raises(
        WeightsError, match=rf"web\.h5' \({len(content)} bytes\), which is not HDF5"
    ):
        read_weights(path)


def test_zip_is_taken_for_a_keras_archive(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(WeightsError, match="a zip archive such as a Keras 3 '.keras'"):
        read_weights(path)


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.99])
def test_truncated_file_says_so(tmp_path, kept):
    path = tmp_path / "cut.h5"
    write_weights(path, {"conv1": [("conv1/kernel:0", np.ones(9999))]}, {})
    size = int(path.stat().st_size * kept)
    os.truncate(path, size)
    with pytest.raises(
        WeightsError,
        match=rf"cut\.h5' \({size:,} bytes\), which is truncated or damaged",
    ):
        read_weights(path)


def test_named_array_that_is_not_there(write_h5):
    path = write_h5(WEIGHTS)
    with h5py.File(path, "a") as file:
        del file["conv1/conv1/bias:0"]
    with pytest.raises(
        WeightsError, match="array 'conv1/bias:0' of layer '/conv1' is named"
    ):
        read_weights(path)


def test_named_layer_that_is_not_there(write_h5):
    path = write_h5(WEIGHTS)
    with h5py.File(path, "a") as file:
        del file["conv1"]
    with pytest.raises(WeightsError, match="layer 'conv1' is named and not there"):
        read_weights(path)


def test_array_whose_bytes_were_never_written(write_h5):
    path = write_h5(WEIGHTS)
    with h5py.File(path, "a") as file:
        del file["conv1/conv1/bias:0"]
        file["conv1"].create_dataset("conv1/bias:0", (3,), "f4")
    with pytest.raises(
        WeightsError, match="'conv1/bias:0' of layer '/conv1' was never"
    ):
        read_weights(path)


def test_array_of_text(write_h5):
    path = write_h5({"conv1": [("conv1/kernel:0", np.array([b"abc"]))]})
    with pytest.raises(WeightsError, match=r"holds \S+, not numbers"):
        read_weights(path)


def test_group_in_place_of_an_array(write_h5):
    path = write_h5(WEIGHTS)
    with h5py.File(path, "a") as file:
        del file["conv1/conv1/bias:0"]
        file.create_group("conv1/conv1/bias:0")
    with pytest.raises(WeightsError, match="is not an array"):
        read_weights(path)


def test_link_to_another_file_is_not_followed(write_h5, tmp_path):
    other = write_h5(WEIGHTS, "other.h5")
    path = write_h5(WEIGHTS)
    with h5py.File(path, "a") as file:
        del file["conv1/conv1/bias:0"]
        file["conv1/conv1/bias:0"] = h5py.ExternalLink(other, "conv1/conv1/bias:0")
    with pytest.raises(WeightsError, match="points to another file"):
        read_weights(path)


def test_hdf5_of_another_kind(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["table"] = np.zeros(3)
    with pytest.raises(WeightsError, match="HDF5 file without it"):
        read_weights(path)


def test_names_that_are_no_list(tmp_path):
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = 3
    with pytest.raises(WeightsError, match="damaged"):
        read_weights(path)

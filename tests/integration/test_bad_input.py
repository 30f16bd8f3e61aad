"""Bad input ends in one line that names the thing, and exit code 2."""

import json

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli import runs
from mrcnn.cli.main import main
from mrcnn.config import Config
from mrcnn.errors import ConfigError

# Settings with which a network is built in seconds.
SMALL = ("--backbone=resnet18", "--image-size=64")


def polygon(label):
    return {
        "shape_attributes": {
            "name": "polygon",
            "all_points_x": [4, 40, 40, 4],
            "all_points_y": [4, 4, 30, 30],
        },
        "region_attributes": {"name": label},
    }


def write_via(folder, labels):
    """A folder of pictures, one outlined object in each, with these labels."""
    folder.mkdir(parents=True, exist_ok=True)
    images = {}
    for i, label in enumerate(labels):
        name = f"{i}.png"
        Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(folder / name)
        images[name] = {"filename": name, "size": 1, "regions": [polygon(label)]}
    (folder / "via_region_data.json").write_text(json.dumps(images))
    return folder


@pytest.fixture
def photos(tmp_path):
    return write_via(tmp_path / "photos", ["remote"] * 4)


@pytest.fixture
def fails(capsys, tmp_path):
    """Run a command; return its one line on standard error."""

    def run(*words) -> str:
        capsys.readouterr()
        code = main([*map(str, words), f"--logs={tmp_path / 'logs'}"])
        lines = capsys.readouterr().err.splitlines()
        # A backend may write notes of its own when it first starts.
        errors = [line for line in lines if line.startswith("error: ")]
        assert code == 2
        assert len(errors) == 1 and lines[-1] == errors[0]
        return errors[0]

    return run


def train(photos, *words):
    return (
        "train",
        "--dataset",
        photos,
        "--weights=none",
        "--epochs=1",
        *SMALL,
        *words,
    )


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """An untrained network of two classes, as a training would have left it."""
    from mrcnn.model import MaskRCNN
    from mrcnn.weights.matterport import save_weights

    config = Config(
        NAME="photos",
        NUM_CLASSES=2,
        BACKBONE="resnet18",
        IMAGE_MAX_DIM=64,
        IMAGE_MIN_DIM=64,
        IMAGES_PER_GPU=1,
    )
    folder = tmp_path_factory.mktemp("runs") / "photos20250101T1200"
    model = MaskRCNN("inference", config, folder.parent)
    runs.write(folder, config, ["BG", "remote"])
    save_weights(model.keras_model, folder / "mask_rcnn_photos_0001.h5")
    return folder / "mask_rcnn_photos_0001.h5"


def test_missing_folder(fails, tmp_path):
    message = fails(*train(tmp_path / "gone"))
    assert f"Received: {tmp_path / 'gone'}" in message and "Check the path" in message


def test_folder_without_annotations(fails, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "Put the annotations there" in fails(*train(tmp_path / "empty"))


@pytest.mark.parametrize("text", ["", "{}", "[]", "{broken"])
def test_empty_or_broken_annotation_file(fails, photos, text):
    (photos / "via_region_data.json").write_text(text)
    assert str(photos) in fails(*train(photos))


def test_annotation_file_without_regions(fails, photos):
    content = {"0.png": {"filename": "0.png", "size": 1, "regions": []}}
    (photos / "via_region_data.json").write_text(json.dumps(content))
    assert "via_region_data.json" in fails(*train(photos))


def test_annotated_image_that_is_none(fails, photos):
    (photos / "2.png").write_bytes(b"this is text")
    assert "2.png" in fails(*train(photos))


def test_annotated_image_that_is_missing(fails, photos):
    (photos / "1.png").unlink()
    assert "1.png" in fails(*train(photos))


def test_label_outside_the_class_list(fails, tmp_path):
    folder = write_via(tmp_path / "photos", ["remote", "remotte", "remote"])
    message = fails(*train(folder, "--classes=remote,phone"))
    assert "'remotte'" in message and "1.png" in message
    assert "Did you mean 'remote'?" in message


def test_label_of_val_that_train_lacks(fails, tmp_path):
    write_via(tmp_path / "photos" / "train", ["remote", "remote"])
    write_via(tmp_path / "photos" / "val", ["phone"])
    message = fails(*train(tmp_path / "photos"))
    assert "'phone'" in message and "val" in message


def test_nothing_to_learn_from_is_said_before_a_network_is_built(
    fails, tmp_path, monkeypatch
):
    """In COCO's format images without annotations count as empty ones."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(4):
        Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(folder / f"{i}.png")
    content = {
        "images": [
            {"id": i, "file_name": f"{i}.png", "width": 64, "height": 48}
            for i in range(4)
        ],
        "annotations": [],
        "categories": [{"id": 1, "name": "remote"}],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    monkeypatch.setattr("mrcnn.model.build_network", None)
    message = fails(*train(folder))
    assert "an object to learn from" in message and "3 images, none" in message


def test_one_image_cannot_be_divided(fails, tmp_path):
    folder = write_via(tmp_path / "photos", ["remote"])
    assert "at least 2 different images" in fails(*train(folder))


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--image-size=100", "must divide by 64"),
        ("--backbone=resnet19", "Did you mean 'resnet1"),
        ("--layers=nothing_like_it", "nothing_like_it"),
        ("--layers=mrcnn_(", "mrcnn_("),
        ("--lr=nan", "LEARNING_RATE"),
        ("--val-fraction=2", "val_fraction=2.0"),
    ],
)
def test_wrong_flag(fails, photos, flag, said):
    assert said in fails(*train(photos, flag))


def test_num_classes_that_does_not_fit_the_data(tmp_path):
    from mrcnn import Dataset, MaskRCNN

    config = Config(
        NAME="a",
        NUM_CLASSES=2,
        BACKBONE="resnet18",
        IMAGE_MAX_DIM=64,
        IMAGE_MIN_DIM=64,
        STEPS_PER_EPOCH=1,
    )
    folder = write_via(tmp_path / "photos", ["remote", "phone", "remote", "phone"])
    train_set, val_set = Dataset.load(folder).split(0.5)
    model = MaskRCNN("training", config, tmp_path)
    with pytest.raises(ConfigError, match=r"NUM_CLASSES of at least 3.*NUM_CLASSES=2"):
        model.train(train_set, val_set, 0.001, epochs=1, layers="heads")


def test_num_classes_that_does_not_fit_the_weights(fails, photos, checkpoint, tmp_path):
    alone = tmp_path / "mask_rcnn_old.h5"  # as the original's: no run.json beside it
    alone.write_bytes(checkpoint.read_bytes())
    words = ("predict", photos / "0.png", f"--output={tmp_path / 'out'}", *SMALL)
    message = fails(*words, f"--weights={alone}", "--classes=remote,phone")
    assert "mrcnn_" in message and "mask_rcnn_old.h5" in message


def test_more_class_names_than_the_run_has(fails, photos, checkpoint):
    message = fails(
        "predict", photos, f"--weights={checkpoint}", "--classes=remote,phone"
    )
    assert "Expected classes that the network knows: remote;" in message
    assert "Received: phone" in message


def test_weights_without_class_names(fails, photos, checkpoint, tmp_path):
    alone = tmp_path / "mask_rcnn_old.h5"
    alone.write_bytes(checkpoint.read_bytes())
    message = fails("predict", photos, f"--weights={alone}")
    assert "run.json" in message and "--classes=A,B,C" in message


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_truncated_weights_file(fails, photos, checkpoint, tmp_path, part):
    whole = checkpoint.read_bytes()
    cut = tmp_path / "cut.h5"
    cut.write_bytes(whole[: int(part * len(whole))])
    predict = ("predict", photos, *SMALL, f"--weights={cut}", "--classes=remote")
    assert "cut.h5" in fails(*predict, f"--output={tmp_path / 'out'}")
    assert "cut.h5" in fails(*train(photos, f"--weights={cut}"))


def test_weights_of_another_network(fails, photos, tmp_path):
    import h5py

    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file.create_group("dense").attrs["weight_names"] = [b"dense/kernel:0"]
        file["dense/dense/kernel:0"] = np.zeros((2, 2), np.float32)
    assert "other.h5" in fails(*train(photos, f"--weights={other}"))


@pytest.mark.parametrize("weights", ["none", "imagenet"])
def test_prediction_needs_trained_weights(fails, photos, weights):
    message = fails("predict", photos, f"--weights={weights}")
    assert f"--weights={weights}" in message


def test_prediction_before_any_training(fails, photos):
    assert "Expected a checkpoint mask_rcnn_NAME_NNNN.h5" in fails("predict", photos)


def test_predicted_image_that_is_none(fails, photos, checkpoint, tmp_path):
    (photos / "3.jpg").write_bytes(b"this is text")
    words = ("predict", photos, f"--weights={checkpoint}")
    assert "3.jpg" in fails(*words, f"--output={tmp_path / 'out'}")
    # What came before it in the folder is there.
    assert (tmp_path / "out" / "2_masks.jpg").is_file()


def test_output_that_is_a_file(fails, photos, checkpoint):
    words = ("predict", photos, f"--weights={checkpoint}")
    assert "--output" in fails(*words, f"--output={photos / '0.png'}")


def write_video(path, num_frames):
    import av

    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.gop_size = 1
        for _ in range(num_frames):
            pixels = rng.integers(0, 256, (48, 64, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_video_that_ends_in_the_middle(fails, checkpoint, tmp_path):
    # Matroska keeps no index at its end, so the first half can be played.
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    write_video(whole, 12)
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    words = ("predict", cut, f"--weights={checkpoint}", f"--output={tmp_path}")
    assert "cut.mkv" in fails(*words)

    import av

    with av.open(str(tmp_path / "cut_masks.mp4")) as container:
        num_frames = sum(1 for _ in container.decode(video=0))
    assert 0 < num_frames < 12


@pytest.mark.parametrize("content", [b"", b"this is no video"])
def test_video_that_is_none(fails, checkpoint, tmp_path, content):
    (tmp_path / "clip.mp4").write_bytes(content)
    words = ("predict", tmp_path / "clip.mp4", f"--weights={checkpoint}")
    assert "clip.mp4" in fails(*words, f"--output={tmp_path / 'out'}")

"""samples/privacy on the generated street: what leaks, and how it is told to work."""

import av
import numpy as np
import pytest
from PIL import Image

from benchmarks import privacy as benchmark
from mrcnn.errors import ConfigError, DatasetError

privacy, street = benchmark.privacy, benchmark.street
# Smaller than the benchmark's clip, and shorter: seconds.
IMAGE_HW, NUM_FRAMES = (270, 480), 60


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Path of the street, and the true objects to hide in each frame."""
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    return path, benchmark.make_street(path, NUM_FRAMES, IMAGE_HW)


@pytest.mark.parametrize("per_object", [False, True])
def test_leak_with_every_fifth_detection_missing(clip, per_object):
    path, truth = clip
    held = benchmark.measure(path, truth, per_object=per_object)
    open_frames = benchmark.measure(path, truth, "--hold=0", per_object=per_object)
    assert held < 0.001
    # The measure sees a leak where there is one: about a fifth.
    assert 0.1 < open_frames < 0.3


def test_leak_of_a_detector_that_misses_nothing(clip):
    path, truth = clip
    assert benchmark.measure(path, truth, "--hold=0", drop=0) < 0.001
    # Coarse masks, cut where the network is in two minds and not grown, leak edges.
    tight = benchmark.measure(
        path, truth, "--hold=0", "--mask-threshold=0.5", "--dilate=0", drop=0
    )
    assert tight > 0.01


def test_what_is_not_asked_for_stays_readable(clip, tmp_path):
    path, truth = clip
    args = privacy.build_parser().parse_args(["--input", "x", "--method=fill"])
    detect = benchmark.missing_detector(truth, 0, False, args)
    target = tmp_path / "out.mp4"
    privacy.hide_in_video(path, target, detect, privacy.drawing(args), args)
    with av.open(str(path)) as before, av.open(str(target)) as after:
        frames = zip(before.decode(video=0), after.decode(video=0), strict=True)
        for (old, new), found in zip(frames, truth, strict=True):
            far = ~privacy_mask(found, 12)
            apart = np.abs(
                old.to_ndarray(format="rgb24").astype(int)
                - new.to_ndarray(format="rgb24")
            )
            assert apart[far].mean() < 6


def privacy_mask(found, margin):
    from mrcnn.draw.redact import redaction_mask

    return redaction_mask(found, margin)


def test_a_folder_of_images_and_videos(clip, tmp_path, capsys):
    path, _ = clip
    folder, output = tmp_path / "nextbatch", tmp_path / "output"
    folder.mkdir()
    image, found = next(street.street(0, 1, IMAGE_HW))
    exif = Image.Exif()
    exif[0x010F] = "the camera's maker"
    Image.fromarray(image).save(folder / "a.jpg", exif=exif, quality=95)
    Image.fromarray(image).save(folder / "b.png")
    (folder / "street.mp4").write_bytes(path.read_bytes())
    parser = privacy.build_parser()
    args = parser.parse_args(["--input", str(folder), "--output", str(output)])
    output.mkdir()

    def detect(images):
        return [found for _ in images]

    privacy.hide(privacy.outputs.find_inputs(args.input), detect, args)
    assert sorted(p.name for p in output.iterdir()) == [
        "a_private.jpg",
        "b_private.png",
        "street_private.mp4",
    ]
    assert "b.png: " in capsys.readouterr().out
    with Image.open(output / "b_private.png") as picture:
        np.testing.assert_array_equal(
            np.asarray(picture), privacy.drawing(args)(image, found)
        )
    with Image.open(output / "a_private.jpg") as picture:
        assert not picture.getexif() and picture.size == (480, 270)
    with av.open(str(output / "street_private.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == NUM_FRAMES


def test_from_the_flags_to_what_the_network_is_asked(tmp_path, monkeypatch):
    image, found = next(street.street(0, 1, IMAGE_HW))
    Image.fromarray(image).save(tmp_path / "a.png")
    asked = []

    class Model:
        def detect_images(self, images, *, mask_threshold):
            asked.append(mask_threshold)
            return [found for _ in images]

    monkeypatch.setattr(
        privacy, "load_detector", lambda args: (Model(), street.CLASS_NAMES)
    )
    words = ["--input", tmp_path / "a.png", "--output", tmp_path, "--method=fill"]
    words += ["--hide=car", "--mask-threshold=0.15", "--dilate=0"]
    assert privacy.main([str(word) for word in words]) == 0
    assert asked == [0.15]
    cars = found.select(found.class_ids == street.CLASS_NAMES.index("car"))
    expected = image.copy()
    expected[cars.masks.any(axis=-1)] = 0
    with Image.open(tmp_path / "a_private.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected)


def test_damaged_input_does_not_stop_the_others(tmp_path, capsys):
    image, found = next(street.street(0, 1, IMAGE_HW))
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    (tmp_path / "b.mp4").write_bytes(b"no video")
    Image.fromarray(image).save(tmp_path / "c.png")
    args = privacy.build_parser().parse_args(
        ["--input", str(tmp_path), "--output", str(tmp_path)]
    )
    with pytest.raises(DatasetError, match=r"a\.jpg"):
        privacy.hide(
            privacy.outputs.find_inputs(args.input), lambda images: [found], args
        )
    assert (tmp_path / "c_private.png").is_file()
    assert capsys.readouterr().out.count("not done") == 2


def test_classes_to_hide():
    from mrcnn.cli.coco_classes import COCO_CLASSES

    ids = privacy.hidden_class_ids(None, COCO_CLASSES)
    assert [COCO_CLASSES[i] for i in ids] == list(privacy.DEFAULT_CLASSES)
    assert privacy.hidden_class_ids(["dog", "cat"], COCO_CLASSES) == [17, 16]
    assert privacy.hidden_class_ids(None, ["BG", "badge", "book"]) == [2]
    with pytest.raises(ConfigError, match="Received: persn. Did you mean 'person'"):
        privacy.hidden_class_ids(["persn"], COCO_CLASSES)
    with pytest.raises(ConfigError, match="knows: badge. Received: person"):
        privacy.hidden_class_ids(None, ["BG", "badge"])


def test_missing_input_is_one_line(tmp_path, capsys):
    assert privacy.main(["--input", str(tmp_path / "gone.mp4")]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_street_is_the_same_for_a_seed_and_knows_its_masks():
    frames = list(street.street(3, 4, (90, 160)))
    again = list(street.street(3, 4, (90, 160)))
    for (image, found), (other, _) in zip(frames, again, strict=True):
        np.testing.assert_array_equal(image, other)
        # What is seen of objects never overlaps, and reaches all sides of its box.
        assert found.masks.sum(axis=-1).max() <= 1
        for mask in found.box_masks:
            sides = mask[0], mask[-1], mask[:, 0], mask[:, -1]
            assert all(side.any() for side in sides)
    assert (frames[0][1].class_ids == 1).sum() >= 2

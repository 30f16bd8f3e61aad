import argparse

import numpy as np
import pytest

from mrcnn.cli.detector import _names_of_run
from mrcnn.cli.objects import add_object_flags, class_ids, object_finder
from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.structures import Detections

NAMES = ("BG", "cup", "bowl", "person")


def parse(*words):
    parser = argparse.ArgumentParser()
    add_object_flags(parser)
    return parser.parse_args(words)


class Network:
    """Finds a cup and, nearly at the same place, a surer bowl; notes what it is asked.

    Both lie in the upper left corner, in every image.
    """

    config = Config(IMAGE_MAX_DIM=128)

    def __init__(self):
        self.sizes, self.thresholds = [], []

    def detect_images(self, images, *, mask_threshold):
        self.sizes += [image.shape[:2] for image in images]
        self.thresholds.append(mask_threshold)
        return [
            Detections(
                image.shape[:2],
                np.array([[0, 0, 10, 10], [0, 0, 10, 9]], np.int32),
                np.array([1, 2], np.int32),
                np.array([0.8, 0.9], np.float32),
                (np.ones((10, 10), bool), np.ones((10, 9), bool)),
            )
            for image in images
        ]


def found_with(*words, image_hw=(100, 120)):
    network = Network()
    find = object_finder(network, NAMES, parse(*words))
    (found,) = find([np.zeros((*image_hw, 3), np.uint8)])
    return [NAMES[i] for i in found.class_ids], network


def test_all_by_default():
    names, network = found_with()
    assert names == ["cup", "bowl"]
    assert network.thresholds == [0.5] and network.sizes == [(100, 120)]


def test_classes_to_keep():
    assert found_with("--classes=cup,person")[0] == ["cup"]
    assert found_with("--classes=person")[0] == []


def test_mask_threshold_arrives():
    assert found_with("--mask-threshold=0.3")[1].thresholds == [0.3]


def test_suppression_comes_before_the_choice():
    assert found_with("--agnostic-nms")[0] == ["bowl"]
    # The cup is a bowl to the network: without bowls there is nothing.
    assert found_with("--agnostic-nms", "--classes=cup")[0] == []


def test_tiles():
    image_hw = (200, 300)
    names, network = found_with("--tile", image_hw=image_hw)
    # 2 x 3 of the network's size with a fifth in common, and the whole.
    assert network.sizes == [(128, 128)] * 6 + [image_hw]
    assert len(names) == 12  # in the corner of each tile; the whole's are the first's
    _, network = found_with("--tile=100", "--tile-overlap=0.5", image_hw=image_hw)
    assert network.sizes == [(100, 100)] * (3 * 5) + [image_hw]
    assert found_with("--tile", image_hw=(50, 60))[1].sizes == [(50, 60)]


def test_whole_image_is_left_out_where_it_is_not_scaled_down():
    network = Network()
    network.config = Config(IMAGE_MAX_DIM=128, IMAGE_RESIZE_MODE="pad64")
    find = object_finder(network, NAMES, parse("--tile"))
    find([np.zeros((200, 300, 3), np.uint8)])
    assert network.sizes == [(128, 128)] * 6


def test_wrong_flags():
    with pytest.raises(ConfigError, match="Expected tiles"):
        object_finder(Network(), NAMES, parse("--tile=64", "--tile-overlap=0"))
    with pytest.raises(ConfigError, match=r"cup, bowl, person\. Received: persn\. Did"):
        object_finder(Network(), NAMES, parse("--classes=persn"))
    with pytest.raises(SystemExit):
        parse("--tile=0")
    with pytest.raises(SystemExit):
        parse("--mask-threshold=2")


def test_class_ids():
    assert class_ids(["person", "cup"], NAMES) == [3, 1]
    with pytest.raises(ConfigError, match="BG.*--hide=A,B"):
        class_ids(["BG"], NAMES, flag="--hide")


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (None, NAMES),
        (["person"], NAMES),
        (["person", "bowl", "cup"], NAMES),
        (["mug", "plate", "man"], ("BG", "mug", "plate", "man")),
    ],
)
def test_names_of_a_network_that_has_names(wanted, names):
    assert _names_of_run(wanted, NAMES) == names


@pytest.mark.parametrize(
    "wanted", [["mug"], ["cup", "mug"], ["cup", "bowl", "man"], ["BG"], list("abcd")]
)
def test_names_that_are_neither_known_nor_new(wanted):
    with pytest.raises(ConfigError, match=r"cup, bowl, person; or as many.*--classes"):
        _names_of_run(wanted, NAMES)

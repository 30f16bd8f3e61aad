"""Batches: contents, order, repeatability."""

import logging
import time

import keras
import numpy as np
import pytest
from keras.src.trainers.data_adapters import py_dataset_adapter

from mrcnn.data.cache import CachedImages
from mrcnn.errors import ConfigError, DatasetError
from mrcnn.geometry.anchors import feature_shapes, generate_pyramid_anchors
from mrcnn.training.augment import import_imgaug
from mrcnn.training.batches import Batches, serving

STRIDES = [8, 16, 32]
ANCHORS = generate_pyramid_anchors(
    (16, 32, 64), [0.5, 1, 2], feature_shapes((64, 64), STRIDES), STRIDES, 1
)
MEAN = np.array([10.0, 20.0, 30.0])


def batches_of(dataset, kind=Batches, **kwargs):
    kwargs = {
        "batch_size": 2,
        "num_classes": 3,
        "anchors": ANCHORS,
        "num_rpn_anchors": 32,
        "rpn_bbox_std_dev": np.array([0.1, 0.1, 0.2, 0.2]),
        "max_gt_instances": 5,
        "mean_pixel": MEAN,
        "min_dim": 32,
        "max_dim": 64,
        "mini_mask_shape": (14, 16),
    } | kwargs
    return kind(dataset, **kwargs)


def ids_of(batches, epoch=None):
    """The images of one epoch, a list per batch, read from the metas."""
    if epoch is not None:
        batches.epoch = epoch
    return [
        batches[i]["image_meta"][:, 0].astype(int).tolist() for i in range(len(batches))
    ]


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


@pytest.mark.parametrize("mini_mask_shape", [(14, 16), None])
def test_keys_shapes_and_dtypes(rectangles, mini_mask_shape):
    dataset = rectangles([1, 2])
    batch = batches_of(
        dataset, mini_mask_shape=mini_mask_shape, num_random_rois=7, shuffle=False
    )[0]
    h, w = mini_mask_shape or (64, 64)
    assert {key: (array.dtype.name, array.shape) for key, array in batch.items()} == {
        "image": ("float32", (2, 64, 64, 3)),
        "image_meta": ("float32", (2, 12 + 3)),
        "rpn_match": ("int32", (2, len(ANCHORS), 1)),
        "rpn_bbox": ("float32", (2, 32, 4)),
        "gt_class_ids": ("int32", (2, 5)),
        "gt_boxes": ("int32", (2, 5, 4)),
        "gt_masks": ("uint8", (2, h, w, 5)),
        "rois": ("int32", (2, 7, 4)),
    }
    # Image 1 has red 10; its 40 rows lie in the middle of 64, around them zeros.
    assert batch["image"][1, 32, 32].tolist() == [10 - 10, 100 - 20, 100 - 30]
    assert batch["image"][1, 0, 0].tolist() == [-10, -20, -30]
    assert batch["gt_class_ids"].tolist() == [[1, 0, 0, 0, 0], [1, 2, 0, 0, 0]]
    assert not batch["gt_boxes"][0, 1:].any() and batch["gt_boxes"][0, 0].any()
    assert batch["gt_masks"][..., 0].any() and not batch["gt_masks"][..., 2:].any()
    assert (batch["rpn_match"] == 1).any(axis=(1, 2)).all()
    assert "rois" not in batches_of(dataset)[0]


def test_an_image_without_objects_gives_negatives(rectangles):
    batch = batches_of(rectangles([0, 1]), shuffle=False)[0]
    assert np.count_nonzero(batch["rpn_match"][0] == -1) == 32
    assert not (batch["rpn_match"][0] == 1).any()
    assert not batch["gt_class_ids"][0].any() and not batch["rpn_bbox"][0].any()


def test_of_too_many_objects_some_are_picked(rectangles):
    dataset = rectangles([9])
    batch = batches_of(dataset, batch_size=1)[0]
    assert (batch["gt_class_ids"] != 0).all()
    # Class, box and mask still belong together: object i starts in column 3 i + 1,
    # 2 further right in 64 columns, and is of class 1 where i is even.
    which, rest = np.divmod(batch["gt_boxes"][0, :, 1] - 3, 3)
    assert len(set(which)) == 5 and not rest.any()
    np.testing.assert_array_equal(batch["gt_class_ids"][0], 1 + which % 2)
    others = [
        batches_of(dataset, batch_size=1, seed=s)[0]["gt_boxes"] for s in range(5)
    ]
    assert any((other != batch["gt_boxes"]).any() for other in others)


@pytest.mark.parametrize("shuffle", [True, False])
def test_without_steps_every_image_comes_once(rectangles, shuffle):
    batches = batches_of(rectangles([1] * 5), shuffle=shuffle)
    orders = [ids_of(batches, epoch) for epoch in range(4)]
    for order in orders:
        assert [len(ids) for ids in order] == [2, 2, 1]
        assert sorted(sum(order, [])) == [0, 1, 2, 3, 4]
    assert (orders[0] == [[0, 1], [2, 3], [4]]) == (not shuffle)
    assert len({str(order) for order in orders}) == (4 if shuffle else 1)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("num_images", [1, 3, 4, 7])
def test_steps_cut_one_stream_of_shuffled_rounds(rectangles, steps, num_images):
    batches = batches_of(rectangles([1] * num_images), steps=steps)
    epochs = -(-4 * num_images // (2 * steps))
    stream = []
    for epoch in range(epochs):
        order = ids_of(batches, epoch)
        assert [len(ids) for ids in order] == [2] * steps
        stream += sum(order, [])
    for start in range(0, 4 * num_images, num_images):
        assert sorted(stream[start : start + num_images]) == list(range(num_images))
    # Cut differently the stream is the same one.
    whole = batches_of(rectangles([1] * num_images), steps=epochs * steps)
    assert sum(ids_of(whole, 0), []) == stream


@pytest.mark.parametrize("steps", [1, 3, None])
def test_rounds_repeat_rare_images_and_leave_out_negatives(rectangles, steps):
    # Class 1 is in three of eight images, class 2 in one: with a threshold of 0.5
    # these come sqrt(0.5 / 0.375) = 1.15 and sqrt(0.5 / 0.125) = 2 times. In all
    # 1.15 + 1.15 + 2 -> 4, and half as many of the five negatives, 2.
    dataset = rectangles([1, 2, 1, 0, 0, 0, 0, 0])
    settings = {"repeat_threshold": 0.5, "negative_ratio": 0.5}
    batches = batches_of(dataset, steps=steps, **settings)
    assert len(batches) == (steps or 3)
    epochs = 6 if steps == 1 else 2
    stream = sum((sum(ids_of(batches, epoch), []) for epoch in range(epochs)), [])
    for start in range(0, 12, 6):
        counts = np.bincount(stream[start : start + 6], minlength=8)
        assert counts[0] == counts[2] == 1 and counts[1] == 2
        assert counts[3:].sum() == 2 and counts.max() == 2
    # Begun anew at a later epoch, it goes on alike.
    again = batches_of(dataset, steps=steps, initial_epoch=1, **settings)
    assert ids_of(again) == ids_of(batches, 1)
    # Validation shows every image once.
    plain = batches_of(dataset, shuffle=False, **settings)
    assert sum(ids_of(plain), []) == list(range(8))


def test_pasting_and_jitter_follow_seed_epoch_and_index(rectangles):
    dataset = rectangles([1, 2, 0, 3])
    settings = {"copy_paste": 0.5, "scale_jitter": (0.5, 1.5), "steps": 2}
    one = batches_of(dataset, seed=3, **settings)
    one[0], one[1]
    other = batches_of(dataset, seed=3, **settings)
    for i in (1, 0):
        assert_same(one[i], other[i])
    assert (
        batches_of(dataset, seed=4, **settings)[0]["gt_boxes"] != one[0]["gt_boxes"]
    ).any()


def test_pasting_into_a_share_of_the_images(rectangles):
    # Image 0 has nothing of its own; of the others one has something to paste.
    dataset = rectangles([0, 5, 0])
    batches = batches_of(
        dataset, batch_size=1, copy_paste=0.5, shuffle=False, steps=1, seed=0
    )
    shares = []
    for seed in range(300):
        batches.seed = seed
        shares.append(batches[0]["gt_class_ids"].any())
    # Half of the time, from image 1 half of that; deviation sqrt(0.19 / 300) = 0.025.
    assert np.mean(shares) == pytest.approx(0.25, abs=0.1)
    alone = batches_of(
        dataset, copy_paste=1.0, no_augmentation_sources={"shapes"}, shuffle=False
    )
    assert not alone[1]["gt_class_ids"].any()


def test_validation_takes_no_image_twice(rectangles):
    dataset = rectangles([1] * 5)
    assert ids_of(batches_of(dataset, shuffle=False, steps=50)) == [[0, 1], [2, 3], [4]]
    assert ids_of(batches_of(dataset, shuffle=False, steps=2)) == [[0, 1], [2, 3]]


def test_seed_epoch_and_index_decide_alone(rectangles):
    iaa = import_imgaug().augmenters
    settings = {
        "augmenter": iaa.Sequential([iaa.Fliplr(0.5), iaa.Affine(rotate=(-9, 9))]),
        "steps": 3,
        "num_random_rois": 4,
    }
    dataset = rectangles([1, 2, 3, 0])
    one = batches_of(dataset, seed=5, **settings)
    one[0], one[2], one[1]  # asking in another order changes nothing
    one.epoch += 1
    other = batches_of(dataset, seed=5, initial_epoch=1, **settings)
    for i in (2, 0, 1):
        assert_same(one[i], other[i])
    later, unlike = one[0], batches_of(dataset, seed=6, initial_epoch=1, **settings)[0]
    one.epoch += 1
    assert (one[0]["rpn_match"] != later["rpn_match"]).any()
    assert (unlike["rpn_match"] != later["rpn_match"]).any()


def test_validation_is_the_same_in_every_epoch(rectangles):
    batches = batches_of(rectangles([1, 2]), shuffle=False)
    before = batches[0]
    batches.on_epoch_begin()
    batches.on_epoch_end()
    assert batches.epoch == 1
    assert_same(before, batches[0])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_batch_beyond_the_epoch(rectangles, index):
    with pytest.raises(IndexError, match="from 0 to 2"):
        batches_of(rectangles([1] * 5))[index]


@pytest.mark.parametrize(
    ("counts", "kwargs", "error", "words"),
    [
        ([], {}, DatasetError, "at least one image"),
        ([1], {"num_classes": 2}, ConfigError, "NUM_CLASSES of at least 3"),
        ([1], {"augmenter": "flip"}, ConfigError, "Received: augmentation=str"),
    ],
)
def test_what_cannot_work_is_refused_at_once(rectangles, counts, kwargs, error, words):
    with pytest.raises(error, match=words):
        batches_of(rectangles(counts), **kwargs)


def test_none_stands_for_no_sources(rectangles):
    assert batches_of(rectangles([1, 1]), no_augmentation_sources=None)[0]


def test_shares_of_a_batch_are_the_batch(rectangles):
    augmenter = import_imgaug().augmenters.Fliplr(0.5)
    kwargs = {"batch_size": 4, "augmenter": augmenter, "num_random_rois": 5}
    dataset = rectangles([1, 2, 3, 2, 1])
    whole = batches_of(dataset, share=(0, 1), **kwargs)
    parts = [batches_of(dataset, share=(i, 2), **kwargs) for i in range(2)]
    # The second batch has one image, and its second share none.
    for index in range(2):
        expected = whole[index]
        assert len(expected["image"]) == 4
        both = [part[index] for part in parts]
        joined = {key: np.concatenate([b[key] for b in both]) for key in both[0]}
        assert_same(joined, expected)
        assert {k: v.dtype for k, v in joined.items()} == {
            k: v.dtype for k, v in expected.items()
        }


def test_a_batch_is_filled_up_with_zeros(rectangles):
    dataset = rectangles([1, 2, 3])
    kwargs = {"shuffle": False, "num_random_rois": 5}
    short, full = (batches_of(dataset, share=s, **kwargs)[1] for s in (None, (0, 1)))
    for key, array in full.items():
        np.testing.assert_array_equal(array[:1], short[key])
        assert array.shape == (2, *short[key].shape[1:])
        assert not array[1:].any()


class Recorder(keras.Model):
    """A model that only keeps what it is fed."""

    def __init__(self):
        super().__init__()
        self.served, self.validated = [], []
        self.built = True  # as the network is; of others Keras looks at a batch first
        self.compile(run_eagerly=True)

    def train_step(self, *state_and_batch):
        return self._keep(self.served, *state_and_batch)

    def test_step(self, *state_and_batch):
        return self._keep(self.validated, *state_and_batch)

    def _keep(self, kept, *state_and_batch):
        # On JAX, Keras hands the weights in and takes them back.
        *state, batch = state_and_batch
        kept.append({key: np.array(value) for key, value in batch.items()})
        logs = {"loss": 0.0}
        return (logs, *state) if state else logs


def fit(train, val=None, patience=0, epochs=1):
    """Train as the trainer does; return the model."""
    model = Recorder()
    with serving(*filter(None, (train, val)), patience=patience):
        model.fit(train, validation_data=val, epochs=epochs, verbose=0, shuffle=False)
    return model


@pytest.mark.parametrize("workers", [1, 3])
def test_fit_is_served_each_epoch_in_full(rectangles, workers):
    """Each epoch's batches come in its turn, whatever Keras reads ahead."""

    class Watched(Batches):
        def __getitem__(self, index):
            return super().__getitem__(index) | {
                "epoch": np.array([self.epoch] * self.batch_size, np.int32)
            }

    batches = batches_of(
        rectangles([1] * 6), kind=Watched, workers=workers, initial_epoch=4
    )
    served = fit(batches, epochs=3).served
    assert [batch["epoch"][0] for batch in served] == [4] * 3 + [5] * 3 + [6] * 3
    for start in (0, 3, 6):
        images = [batch["image_meta"][:, 0] for batch in served[start : start + 3]]
        assert sorted(np.concatenate(images)) == list(range(6))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data's")
@pytest.mark.parametrize("workers", [1, 2])
def test_reading_ends_with_the_epoch(rectangles, workers):
    """And does not await the thread that tunes tf.data, which sleeps for long."""
    batches = batches_of(rectangles([1, 2]), workers=workers)

    dataset = py_dataset_adapter.PyDatasetAdapter(batches).get_tf_dataset()

    assert dataset.options().autotune.enabled is False


def test_rest_of_an_interrupted_epoch(rectangles):
    dataset = rectangles([1] * 7)
    whole = batches_of(dataset, steps=4, initial_epoch=2)
    rest = batches_of(dataset, steps=4, initial_epoch=2)
    rest.first_step = 3
    assert (len(whole), len(rest), rest.steps_per_epoch) == (4, 1, 4)
    assert_same(rest[0], whole[3])
    with pytest.raises(IndexError):
        rest[1]
    # Keras ends an epoch that never began when a fit begins.
    rest.on_epoch_end()
    assert (rest.epoch, len(rest)) == (2, 1)
    rest.on_epoch_begin()
    rest.on_epoch_end()
    assert (rest.epoch, len(rest)) == (3, 4)


THREADS = {"workers": 4}
PROCESSES = {"workers": 2, "use_multiprocessing": True}


def test_threads_and_processes_serve_the_same_batches(rectangles):
    iaa = import_imgaug().augmenters
    settings = {
        "augmenter": iaa.Sequential([iaa.Fliplr(0.5), iaa.Affine(rotate=(-9, 9))]),
        "steps": 4,
        "initial_epoch": 2,
        "num_random_rois": 4,
        "seed": 3,
    }
    models = [
        fit(
            batches_of(rectangles([1, 2, 3, 0, 9]), **settings, **workers),
            batches_of(rectangles([2, 3, 1]), shuffle=False, **workers),
            epochs=2,
        )
        for workers in ({"workers": 1}, THREADS, PROCESSES)
    ]
    for model in models:
        assert (len(model.served), len(model.validated)) == (8, 4)
        for name in ("served", "validated"):
            for one, other in zip(
                getattr(models[0], name), getattr(model, name), strict=True
            ):
                assert_same(one, other)
    first, second = models[0].served[:4], models[0].served[4:]
    assert any(
        (one["image"] != other["image"]).any()
        for one, other in zip(first, second, strict=True)
    )


def test_cached_images_give_the_same_batches(rectangles):
    iaa = import_imgaug().augmenters
    dataset = rectangles([1, 2, 3])
    cached = CachedImages(rectangles([1, 2, 3]), limit=2 * 40 * 60 * 3)
    # 40 x 60 as they are: the arrays of the cache themselves reach the augmenter.
    settings = {"mode": "none", "augmenter": iaa.Multiply(1.5), "batch_size": 1}
    plain, quick = batches_of(dataset, **settings), batches_of(cached, **settings)
    for _ in range(2):
        for i in range(3):
            assert_same(plain[i], quick[i])
    assert_same(batches_of(dataset)[0], batches_of(cached)[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_are_molded_to_the_last_bit(rectangles, dtype, channels):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 60, channels)).astype(dtype)
    mean = np.array([123.7, 116.8, 103.9, 0.1])[:channels]
    dataset = rectangles([1, 1])
    dataset.load_image = lambda image_id: picture
    batch = batches_of(dataset, mode="none", mean_pixel=mean)[0]
    assert batch["image"].dtype == np.float32
    # As the original: the difference in float64, then rounded.
    expected = (picture.astype(np.float64) - mean).astype(np.float32)
    np.testing.assert_array_equal(batch["image"], [expected] * 2)


def broken(rectangles, image_id):
    """A data set of which one image cannot be read."""
    dataset = rectangles([1] * 12)
    dataset.counts[image_id] = "broken"  # load_mask then fails
    return dataset


@pytest.mark.parametrize("workers", [{"workers": 1}, THREADS, PROCESSES])
@pytest.mark.parametrize("in_validation", [False, True])
def test_fit_ends_with_the_error_of_an_image(rectangles, workers, in_validation):
    """Not with the backend's own, and in a moment: the queue must not hang."""
    good, bad = rectangles([1] * 12), broken(rectangles, 9)
    train, val = (good, bad) if in_validation else (bad, good)
    start = time.perf_counter()
    with pytest.raises(DatasetError, match=r"image 9 \(shapes.no9, folder/9.png\)"):
        fit(
            batches_of(train, **workers),
            batches_of(val, shuffle=False, **workers),
        )
    assert time.perf_counter() - start < 60


def test_an_error_of_the_model_stays_what_it_is(rectangles):
    with pytest.raises(KeyError, match="of mine"), serving(batches_of(rectangles([1]))):
        raise KeyError("of mine")


@pytest.mark.parametrize("workers", [{"workers": 1}, THREADS, PROCESSES])
def test_an_image_that_takes_long_is_named(rectangles, workers, caplog):
    caplog.set_level(logging.WARNING)
    dataset = rectangles([1] * 6)
    dataset.delays = {4: 0.8}
    fit(batches_of(dataset, **workers), patience=0.2)
    warnings = [r.getMessage() for r in caplog.records if "No batch" in r.getMessage()]
    assert any("image 4 (shapes.no4, folder/4.png) for" in text for text in warnings)


def test_images_of_several_sizes_do_not_make_a_batch(rectangles):
    dataset = rectangles([1, 1])
    load_image = dataset.load_image
    dataset.load_image = lambda i: np.repeat(load_image(i), 1 + i, axis=0)
    dataset.load_mask = lambda i: (np.ones((40 + 40 * i, 60, 1), bool), np.array([1]))
    with pytest.raises(
        DatasetError,
        match=r"\[40, 60, 3\] for image 0 \(.*\) and \[80, 60, 3\] for image 1",
    ):
        batches_of(dataset, mode="none", shuffle=False)[0]

"""Training: a network, two data sets and a `Config` to a fitted network."""

import os
from pathlib import Path

import keras

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.network.build import pyramid_anchors
from mrcnn.training.batches import Batches
from mrcnn.training.callbacks import run_callbacks
from mrcnn.training.distribute import machine, optimizer_class
from mrcnn.training.layer_sets import set_trainable


def fit(
    network: keras.Model,
    train_dataset: Dataset,
    val_dataset: Dataset,
    config: Config,
    *,
    learning_rate: float,
    initial_epoch: int,
    epochs: int,
    layers: str,
    run_folder: Path,
    augmentation=None,
    no_augmentation_sources=(),
    custom_callbacks=(),
    workers: int | None = None,
) -> keras.callbacks.History:
    """Train some layers of a network and keep a checkpoint of every epoch.

    Args:
        network: from `network.build` in training mode.
        train_dataset: prepared data set to learn from.
        val_dataset: prepared data set to measure the losses on.
        config: everything else.
        learning_rate: of the steps.
        initial_epoch: epochs already trained.
        epochs: epoch to train up to, those before included.
        layers: see `layer_sets.set_trainable`.
        run_folder: folder of logs and checkpoints.
        augmentation: an imgaug augmenter for the training images, or None.
        no_augmentation_sources: sources whose images are not augmented.
        custom_callbacks: Keras callbacks, called after those of the run.
        workers: threads that make batches; None chooses by the machine.

    Returns:
        Keras' history of losses.

    Raises:
        ConfigError: the data set has more classes than the network, or `layers`
            matches nothing.
        DatasetError: an image or its annotation is broken; names it.
    """
    if workers is None:
        workers = min(4, os.cpu_count() or 1)
    train_batches = make_batches(
        train_dataset,
        config,
        shuffle=True,
        steps=config.STEPS_PER_EPOCH,
        augmenter=augmentation,
        no_augmentation_sources=no_augmentation_sources,
        repeat_threshold=config.REPEAT_THRESHOLD,
        negative_ratio=config.NEGATIVE_IMAGE_RATIO,
        scale_jitter=config.SCALE_JITTER,
        copy_paste=config.COPY_PASTE,
        initial_epoch=initial_epoch,
        workers=workers,
    )
    val_batches = make_batches(
        val_dataset,
        config,
        shuffle=False,
        steps=config.VALIDATION_STEPS,
        workers=workers,
    )
    set_trainable(network, layers)
    if config.LEARNING_RATE_SCHEDULE == "cosine":
        num_steps = len(train_batches) * (epochs - initial_epoch)
        learning_rate = cosine_schedule(learning_rate, num_steps)
    compile_network(network, learning_rate, config)
    return network.fit(
        train_batches,
        # The batches have an order of their own, which a seed repeats.
        shuffle=False,
        initial_epoch=initial_epoch,
        epochs=epochs,
        validation_data=val_batches,
        callbacks=[*run_callbacks(run_folder, config.NAME or ""), *custom_callbacks],
    )


def compile_network(network: keras.Model, learning_rate, config: Config) -> None:
    """Give the network its optimizer, with gradients clipped by their global norm.

    Args:
        network: from `network.build` in training mode.
        learning_rate: of the steps; a number or a Keras schedule.
        config: OPTIMIZER, LEARNING_MOMENTUM and GRADIENT_CLIP_NORM.
    """
    common = {
        "learning_rate": learning_rate,
        "global_clipnorm": config.GRADIENT_CLIP_NORM or None,
    }
    if config.OPTIMIZER == "adamw":
        # The loss has a weight decay already, that of the original.
        adamw = optimizer_class(keras.optimizers.AdamW)
        optimizer = adamw(weight_decay=0.0, **common)
    else:
        sgd = optimizer_class(keras.optimizers.SGD)
        optimizer = sgd(momentum=config.LEARNING_MOMENTUM, **common)
    network.compile(optimizer=optimizer)
    # Here, because the variables of a strategy are made in its scope.
    optimizer.build(network.trainable_variables)


def cosine_schedule(learning_rate: float, num_steps: int):
    """Return a Keras schedule: up to `learning_rate` for a tenth, then down to 0.

    Loshchilov and Hutter 2017, SGDR, equation 5, without restarts.

    Args:
        learning_rate: the highest.
        num_steps: steps altogether.
    """
    warmup = num_steps // 10
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else learning_rate,
        decay_steps=num_steps - warmup,
        warmup_target=learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def make_batches(dataset: Dataset, config: Config, **kwargs) -> Batches:
    """Return the batches of a data set as a configuration wants them.

    Args:
        dataset: prepared data set.
        config: sizes, anchors and target settings.
        **kwargs: the rest of `Batches`' arguments.
    """
    return Batches(
        dataset,
        batch_size=config.BATCH_SIZE,
        num_classes=config.NUM_CLASSES,
        min_dim=config.IMAGE_MIN_DIM,
        max_dim=config.IMAGE_MAX_DIM,
        min_scale=config.IMAGE_MIN_SCALE,
        mode=config.IMAGE_RESIZE_MODE,
        mean_pixel=config.MEAN_PIXEL,
        anchors=pyramid_anchors(config, tuple(config.IMAGE_SHAPE[:2])),
        num_rpn_anchors=config.RPN_TRAIN_ANCHORS_PER_IMAGE,
        rpn_bbox_std_dev=config.RPN_BBOX_STD_DEV,
        max_gt_instances=config.MAX_GT_INSTANCES,
        mini_mask_shape=config.MINI_MASK_SHAPE if config.USE_MINI_MASK else None,
        num_random_rois=0 if config.USE_RPN_ROIS else config.POST_NMS_ROIS_TRAINING,
        seed=config.SEED,
        share=machine() if config.GPU_COUNT > 1 else None,
        **kwargs,
    )

"""Training: a network, two data sets and a `Config` to a fitted network."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras

from mrcnn.config import Config
from mrcnn.data.cache import CachedImages
from mrcnn.data.dataset import Dataset
from mrcnn.errors import ConfigError, TrainingError
from mrcnn.network.build import pyramid_anchors
from mrcnn.ops import backend
from mrcnn.training.batches import Batches, serving
from mrcnn.training.callbacks import run_callbacks
from mrcnn.training.distribute import machine, optimizer_class
from mrcnn.training.layer_sets import set_trainable
from mrcnn.training.samples import check_has_objects
from mrcnn.training.schedule import learning_rate_schedule
from mrcnn.training.state import RunState, read_state, restore_variables
from mrcnn.training.validation import LOGGED, MeasurePrecision
from mrcnn.weights.checkpoints import read_best
from mrcnn.weights.files import remove_unfinished


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
    detect: Callable | None = None,
    augmentation=None,
    no_augmentation_sources=(),
    custom_callbacks=(),
    workers: int | None = None,
    interrupted: RunState | None = None,
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
        detect: what AP is measured with where EVALUATE_EVERY is set: a callable from
            a list of images to their `Detections`, by the weights of `network`.
        augmentation: an imgaug augmenter for the training images, or None.
        no_augmentation_sources: sources whose images are not augmented.
        custom_callbacks: Keras callbacks, called after those of the run.
        workers: threads or processes that make batches; None chooses by the machine.
        interrupted: the state in `run_folder`, whose weights the network has
            already; a training of the same layers and rate gets its optimizer back.

    Returns:
        Keras' history of losses.

    Raises:
        ConfigError: the data set has more classes than the network, or `layers`
            matches nothing, or the data is not that of the interrupted training.
        DatasetError: an image or its annotation is broken, which is named; or there
            is no object to learn from.
        TrainingError: a loss or a weight is no number any more; the network then has
            the weights of the last state again.
        WeightsError: a checkpoint or the state cannot be written or read.
    """
    if workers is None:
        workers = min(4, os.cpu_count() or 1)
    worker_settings = {
        "workers": workers,
        "use_multiprocessing": config.USE_MULTIPROCESSING,
    }
    train_batches = make_batches(
        _with_cache(train_dataset, config, workers),
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
        **worker_settings,
    )
    val_batches = make_batches(
        val_dataset,
        config,
        shuffle=False,
        steps=config.VALIDATION_STEPS,
        **worker_settings,
    )
    state = _beginning(
        interrupted,
        run_folder,
        epoch=initial_epoch,
        epochs=epochs,
        layers=layers,
        learning_rate=float(learning_rate),
        num_images=train_dataset.num_images,
        num_steps=len(train_batches),
    )
    check_has_objects(train_dataset)
    set_trainable(network, layers)
    num_steps = len(train_batches) * (epochs - state.first_epoch)
    compile_network(network, scheduled_rate(learning_rate, num_steps, config), config)
    if interrupted and interrupted.is_of_call(layers, state.learning_rate):
        restore_variables(run_folder, network, "optimizer")
    remove_unfinished(run_folder)
    callbacks = run_callbacks(
        run_folder,
        config.NAME or "",
        state,
        batches=train_batches,
        val_batches=val_batches,
        resumed=interrupted is not None,
        metric="val_segm_AP" if config.EVALUATE_EVERY else "val_loss",
        patience=config.EARLY_STOPPING_PATIENCE,
        # What other machines write is thrown away in the end.
        keep=1 if machine()[0] else config.KEEP_CHECKPOINTS,
        state_every_s=60 * config.STATE_EVERY_MINUTES,
        columns=LOGGED if config.EVALUATE_EVERY else (),
        validation=measuring_callbacks(val_dataset, config, detect, run_folder),
        custom=custom_callbacks,
    )
    backend.keep_freed_memory()
    try:
        with serving(train_batches, val_batches, patience=config.WORKER_PATIENCE):
            return _fit(
                *(network, train_batches, val_batches, state, callbacks, run_folder)
            )
    except TrainingError as error:
        raise _with_last_weights(error, network, run_folder) from error


def _beginning(
    interrupted: RunState | None, run_folder: Path, *, epoch: int, **call
) -> RunState:
    """Return the state in which a call of `fit` begins, or goes on.

    Raises:
        ConfigError: the data is not that of the interrupted training.
    """
    if interrupted is None:
        best = read_best(run_folder)
        return RunState(epoch=epoch, step=0, first_epoch=epoch, best=best, **call)
    interrupted.check_data(call["num_images"], call["num_steps"])
    goes_on = interrupted.is_of_call(call["layers"], call["learning_rate"])
    first_epoch = interrupted.first_epoch if goes_on else epoch
    return replace(interrupted, first_epoch=first_epoch, **call)


def _fit(
    network, train_batches, val_batches, state: RunState, callbacks, run_folder
) -> keras.callbacks.History:
    """Run Keras' fit from a state on, and return the history of it all."""
    history = keras.callbacks.History()

    def run(initial_epoch, epochs):
        network.fit(
            train_batches,
            # The batches have an order of their own, which a seed repeats.
            shuffle=False,
            initial_epoch=initial_epoch,
            epochs=epochs,
            validation_data=val_batches,
            callbacks=[*callbacks, history],
        )

    initial_epoch = state.epoch
    if state.step:
        # All epochs of a fit have as many steps: the rest of one is a fit by itself.
        train_batches.first_step = state.step
        run(initial_epoch, initial_epoch + 1)
        initial_epoch += 1
        if network.stop_training or initial_epoch == state.epochs:
            return history
        # At the end of a fit Keras may have put averages in place of the weights.
        restore_variables(run_folder, network, "network")
    run(initial_epoch, state.epochs)
    return history


def _with_last_weights(error: TrainingError, network, run_folder: Path):
    """Give a network the weights of the last state, and return an error that says so.

    There always is a state: the first is written when a training begins.
    """
    kept = read_state(run_folder)
    restore_variables(run_folder, network, "network")
    return TrainingError(
        f"{error} The network has its last good weights again, those after "
        f"{kept.epoch} epochs and {kept.step} steps; the checkpoints in "
        f"{str(run_folder)!r} are whole."
    )


def check_training_data(
    train_dataset: Dataset, val_dataset: Dataset, config: Config, *, augmentation=None
) -> None:
    """Find out whether two data sets can be trained with, before a network is built.

    Of each the first batch is made; of the one to learn from, an object is looked for.

    Args:
        train_dataset: prepared data set to learn from.
        val_dataset: prepared data set to measure the losses on.
        config: that of the training.
        augmentation: an imgaug augmenter for the training images, or None.

    Raises:
        ConfigError: a data set has more classes than NUM_CLASSES, or the augmenter
            cannot be used.
        DatasetError: there is no object to learn from, or an image or annotation
            is broken.
    """
    config.validate()
    train_batches = make_batches(
        train_dataset, config, shuffle=True, augmenter=augmentation
    )
    val_batches = make_batches(val_dataset, config, shuffle=False)
    with serving(train_batches, val_batches, patience=config.WORKER_PATIENCE):
        check_has_objects(train_dataset)
        train_batches[0], val_batches[0]


def scheduled_rate(learning_rate: float, num_steps: int, config: Config):
    """Return the learning rate of a training, a number or a Keras schedule.

    Args:
        learning_rate: the highest.
        num_steps: batches of the training.
        config: LEARNING_RATE_SCHEDULE, LEARNING_RATE_STEPS, WARMUP_STEPS and
            GRADIENT_ACCUMULATION.

    Raises:
        ConfigError: the training is too short for its warm-up, or for a single step
            of the optimizer.
    """
    if num_steps < config.GRADIENT_ACCUMULATION:
        raise ConfigError(
            f"Expected GRADIENT_ACCUMULATION of at most {num_steps}, the batches of "
            "this training. Received: "
            f"GRADIENT_ACCUMULATION={config.GRADIENT_ACCUMULATION}, with which no "
            "weight would change. Lower it, or train more epochs."
        )
    return learning_rate_schedule(
        config.LEARNING_RATE_SCHEDULE,
        learning_rate,
        num_steps,
        warmup_steps=config.WARMUP_STEPS,
        drops=config.LEARNING_RATE_STEPS,
    )


def measuring_callbacks(
    dataset: Dataset, config: Config, detect: Callable | None, run_folder: Path
) -> list[keras.callbacks.Callback]:
    """Return what measures AP while training: a callback, or none.

    Args:
        dataset: prepared validation data set. AP is measured on the images that the
            validation losses are, the first VALIDATION_STEPS batches or all.
        config: EVALUATE_EVERY, VALIDATION_STEPS, BATCH_SIZE and
            DETECTION_MIN_CONFIDENCE.
        detect: see `fit`.
        run_folder: folder of logs.
    """
    if not config.EVALUATE_EVERY:
        return []
    steps = config.VALIDATION_STEPS
    return [
        MeasurePrecision(
            dataset,
            detect,
            run_folder / "predictions",
            image_ids=dataset.image_ids[: steps and steps * config.BATCH_SIZE],
            every=config.EVALUATE_EVERY,
            batch_size=config.BATCH_SIZE,
            shown_confidence=config.DETECTION_MIN_CONFIDENCE,
        )
    ]


def compile_network(network: keras.Model, learning_rate, config: Config) -> None:
    """Give the network its optimizer.

    Keras clips the global norm of the gradients after it has averaged those of
    GRADIENT_ACCUMULATION batches. Under mixed_float16 the optimizer is inside one
    that scales the loss.

    Args:
        network: from `network.build` in training mode.
        learning_rate: of the steps; a number or a Keras schedule.
        config: OPTIMIZER, LEARNING_MOMENTUM, GRADIENT_CLIP_NORM,
            GRADIENT_ACCUMULATION and EMA_MOMENTUM.
    """
    batches = config.GRADIENT_ACCUMULATION
    common = {
        "learning_rate": learning_rate,
        "global_clipnorm": config.GRADIENT_CLIP_NORM or None,
        "gradient_accumulation_steps": batches if batches > 1 else None,
        "use_ema": config.EMA_MOMENTUM > 0,
        # Keras moves the average after each batch, not after each step.
        "ema_momentum": config.EMA_MOMENTUM ** (1 / batches),
    }
    scaled = config.PRECISION == "mixed_float16"
    if config.OPTIMIZER == "adamw":
        adamw = optimizer_class(keras.optimizers.AdamW, wrapped=scaled)
        optimizer = adamw(weight_decay=0.0, **common)
        # The loss has a weight decay already, that of the original. Of 0 Keras would
        # compute one for each weight all the same, and AdamW takes no None.
        optimizer.weight_decay = None
    else:
        sgd = optimizer_class(keras.optimizers.SGD, wrapped=scaled)
        optimizer = sgd(momentum=config.LEARNING_MOMENTUM, **common)
    if scaled:
        optimizer = optimizer_class(keras.optimizers.LossScaleOptimizer)(optimizer)
    network.compile(optimizer=optimizer)
    # Here, because the variables of a strategy are made in its scope.
    optimizer.build(network.trainable_variables)


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


def _with_cache(dataset: Dataset, config: Config, workers: int):
    """Return the data set with the cache of images that the configuration wants."""
    if not config.IMAGE_CACHE_MB:
        return dataset
    # Each process keeps images of its own.
    caches = workers if config.USE_MULTIPROCESSING else 1
    return CachedImages(dataset, limit=int(config.IMAGE_CACHE_MB * 1e6 / caches))

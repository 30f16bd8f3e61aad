"""The flags of a training that each set one key of the `Config`.

`add_recipe_flags` adds them in groups; `recipe_settings` says which keys were given.
"""

import argparse

from mrcnn.cli.values import devices, fraction, number_list, positive, whole

DEFAULT_EPOCHS = 30

# By group: (flag, key of the Config, other arguments of `add_argument`).
_FLAGS = {
    "learning": (
        (
            "--optimizer",
            "OPTIMIZER",
            {
                "choices": ("sgd", "adamw"),
                "help": "sgd as the original, or adamw, which learns faster from "
                "random weights (default: sgd)",
            },
        ),
        (
            "--schedule",
            "LEARNING_RATE_SCHEDULE",
            {
                "choices": ("constant", "step", "cosine"),
                "help": "how the learning rate goes on after --warmup: as it is, by "
                "tenths at --lr-steps, or down to 0 (default: constant)",
            },
        ),
        (
            "--lr-steps",
            "LEARNING_RATE_STEPS",
            {
                "type": number_list,
                "metavar": "A,B",
                "help": "with --schedule=step: shares of the training after which the "
                "rate falls to a tenth (default: 0.67,0.89)",
            },
        ),
        (
            "--warmup",
            "WARMUP_STEPS",
            {
                "type": whole,
                "metavar": "STEPS",
                "help": "steps in which the rate rises from 0 (default: a tenth of all "
                "with --schedule=cosine, otherwise 0)",
            },
        ),
        (
            "--accumulate",
            "GRADIENT_ACCUMULATION",
            {
                "type": positive,
                "metavar": "N",
                "help": "average the gradients of N batches before each step: a large "
                "batch in little memory (default: 1)",
            },
        ),
        (
            "--ema",
            "EMA_MOMENTUM",
            {
                "type": fraction,
                "metavar": "SHARE",
                "help": "keep a moving average of the weights with this momentum, "
                "0.999 for example; checkpoints hold it (default: 0, off)",
            },
        ),
        (
            "--precision",
            "PRECISION",
            {
                "choices": ("float32", "mixed_bfloat16", "mixed_float16"),
                "help": "mixed_bfloat16 where the processor has it, mixed_float16 on "
                "older GPUs: faster, half the memory (default: float32)",
            },
        ),
        (
            "--class-weights",
            "CLASS_WEIGHTS",
            {
                "type": number_list,
                "metavar": "A,B,C",
                "help": "factor of each class in the class loss, the background first "
                "(default: all 1)",
            },
        ),
    ),
    "images": (
        (
            "--scale-jitter",
            "SCALE_JITTER",
            {
                "type": number_list,
                "metavar": "LOW,HIGH",
                "help": "scale training images at random by factors in this range, "
                "0.1,2 for example (default: off)",
            },
        ),
        (
            "--copy-paste",
            "COPY_PASTE",
            {
                "type": fraction,
                "metavar": "SHARE",
                "help": "paste objects of another image into this share of the images "
                "(default: 0)",
            },
        ),
        (
            "--repeat-threshold",
            "REPEAT_THRESHOLD",
            {
                "type": fraction,
                "metavar": "SHARE",
                "help": "show images of classes rarer than this share of the images "
                "more often, 0.01 for example (default: 0, off)",
            },
        ),
        (
            "--negatives",
            "NEGATIVE_IMAGE_RATIO",
            {
                "type": float,
                "metavar": "RATIO",
                "help": "images without objects in an epoch, for each image with some; "
                "photos without outlines are then such images (default: all that the "
                "data set keeps)",
            },
        ),
        (
            "--cache",
            "IMAGE_CACHE_MB",
            {
                "type": float,
                "metavar": "MB",
                "help": "keep decoded images in memory, up to so many megabytes "
                "(default: 0)",
            },
        ),
        (
            "--processes",
            "USE_MULTIPROCESSING",
            {
                "action": "store_true",
                "default": None,
                "help": "make batches in processes instead of threads",
            },
        ),
        (
            "--worker-patience",
            "WORKER_PATIENCE",
            {
                "type": float,
                "metavar": "SECONDS",
                "help": "when no batch comes for so long, say which images are in work "
                "(default: 60)",
            },
        ),
    ),
    "devices": (
        (
            "--devices",
            "DEVICES",
            {
                "type": devices,
                "metavar": "N",
                "help": "share each batch among so many GPUs, or among those with the "
                "numbers A,B; --batch is for each of them (default: 1)",
            },
        ),
    ),
    "the run": (
        (
            "--evaluate-every",
            "EVALUATE_EVERY",
            {
                "type": whole,
                "metavar": "EPOCHS",
                "help": "measure COCO's AP on the validation images every so many "
                "epochs, and choose the best checkpoint by it (default: 0, never)",
            },
        ),
        (
            "--early-stopping",
            "EARLY_STOPPING_PATIENCE",
            {
                "type": whole,
                "metavar": "EPOCHS",
                "help": "end when so many epochs brought nothing better "
                "(default: 0, never)",
            },
        ),
        (
            "--keep",
            "KEEP_CHECKPOINTS",
            {
                "type": positive,
                "metavar": "N",
                "help": "keep the newest N checkpoints and the best one "
                "(default: keep all)",
            },
        ),
        (
            "--state-every",
            "STATE_EVERY_MINUTES",
            {
                "type": float,
                "metavar": "MINUTES",
                "help": "write what --resume needs so often inside an epoch too; a "
                "crash costs no more than that (default: 10)",
            },
        ),
    ),
}


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags, in their groups.

    Args:
        parser: the parser to add to.
    """
    for title, flags in _FLAGS.items():
        group = parser.add_argument_group(title)
        for flag, key, options in flags:
            group.add_argument(flag, dest=key, **options)


def recipe_settings(args: argparse.Namespace) -> dict:
    """Return the keys of the `Config` that flags were given for, with their values.

    Args:
        args: parsed flags; those of other commands may lack the recipe's.
    """
    keys = [key for flags in _FLAGS.values() for _, key, _ in flags]
    given = {key: getattr(args, key, None) for key in keys}
    settings = {key: value for key, value in given.items() if value is not None}
    if isinstance(settings.get("DEVICES"), int):
        settings |= {"GPU_COUNT": settings["DEVICES"], "DEVICES": None}
    elif "DEVICES" in settings:
        settings["GPU_COUNT"] = len(settings["DEVICES"])
    return settings

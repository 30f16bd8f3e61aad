"""``mrcnn evaluate``: how well a training finds the objects of annotated photos."""

import argparse
from collections.abc import Callable
from pathlib import Path

from mrcnn.cli import arguments, datasets, outputs
from mrcnn.cli.detector import chosen_weights, load_detector
from mrcnn.cli.values import fraction, positive
from mrcnn.config import Config
from mrcnn.errors import ConfigError

_DESCRIPTION = """\
Measure how well a training finds the objects of the validation images.

Prints COCO's average precision (AP) of masks and boxes and the best score of each
class, and writes a page, evaluation.html, with the confusion matrix, curves and the
worst mistakes; the numbers lie beside it as JSON and CSV, the figures as PNG.

AP50 counts an object as found when half of its area is met; AP is the mean over
stricter and stricter measures, 0.5 to 0.95."""

_EPILOG = """\
examples:
  mrcnn evaluate --dataset photos/
      the last training in logs/, on photos/val; without a val/ on the same share
      that was kept aside in training
  mrcnn evaluate --dataset photos/ --weights best --confidence 0.5
      the best checkpoint; what has a score of 0.5 counts as found"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure how well a training finds the objects of annotated photos",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_evaluation_flags(parser)
    parser.set_defaults(run=evaluate)


def add_evaluation_flags(
    parser: argparse.ArgumentParser,
    *,
    dataset: str | Path | None = None,
    logs: str | Path = "logs",
    add_data_flags: Callable = datasets.add_dataset_flags,
) -> None:
    """Add the flags of an evaluation.

    Args:
        parser: the parser to add to.
        dataset: default of --dataset; None leaves it to be given.
        logs: default of --logs.
        add_data_flags: adds the flags that say what to evaluate on.
    """
    outputs.add_output_flag(parser, "output/evaluation")
    add_data_flags(parser, dataset=dataset)
    arguments.add_detection_flags(parser, logs=logs)
    group = parser.add_argument_group("evaluation")
    group.add_argument(
        "--iou",
        type=fraction,
        metavar="SHARE",
        default=0.5,
        help="overlap of masks, intersection over union, from which a detection is of "
        "an object; for all but AP and AR (default: %(default)s)",
    )
    group.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="evaluate on the first N images (default: all)",
    )


def evaluate(
    args: argparse.Namespace,
    *,
    base: type[Config] = Config,
    class_names: list[str] | None = None,
    load: Callable = datasets.load_datasets,
) -> None:
    """Evaluate as the flags say.

    Args:
        args: flags of `add_evaluation_flags`.
        base: configuration of weights without run.json.
        class_names: their names, without the background.
        load: from the flags to a training and a validation data set.
    """
    outputs.make_folder(args.output)
    model, names = load_detector(args, base=base, class_names=class_names)
    if len(args.classes or names[1:]) < len(names) - 1:
        raise ConfigError(
            "Expected an evaluation of all classes that the network knows. Received: "
            f"--classes={','.join(args.classes)}. Leave it out: the report has numbers "
            "for each class."
        )
    args.classes = list(names[1:])  # the ids of the training
    _, dataset = load(args)

    from mrcnn.cli import evaluation_report

    evaluation = model.evaluate(
        dataset,
        dataset.image_ids[: args.limit],
        iou_threshold=args.iou,
        progress=_progress,
    )
    weights = chosen_weights(args, base.NAME)
    title = f"Evaluation of {weights} on {args.dataset}"
    print(f"{len(evaluation.image_ids)} images of {args.dataset}")
    print("\n".join(evaluation_report.as_text(evaluation)))
    page = evaluation_report.write(args.output, title, evaluation, dataset)
    print(f"Written to {page}")


def _progress(batches):
    from tqdm import tqdm

    return tqdm(batches, desc="detecting")

"""``mrcnn predict``: find objects in images and video, draw and list them."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from mrcnn.cli import arguments, outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.values import class_list
from mrcnn.config import Config
from mrcnn.structures import Detections

_DESCRIPTION = """\
Find objects in images and video.

Each image gives a picture with the objects drawn in and a JSON file that lists
them (class, score, box, mask as COCO run lengths); each video gives an mp4 with
the same frame rate and sound. The results go to --output. With --export there is
a folder more, with the images and with their objects as annotations, to correct in
an annotation tool and to train on."""

_EPILOG = """\
examples:
  mrcnn predict photo.jpg
      with the last training in logs/
  mrcnn predict photos/ 'more/*.png' clip.mp4 --confidence 0.9
      folders, patterns and videos at once
  mrcnn predict photo.jpg --weights coco
      the 80 everyday classes of COCO, without any training
  mrcnn predict new_photos/ --export via
      outlines to correct in VIA: open output/via/via_project.json there; then
      mrcnn train --dataset output/via
  mrcnn predict photo.jpg --weights mask_rcnn_cells_0030.h5 --classes cell
      weights of the original library"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "predict",
        help="find objects in images and video",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_input_flags(parser, "image, video, folder or pattern")
    add_export_flag(parser)
    arguments.add_detection_flags(parser)
    parser.set_defaults(run=run)


def add_input_flags(parser: argparse.ArgumentParser, kinds: str) -> None:
    """Add what to predict, the folder of the results, and names for the classes."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=kinds)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        default=Path("output"),
        help="folder of the results (default: %(default)s)",
    )
    parser.add_argument(
        "--classes",
        type=class_list,
        metavar="A,B,C",
        help="class names in the order of their ids (default: those of the training)",
    )


def add_export_flag(parser: argparse.ArgumentParser) -> None:
    """Add the choice of an annotation tool."""
    parser.add_argument(
        "--export",
        choices=outputs.EXPORTS,
        help="also write the objects of the images as annotations to correct, into "
        "a folder of that name in --output",
    )


def run(
    args: argparse.Namespace,
    *,
    base: type[Config] = Config,
    class_names: list[str] | None = None,
    only_video: bool = False,
) -> None:
    """Predict what the flags name.

    Args:
        args: flags of `add_input_flags` and `arguments.add_detection_flags`, and of
            `add_export_flag` where it is offered.
        base: configuration of weights without run.json.
        class_names: their names, without the background.
        only_video: whether inputs that are no videos are refused.
    """
    paths = outputs.find_inputs(args.inputs)
    if only_video:
        outputs.require_videos(paths)
    outputs.make_folder(args.output)
    export = getattr(args, "export", None)
    if export is not None:
        outputs.check_export(paths, args.output / export)
    model, class_names = load_detector(args, base=base, class_names=class_names)
    predict(
        model, class_names, paths, args.output, batch_size=args.batch, export=export
    )


def predict(
    model,
    class_names,
    paths,
    folder: Path,
    *,
    batch_size: int,
    export: str | None = None,
) -> None:
    """Write the results of images and videos, and print what was found and where.

    Args:
        model: a `MaskRCNN` in inference mode.
        class_names: K names, the background first.
        paths: images and videos.
        folder: the folder of the results.
        batch_size: images or frames per step.
        export: annotation format to write the objects of the images in, too.

    Raises:
        DatasetError: an image cannot be read.
        VideoError: a video cannot be read or written.
    """
    targets = outputs.target_stems(paths, folder)
    images = [path for path in paths if not outputs.is_video(path)]
    found = _predict_images(model, class_names, images, targets, batch_size)
    if export is None:
        for _ in found:
            pass
    else:
        written = outputs.write_export(images, found, class_names, folder, export)
        print(f"annotations to correct -> {written}")
    for path in paths:
        if outputs.is_video(path):
            target = targets[path].with_name(targets[path].name + ".mp4")
            frames = outputs.write_video(
                path, target, model.detect_images, class_names, batch_size=batch_size
            )
            print(f"{path}: {frames} frames -> {target}")


def _predict_images(
    model, class_names, images, targets, batch_size: int
) -> Iterator[Detections]:
    """Yield what is found in each image, after its results have been written."""
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        pictures = [
            outputs.read_image(path, model.config.IMAGE_CHANNEL_COUNT) for path in batch
        ]
        found = model.detect_images(pictures)
        for path, picture, detections in zip(batch, pictures, found, strict=True):
            written = outputs.write_image(
                targets[path], path.name, picture, detections, class_names
            )
            print(f"{path}: {outputs.summary(detections, class_names)} -> {written}")
            yield detections

"""``mrcnn predict``: find objects in images and video, draw and list them."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mrcnn.cli import arguments, outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.object_files import ObjectFiles, add_file_flags
from mrcnn.cli.objects import Finder, add_object_flags, object_finder
from mrcnn.cli.videos import add_video_flags, open_video
from mrcnn.config import Config
from mrcnn.structures import Detections

_DESCRIPTION = """\
Find objects in images and video.

Each image gives a picture with the objects drawn in and a JSON file that lists
them (class, score, box, mask as COCO run lengths); each video gives an mp4 with
the same frame rate and sound, its objects numbered, and a file with a line of
JSON for each frame. The results go to --output. With --export there is a folder
more, with the images and with their objects as annotations, to correct in an
annotation tool and to train on."""

_EPILOG = """\
examples:
  mrcnn predict photo.jpg
      with the last training in logs/
  mrcnn predict photos/ 'more/*.png' clip.mp4 --conf 0.9
      folders, patterns and videos at once
  mrcnn predict photo.jpg --weights coco --classes person,dog --save-crops
      two of the 80 everyday classes of COCO, without any training
  mrcnn predict photo.jpg --model zoo:inception_v2
      the same classes with a graph of TensorFlow's model zoo
  mrcnn predict aerial.tif --tile
      a large image in tiles, each object once
  mrcnn predict rtsp://door/1 --end 60
      a minute of a camera; see also --start, --stride, --fps
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
    add_input_flags(parser, "image, video, folder, pattern, URL or camera (0)")
    add_export_flag(parser)
    arguments.add_detection_flags(parser)
    parser.set_defaults(run=run)


def add_input_flags(parser: argparse.ArgumentParser, kinds: str) -> None:
    """Add what to predict, what to keep of it and to write, and video flags."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=kinds)
    outputs.add_output_flag(parser)
    add_file_flags(parser)
    add_object_flags(parser)
    add_video_flags(parser)


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
    predict(model, class_names, paths, args)


def predict(model, class_names, paths, args: argparse.Namespace) -> None:
    """Write the results of images and videos, and print what was found and where.

    Args:
        model: a `MaskRCNN` in inference mode, or a `ZooModel`.
        class_names: K names, the background first.
        paths: images and videos.
        args: as `run` takes them.

    Raises:
        ConfigError: the network does not know a class.
        DatasetError: an image cannot be read.
        VideoError: a video cannot be read or written.
    """
    job = _Job(
        find=object_finder(model, class_names, args),
        class_names=class_names,
        stems=outputs.target_stems(paths, args.output, ending=""),
        files=ObjectFiles(args.output, class_names, args),
        args=args,
    )
    images = [path for path in paths if not outputs.is_video(path)]
    found = _predict_images(images, job, model.config.IMAGE_CHANNEL_COUNT)
    export = getattr(args, "export", None)
    if export is None:
        for _ in found:
            pass
    else:
        written = outputs.write_export(images, found, class_names, args.output, export)
        print(f"annotations to correct -> {written}")
    for path in paths:
        if outputs.is_video(path):
            _predict_video(path, job)


@dataclass(frozen=True)
class _Job:
    """What all inputs have in common.

    Attributes:
        find: images to their `Detections`.
        class_names: K names, the background first.
        stems: of each input's results, the path without ending.
        files: what else is written for each image and frame.
        args: as `run` takes them.
    """

    find: Finder
    class_names: Sequence[str]
    stems: dict[Path | str, Path]
    files: ObjectFiles
    args: argparse.Namespace

    def target(self, path: Path | str, suffix: str = "") -> Path:
        """Return where the picture or video with the masks goes."""
        stem = self.stems[path]
        return stem.with_name(stem.name + outputs.MASKS + suffix)


def _predict_images(paths, job: _Job, num_channels: int) -> Iterator[Detections]:
    """Yield what is found in each image, after its results have been written."""
    for start in range(0, len(paths), job.args.batch):
        batch = paths[start : start + job.args.batch]
        pictures = [outputs.read_image(path, num_channels) for path in batch]
        found = job.find(pictures)
        for path, picture, detections in zip(batch, pictures, found, strict=True):
            written = outputs.write_image(
                job.target(path),
                path.name,
                picture,
                detections,
                job.class_names,
                save_json=job.args.save_json,
            )
            job.files.write(job.stems[path].name, picture, detections)
            what = outputs.summary(detections, job.class_names)
            print(f"{path}: {what} -> {written}")
            yield detections


def _predict_video(path: Path | str, job: _Job) -> None:
    from mrcnn.video.tracking import track

    args, name, target = job.args, job.stems[path].name, job.target(path, ".mp4")
    source, cut = open_video(path, args)
    frames = outputs.write_video(
        source,
        target,
        job.find,
        job.class_names,
        save_json=args.save_json,
        each=lambda number, *found: job.files.write(f"{name}_{number}", *found),
        batch_size=args.batch,
        cut=cut,
        track=track if args.track else iter,
    )
    print(f"{path}: {frames} frames -> {target}")

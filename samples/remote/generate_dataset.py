"""Draw the data set in datasets/remote: pictures of AC remotes, outlined, and a clip.

The same seed gives the same pictures. Every picture is a table top with one to
four remotes among other things, rendered through a pinhole camera; the
outlines are written as a project of the VGG Image Annotator (VIA 2), which
opens the files as they are.

    python samples/remote/generate_dataset.py --output datasets/remote --seed 0
"""

import argparse
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
from rendering.composition import View, compose, photograph
from rendering.remotes import LABEL
from rendering.scene import render, visible_polygon
from rendering.surfaces import wood

logger = logging.getLogger(__name__)

SUBSETS = ("train", "val")
SIZES_HW = (
    (480, 640),
    (640, 480),
    (512, 512),
    (600, 800),
    (800, 600),
    (480, 720),
    (720, 540),
    (480, 800),
)
CLIP_HW = (360, 640)
CLIP_FPS = 25


def draw_picture(seed: int, subset: str, index: int) -> tuple[np.ndarray, View]:
    """Return one picture of the data set and the view it shows.

    Args:
        seed: of the data set.
        subset: "train" or "val".
        index: of the picture within its subset.

    Returns:
        uint8 [H, W, 3] RGB, and the view.
    """
    rng = np.random.default_rng([seed, SUBSETS.index(subset), index])
    image_hw = SIZES_HW[rng.integers(len(SIZES_HW))]
    num_remotes = int(rng.choice(4, p=(0.25, 0.35, 0.25, 0.15))) + 1
    view = compose(rng, image_hw, num_remotes)
    return photograph(render(view.scene, view.camera), rng), view


def outlines(view: View) -> list[np.ndarray]:
    """Return the visible outline of every remote, int64 [N, (x, y)] each."""
    return [visible_polygon(view.scene, view.camera, i) for i in view.remotes()]


def write_subset(folder: Path, seed: int, subset: str, count: int) -> None:
    """Write the pictures of a subset and their VIA project.

    Args:
        folder: of the subset; made when absent.
        seed: of the data set.
        subset: "train" or "val".
        count: number of pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for index in range(count):
        image, view = draw_picture(seed, subset, index)
        path = folder / f"{subset}_{index:03d}.jpg"
        quality = int(np.random.default_rng([seed, index]).integers(72, 90))
        encoded = cv2.imencode(
            ".jpg", image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality)
        )[1]
        path.write_bytes(encoded.tobytes())
        entries.append(via_entry(path.name, encoded.size, outlines(view)))
        logger.info("%s: %d remotes", path, len(view.remotes()))
    project = via_project(f"remote_{subset}", entries)
    text = json.dumps(project, separators=(",", ":"))
    (folder / "via_region_data.json").write_text(text + "\n", encoding="utf-8")


def via_entry(filename: str, size: int, polygons: list[np.ndarray]) -> dict:
    """Return one picture of a VIA project.

    Args:
        filename: of the picture, without folder.
        size: of the file, bytes.
        polygons: int [N, (x, y)] each, pixels.

    Returns:
        What VIA keeps under the key ``filename + size``.
    """
    regions = [
        {
            "shape_attributes": {
                "name": "polygon",
                "all_points_x": polygon[:, 0].tolist(),
                "all_points_y": polygon[:, 1].tolist(),
            },
            "region_attributes": {"object": LABEL},
        }
        for polygon in polygons
    ]
    return {
        "filename": filename,
        "size": int(size),
        "regions": regions,
        "file_attributes": {},
    }


def via_project(name: str, entries: list[dict]) -> dict:
    """Return a VIA 2 project file around pictures from `via_entry`."""
    metadata = {f"{entry['filename']}{entry['size']}": entry for entry in entries}
    label = {
        "type": "dropdown",
        "description": "",
        "options": {LABEL: ""},
        "default_options": {LABEL: True},
    }
    return {
        "_via_settings": {
            "ui": {
                "annotation_editor_height": 25,
                "annotation_editor_fontsize": 0.8,
                "leftsidebar_width": 18,
                "image_grid": {
                    "img_height": 80,
                    "rshape_fill": "none",
                    "rshape_fill_opacity": 0.3,
                    "rshape_stroke": "yellow",
                    "rshape_stroke_width": 2,
                    "show_region_shape": True,
                    "show_image_policy": "all",
                },
                "image": {
                    "region_label": "__via_region_id__",
                    "region_color": "__via_default_region_color__",
                    "region_label_font": "10px Sans",
                    "on_image_annotation_editor_placement": "NEAR_REGION",
                },
            },
            "core": {"buffer_size": "18", "filepath": {}, "default_filepath": ""},
            "project": {"name": name},
        },
        "_via_img_metadata": metadata,
        "_via_attributes": {"region": {"object": label}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(metadata),
    }


def clip_frames(seed: int, count: int) -> Iterator[np.ndarray]:
    """Yield the frames of the clip: a camera that glides around three remotes.

    Args:
        seed: of the data set.
        count: number of frames.

    Yields:
        uint8 [360, 640, 3], RGB.
    """
    rng = np.random.default_rng([seed, len(SUBSETS)])
    view = compose(rng, CLIP_HW, 3)
    side, _ = view.scene.table.shape[:2]
    table = wood(rng, side, side / view.scene.extent)
    scene = replace(view.scene, table=np.clip(table, 0, 255).astype(np.uint8))
    start = replace(view.camera, elevation=np.radians(66), roll=0.0)
    centers = [scene.things[i].center for i in view.remotes()]
    x, y = np.mean(centers, axis=0)
    for t in np.linspace(0, 1, count):
        ease = t * t * (3 - 2 * t)
        swing = np.sin(2 * np.pi * t)
        camera = replace(
            start,
            target=(x + 25 * swing, y + 20 * np.sin(np.pi * t)),
            azimuth=start.azimuth + 0.9 * (ease - 0.5),
            elevation=start.elevation + 0.12 * swing,
            distance=start.distance * (1.1 - 0.15 * np.sin(np.pi * t)),
        )
        frame = render(scene, camera, supersample=2).astype(np.float32)
        noise = rng.normal(0, 1, frame.shape).astype(np.float32)
        yield np.clip(frame + noise, 0, 255).astype(np.uint8)


def write_clip(path: Path, seed: int, count: int) -> None:
    """Write the clip as H.264.

    Args:
        path: of the mp4 file.
        seed: of the data set.
        count: number of frames.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=CLIP_FPS)
        stream.height, stream.width = CLIP_HW
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "20", "preset": "slow", "threads": "1"}
        for image in clip_frames(seed, count):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    logger.info("%s: %d frames", path, count)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("datasets/remote"),
        help="folder to write train/, val/ and clip.mp4 into (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="another number, other pictures (default: 0)",
    )
    parser.add_argument(
        "--train", type=int, default=32, help="pictures to train on (default: 32)"
    )
    parser.add_argument(
        "--val", type=int, default=8, help="pictures to validate on (default: 8)"
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=110,
        help="length of the clip, at 25 per second; 0 for no clip (default: 110)",
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Draw the data set as the command line says."""
    options = build_parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_subset(options.output / "train", options.seed, "train", options.train)
    write_subset(options.output / "val", options.seed, "val", options.val)
    if options.frames:
        write_clip(options.output / "clip.mp4", options.seed, options.frames)


if __name__ == "__main__":
    main()

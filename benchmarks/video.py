"""What a video costs beside the network: seconds a frame, and memory.

    python benchmarks/video.py
    python benchmarks/video.py --size=3840x2160 --objects=50 --frames=100

A generated clip goes through all that `mrcnn predict` does with a video: read, track,
draw, list as JSON, write. The detector answers at once, with as many objects in new
places for each frame.
"""

import argparse
import resource
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from mrcnn.cli.outputs import write_video
from mrcnn.structures import Detections
from mrcnn.video.tracking import track
from mrcnn.video.writer import VideoWriter

CLASS_NAMES = ("BG", "person", "tv", "book")


def make_clip(path: Path, width: int, height: int, num_frames: int) -> None:
    """Write a clip that compresses about as a camera's does: a picture that shifts."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (-(-height // 40) + 4, -(-width // 40) + 4, 3))
    large = np.kron(coarse, np.ones((40, 40, 1))).astype(np.uint8)
    large[::3, ::5] ^= rng.integers(0, 8, large[::3, ::5].shape, dtype=np.uint8)
    with VideoWriter(path, width=width, height=height, fps=Fraction(25)) as writer:
        for i in range(num_frames):
            y, x = i % 100, (2 * i) % 100
            writer.write(large[y : y + height, x : x + width])


def moving_detector(num_objects: int):
    """Return a detector of discs, a seventh to a quarter of the picture high."""
    rng = np.random.default_rng(0)
    start, heading = rng.random((num_objects, 2)), rng.normal(size=(num_objects, 2))
    shares = rng.uniform(1 / 7, 1 / 4, num_objects)
    frame = 0

    def detect(images) -> list[Detections]:
        nonlocal frame
        results = []
        for image in images:
            image_hw = image.shape[:2]
            sides = (shares * image_hw[0]).astype(int)
            places = (start + 0.004 * frame * heading) % 1
            corners = (places * (np.array(image_hw) - sides[:, None])).astype(np.int32)
            results.append(
                Detections(
                    image_hw=image_hw,
                    boxes=np.concatenate(
                        [corners, corners + sides[:, None]], axis=1, dtype=np.int32
                    ),
                    class_ids=np.arange(num_objects, dtype=np.int32) % 3 + 1,
                    scores=np.full(num_objects, 0.9, np.float32),
                    box_masks=tuple(map(_disc, sides)),
                )
            )
            frame += 1
        return results

    return detect


def _disc(side: int) -> np.ndarray:
    line = np.linspace(-1, 1, side) ** 2
    return line[:, None] + line < 1


def peak_mb() -> float:
    """Return the most memory this process ever held, megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def measure(source: Path, num_objects: int) -> tuple[float, float, float]:
    """Return seconds, seconds of the detector, and the growth of the peak memory."""
    detect, before = moving_detector(num_objects), peak_mb()
    in_detector = 0.0

    def timed(images):
        nonlocal in_detector
        start = time.perf_counter()
        results = detect(images)
        in_detector += time.perf_counter() - start
        return results

    start = time.perf_counter()
    write_video(source, source.with_name("out.mp4"), timed, CLASS_NAMES, track=track)
    return time.perf_counter() - start, in_detector, peak_mb() - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1280x720", metavar="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--objects", type=int, default=10)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "clip.mp4"
        # In another process, so that its memory is not counted.
        import multiprocessing

        maker = multiprocessing.get_context("spawn").Process(
            target=make_clip, args=(source, width, height, args.frames)
        )
        maker.start()
        maker.join()
        seconds, detector, grown = measure(source, args.objects)
    per_frame = (seconds - detector) / args.frames
    print(
        f"{args.frames} frames of {width} x {height}, {args.objects} objects: "
        f"{per_frame:.3f} s a frame, {grown:.0f} MB above the start"
    )


if __name__ == "__main__":
    main()

"""Ten thousand images through the worker, to see whether its memory stays flat.

    python benchmarks/soak.py
    python benchmarks/soak.py --images=2000 --workers=2 --processes --cache=5

Generated shapes go through Keras' own queue, with threads, as in training, to a
model that does nothing. Prints the resident memory of the process and of its worker
processes at intervals, and exits with 1 where it grows by more than 5 % after the
first fifth.
"""

import argparse
import multiprocessing
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.worker import Shapes

_LIMIT = 0.05
_SIDE = 128
_BATCH = 10
_EPOCHS = 20
# Epochs in which libraries load and pools fill.
_WARM_UP = 4


def resident_mb() -> float:
    """Return the resident memory of this process and of its workers, megabytes."""
    children = [child.pid for child in multiprocessing.active_children()]
    pages = [
        int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        for pid in (os.getpid(), *children)
    ]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(args) -> list[float]:
    """Return the resident memory after each epoch, megabytes."""
    import keras

    from mrcnn.config import Config
    from mrcnn.data.cache import CachedImages
    from mrcnn.training.batches import serving
    from mrcnn.training.trainer import make_batches

    class Consumer(keras.Model):
        def train_step(self, batch):
            return {"loss": 0.0}

    class Recorder(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            memory.append(resident_mb())
            images = (epoch + 1) * steps * _BATCH
            print(f"{images:6} images  {memory[-1]:7.1f} MB", flush=True)

    memory = []
    steps = max(args.images // _EPOCHS // _BATCH, 1)
    config = Config(
        NUM_CLASSES=4,
        IMAGES_PER_GPU=_BATCH,
        IMAGE_MIN_DIM=_SIDE,
        IMAGE_MAX_DIM=_SIDE,
    )
    dataset = Shapes(200, _SIDE)
    if args.cache:
        dataset = CachedImages(dataset, int(args.cache * 1e6))
    batches = make_batches(
        dataset,
        config,
        shuffle=True,
        steps=steps,
        workers=args.workers,
        use_multiprocessing=args.processes,
    )
    model = Consumer()
    model.built = True
    model.compile(run_eagerly=True)
    with serving(batches):
        model.fit(
            batches, epochs=_EPOCHS, shuffle=False, verbose=0, callbacks=[Recorder()]
        )
    return memory


def main() -> None:
    """Measure, and compare the end with the state after the warm-up."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--processes", action="store_true")
    parser.add_argument("--cache", type=float, default=0, metavar="MB")
    memory = measure(parser.parse_args())
    growth = np.mean(memory[-_WARM_UP:]) / memory[_WARM_UP - 1] - 1
    print(f"growth {growth:+.1%} after the warm-up (at most {_LIMIT:.0%})")
    sys.exit(0 if growth <= _LIMIT else 1)


if __name__ == "__main__":
    main()

"""Feed broken data sets to the readers: only a `DatasetError` may come out.

    python tests/fuzz/fuzz_readers.py cvat                  100,000 inputs
    python tests/fuzz/fuzz_readers.py via coco --count 500 --seed 3
    python tests/fuzz/fuzz_readers.py cvat --seed 3 --only 417          one of them

Each input is a valid data set (`seeds`) of which one file was changed (`mutations`);
what loads is drawn as well. Input N of a seed is always the same. The process may use
3 GB, so that what takes more shows as an error. Exits with 1 where an input failed.
"""

import argparse
import logging
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from mutations import mutate  # noqa: E402
from seeds import SEEDS  # noqa: E402

from mrcnn.data.dataset import Dataset  # noqa: E402
from mrcnn.errors import DatasetError  # noqa: E402

_SECONDS = 5.0
_MEMORY = 3 << 30


class Fuzzer:
    """Breaks the data set of one reader.

    Args:
        reader: its name in `seeds.SEEDS`.
        folder: an empty one to work in.
        seed: of the inputs.
    """

    def __init__(self, reader: str, folder: Path, seed: int):
        self.reader, self.folder, self.seed = reader, folder, seed
        write, self.subset = SEEDS[reader]
        write(folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        self.originals = {path: path.read_bytes() for path in files}
        # Pictures matter where they hold the annotations.
        told = [path for path in files if path.suffix != ".png"]
        self.targets = told * 4 + files

    def break_one(self, number: int) -> None:
        """Put input `number` in place."""
        rng = random.Random(f"{self.reader}/{self.seed}/{number}")
        path = rng.choice(self.targets)
        path.write_bytes(mutate(self.originals[path], path.suffix, rng))
        self.broken = path

    def load(self) -> bool:
        """Load the data set with all images; return whether it was accepted."""
        try:
            dataset = Dataset.load(self.folder, self.subset, keep_unannotated=True)
        except DatasetError:
            return False
        for image_id in dataset.image_ids:
            for load in (dataset.load_image, dataset.load_mask):
                try:
                    load(image_id)
                except DatasetError:
                    pass
        return True

    def run(self, number: int) -> tuple[bool, str]:
        """Return whether input `number` was accepted, and what was wrong."""
        self.break_one(number)
        start = time.perf_counter()
        try:
            is_accepted = self.load()
        # Every kind of exception is what is looked for.
        except Exception:  # noqa: BLE001
            return False, traceback.format_exc()
        finally:
            self.broken.write_bytes(self.originals[self.broken])
        seconds = time.perf_counter() - start
        return is_accepted, f"took {seconds:.1f} s" if seconds > _SECONDS else ""


def fuzz(reader: str, count: int, seed: int, first: int = 0) -> list[tuple[int, str]]:
    """Return (number, what went wrong) of the inputs that failed; prints a line."""
    folder = Path(tempfile.mkdtemp())
    start = time.perf_counter()
    try:
        fuzzer = Fuzzer(reader, folder, seed)
        failed, num_accepted = [], 0
        for number in range(first, first + count):
            is_accepted, wrong = fuzzer.run(number)
            num_accepted += is_accepted
            if wrong:
                failed.append((number, wrong))
    finally:
        shutil.rmtree(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{reader:11} seed {seed}: {count} inputs, {num_accepted} accepted, "
        f"{len(failed)} failed, {time.perf_counter() - start:.0f} s, peak {peak} MB",
        flush=True,
    )
    return failed


def main() -> None:
    """Fuzz the readers that the arguments name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("readers", nargs="*", metavar="READER", default=list(SEEDS))
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER")
    args = parser.parse_args()
    unknown = set(args.readers) - set(SEEDS)
    if unknown:
        parser.error(f"expected {', '.join(SEEDS)}; received {', '.join(unknown)}")
    logging.disable()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "__array__ implementation")
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    has_failed = False
    for reader in args.readers:
        if args.only is None:
            failed = fuzz(reader, args.count, args.seed)
        else:
            failed = fuzz(reader, 1, args.seed, first=args.only)
        length = 400 if args.only is None else 4000
        for number, wrong in failed[:5]:
            print(f"  --only {number}: {wrong.strip()[-length:]}")
        has_failed |= bool(failed)
    sys.exit(has_failed)


if __name__ == "__main__":
    main()

"""What happens beside the steps: logs and checkpoints."""

from collections.abc import Iterable
from pathlib import Path

import keras

from mrcnn.training.epoch_table import EpochTable
from mrcnn.weights.checkpoints import checkpoint_path
from mrcnn.weights.matterport import save_weights


class SaveCheckpoint(keras.callbacks.Callback):
    """Writes the weights after every epoch, in the original's scheme and layout.

    Args:
        run_folder: folder of this run, which exists.
        name: NAME of the configuration.
    """

    def __init__(self, run_folder: Path, name: str):
        super().__init__()
        self.run_folder = Path(run_folder)
        self.name = name

    def on_epoch_end(self, epoch, logs=None):
        save_weights(self.model, checkpoint_path(self.run_folder, self.name, epoch + 1))


def run_callbacks(
    run_folder: Path, name: str, columns: Iterable[str] = ()
) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a run: TensorBoard and CSV logs, then the checkpoint.

    Args:
        run_folder: folder of this run, which exists.
        name: NAME of the configuration.
        columns: see `EpochTable`.
    """
    return [
        keras.callbacks.TensorBoard(log_dir=str(run_folder), write_graph=False),
        EpochTable(Path(run_folder) / "losses.csv", columns),
        SaveCheckpoint(run_folder, name),
    ]

"""What happens beside the steps: logs, checkpoints, the best epoch, the state."""

import logging
import math
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import keras

from mrcnn.training.averaging import ValidateAverages, averaged_weights
from mrcnn.training.epoch_table import EpochTable
from mrcnn.training.events import LogEpochs
from mrcnn.training.loss_check import CheckLosses
from mrcnn.training.network_log import LogNetwork
from mrcnn.training.state import (
    RunState,
    check_finite,
    restore_variables,
    write_state,
)
from mrcnn.weights.checkpoints import (
    Best,
    checkpoint_path,
    drop_checkpoints,
    write_best,
)
from mrcnn.weights.matterport import save_weights

logger = logging.getLogger(__name__)


class SaveCheckpoint(keras.callbacks.Callback):
    """Writes the weights after every epoch, and notes which epoch is the best.

    Args:
        run_folder: folder of this run, which exists.
        name: NAME of the configuration.
        metric: what tells the best epoch: a key of the logs. Average precisions
            (``_AP`` in the key) are better when higher, losses when lower.
        best: the best epoch of the run so far, or None.

    Attributes:
        best: likewise, kept up.
        measured: whether the epoch just finished had the metric.
    """

    def __init__(
        self,
        run_folder: Path,
        name: str,
        *,
        metric: str,
        best: Best | None = None,
    ):
        super().__init__()
        self.run_folder = Path(run_folder)
        self.name = name
        self.metric = metric
        self.best = best if best and best.metric == metric else None
        self.measured = False

    def on_epoch_end(self, epoch, logs=None):
        check_finite(self.model)
        path = checkpoint_path(self.run_folder, self.name, epoch + 1)
        with averaged_weights(self.model):
            save_weights(self.model, path)
        value = (logs or {}).get(self.metric, math.nan)
        self.measured = math.isfinite(value)
        if self.measured and self._is_better(value):
            self.best = Best(epoch + 1, path.name, self.metric, float(value))
        if self.best:
            write_best(self.run_folder, self.best)

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        return (
            value > self.best.value
            if "_AP" in self.metric
            else (value < self.best.value)
        )


class StopEarly(keras.callbacks.Callback):
    """Ends the training when a number of epochs brought nothing better.

    It counts from the best epoch, or from the first of this training if that is
    later, so that it needs no state of its own.

    Args:
        patience: that number.
        checkpoints: the `SaveCheckpoint` that knows the best epoch, called before.
        first_epoch: epochs that were finished when this training began.
    """

    def __init__(self, patience: int, checkpoints: SaveCheckpoint, first_epoch: int):
        super().__init__()
        self.patience = patience
        self.checkpoints = checkpoints
        self.first_epoch = first_epoch

    def on_epoch_end(self, epoch, logs=None):
        best = self.checkpoints.best
        if best is None or not self.checkpoints.measured:
            return
        if epoch + 1 - max(best.epoch, self.first_epoch) >= self.patience:
            logger.info(
                "Training ends: %d epochs without a better %s than %.4f of epoch %d.",
                *(self.patience, best.metric, best.value, best.epoch),
            )
            self.model.stop_training = True


class SaveState(keras.callbacks.Callback):
    """Writes the state when a training begins, after every epoch, and in between.

    It comes last of the callbacks, so that what the others changed is in the state.
    The raw weights are in it, but those that the checkpoints keep when the training
    is over: with them Keras, too, leaves the network.

    Args:
        run_folder: folder of this run, which exists.
        state: of the beginning.
        batches: the `Batches` trained on.
        checkpoints: the `SaveCheckpoint` that knows the best epoch.
        every_s: seconds after which a state is written inside an epoch too.
        resumed: whether the state lies in the folder already. What the epoch's means
            had counted is then taken from it.
    """

    def __init__(
        self,
        run_folder: Path,
        state: RunState,
        *,
        batches,
        checkpoints: SaveCheckpoint,
        every_s: float,
        resumed: bool,
    ):
        super().__init__()
        self.run_folder = Path(run_folder)
        self.state = state
        self.batches = batches
        self.checkpoints = checkpoints
        self.every_s = every_s
        self.is_written = resumed
        self.written_at = time.monotonic()

    def set_params(self, params):
        # The rest of an interrupted epoch is a fit by itself; the callbacks, which
        # share `params`, shall not take it for the last one.
        params["epochs"] = self.state.epochs
        super().set_params(params)

    def on_train_begin(self, logs=None):
        # A run that is killed in its first epoch resumes too.
        if not self.is_written:
            self._write(self.state.epoch, 0)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.batches.first_step:
            # Here, because Keras clears the means right before.
            restore_variables(self.run_folder, self.model, "metrics")

    def on_train_batch_end(self, batch, logs=None):
        is_last = batch + 1 == len(self.batches)  # the end of the epoch is near
        if not is_last and time.monotonic() - self.written_at >= self.every_s:
            self._write(self.epoch, self.batches.first_step + batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        # A training that was stopped is over: it counts as if it had reached its end.
        if self.model.stop_training or epoch + 1 == self.state.epochs:
            with averaged_weights(self.model):
                self._write(self.state.epochs, 0)
        else:
            self._write(epoch + 1, 0)

    def _write(self, epoch: int, step: int) -> None:
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        self.state = replace(
            self.state, epoch=epoch, step=step, best=self.checkpoints.best
        )
        write_state(self.run_folder, self.model, self.state)
        self.is_written = True
        self.written_at = time.monotonic()


class DropCheckpoints(keras.callbacks.Callback):
    """Deletes checkpoints but for the newest ones and the best.

    It comes after `SaveState`: what a state still names is never deleted.

    Args:
        run_folder: folder of this run.
        name: NAME of the configuration.
        keep: how many of the newest stay.
    """

    def __init__(self, run_folder: Path, name: str, keep: int):
        super().__init__()
        self.run_folder = Path(run_folder)
        self.name = name
        self.keep = keep

    def on_epoch_end(self, epoch, logs=None):
        drop_checkpoints(self.run_folder, self.name, epoch + 1, self.keep)


def run_callbacks(
    run_folder: Path,
    name: str,
    state: RunState,
    *,
    batches,
    val_batches,
    resumed: bool,
    metric: str,
    patience: int,
    keep: int | None,
    state_every_s: float,
    columns: Iterable[str] = (),
    validation=(),
    custom=(),
) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a run, in the order that they need.

    Args:
        run_folder: folder of this run, which exists.
        name: NAME of the configuration.
        state: of the beginning.
        batches: the `Batches` trained on.
        val_batches: those of validation.
        resumed: whether `state` was read from the folder.
        metric: key of the logs that tells the best epoch.
        patience: epochs without a better one after which to end; 0 never ends.
        keep: newest checkpoints to keep; None keeps all.
        state_every_s: seconds between two states inside an epoch.
        columns: see `EpochTable`.
        validation: callbacks that add to the logs of an epoch; they come first.
        custom: those of the caller; they come before the state is written.
    """
    checkpoints = SaveCheckpoint(
        *(run_folder, name),
        metric=metric,
        best=state.best,
    )
    save_state = SaveState(
        run_folder,
        state,
        batches=batches,
        checkpoints=checkpoints,
        every_s=state_every_s,
        resumed=resumed,
    )
    return [
        CheckLosses(batches),
        ValidateAverages(),
        *validation,
        LogEpochs(run_folder),
        EpochTable(Path(run_folder) / "losses.csv", columns),
        checkpoints,
        LogNetwork(run_folder, val_batches),
        *([StopEarly(patience, checkpoints, state.first_epoch)] if patience else []),
        *custom,
        save_state,
        *([DropCheckpoints(run_folder, name, keep)] if keep else []),
    ]

"""The state of a training: all that it needs to go on as if nothing had happened.

One file ``state.npz`` in the run folder holds every variable of the network
(weights, batch norm, random seeds), of the optimizer (momentum, steps, moving
averages, loss scale) and of the metrics, and, as JSON, where the training is. The
batches follow from the seed, the epoch and the step, and need no state.
`callbacks.SaveState` writes it; `trainer.fit` and `MaskRCNN.resume` read it.
"""

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from mrcnn.errors import ConfigError, TrainingError, WeightsError
from mrcnn.weights.checkpoints import STATE_FILE, Best
from mrcnn.weights.files import written_whole

_PROGRESS = "progress.json"


@dataclass(frozen=True)
class RunState:
    """Where a training is, and what the call of `train` in progress was asked for.

    Attributes:
        epoch: epochs finished.
        step: steps finished in the epoch after these.
        first_epoch: epochs that were finished when the call began.
        epochs: epoch that the call trains up to.
        layers: which layers the call trains.
        learning_rate: of the call.
        num_images: in the training data.
        num_steps: of a whole epoch.
        best: the best epoch so far, None before the first is measured.
    """

    epoch: int
    step: int
    first_epoch: int
    epochs: int
    layers: str
    learning_rate: float
    num_images: int
    num_steps: int
    best: Best | None = None

    def is_of_call(self, layers: str, learning_rate: float) -> bool:
        """Return whether a call of these layers and rate is the interrupted one.

        After the last epoch of a call none is: each begins with a new optimizer.
        """
        is_alike = (self.layers, self.learning_rate) == (layers, float(learning_rate))
        return is_alike and self.epoch < self.epochs

    def check_data(self, num_images: int, num_steps: int) -> None:
        """Refuse to go on with other images than the training was interrupted with.

        Raises:
            ConfigError: the number of images or of steps in an epoch has changed.
        """
        if (num_images, num_steps) != (self.num_images, self.num_steps):
            raise ConfigError(
                f"Expected {self.num_images} training images in {self.num_steps} steps "
                f"per epoch, as when the training was interrupted. Received: "
                f"{num_images} images in {num_steps} steps. Restore the data set and "
                "the settings, or continue from the weights alone: --weights=last."
            )


def write_state(folder: str | Path, network: keras.Model, state: RunState) -> None:
    """Write the state of a training, whole or not at all.

    Args:
        folder: of the run.
        network: compiled, its optimizer built.
        state: where the training is.

    Raises:
        WeightsError: it cannot be written; the one that is there is as before.
        TrainingError: the weights are not numbers any more.
    """
    path = Path(folder) / STATE_FILE
    try:
        with (
            written_whole(path) as unfinished,
            zipfile.ZipFile(unfinished, "w") as zip_,
        ):
            zip_.writestr(_PROGRESS, json.dumps(asdict(state)))
            for group, variables in _groups(network).items():
                for i, variable in enumerate(variables):
                    array = _finite(variable)
                    with zip_.open(_key(group, i) + ".npy", "w", force_zip64=True) as f:
                        np.lib.format.write_array(f, array, allow_pickle=False)
    except OSError as error:
        raise WeightsError(
            f"Expected to write the state of the training to {str(path)!r}. Received: "
            f"{error.strerror or error}. Free some space, then continue with --resume: "
            "the state before this one and all checkpoints are whole."
        ) from error


def read_state(folder: str | Path) -> RunState:
    """Return where an interrupted training is.

    Args:
        folder: of the run.

    Raises:
        WeightsError: there is no state, or it is damaged.
    """
    path = Path(folder) / STATE_FILE
    if not path.is_file():
        raise WeightsError(
            f"Expected a run folder with {STATE_FILE}, which a training writes when it "
            f"begins. Received: {str(folder)!r}, which has none. Name another folder, "
            "or continue from a checkpoint: --weights=PATH."
        )
    try:
        with zipfile.ZipFile(path) as zip_:
            progress = json.loads(zip_.read(_PROGRESS))
        best = progress.pop("best")
        return RunState(**progress, best=Best(**best) if best else None)
    except (OSError, LookupError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error


def restore_variables(folder: str | Path, network: keras.Model, group: str) -> None:
    """Give variables the values that they had when a training was interrupted.

    Args:
        folder: of the run.
        network: compiled and its optimizer built, for "optimizer" and "metrics".
        group: "network", "optimizer" or "metrics".

    Raises:
        WeightsError: the state is missing or damaged, or is that of another network.
    """
    path = Path(folder) / STATE_FILE
    variables = _groups(network)[group]
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            kept = sum(key.startswith(f"{group}/") for key in arrays)
            if kept != len(variables):
                raise _other_network(path, f"{kept} variables", len(variables), group)
            for i, variable in enumerate(variables):
                array = arrays[_key(group, i)]
                if array.shape != tuple(variable.shape):
                    raise _other_network(path, array.shape, variable.shape, group)
                variable.assign(array)
    except WeightsError:
        raise
    except (OSError, LookupError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error


def check_finite(network: keras.Model) -> None:
    """Refuse weights that are not numbers any more.

    Args:
        network: of any size; all its weights are looked at.

    Raises:
        TrainingError: names the first such weight.
    """
    for variable in network.weights:
        _finite(variable)


def _groups(network: keras.Model) -> dict[str, list]:
    optimizer = getattr(network, "optimizer", None)
    return {
        "network": network.variables,
        "optimizer": optimizer.variables if optimizer else [],
        "metrics": network.metrics_variables,
    }


def _key(group: str, index: int) -> str:
    # By position: Keras numbers the paths of seeds and optimizers by the process.
    return f"{group}/{index:05d}"


def _finite(variable) -> np.ndarray:
    array = keras.ops.convert_to_numpy(variable)
    if not np.isfinite(array).all():
        raise TrainingError(
            f"Expected weights that are numbers. Received: nan or inf in "
            f"{variable.path}. Lower the learning rate (--lr), or raise --warmup."
        )
    return array


def _other_network(path: Path, kept, expected, group: str) -> WeightsError:
    return WeightsError(
        f"Expected the state of this network. Received: {str(path)!r} with {kept} "
        f"where the {group} has {expected}. Build it with the configuration of the "
        "run, as --resume does."
    )


def _damaged(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"Expected the state of a training. Received: {str(path)!r}, which cannot be "
        f"read ({' '.join(str(error).split())}). Delete it, and continue from the last "
        "checkpoint: --weights=last."
    )

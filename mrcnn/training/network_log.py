"""What TensorBoard shows of the network itself: its graph, weights and activations.

`LogNetwork` is one of the callbacks of every training.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from mrcnn.network.graph import compute
from mrcnn.training.averaging import averaged_weights
from mrcnn.training.events import write_events, write_graph
from mrcnn.training.layer_sets import layers_with_weights
from mrcnn.training.network_graph import network_graph, part_of

# Images of the first validation batch that activations are those of.
NUM_IMAGES = 2


class LogNetwork(keras.callbacks.Callback):
    """Writes the graph once in a run, and histograms after every epoch.

    Belongs behind what checks that the weights are numbers.

    Args:
        run_folder: gets the folders train, for the graph and the weights, and
            validation, for the activations.
        batches: the `Batches` whose first images give the activations.
    """

    def __init__(self, run_folder: Path, batches):
        super().__init__()
        self.run_folder = Path(run_folder)
        self.batches = batches
        self._batch = None

    def on_train_begin(self, logs=None):
        folder = self.run_folder / "train"
        if not any(folder.glob("*.tfevents.*")):
            write_graph(folder, network_graph(self.model))
        if self._batch is None:
            batch = self.batches[0]
            self._batch = {key: array[:NUM_IMAGES] for key, array in batch.items()}

    def on_epoch_end(self, epoch, logs=None):
        with averaged_weights(self.model):
            for folder, histograms in (
                ("train", learning_kernels(self.model)),
                ("validation", activations(self.model, self._batch)),
            ):
                write_events(
                    self.run_folder / folder, step=epoch, histograms=histograms
                )


def learning_kernels(network: keras.Model) -> dict[str, keras.Variable]:
    """Return the kernels that learn by tag, such as weights_res4/res4b_branch2a/kernel.

    Biases and factors of batch norm, of one dimension, are left out.

    Args:
        network: from `network.build`.
    """
    return {
        f"weights_{_group(layer.name)}/{layer.name}/{weight.name}": weight
        for layer in layers_with_weights(network)
        for weight in layer.trainable_weights
        if len(weight.shape) > 1
    }


def activations(
    network: keras.Model, batch: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return what the network computes on the way from images to losses, by tag.

    Nothing is compiled for it, and the layers are not called as in training: batch norm
    uses the moving statistics.

    Args:
        network: from `network.build` in training mode.
        batch: of `Batches`.

    Returns:
        float arrays: the backbone's stages C2 to C5, the pyramid's levels P2 to P6,
        and the logits of the RPN and of both heads.
    """
    layer = network.get_layer
    tensors = {
        **{f"C{n}": layer(f"fpn_c{n}p{n}").input for n in range(2, 6)},
        **{f"P{n}": layer(f"fpn_p{n}").output for n in range(2, 7)},
        "rpn_class_logits": network.output["rpn_class_logits"],
        "mrcnn_class_logits": network.output["mrcnn_class_logits"],
        "mrcnn_mask_logits": layer("mrcnn_mask").output,
    }
    # The ROIs are a sample: looking on shall not change what is trained on next.
    seed = layer("proposal_targets").seed_generator.state
    before = np.array(seed)
    found = compute(list(tensors.values()), batch)
    seed.assign(before)
    return {
        f"activations/{name}": values
        for name, values in zip(tensors, found, strict=True)
    }


def _group(layer_name: str) -> str:
    return (part_of(layer_name) or "backbone").split("/")[0]

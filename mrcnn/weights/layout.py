"""The HDF5 layout of the original's weights files, to and from plain arrays.

The layout is that of Keras 1 and 2. The root, or a group ``model_weights`` below
it, has an attribute ``layer_names``; every layer is a group of that name with an
attribute ``weight_names``, and the arrays lie in the group under those names:

    conv1            conv1/kernel:0, conv1/bias:0
    rpn_model        rpn_conv_shared/kernel:0, ...  (a nested model is one group)

`matterport` puts the arrays into a network and takes them out of it; nothing
here knows Keras.
"""

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from mrcnn.errors import WeightsError, nearest
from mrcnn.weights.files import written_whole

# By layer, in the file's order, the (name, array) pairs; a layer without weights
# has an empty list.
LayerArrays = dict[str, list[tuple[str, np.ndarray]]]

# HDF5 refuses attributes of 64 KiB; Keras cuts lists of names at this many bytes.
_ATTRIBUTE_LIMIT = 64512
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_weights(path: str | Path) -> LayerArrays:
    """Return every array of a weights file.

    Args:
        path: an HDF5 file in the layout above.

    Returns:
        {layer name: [(weight name, array), ...]}, in the file's order; layers
        without weights have an empty list.

    Raises:
        WeightsError: the file is missing, damaged or of another layout.
    """
    path = Path(path)
    _check_signature(path)
    try:
        with h5py.File(path, "r") as file:
            root = _weights_root(file, path)
            return {name: _read_layer(root, name) for name in _names(root, "layer")}
    except WeightsError:
        raise
    except (OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # h5py reports a truncated file as OSError, and a broken tree as any of these.
        raise WeightsError(
            f"Expected a whole weights file. Received: {_described(path)}, which is "
            f"truncated or damaged ({_one_line(error)}). Delete it, then download or "
            "copy it again."
        ) from error


def write_weights(
    path: str | Path, weights: LayerArrays, attributes: dict[str, str]
) -> None:
    """Write arrays as a weights file, whole or not at all.

    Args:
        path: the file to make or replace; its folder is made when missing.
        weights: {layer name: [(weight name, array), ...]}, in the file's order.
        attributes: texts for the root, such as backend and keras_version.

    Raises:
        WeightsError: the file cannot be written; a file of that name is as before.
    """
    try:
        with written_whole(path) as unfinished, h5py.File(unfinished, "w") as file:
            _write_layers(file, weights, attributes)
    except (OSError, RuntimeError) as error:  # h5py: a full disk may be either
        raise WeightsError(
            f"Expected to write the weights to {str(path)!r}. Received: "
            f"{_one_line(error)}. Check the folder's permissions and free space."
        ) from error


def _write_layers(file: h5py.File, weights: LayerArrays, attributes: dict) -> None:
    _set_names(file, "layer", weights)
    for key, value in attributes.items():
        file.attrs[key] = value.encode()
    for layer, arrays in weights.items():
        group = file.create_group(layer)
        _set_names(group, "weight", [name for name, _ in arrays])
        for name, array in arrays:
            group.create_dataset(name, data=array)


def _names(group: h5py.Group, kind: str) -> list[str]:
    """Return the attribute ``layer_names`` or ``weight_names``, also when in pieces."""
    key = f"{kind}_names"
    if key in group.attrs:
        pieces = [group.attrs[key]]
    else:
        pieces = []
        while f"{key}{len(pieces)}" in group.attrs:
            pieces.append(group.attrs[f"{key}{len(pieces)}"])
    return [
        name.decode() if isinstance(name, bytes) else str(name)
        for piece in pieces
        for name in piece
    ]


def _set_names(group: h5py.Group, kind: str, names: Iterable[str]) -> None:
    encoded = np.array([name.encode() for name in names], dtype=np.bytes_)
    # Texts of fixed width: all take as many bytes as the longest.
    num_fitting = max(1, _ATTRIBUTE_LIMIT // encoded.itemsize)
    if len(encoded) <= num_fitting:
        group.attrs[f"{kind}_names"] = encoded
        return
    for i, start in enumerate(range(0, len(encoded), num_fitting)):
        group.attrs[f"{kind}_names{i}"] = encoded[start : start + num_fitting]


def _read_layer(root: h5py.Group, layer: str) -> list[tuple[str, np.ndarray]]:
    if layer not in root:
        raise KeyError(f"layer {layer!r} is named and not there")
    group = root[layer]
    file_name = root.file.filename
    return [
        (name, _read_array(group, name, file_name)) for name in _names(group, "weight")
    ]


def _read_array(group: h5py.Group, name: str, file_name: str) -> np.ndarray:
    where = f"array {name!r} of layer {group.name!r}"
    if name not in group:
        raise KeyError(f"{where} is named and not there")
    dataset = group[name]
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"{where} is not an array")
    if dataset.external or dataset.is_virtual or dataset.file.filename != file_name:
        raise TypeError(f"{where} points to another file")
    if dataset.size and not dataset.id.get_storage_size():
        # HDF5 would hand out zeros for an array whose bytes were never written.
        raise OSError(f"{where} was never written")
    array = np.asarray(dataset)
    if not np.issubdtype(array.dtype, np.number):
        raise TypeError(f"{where} holds {array.dtype}, not numbers")
    return array


def _weights_root(file: h5py.File, path: Path) -> h5py.Group:
    """Return the group that has the layers: the root, or ``model_weights``."""
    for root in (file, file.get("model_weights")):
        if root is not None and _names(root, "layer"):
            return root
    if path.name.endswith(".weights.h5") or {"layers", "vars"} & set(file):
        raise WeightsError(
            f"Expected the layout of Keras 1 and 2, one group per layer name. "
            f"Received: {_described(path)}, a Keras 3 '.weights.h5' file. Load it with "
            "keras_model.load_weights, then write it with save_weights of "
            "mrcnn.weights.matterport."
        )
    raise WeightsError(
        "Expected a weights file with an attribute 'layer_names'. Received: "
        f"{_described(path)}, an HDF5 file without it. Name the weights file of a "
        "Mask R-CNN, mask_rcnn_coco.h5 for example."
    )


def _check_signature(path: Path) -> None:
    """Raise unless the file is there and begins as HDF5 does."""
    if path.is_dir():
        raise WeightsError(
            f"Expected a weights file. Received: {str(path)!r}, a folder. Name the .h5 "
            "file inside it, or type --weights=last for the newest checkpoint."
        )
    try:
        with open(path, "rb") as file:
            signature = file.read(len(_HDF5_SIGNATURE))
    except FileNotFoundError as error:
        raise WeightsError(
            f"Expected a weights file. Received: {str(path)!r}, which does not exist."
            f"{_nearest_file(path)} Check the path, or type --weights=coco to download "
            "the COCO weights."
        ) from error
    except OSError as error:
        raise WeightsError(
            f"Expected a weights file that can be read. Received: {str(path)!r} "
            f"({_one_line(error)}). Check its permissions."
        ) from error
    if signature.startswith(b"PK"):
        raise WeightsError(
            f"Expected an HDF5 weights file. Received: {_described(path)}, a zip "
            "archive such as a Keras 3 '.keras' file. Open it with "
            "keras.saving.load_model, then write it with save_weights of "
            "mrcnn.weights.matterport."
        )
    if signature != _HDF5_SIGNATURE:
        raise WeightsError(
            f"Expected an HDF5 weights file. Received: {_described(path)}, which is "
            "not HDF5 (an interrupted download, a web page or a Git LFS pointer?). "
            "Delete it, then download or copy it again."
        )


def _nearest_file(path: Path) -> str:
    try:
        return nearest(path.name, [file.name for file in path.parent.iterdir()])
    except OSError:
        return ""  # the folder is missing too: there is no neighbour to name


def _described(path: Path) -> str:
    return f"{str(path)!r} ({path.stat().st_size:,} bytes)"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).strip("'\"").split())

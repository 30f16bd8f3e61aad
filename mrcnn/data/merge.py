"""Several data sets as one, with their classes renamed and joined.

`merged` is also the way to give the parts of one data set the same classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mrcnn.data.regions import AnnotatedDataset
from mrcnn.errors import DatasetError, nearest


def merged(
    datasets: Sequence[AnnotatedDataset],
    mapping: dict[str, str] | None = None,
    class_names: Iterable[str] | None = None,
) -> AnnotatedDataset:
    """Return a data set with the images of all, prepared.

    Args:
        datasets: prepared; their images stay where they are.
        mapping: new name of a class by its old one; "" leaves its objects out. Classes
            that get the same name become one.
        class_names: names without the background, in the order of their ids; by
            default those that are left, in the order in which they come.

    Raises:
        DatasetError: the mapping names a class that is nowhere.
    """
    mapping = mapping or {}
    found = dict.fromkeys(name for each in datasets for name in each.class_names[1:])
    for name in mapping:
        if name not in found:
            raise DatasetError(
                f"Expected a class of the data sets, one of {', '.join(found)}. "
                f"Received: {name!r}.{nearest(name, found)} Correct the name."
            )
    if class_names is None:
        new_names = dict.fromkeys(mapping.get(name, name) for name in found)
        class_names = [name for name in new_names if name]
    class_ids = {name: i for i, name in enumerate(class_names, start=1)}
    source = datasets[0].image_info[0]["source"]
    result = AnnotatedDataset()
    result.num_channels = datasets[0].num_channels
    for name, class_id in class_ids.items():
        result.add_class(source, class_id, name)
    ids = Counter(info["id"] for each in datasets for info in each.image_info)
    for dataset in datasets:
        for image_id, info in enumerate(dataset.image_info):
            regions = []
            labels = abs(dataset.image_class_ids(image_id)).tolist()
            for region, label in zip(info["annotations"], labels, strict=True):
                name = dataset.class_names[label]
                if new_name := mapping.get(name, name):
                    new_id = class_ids[new_name]
                    regions.append(replace(region, source_class_id=new_id))
            # Numbers and file names of different data sets may be the same.
            new_id = (
                info["id"] if ids[info["id"]] == 1 else Path(info["path"]).as_posix()
            )
            about = info | {"annotations": regions, "source": source, "id": new_id}
            result.image_info.append(about)
    result.prepare()
    return result

import pytest

from mrcnn import errors


@pytest.mark.parametrize(
    "name",
    ["ConfigError", "DatasetError", "WeightsError", "TrainingError", "VideoError"],
)
def test_errors_are_mrcnn_errors_and_value_errors(name):
    error = getattr(errors, name)
    assert issubclass(error, errors.MrcnnError)
    assert issubclass(error, ValueError)


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("resnet100", ["resnet50", "resnet101"], " Did you mean 'resnet101'?"),
        ("LEARNING_RATES", ["LEARNING_RATE", "NAME"], " Did you mean 'LEARNING_RATE'?"),
        ("zebra", ["resnet50", "resnet101"], ""),
        ("anything", [], ""),
        (12, [11, 123], " Did you mean '123'?"),
    ],
)
def test_nearest(name, known, hint):
    assert errors.nearest(name, known) == hint


def test_nearest_takes_an_iterator():
    assert errors.nearest("hed", iter(["heads", "all"])) == " Did you mean 'heads'?"

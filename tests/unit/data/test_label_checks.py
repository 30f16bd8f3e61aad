import pytest

from mrcnn.data.label_checks import corrections


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"remote": 90, "Remote": 40}, {"Remote": "remote"}),
        ({"ac remote": 90, "AC_Remote": 90, "ac-remote": 1}, None),
        ({"person": 100, "persons": 10}, {"persons": "person"}),
        ({"person": 100, "persons": 11}, {}),  # both often: may be meant
        (
            {"balloon": 50, "baloon": 1, "ballon": 2},
            {"baloon": "balloon", "ballon": "balloon"},
        ),
        ({"remote": 50, "remotr": 1}, {"remotr": "remote"}),
        ({"remote 1": 50, "remote 2": 1}, {}),
        ({"type a": 50, "type b": 1}, {}),
        ({"cat": 50, "car": 1}, {}),  # too short to tell
        ({"left hand": 50, "right hand": 1}, {}),
        ({"male": 50, "man": 1}, {}),
        ({"remote": 0, "remot": 0}, {}),
        ({}, {}),
    ],
)
def test_corrections(counts, expected):
    found = corrections(counts)
    if expected is None:
        assert len(found) == 2
        assert len(set(found.values())) == 1
    else:
        assert found == expected

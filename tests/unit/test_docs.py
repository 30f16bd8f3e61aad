"""The pages of docs/ say what the code does."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mrcnn.cli import arguments
from mrcnn.config import Config
from mrcnn.data import formats

ROOT = Path(__file__).resolve().parents[2]
TRAINING = ROOT / "docs" / "training.md"


def rows(first_column: str) -> list[list[str]]:
    """Cells of the table rows whose first cell matches a regular expression."""
    lines = TRAINING.read_text("utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return [row for row in cells if re.fullmatch(first_column, row[0])]


def test_every_training_flag_is_in_a_table():
    script = ROOT / "samples" / "remote" / "train.py"
    shown = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, check=True
    )
    options = shown.stdout.partition("\noptions:\n")[2]
    flags = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", options, re.M)) - {"--help"}
    assert len(flags) > 30
    assert flags - {row[0] for row in rows("--[a-z].*")} == set()


def test_keys_of_the_tables_are_those_of_the_configuration():
    found = {row[1] for row in rows("--[a-z].*")} - {"-", "any"}
    assert found - set(Config().to_dict()) == set()
    text = TRAINING.read_text("utf-8")
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", text))
    assert named - set(Config().to_dict()) == set()


def test_recipes_of_the_page_are_understood():
    parser = argparse.ArgumentParser()
    arguments.add_training_flags(parser, dataset="photos")
    recipes = re.findall(r"(?:^    --.*\n)+", TRAINING.read_text("utf-8"), re.M)
    assert len(recipes) == 3
    for recipe in recipes:
        args = parser.parse_args(recipe.split())
        assert arguments.training_stages(args, Config())[0].layers == "heads"
        Config(**arguments.network_settings(args)).validate()


@pytest.mark.parametrize("row", rows(r"\d+ GB"), ids=lambda row: row[0])
def test_memory_table_follows_its_formula(row):
    """Each batch fits the card by the formula of the page, and one more does not."""
    a, p = {"resnet50": (1.2, 3.7), "resnet101": (1.5, 4.6)}[row[1]]
    per_image = 0.4 + p * (int(row[2]) / 1024) ** 2
    card = int(row[0].split()[0])
    for batch, factor in ((row[3], 0.6), (row[4], 1.0)):
        most = int(((card - 1) / 1.25 - a) / (factor * per_image))
        assert batch == (str(most) if most else "-")


def test_formula_of_the_page_is_near_what_was_measured():
    for a, p, side, images, peak in (
        (1.2, 3.7, 128, 8, 4.8),
        (1.2, 3.7, 512, 2, 3.9),
        (1.5, 4.6, 1024, 1, 6.5),
        (1.0, 1.5, 1024, 1, 2.9),
    ):
        estimate = a + images * (0.4 + p * (side / 1024) ** 2)
        assert estimate == pytest.approx(peak, rel=0.02)


def test_every_format_is_on_the_page_about_data():
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    table = "".join(line for line in text.splitlines(True) if line.startswith("|"))
    for name in formats.known_formats():
        assert all(word in table for word in name.split()), name

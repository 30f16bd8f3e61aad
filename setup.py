"""Entry point for tools that expect a setup.py; pyproject.toml holds the metadata."""

from setuptools import setup

setup()

"""Histories of tests as the analysis loads them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.events import load
from analysis.history import Run
from histories import World


def run_of(world: World) -> Run:
    with TemporaryDirectory() as folder:
        return load(world.write(Path(folder)))

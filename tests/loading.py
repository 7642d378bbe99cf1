"""Histories of tests, loaded by the analysis."""

from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.history.run import Run
from analysis.logs.finding import load
from histories import World


def run_of(world: World) -> Run:
    with TemporaryDirectory() as folder:
        return load(world.write(Path(folder)))

"""The runs of an experiment in its folder: those that are there, and those that are missing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from orchestrator.experiments import folder as experiment_folder
from orchestrator.experiments.experiment import Experiment, ExperimentFile
from orchestrator.runner.execution import ExecutedRun, PlannedRun, fresh_names, remove_leftovers
from vm.spec import Spec


@dataclass(frozen=True)
class Plan:
    """The specs of all runs by name, and the runs among them to execute, as they are missing."""

    folder: Path
    specs: dict[str, Spec]
    missing: tuple[PlannedRun, ...]

    @property
    def present(self) -> int:
        return len(self.specs) - len(self.missing)

    def directories(self, executed: Sequence[ExecutedRun]) -> list[Path]:
        """Return the directories of all runs that the folder holds after the execution."""
        places = {run.name: run.directory for run in executed}
        found = [places.get(name, self.folder / name) for name in self.specs]
        return [path for path in found if path.parent == self.folder and path.exists()]


def plan(
    file: ExperimentFile | None, experiment: Experiment, out: Path, backend: str, logs: bool | str
) -> Plan:
    """Claim the folder of an experiment below `out` for its runs.

    Runs of a file have the names of its points, and those that are there are kept; without a file
    every run is new, with a name from the time. `logs` as in `experiment_folder.resolved`.
    OSError if the folder cannot be written, ExperimentError if it belongs to another experiment.
    """
    folder, specs = out / experiment.name, experiment.specs()
    if file is None:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass  # The folder can be written.
        names = fresh_names(folder, specs.values())
        specs = dict(zip(names, specs.values(), strict=True))
    else:
        ours = experiment_folder.resolved(experiment, backend, logs)
        experiment_folder.claim(folder, file.text, ours)
    missing = [
        PlannedRun(name, spec, backend, folder, resumable=file is not None)
        for name, spec in specs.items()
        if not (folder / name).exists()
    ]
    return Plan(folder, specs, tuple(missing))


@contextmanager
def without_leftovers(folder: Path) -> Iterator[None]:
    """Remove what dead owners left in and beside the folder of an experiment, before and after."""
    folders = folder.parent, folder
    remove_leftovers(*folders)
    try:
        yield
    finally:
        remove_leftovers(*folders)

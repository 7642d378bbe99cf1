"""Packages that not every installation has."""

from importlib import import_module
from types import ModuleType

from orchestrator.backends.outcome import EnvironmentProblem


def extra(wanted: str, module: str) -> ModuleType:
    """Import a module that an option needs; EnvironmentProblem if it is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise EnvironmentProblem(
            f"{wanted} needs {error.name}, which is not installed:"
            f" `pip install {module.partition('.')[0]}`"
        ) from None

"""Adds the recipe of the machines' image to the wheel; pyproject.toml has everything else.

Its files stay at the top level of the checkout, where Compose reads them. A wheel has copies beside
the module that builds the image.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

RECIPE = ("Dockerfile", "requirements.lock")


class WithRecipe(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for copy in self._copies():
                self.copy_file(copy.name, str(copy))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return super().get_outputs(include_bytecode) + [str(copy) for copy in self._copies()]

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *RECIPE]

    def _copies(self) -> list[Path]:
        home = Path(self.build_lib, "orchestrator", "backends", "docker")
        return [home / name for name in RECIPE]


setup(cmdclass={"build_py": WithRecipe})

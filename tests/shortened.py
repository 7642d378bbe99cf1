"""Reports without their dearest parts, for tests of other things; their own tests have them all."""

import pytest

from analysis.charts import clocks
from orchestrator.cli import report

#: The same in another process: `python -c COMMAND WORD...` is `vklocks WORD...`.
COMMAND = """
import sys
from orchestrator.__main__ import main
from analysis.charts import clocks
from orchestrator.cli import report
clocks.MAX_COMPUTED = report.MAX_CHARTS = 0
sys.exit(main())
"""


def shorten(monkeypatch: pytest.MonkeyPatch, runs_with_files: int = 0) -> None:
    """Leave out charts as files, but of so many runs, and clocks that ride on no run.

    They are four fifths of the time of a report.
    """
    monkeypatch.setattr(report, "MAX_CHARTS", runs_with_files)
    monkeypatch.setattr(clocks, "MAX_COMPUTED", 0)

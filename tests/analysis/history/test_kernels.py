"""Large histories with Numba and without it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.evaluation import evaluate
from analysis.history import kernels
from analysis.logs.finding import load
from analysis.text.plain import plain_metrics, plain_verdict
from others import write_as_the_first_vklocks
from unruly import unruly

# Numba compiles for seconds, in each worker that asks it to.
pytestmark = pytest.mark.xdist_group("numba")
WITHOUT_NUMBA = """
import json, sys
from pathlib import Path
sys.modules["numba"] = None
from analysis.evaluation import evaluate
from analysis.history import kernels
from analysis.logs.finding import load
from analysis.text.plain import plain_metrics, plain_verdict
kernels.COMPILE_FROM = 0
assert not kernels.compiles(1)
found = evaluate(load(Path(sys.argv[1])))
print(json.dumps([plain_verdict(found.verdict), plain_metrics([found.metrics])]))
"""


def test_without_numba_a_large_history_has_the_same_verdict_and_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = write_as_the_first_vklocks(unruly(5, 3, acts=300, loss=0.2), tmp_path)
    command = [sys.executable, "-c", WITHOUT_NUMBA, str(directory)]
    without = subprocess.run(command, check=True, capture_output=True, text=True)
    monkeypatch.setattr(kernels, "COMPILE_FROM", 0)
    assert kernels.compiles(1)
    found = evaluate(load(directory))
    known = [plain_verdict(found.verdict), plain_metrics([found.metrics])]
    assert json.loads(without.stdout) == json.loads(json.dumps(known))

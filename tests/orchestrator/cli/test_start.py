"""What the command imports before it knows what to do."""

import subprocess
import sys

PROGRAM = """
import sys
from orchestrator.cli import main
try:
    main(["--help"])
except SystemExit:
    print({"asyncio", "docker", "grpc", "joblib", "numpy", "polars", "rich"} & set(sys.modules))
"""


def test_help_imports_none_of_the_big_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("usage: vklocks")
    assert done.stdout.endswith("set()\n")

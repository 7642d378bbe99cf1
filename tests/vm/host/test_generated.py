"""The committed code is what the committed vm.proto generates."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
GENERATED = "vm/host/generated"


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    outputs = [
        f"--{kind}_out={tmp_path}" for kind in ("python", "mypy", "grpc_python", "mypy_grpc")
    ]
    plugins = Path(sys.executable).parent
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            "-Ivm/host/generated=proto",
            *outputs,
            "proto/vm.proto",
        ],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{plugins}{os.pathsep}{os.environ['PATH']}"},
        check=True,
        capture_output=True,
    )
    generated = {path.name: path.read_text() for path in (tmp_path / GENERATED).iterdir()}
    committed = {path.name: path.read_text() for path in (ROOT / GENERATED).glob("*_pb2*.py*")}
    assert generated == committed, "run `make proto`"

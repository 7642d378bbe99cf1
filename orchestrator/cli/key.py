"""`vklocks key`: a file with a fresh key for machines on several computers."""

import argparse
import os

from orchestrator import keys
from orchestrator.cli.lines import put
from vm.options import UsageError


def write_key(given: argparse.Namespace) -> int:
    """Write a key to a file that only its owner can read, and that was not there before."""
    content = keys.new_certificate()
    try:
        file = os.open(given.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        problem = f"{given.file} exists: name another file, or remove it"
        raise UsageError(f"FILE: {problem}") from None
    except OSError as error:
        raise UsageError(f"FILE: {given.file} cannot be written: {error.strerror}") from None
    with os.fdopen(file, "wb") as key:
        key.write(content)
    put(f"{given.file}: copy it to each computer, and start each machine with --key FILE")
    return 0

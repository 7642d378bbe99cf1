"""Output of the commands: lines, tables and complaints."""

import sys

from rich.console import Console

#: The width where none is known, as in a file.
COLUMNS = 100


def console_of_output() -> Console:
    return Console(width=None if sys.stdout.isatty() else COLUMNS)


def say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def complain(code: int, problem: str) -> int:
    """Print on standard error why the command ends with `code`."""
    print(f"vklocks: {problem}", file=sys.stderr)
    return code

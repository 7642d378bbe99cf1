"""Where the command's words and tables go."""

import sys

from rich.console import Console

#: Where no width is known, as in a file.
COLUMNS = 100


def console_of_output() -> Console:
    return Console(width=None if sys.stdout.isatty() else COLUMNS)


def say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def complain(code: int, problem: str) -> int:
    """Say on standard error why the command ends with `code`."""
    print(f"vklocks: {problem}", file=sys.stderr)
    return code

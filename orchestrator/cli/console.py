"""Output of the commands: lines, tables and complaints, without control characters.

Names of machines, runs and folders come from elsewhere; so does all that is quoted. It is escaped
here, whatever printed it, so that it cannot move the cursor or pass for output of ours.
"""

import json
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from vm.quoting import escaped, plain

#: The width where none is known, as in a file.
COLUMNS = 100
#: The most characters of a line that gives a problem.
MAX_PROBLEM = 5000


class _Printable:
    """Renders as another renderable does, with its control characters escaped."""

    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self._renderable, options):
            yield Segment(text if control else _lines(text), style, control)


class _Escaping(RenderHook):
    def process_renderables(
        self, renderables: Iterable[ConsoleRenderable]
    ) -> list[ConsoleRenderable]:
        return [_Printable(renderable) for renderable in renderables]


def console_of_output() -> Console:
    console = Console(width=None if sys.stdout.isatty() else COLUMNS)
    console.push_render_hook(_Escaping())
    return console


def say(console: Console, line: str) -> None:
    """Print one line on the console of the output."""
    console.print(escaped(line), markup=False, highlight=False, soft_wrap=True)


def put(line: str) -> None:
    """Print one line on standard output."""
    print(escaped(line))


def put_json(value: object) -> None:
    """Print a value as one line of JSON, which escapes all control characters but this one."""
    print(json.dumps(value).replace("\x7f", "\\u007f"))


def complain(code: int, problem: str) -> int:
    """Print on standard error why the command ends with `code`; wrong input in one line."""
    parts = [problem] if code == 2 else problem.split("\n")
    text = "\n".join(plain(part, MAX_PROBLEM) for part in parts)
    print(f"vklocks: {text}", file=sys.stderr)
    return code


def _lines(text: str) -> str:
    return "\n".join(map(escaped, text.split("\n")))

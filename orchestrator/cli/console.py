"""The console of the commands: tables, lines and progress, without control characters."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from time import monotonic

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from vm.quoting import escaped

#: The width if it is unknown, as in a file.
COLUMNS = 100
MAX_SILENCE_S = 3


class _Printable:
    """A renderable with the control characters of its text escaped."""

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


def console_of_output(stderr: bool = False) -> Console:
    """Return the console of standard output, or of standard error."""
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    console = Console(width=None if is_terminal else COLUMNS, emoji=False, stderr=stderr)
    console.push_render_hook(_Escaping())
    return console


def say(console: Console, line: str) -> None:
    """Print one line on the console of the output."""
    console.print(escaped(line), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def counting(console: Console, things: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function to call before each of `total` things, which shows progress.

    A terminal shows a bar; elsewhere a line appears after each silence of MAX_SILENCE_S.
    """
    if console.is_terminal and total > 1:
        # Imported here, as it loads slowly.
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn()
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(things, total=total)
            yield lambda: progress.advance(task)
        return
    begun, printed_s = count(1), monotonic()

    def advance() -> None:
        nonlocal printed_s
        number = next(begun)
        if monotonic() - printed_s > MAX_SILENCE_S:
            printed_s = monotonic()
            say(console, f"{things}: {number} of {total}")

    yield advance


def _lines(text: str) -> str:
    return "\n".join(map(escaped, text.split("\n")))

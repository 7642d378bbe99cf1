"""A console that escapes the control characters of all its texts."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from vm.quoting import escaped


def escaping_console(width: int | None, stderr: bool) -> Console:
    """Return a console, of standard output or standard error, whose texts are escaped."""
    console = Console(width=width, emoji=False, stderr=stderr)
    console.push_render_hook(_Escaping())
    return console


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


def _lines(text: str) -> str:
    return "\n".join(map(escaped, text.split("\n")))

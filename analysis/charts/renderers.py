"""Charts as files, drawn by processes of their own while others see to the rest.

One process draws one chart after the other, whatever threads it has. So

    python -m analysis.charts.renderers

reads a chart a line, and answers each with a line: what kept it from being written, or null. It
ends when its input does, as it does when whoever began it is gone, and leaves nothing behind.
"""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import vl_convert

MAX_PROCESSES = 4
PNG_SCALE = 2
BLANK = {"mark": "point", "data": {"values": []}}


class Renderers:
    """As many processes as there are cores; they begin at once, as it takes them a while."""

    def __init__(self) -> None:
        count = min(os.cpu_count() or 1, MAX_PROCESSES)
        self._idle = SimpleQueue[subprocess.Popen[str]]()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="charts")
        self._drawn: list[Future[None]] = []
        for _ in range(count):
            self._idle.put(_begun())

    def draw(self, charts: Mapping[str, Any], folder: Path) -> None:
        """Leave charts in a folder as SVG and as PNG, named by the keys of their Vega-Lite specs.

        OSError if there can be no such folder; for the rest, ask `wait`.
        """
        folder.mkdir(exist_ok=True)
        for name, spec in charts.items():
            self._drawn.append(self._threads.submit(self._draw, spec, folder / name))

    def wait(self) -> None:
        """Until all are drawn; OSError if one could not be written."""
        for future in self._drawn:
            future.result()
        self._drawn = []

    def drop(self) -> None:
        """Draw nothing more."""
        for future in self._drawn:
            future.cancel()
        self._drawn = []

    def _draw(self, spec: Any, file: Path) -> None:
        process = self._idle.get()
        try:
            answer = _asked(process, {"spec": spec, "file": str(file.absolute())})
        finally:
            self._idle.put(process)
        if not answer:
            raise OSError(errno.EPIPE, "the process that was to draw it has ended", str(file))
        if problem := json.loads(answer):
            raise OSError(*problem)


def _begun() -> subprocess.Popen[str]:
    # Not of the terminal's group: Ctrl-C is for whoever asked. -P: modules are the installed
    # ones, whatever lies where the command was given.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "analysis.charts.renderers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )


def _asked(process: subprocess.Popen[str], chart: Mapping[str, Any]) -> str:
    """What a process answers; "" if it has ended."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(f"{json.dumps(chart)}\n")
        process.stdin.flush()
    except BrokenPipeError:
        return ""
    return process.stdout.readline()


def main() -> None:
    # What takes the first chart its time.
    vl_convert.vegalite_to_svg(BLANK)
    for line in sys.stdin:
        chart, problem = json.loads(line), None
        try:
            write(chart["spec"], Path(chart["file"]))
        except OSError as error:
            problem = error.errno, error.strerror, error.filename
        try:
            print(json.dumps(problem), flush=True)
        except BrokenPipeError:
            # Whoever asked is gone, and nothing can be said any more, not even at exit.
            os._exit(0)


def write(spec: Any, file: Path) -> None:
    """Leave a chart as SVG and as PNG, in files that are called like `file`."""
    svg = vl_convert.vegalite_to_svg(spec)
    file.with_suffix(".svg").write_text(svg, encoding="utf-8")
    file.with_suffix(".png").write_bytes(vl_convert.svg_to_png(svg, scale=PNG_SCALE))


if __name__ == "__main__":
    main()

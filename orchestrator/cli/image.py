"""`vklocks image`: the image of the machines, to bring it to engines that do not build it."""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from orchestrator.cli.arguments import read_path
from orchestrator.cli.lines import put
from vm.files import whole_file
from vm.options import UsageError

ACTIONS = ("name", "build", "save")


def add_image(command: argparse.ArgumentParser) -> None:
    text = "name: print its name; build: build it, if it is missing; save: write it as an archive"
    command.add_argument("action", metavar="ACTION", choices=ACTIONS, help=text)
    text = "where the archive goes (standard output)"
    command.add_argument("-o", "--out", metavar="FILE", type=read_path, help=text)


def handle_image(given: argparse.Namespace) -> int:
    """Print the name of the image of these sources; build it, or write it as an archive."""
    from orchestrator.backends.docker import engine, image

    if given.action != "save" and given.out:
        raise UsageError(f"-o: image {given.action} writes no archive")
    if given.action == "save" and not given.out and sys.stdout.isatty():
        raise UsageError("image save: an archive is no text: add -o FILE, or | docker load")
    if given.action == "name":
        put(image.reference())
        return 0
    with engine.connected() as client:
        image.ensure(client, partial(print, file=sys.stderr))
        if given.action == "build":
            put(image.reference())
        else:
            built = client.images.get(image.reference())
            _write(built.save(named=image.reference()), given.out)
    return 0


def _write(chunks: Iterator[bytes], out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.writelines(chunks)
        return
    with whole_file(out) as partial_file, partial_file.open("wb") as file:
        file.writelines(chunks)

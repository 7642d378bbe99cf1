"""Ctrl-C and SIGTERM: the first signal ends the command, further ones have no effect."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: The time after which a command is ended if a library caught the exception of its interrupt.
MAX_UNWINDING_S = 10


class Interrupt(KeyboardInterrupt):
    """The exception that ends the work of the main thread; `number` is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Caught:
    """The number of the first signal, or 0."""

    number = 0


def catch(act: Callable[[int], None]) -> Caught:
    """Call a function at the next Ctrl-C or SIGTERM instead of ending the program."""
    caught = Caught()

    def handle(number: int, _frame: object) -> None:
        if not caught.number:
            caught.number = number
            act(number)

    for number in SIGNALS:
        signal.signal(number, handle)
    return caught


@contextmanager
def on_interrupt(act: Callable[[int], None]) -> Iterator[Caught]:
    """Catch signals while the context is open; do nothing in threads, which get no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield Caught()
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield catch(act)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end(number: int) -> None:
    """Raise Interrupt."""
    raise Interrupt(number)


def end_process(number: int) -> None:
    """Raise Interrupt, and end the process soon even if a library catches it."""
    last = threading.Timer(MAX_UNWINDING_S, os._exit, [exit_code(number)])
    last.daemon = True
    last.start()
    raise Interrupt(number)


def exit_code(number: int) -> int:
    """Return the exit code of a command that a signal ended, as shells define it."""
    return 128 + number

"""Ctrl-C and SIGTERM: the first one ends the command, further ones change nothing."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: How long a command may take to end where the exception of its interrupt was lost.
MAX_UNWINDING_S = 10


class Interrupt(KeyboardInterrupt):
    """Ends what the main thread does; its number is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Caught:
    """The number of the first signal, 0 before there is one."""

    number = 0


def catch(act: Callable[[int], None]) -> Caught:
    """Call a function at the first Ctrl-C or SIGTERM from now on, instead of ending the program."""
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
    """Catch signals for a while; in threads, which get none, do nothing."""
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
    """Raise Interrupt, and end the process soon even where a library catches that."""
    last = threading.Timer(MAX_UNWINDING_S, os._exit, [exit_code(number)])
    last.daemon = True
    last.start()
    raise Interrupt(number)


def exit_code(number: int) -> int:
    """Return the exit code of a command that a signal ended, as shells have it."""
    return 128 + number

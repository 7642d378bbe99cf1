"""`python -m orchestrator` is the command `vklocks`."""

import atexit
import os
import signal
import sys
import threading

from orchestrator.runner.interrupt import SIGNALS, Interrupt, catch, end_process, exit_code

#: The delay of a repeated interrupt: it comes after the callback that lost the first one.
AGAIN_S = 0.01


def main() -> int:
    """Execute the command; the first signal ends it, and then this process ignores signals."""
    code, caught = 0, catch(end_process)

    def repeat(lost: "sys.UnraisableHookArgs") -> None:
        """Repeat an interrupt that arrived in a callback, which no exception can leave."""
        if not isinstance(lost.exc_value, Interrupt):
            sys.__unraisablehook__(lost)
            return
        caught.number = 0
        # From a thread, as here it would be lost again.
        threading.Timer(AGAIN_S, os.kill, [os.getpid(), lost.exc_value.number]).start()

    sys.unraisablehook = repeat
    try:
        # After `catch`: its imports take a tenth of a second, in which signals can arrive.
        from orchestrator.cli import main as command
        from vm.files import outlive_readers

        outlive_readers()
        code = command()
    except BaseException:
        # Imports and native code turn an interrupt into other errors.
        if not caught.number:
            raise
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if caught.number and code != exit_code(caught.number):
        code = exit_code(caught.number)
        print("vklocks: interrupted", file=sys.stderr)
    if code > exit_code(0):
        # Do not wait for threads that draw or import.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""One machine: the entry point of its container, and of a machine run by hand.

python -m vm vm1 --port 50051 --peers vm2=localhost:50052,vm3=localhost:50053
python -m vm machine1 50051 localhost:50052,localhost:50053 --tight --min-ticks 3 --max-ticks 4
"""

import gc
import os
import signal
import sys

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    # The host replaces these handlers once it can end the run in order.
    for number in SIGNALS:
        signal.signal(number, _end)
    # Imports create no garbage, and collecting it takes a tenth of the start-up time. The
    # collector is enabled again when ticking begins.
    gc.disable()
    from vm.files import outlive_readers
    from vm.host.command import main

    outlive_readers()
    code = main()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    return code


def _end(number: int, _: object) -> None:
    """Exit at once: the import that an exception interrupts could swallow or print it."""
    name = signal.Signals(number).name
    os.write(2, f"vm: {name} ended the machine before its run began\n".encode())
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

"""One machine: the entry point of its container, and of a machine run by hand.

python -m vm vm1 --port 50051 --peers vm2=localhost:50052,vm3=localhost:50053
python -m vm machine1 50051 localhost:50052,localhost:50053 --tight --min-ticks 3 --max-ticks 4
"""

import gc
import sys


def main() -> int:
    # Imports leave no garbage, and looking for it takes a tenth of a machine's start. The
    # collector is back when the machine begins to tick.
    gc.disable()
    from vm.host.command import main

    return main()


if __name__ == "__main__":
    sys.exit(main())

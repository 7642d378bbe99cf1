"""The host: carries one machine out in wall time, over gRPC.

How a run goes. Every host serves `proto/vm.proto` and opens one stream to each peer; a
stream carries one channel (one direction). When all streams stand both ways the host is
SERVING and says `Ready` to the first machine of the run, which answers everybody with
`Start`: one epoch, slightly in the future. Ticks lie on the machine's schedule from there
on. A tick's event is written to the log before its messages are handed to their streams.
After its last tick a host says `Finish`, waits (for a bounded time) until its messages are
acknowledged and its peers have finished too, and writes its stop record.

    wire      frames and records: translation, and everything that is refused
    outgoing  the sending end of a channel on the network: connects again, resends
    service   the receiving ends, and what peers are told when they knock
    alarm     wakes the event loop at an exact instant
    run       the life of one machine from start-up to its stop record

All state is touched from the event loop's thread only.
"""

import os

# What happens to connections is this package's business; gRPC's own remarks on it would
# stand between the lines of a machine's story. It reads this when it is first imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

"""The host: carries one machine out in wall time, over gRPC.

How a run goes. Every host serves `proto/vm.proto` and opens one stream to each peer; a
stream carries one channel (one direction). When all streams stand both ways the host is
SERVING and says `Ready` to the first machine of the run, which answers everybody with
`Start`: one epoch, slightly in the future. Ticks lie on the machine's schedule from there
on. A tick's event, and what faults do to its messages, is written to the log before the
messages go to the departures, which hands each to its stream when its time has come. After its
last tick a host says `Finish`, waits (for a bounded time) until its messages have arrived and
its peers have finished too, writes its stop record, and says `Leave`.

A machine that was killed comes back from its own log: that holds the agreement, the machine's
events, and so all of its draws. It asks nobody; peers connect again when they can, and send
again what its log does not have.

    settings  what a host is told, and how it fails
    run       brings a machine up, or back
    startup   the agreement of all machines
    recovery  the agreement and the events, out of the machine's own log
    life      from the epoch, or from a return, to the stop record
    ticking   ticks in wall time             epoch     the run's own time
    departures    messages until they leave      links     the streams to and from all peers
    outgoing  the sending end of a channel on the network: connects again, sends again
    service   the receiving ends, and what peers are told when they knock
    serving   the server around them
    wire      frames and records: translation, and everything that is refused
    log_writer   the log, and the story for people
    alarm     wakes the event loop at an exact instant
    changes   wakes what waits for peers or for an operator
    tether    ends a machine with the process that started it

All state is touched from the event loop's thread only.
"""

import os

# What happens to connections is this package's business; gRPC's own remarks on it would
# stand between the lines of a machine's story. It reads this when it is first imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

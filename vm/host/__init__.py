"""The host: runs one machine in wall time, over gRPC.

A run proceeds as follows. Every host serves `proto/vm.proto` and opens one stream to each peer; a
stream carries one channel (one direction). When all streams are open both ways the host is
SERVING and sends `Ready` to the first machine of the run, which answers all with `Start`: one
epoch, slightly in the future. From then on ticks follow the machine's schedule. A tick's event,
with the effects of faults on its messages, is written to the log before the messages go to the
departure queue, which passes each to its stream at its departure time. After its last tick a host
sends `Finish`, waits (for a bounded time) until its messages have arrived and its peers have
finished too, writes its stop record, and sends `Leave`.

A machine that was killed recovers from its own log, which holds the agreement, the machine's events
and so all of its random choices. It needs no peer for this; peers reconnect when they can, and
resend the messages that its log lacks.

    command      from the command line to the exit code
    arguments    the command line              settings    its values
    lifecycle    starts a machine, or recovers it
    startup      the agreement of all machines
    recovery     the agreement and the events, from the machine's own log
    incarnation  from the epoch, or from a recovery, to the stop record
    ticking      ticks in wall time            epoch       time since the epoch
    departures   messages until they leave
    wire/        streams: frames and refusals, both ends of channels, server, health
    log_writer   the log and the transcript
    alarm        wakes the event loop at an exact instant
    changes      wakes coroutines that wait for peers or for a signal
    tether       ends a machine with the process that started it

All state is touched from the event loop's thread only.
"""

import os

# This package handles lost connections itself; gRPC's own messages about them would appear between
# the lines of a machine's transcript. gRPC reads this when it is first imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

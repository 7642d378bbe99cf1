"""A relay: carries bytes from a port to another one, records them, and can be cut."""

import socket
from contextlib import suppress
from threading import Lock, Thread
from typing import Self

LOOPBACK = "127.0.0.1"


class Relay:
    """Carries connections to `target`; while it is cut it ends them, and each new one at once."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._listener = socket.create_server((LOOPBACK, port))
        self._lock = Lock()
        self._is_cut = False
        self._open: list[socket.socket] = []
        self._records: list[bytearray] = []

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        # Wakes the thread that accepts, as closing alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        with self._lock:
            self._is_cut = False

    def recorded(self) -> list[bytes]:
        """Return what the caller of each connection has said so far."""
        with self._lock:
            return list(map(bytes, self._records))

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._connect(self._listener.accept()[0])

    def _connect(self, near: socket.socket) -> None:
        with self._lock:
            if self._is_cut or not (far := self._reached()):
                near.close()
                return
            self._open += [near, far]
            self._records.append(record := bytearray())
        Thread(target=self._carry, args=(near, far, record), daemon=True).start()
        Thread(target=self._carry, args=(far, near, bytearray()), daemon=True).start()

    def _reached(self) -> socket.socket | None:
        try:
            return socket.create_connection((LOOPBACK, self._target))
        except ConnectionRefusedError:
            # The target is about to start.
            return None

    def _carry(self, source: socket.socket, sink: socket.socket, record: bytearray) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                with self._lock:
                    record += data
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

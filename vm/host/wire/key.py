"""The key of a run, and the proof that a machine has it. Pure: nonces are passed in.

Both ends of a stream draw a nonce, and each proves its knowledge of the key by an HMAC-SHA256 (RFC
2104) over both nonces, the run and the two machines. A recorded proof fits no later stream, since
the other end draws a fresh nonce; nor does it fit another run, another pair of machines, or the
other end of the same stream.
"""

import hmac
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

NONCE_BYTES = 32
#: Of a key: enough that it cannot be guessed, and many times the size of a certificate.
MIN_KEY_BYTES, MAX_KEY_BYTES = 32, 64 * 1024
CERTIFICATE = b"-----BEGIN CERTIFICATE-----"

End = Literal["sender", "receiver"]


class Meeting(NamedTuple):
    """The stream that a proof is for."""

    run: str
    sender: str
    receiver: str
    sender_nonce: bytes
    receiver_nonce: bytes


@dataclass(frozen=True)
class Key:
    """The key of a run: a secret, or a certificate and its private key in PEM.

    With a certificate the machines also encrypt their connections. An empty key stands for none:
    all programs can prove it.
    """

    content: bytes = field(default=b"", repr=False)

    @staticmethod
    def read(content: bytes) -> "Key":
        """Return the key in the content of a file; ValueError if it is too short or too long."""
        content = content.strip()
        if not MIN_KEY_BYTES <= len(content) <= MAX_KEY_BYTES:
            raise ValueError(f"it has {len(content)} bytes, not {MIN_KEY_BYTES} to {MAX_KEY_BYTES}")
        return Key(content)

    @property
    def is_given(self) -> bool:
        return bool(self.content)

    @property
    def encrypts(self) -> bool:
        return CERTIFICATE in self.content

    def proof(self, end: End, meeting: Meeting) -> bytes:
        """Return the proof of one end of a stream."""
        names = (end, meeting.run, meeting.sender, meeting.receiver)
        parts = (*map(str.encode, names), meeting.sender_nonce, meeting.receiver_nonce)
        # Each part after its length, so that no two meetings have the same text.
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self.content, text, "sha256")

    def is_proof(self, proof: bytes, end: End, meeting: Meeting) -> bool:
        return hmac.compare_digest(proof, self.proof(end, meeting))


NO_KEY = Key()

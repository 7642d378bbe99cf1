"""Proofs: an exact example, and that each fits its own stream and end only."""

import hashlib
import hmac

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.keys import new_certificate, new_secret
from vm.host.wire.key import MAX_KEY_BYTES, MIN_KEY_BYTES, NO_KEY, End, Key, Meeting

KEY = Key(b"k" * MIN_KEY_BYTES)
NAMES = st.text(st.sampled_from("ab\0é"), max_size=3)
NONCES = st.binary(max_size=3)
MEETINGS = st.builds(Meeting, NAMES, NAMES, NAMES, NONCES, NONCES)
ENDS = st.sampled_from(["sender", "receiver"])
KEYS = st.sampled_from([KEY, NO_KEY, Key(b"l" * MIN_KEY_BYTES)])


def test_a_proof_as_another_program_would_compute_it() -> None:
    meeting = Meeting("run", "vm1", "é", b"\1\2", b"")
    text = b"\0\0\0\6sender\0\0\0\3run\0\0\0\3vm1\0\0\0\2\xc3\xa9\0\0\0\2\1\2\0\0\0\0"
    expected = hmac.new(b"k" * MIN_KEY_BYTES, text, hashlib.sha256).digest()
    assert KEY.proof("sender", meeting) == expected
    assert KEY.is_proof(expected, "sender", meeting)


@given(KEYS, KEYS, ENDS, ENDS, MEETINGS, MEETINGS)
def test_a_proof_is_for_one_key_one_end_and_one_meeting(
    key: Key, other_key: Key, end: End, other_end: End, meeting: Meeting, other: Meeting
) -> None:
    assert key.is_proof(key.proof(end, meeting), end, meeting)
    assume((key, end, meeting) != (other_key, other_end, other))
    assert not other_key.is_proof(key.proof(end, meeting), other_end, other)


@given(MEETINGS, st.binary(max_size=33))
def test_a_guess_is_no_proof(meeting: Meeting, guess: bytes) -> None:
    assert not KEY.is_proof(guess, "sender", meeting)


def test_a_file_may_end_with_a_line_break() -> None:
    assert Key.read(KEY.content + b"\r\n") == KEY


@pytest.mark.parametrize("size", [0, MIN_KEY_BYTES - 1, MAX_KEY_BYTES + 1])
def test_a_key_that_is_too_short_or_too_long_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"^it has {size} bytes, not 32 to 65536$"):
        Key.read(b"k" * size)


def test_the_keys_that_are_made_are_keys_and_differ() -> None:
    for new, encrypts in (new_secret, False), (new_certificate, True):
        assert Key.read(new()).encrypts is encrypts
        assert new() != new()


def test_a_key_is_not_printed() -> None:
    assert "kk" not in repr(KEY)

"""Whole numbers as bytes: seven bits a byte, the lowest first, as in Protocol Buffers (varint)."""

from collections.abc import Iterable

#: A number of more bytes than this is refused, unless a clock has numbers without a limit.
MAX_BYTES = 10


def encode_numbers(numbers: Iterable[int]) -> bytes:
    """Return the bytes of numbers that are not negative, one after the other."""
    data = bytearray()
    for number in numbers:
        while number > 0x7F:
            data.append(number & 0x7F | 0x80)
            number >>= 7
        data.append(number)
    return bytes(data)


def decode_numbers(data: bytes, max_bytes: int = MAX_BYTES) -> list[int]:
    """Return the numbers in `data`; ValueError if it does not hold whole numbers in the form of
    `encode_numbers`, so that each list of numbers has one form only.

    >>> decode_numbers(encode_numbers([1, 300]))
    [1, 300]
    """
    numbers, number, size = list[int](), 0, 0
    for byte in data:
        number |= (byte & 0x7F) << 7 * size
        size += 1
        if size > max_bytes:
            raise ValueError(f"a number of more than {max_bytes} bytes")
        if byte < 0x80:
            if byte == 0 and size > 1:
                raise ValueError("a number with leading zeros")
            numbers.append(number)
            number, size = 0, 0
    if size:
        raise ValueError("the last number is cut off")
    return numbers


def read_numbers(clock: str, data: bytes, count: int | None = None, longest: int = 0) -> list[int]:
    """Return the numbers of a stamp of `clock`, `count` of them if it is given; ValueError, with a
    reason that begins with the clock's name, for other bytes. Numbers have at most `longest` bytes,
    if that is above MAX_BYTES."""
    try:
        numbers = decode_numbers(data, max(MAX_BYTES, longest))
    except ValueError as error:
        raise ValueError(f"{clock}: {error}") from None
    if count is not None and len(numbers) != count:
        plural = "" if count == 1 else "s"
        raise ValueError(f"{clock}: a stamp is {count} number{plural}, not {len(numbers)}")
    return numbers

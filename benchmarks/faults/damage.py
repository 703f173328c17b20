"""What happens to files: cut short, emptied, holes of zeros, flipped bits, other contents. All of it seeded."""

import random
from pathlib import Path


def cut(data: bytes, rng: random.Random) -> bytes:
    """The end is missing, as after a copy that was interrupted."""
    return data[: rng.randrange(1, max(2, len(data)))]


def cut_at_a_line(data: bytes, rng: random.Random) -> bytes:
    """The end is missing from the end of a line on, which leaves a text that looks whole."""
    ends = [i + 1 for i, byte in enumerate(data[:-1]) if byte == 10]
    return data[: rng.choice(ends)] if ends else cut(data, rng)


def empty(data: bytes, rng: random.Random) -> bytes:
    """Made, and never written, as on a full disk."""
    return b""


def zeros(data: bytes, rng: random.Random) -> bytes:
    """A hole of zeros, as after a power cut."""
    length = max(1, min(4096, len(data) // 4))
    at = rng.randrange(max(1, len(data) - length))
    return data[:at] + bytes(length) + data[at + length :]


def bit(data: bytes, rng: random.Random) -> bytes:
    """One bit is flipped, as on a failing disk."""
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def digit(data: bytes, rng: random.Random) -> bytes:
    """One digit is another one, as after a slip in an editor; a text that is as valid as before."""
    digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits:
        return bit(data, rng)
    at = rng.choice(digits)
    return data[:at] + bytes([48 + (data[at] - 48 + rng.randrange(1, 10)) % 10]) + data[at + 1 :]


def foreign(data: bytes, rng: random.Random) -> bytes:
    """Something else altogether, such as the page of a login."""
    return b"<!DOCTYPE html><html><body>Sign in</body></html>\n"


KINDS = {kind.__name__: kind for kind in (cut, cut_at_a_line, empty, zeros, bit, digit, foreign)}


def do(path: Path, kind: str, rng: random.Random) -> bytes:
    """Damage the file, and return what it was; a file that nobody may write to is damaged all the same."""
    before = path.read_bytes()
    write(path, KINDS[kind](before, rng))
    return before


def write(path: Path, data: bytes) -> None:
    """Put `data` in the place of the file, whatever its permissions."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode)

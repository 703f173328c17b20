"""Fingerprints change with the file; a partial one says so."""

import hashlib

from dlmd.base.provenance import file_record, file_sha256, fingerprint, provenance


def test_small_file_is_hashed_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"hello")
    found = file_record(tmp_path / "a")
    assert found == {"path": str(tmp_path / "a"), "bytes": 5, "sha256": hashlib.sha256(b"hello").hexdigest()}


def test_large_file_is_hashed_at_both_ends(tmp_path):
    data = bytearray(3 << 20)
    for position, changes in ((0, True), (1 << 20, False), ((3 << 20) - 1, True)):
        (tmp_path / "a").write_bytes(data)
        before = file_record(tmp_path / "a")
        data[position] ^= 1
        (tmp_path / "a").write_bytes(data)
        after = file_record(tmp_path / "a")
        assert (before["sha256_of_first_and_last_mb"] != after["sha256_of_first_and_last_mb"]) == changes
        assert "sha256" not in after


def test_command_can_be_pasted():
    assert (
        provenance([], command=["dlmd", "transport", "my run.dcd"])["command"]
        == "dlmd transport 'my run.dcd'"
    )


def test_fingerprint_of_bytes_and_text(tmp_path):
    """SHA-256 of "abc" (FIPS 180-2, appendix B.1), in one part or in several."""
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "a").write_text("abc")
    assert fingerprint("abc") == fingerprint(b"a", "bc") == file_sha256(tmp_path / "a") == known

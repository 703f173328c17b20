"""Result files are whole, or said to be not."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json, write_json


def test_what_is_written_is_read(tmp_path):
    write_json(tmp_path / "a.json", {"unit": "Å²/ps"})
    assert read_json(tmp_path / "a.json") == {"unit": "Å²/ps"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("damage", [b"", b'{"value": 1.', b"\xff\xfe"])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path, damage):
    path = tmp_path / "a.json"
    path.write_bytes(damage)
    with pytest.raises(DlmdError, match="no valid JSON") as caught:
        read_json(path)
    assert caught.value.where == str(path)
    assert "delete it" in caught.value.remedy

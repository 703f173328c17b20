"""Result files are whole, or said to be not."""

import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_csv, read_json, read_result, whole, write_csv, write_json, write_table


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


def test_a_file_is_absent_or_whole(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(RuntimeError), whole(path) as part:
        part.write_text("half")
        raise RuntimeError("killed")
    assert list(tmp_path.iterdir()) == []
    path.write_text("before")
    with whole(path) as part:
        part.write_text("after")
        assert path.read_text() == "before" and part.suffix == ".txt"
    assert path.read_text() == "after" and list(tmp_path.iterdir()) == [path]


def test_tables(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, [{"a": 1, "b": None, "c": 3}, {"a": 2}], ["b", "a"])
    assert path.read_bytes() == b"b,a\r\n,1\r\n,2\r\n"
    write_csv(path, iter([{"a": 1, "b": 2}]), line_end="\n")
    assert path.read_bytes() == b"a,b\n1,2\n" and read_csv(path) == [{"a": "1", "b": "2"}]
    write_table(path, ["x"], [["1,5"]])
    assert read_csv(path) == [{"x": "1,5"}]


def test_a_result_that_is_not_there(tmp_path):
    write_json(tmp_path / "600K.json", {"verdict": "ok"})
    assert read_result(tmp_path / "600K.json") == {"verdict": "ok"}
    with pytest.raises(DlmdError, match="there is no such result"):
        read_result(tmp_path / "700K.json")


@pytest.mark.parametrize(
    "text",
    ["", "a,b\r\n1,2\r\n3", "a,b\r\n1,2,3\r\n", "a,b\r\n\0\0\0,2\r\n", "<html></html>\n", "\0\0\0\0"],
    ids=["empty", "cut", "long", "zeros", "foreign", "zeros alone"],
)
def test_a_damaged_table_is_named(tmp_path, text):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\r\n1,2\r\n")
    assert read_csv(path, columns=("a",)) == [{"a": "1", "b": "2"}]
    path.write_text(text)
    with pytest.raises(DlmdError, match="damaged") as error:
        read_csv(path, columns=("a",))
    assert error.value.where == str(path)

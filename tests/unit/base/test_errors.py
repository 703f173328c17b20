"""Errors are three lines whatever they quote."""

from dlmd.base.errors import DlmdError


def test_a_value_with_a_line_break_adds_no_line():
    error = DlmdError("no occupancy '\n'", where="my.yaml", remedy="write 0.5")
    assert str(error) == "no occupancy '\\n'\n  in:  my.yaml\n  fix: write 0.5"

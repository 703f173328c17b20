"""Options of `dlmd new`: names in any case, numbers that can be, paths that a shell takes."""

import argparse

import pytest

from dlmd.base.errors import DlmdError
from dlmd.cli import main, new
from dlmd.structures import cif


def test_elements_in_any_case():
    assert [new.element(text) for text in ("o", "NA", "Cl", " li ")] == ["O", "Na", "Cl", "Li"]


@pytest.mark.parametrize("text", ["0.0001", "20000", "nan", "hot"])
def test_a_melting_point_that_cannot_be(text):
    with pytest.raises(argparse.ArgumentTypeError, match="from 150 to 5000 K"):
        new.within(150.0, 5000.0, "K")(text)
    assert new.within(150.0, 5000.0, "K")("900") == 900


@pytest.mark.parametrize("options", [["--charge", "Fe=30"], ["--charge", "Fe"], ["--sigma", "1e9"]])
def test_absurd_options_are_bad_usage(options, capsys):
    with pytest.raises(SystemExit):
        main.main(["new", "my.cif", *options])
    assert options[0] in capsys.readouterr().err


def test_charges_of_elements_and_of_single_sites():
    assert new._charge("co=3.25") == ("Co", 3.25)
    assert new._charge("fe on Fe1=3") == ("Fe on Fe1", 3.0)


def test_folders_and_missing_files_are_told(tmp_path):
    (tmp_path / "LiCl.cif").write_text("data_x\n")
    with pytest.raises(DlmdError, match="is a folder") as folder:
        cif.read_block(tmp_path)
    assert "LiCl.cif" in folder.value.remedy
    with pytest.raises(DlmdError, match="no such file") as near:
        cif.read_block(tmp_path / "LiCI.cif")
    assert "LiCl.cif" in near.value.remedy
    with pytest.raises(DlmdError, match="there is no folder"):
        cif.read_block(tmp_path / "none" / "LiCl.cif")


def test_an_output_that_is_a_folder(tmp_path, capsys):
    assert main.main(["new", "my.cif", "--output", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err

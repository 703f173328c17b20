"""`dlmd new` as a user meets it: a file that can be run, never over another one, errors of three lines."""

import pytest

import conductors
from dlmd.cli import main
from dlmd.config.reading import load


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conductors.write(tmp_path, "bismuth_oxide")
    return tmp_path


def test_a_config_is_written_shown_and_checked(folder, capsys):
    code = main.main(["new", "bismuth_oxide.cif", "--budget-core-hours", "5"])
    printed = capsys.readouterr().out
    assert "mobile         O: there is no cation of one charge" in printed
    assert "crystal      bismuth_oxide.cif: whole, neutral counts in every supercell" in printed
    cfg = load(folder / "config/bismuth_oxide.yaml")
    assert cfg.run == "bismuth_oxide" and cfg.material.mobile == "O"
    text = (folder / "config/bismuth_oxide.yaml").read_text()
    assert "dlmd new bismuth_oxide.cif --budget-core-hours 5" in text
    assert code == (0 if "ready to start" in printed else 1)


def test_a_file_is_not_overwritten_unless_told(folder, capsys):
    (folder / "mine.yaml").write_text("mine")
    arguments = ["new", "bismuth_oxide.cif", "--output", "mine.yaml"]
    assert main.main(arguments) == 1
    assert "there is a file of that name: mine.yaml" in capsys.readouterr().err
    assert (folder / "mine.yaml").read_text() == "mine"
    main.main([*arguments, "--overwrite"])
    assert load(folder / "mine.yaml").run == "mine"


def test_nothing_is_written_for_a_crystal_that_is_refused(folder, capsys):
    assert main.main(["new", "bismuth_oxide.cif", "--mobile", "Na"]) == 1
    error = capsys.readouterr().err
    assert "has no Na" in error and len(error.strip().splitlines()) <= 3
    assert not (folder / "config").exists()


@pytest.mark.parametrize(
    "options", [["--charge", "Bi"], ["--sigma", "-1"], ["--budget-core-hours", "nan"], ["--engine", "vsap"]]
)
def test_wrong_options_are_refused(folder, options):
    with pytest.raises(SystemExit) as stop:
        main.main(["new", "bismuth_oxide.cif", *options])
    assert stop.value.code == 2


def test_a_run_does_not_take_the_name_of_another(folder, capsys):
    (folder / "config").mkdir()
    (folder / "config/other.yaml").write_text("run: bismuth_oxide\n")
    main.main(["new", "bismuth_oxide.cif", "--budget-core-hours", "5"])
    assert load(folder / "config/bismuth_oxide.yaml").run == "bismuth_oxide-2"
    assert (
        "run            bismuth_oxide-2: config/other.yaml has the name bismuth_oxide"
        in capsys.readouterr().out
    )

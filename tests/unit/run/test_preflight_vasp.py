"""What is asked of VASP levels before the first job: the command's program and the library of potentials."""

import pytest
import yaml

from dlmd.base.errors import DlmdError
from dlmd.config.reading import parse
from dlmd.run.preflight import check_level
from running import ROOT


def check(command="srun vasp_std", **keys):
    toy = yaml.safe_load((ROOT / "config/toy.yaml").read_text(encoding="utf-8"))
    toy["levels"] = {"u4": {"engine": "vasp"} | keys}
    toy["structures"] |= {"occupancies": {"0.750": {"2a": 0.75}}, "cells": {"80": [2, 1, 2]}}
    toy["material"]["cif"] = str(ROOT / toy["material"]["cif"])
    check_level(parse(toy | {"launch": {"levels": {"u4": {"command": command}}}}), "u4", file="my.yaml")


@pytest.fixture(autouse=True)
def no_library(monkeypatch):
    from pymatgen.core import SETTINGS

    monkeypatch.delitem(SETTINGS, "PMG_VASP_PSP_DIR", raising=False)


@pytest.fixture
def library(tmp_path):
    for element in ("Li", "Ti", "Cl"):
        write(tmp_path, element)
    return tmp_path


def write(folder, element, lexch="91"):
    (folder / element).mkdir(exist_ok=True)
    (folder / element / "POTCAR").write_text(
        f"  PAW_GGA {element} 01Jan2000\n   VRHFIN ={element}: test\n   LEXCH  = {lexch}\n"
        f"   TITEL  = PAW_GGA {element} 01Jan2000\n   ENMAX  =  271.649; ENMIN  =  203.737 eV\n End of Dataset\n"
    )


def error_of(**keys):
    with pytest.raises(DlmdError) as caught:
        check(**keys)
    return str(caught.value)


@pytest.mark.parametrize(
    "command", ["srun vasp_std", "OMP_NUM_THREADS=1 /none/vasp", "$NOT_SET_HERE/vasp_std"]
)
def test_commands_that_only_the_job_can_judge_pass(command):
    check(command=command)


def test_program_named_by_path_must_exist_and_be_executable(tmp_path):
    program = tmp_path / "vasp_std"
    program.write_text("#!/bin/sh\n")
    text = error_of(command=f"{program} > out")
    assert "not executable" in text and "chmod +x" in text
    program.chmod(0o755)
    check(command=f"{program} > out")

    text = error_of(command=str(tmp_path / "vasp_sdt"))
    assert "no such program" in text and "levels.u4.command" in text and "'vasp_std'" in text
    check(command=str(tmp_path / "vasp_sdt"), run="external")  # not run here, so not looked for


def test_variables_of_a_path_are_filled_in(tmp_path, monkeypatch):
    monkeypatch.setenv("VASP_HOME", str(tmp_path))
    assert "no such program" in error_of(command="$VASP_HOME/vasp_std")


def test_unclosed_quote_is_no_command():
    assert "no closing quotation" in error_of(command="srun 'vasp_std")


def test_library_is_optional_but_must_be_right_where_it_is_named(library, tmp_path):
    check(potcar={"directory": str(library)})
    text = error_of(potcar={"directory": str(tmp_path / "absent")})
    assert "is no folder" in text

    text = error_of(potcar={"directory": str(library), "flavours": {"Li": "Li_sv"}})
    assert "no potential 'Li_sv'" in text and "levels.u4.potcar" in text
    write(library, "Cl", lexch="PE")
    assert "LEXCH = PE" in error_of(potcar={"directory": str(library)})


def test_library_of_the_environment_is_checked_too(library, monkeypatch):
    from pymatgen.core import SETTINGS

    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", str(library))
    check()
    (library / "Cl/POTCAR").unlink()
    assert "no potential 'Cl'" in error_of()

import gzip

import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import potcar
from vasp_bench import library, potential, settings


def test_potentials_come_in_poscar_order(tmp_path):
    s = settings(library(tmp_path, "Li", "Ti_pv", "Cl"), potcar={"flavours": {"Ti": "Ti_pv"}})
    text, record = potcar.assemble(["Cl", "Li", "Ti"], s)
    assert [potcar.titel_name(t) for t in potcar.titels(text)] == ["Cl", "Li", "Ti_pv"] == record["names"]
    assert record["missing"] == [] and record["titels"][2] == "PAW_GGA Ti_pv 01Jan2000"


@pytest.mark.parametrize(
    "place",
    ["Ti/POTCAR", "POTCAR.Ti", "POTCAR.Ti.gz", "POT_GGA_PAW_PW91/POTCAR.Ti", "POT_GGA_PAW_PW91/Ti/POTCAR.gz"],
)
def test_every_usual_layout_is_found(tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        with gzip.open(path, "wt") as file:
            file.write(potential("Ti"))
    else:
        path.write_text(potential("Ti"))
    assert potcar.load(tmp_path, "Ti", "Ti", settings()).titel == "PAW_GGA Ti 01Jan2000"


def test_without_a_library_nothing_is_assembled_and_all_is_listed(monkeypatch):
    monkeypatch.setattr("pymatgen.core.SETTINGS", {})
    text, record = potcar.assemble(["Li", "Ti"], settings())
    assert text is None and record["missing"] == ["Li", "Ti"] and not record["library_found"]


def test_library_of_pymatgen_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr("pymatgen.core.SETTINGS", {"PMG_VASP_PSP_DIR": str(library(tmp_path))})
    assert potcar.assemble(["Li"], settings())[1]["missing"] == []


def test_wrong_functional_wrong_element_and_torn_files_are_refused(tmp_path):
    with pytest.raises(DlmdError, match="is for LEXCH = PE, the family PW91 has 91"):
        potcar.assemble(["Ti"], settings(library(tmp_path / "pbe", "Ti", family="PBE")))
    # PW91 as a tag over PBE potentials is a choice, and has to be made
    over_pbe = settings(tmp_path / "pbe", potcar={"family": "PBE"})
    assert potcar.assemble(["Ti"], over_pbe)[0] is not None
    (tmp_path / "mixed/Ti").mkdir(parents=True)
    (tmp_path / "mixed/Ti/POTCAR").write_text(potential("Li"))
    with pytest.raises(DlmdError, match="of Li, not of Ti"):
        potcar.assemble(["Ti"], settings(tmp_path / "mixed"))
    (tmp_path / "mixed/Ti/POTCAR").write_text(potential("Ti")[:60])
    with pytest.raises(DlmdError, match="no TITEL"):
        potcar.assemble(["Ti"], settings(tmp_path / "mixed"))
    with pytest.raises(DlmdError, match="is no folder"):
        potcar.assemble(["Ti"], settings(tmp_path / "absent"))


def test_low_cutoff_is_said(tmp_path):
    record = potcar.assemble(["Ti"], settings(library(tmp_path), encut_ev=250.0))[1]
    assert "above ENCUT = 250 eV" in record["warnings"][0]

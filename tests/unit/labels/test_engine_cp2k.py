"""CP2K gets the level that the config says, and its steps are believed only where they say that they converged."""

import gc
import shlex
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.cp2k import parse_input
from ase.units import kB

import dft_stand_ins
from dlmd.base.errors import DlmdError
from dlmd.config.launch import LevelLaunch
from dlmd.labels import engines
from dlmd.labels.engines.cp2k import spin_moments


@pytest.fixture
def launch(tmp_path):
    """The stand-in in place of the program, with its own folder for scratch files."""
    return LevelLaunch(command=shlex.join([sys.executable, dft_stand_ins.__file__, "cp2k"]), scratch=tmp_path)


@pytest.fixture
def level(tmp_path):
    return {
        "engine": "cp2k",
        "basis_sets": {
            "Li": "DZVP-MOLOPT-SR-GTH-q3",
            "Ti": "DZVP-MOLOPT-SR-GTH-q12",
            "Cl": "DZVP-MOLOPT-SR-GTH-q7",
        },
        "potentials": {"Li": "GTH-PBE-q3", "Ti": "GTH-PBE-q12", "Cl": "GTH-PBE-q7"},
        "hubbard_u_ev": {"Ti": 4.0, "Cl": 0.0},
        "magmom": {"Ti": 1.0},
        "moment_range": {"Ti": [0.5, 1.5]},
    }


@pytest.fixture
def crystal():
    atoms = Atoms(
        ["Cl", "Ti", "Li", "Cl", "Ti"],
        positions=[[0, 0, 0], [2.3, 0.1, 0.2], [0.2, 2.4, 0], [0.1, 0, 2.6], [2.4, 2.6, 2.3]],
        cell=[[5.0, 0, 0], [0.3, 5.2, 0], [0.1, -0.4, 4.9]],
        pbc=True,
    )
    atoms.rattle(0.1, seed=1)
    return atoms


def written(level, launch, atoms):
    """The input that CP2K got, as ASE's sections."""
    calculator = engines.get(level, launch).calculator()
    atoms = atoms.copy()
    atoms.calc = calculator
    atoms.get_potential_energy()
    return parse_input((calculator.folder / "cp2k.inp").read_text())


def words(section):
    """Keyword -> its values."""
    return {line.split()[0]: line.split()[1:] for line in section.keywords}


def test_the_input_is_the_level(level, launch, crystal):
    root = written(level, launch, crystal)
    dft = root.get_subsection("FORCE_EVAL/DFT")
    assert words(dft)["UNRESTRICTED_KOHN_SHAM"] == ["ON"] and words(dft)["PLUS_U_METHOD"] == ["MULLIKEN"]
    assert words(dft)["MULTIPLICITY"] == ["3"]  # two Ti of one electron each
    assert words(dft)["BASIS_SET_FILE_NAME"] == ["BASIS_MOLOPT"]
    assert float(words(dft.get_subsection("MGRID"))["CUTOFF"][1]) == 8200
    assert words(dft.get_subsection("MGRID"))["REL_CUTOFF"] == ["[eV]", "820"]
    scf = dft.get_subsection("SCF")
    assert words(scf)["MAX_SCF"] == ["200"] and float(words(scf)["EPS_SCF"][0]) == 1e-6
    assert float(words(scf.get_subsection("SMEAR"))["ELECTRONIC_TEMPERATURE"][1]) == pytest.approx(
        0.05 / kB, rel=1e-5
    )
    assert [s.name for s in dft.get_subsection("XC/XC_FUNCTIONAL").subsections] == ["PBE"]
    assert not any(s.name == "KPOINTS" for s in dft.subsections)
    # the analytical one is wrong with a U
    assert words(root.get_subsection("FORCE_EVAL"))["STRESS_TENSOR"] == ["NUMERICAL"]

    subsys = root.get_subsection("FORCE_EVAL/SUBSYS")
    kinds = {s.params: s for s in subsys.subsections if s.name == "KIND"}
    assert set(kinds) == {"Li", "Ti", "Cl"}
    for element, kind in kinds.items():
        # each said once: CP2K stops at a keyword said twice
        assert len(kind.keywords) == len(words(kind))
        assert words(kind)["BASIS_SET"] == [level["basis_sets"][element]]
        assert words(kind)["POTENTIAL"] == [level["potentials"][element]]
        assert words(kind).get("MAGNETIZATION") == (["1"] if element == "Ti" else None)
        plus_u = [s for s in kind.subsections if s.name == "DFT_PLUS_U"]
        assert len(plus_u) == (element == "Ti")
    assert words(kinds["Ti"].subsections[0]) == {"L": ["2"], "U_MINUS_J": ["[eV]", "4"]}
    symbols = [line.split()[0] for line in subsys.get_subsection("COORD").keywords]
    assert symbols == list(crystal.symbols)


def test_whole_occupations_are_found_by_orbital_transformation(level, launch, crystal):
    given = {"FORCE_EVAL": {"DFT": {"SCF": {"MAX_SCF": 50, "ADDED_MOS": 4, "OT": {"MINIMIZER": "CG"}}}}}
    scf = written(level | {"smearing_ev": 0, "input": given}, launch, crystal).get_subsection(
        "FORCE_EVAL/DFT/SCF"
    )
    assert {s.name for s in scf.subsections} == {"OT", "OUTER_SCF"}
    # fifty iterations are three rounds of twenty; no state is added
    assert words(scf) == {"EPS_SCF": ["1e-06"], "MAX_SCF": ["20"]}
    assert words(scf.get_subsection("OUTER_SCF")) == {"EPS_SCF": ["1e-06"], "MAX_SCF": ["2"]}
    assert words(scf.get_subsection("OT"))["MINIMIZER"] == ["CG"]


def test_the_remedy_for_orbital_transformation_is_its_own(level, launch, crystal):
    crystal.calc = engines.get(level | {"smearing_ev": 0}, launch).calculator()
    (crystal.calc.folder / "faults").write_text("unconverged")
    with pytest.raises(engines.Unconverged) as caught:
        crystal.get_potential_energy()
    assert "{FORCE_EVAL: {DFT: {SCF: {MAX_SCF: 400, OT: {MINIMIZER: CG}}}}}: what" in str(caught.value)


def test_without_u_and_moments_there_is_neither(level, launch, crystal):
    plain = {k: v for k, v in level.items() if k not in ("hubbard_u_ev", "magmom", "moment_range")}
    root = written(plain | {"kpoint_mesh": [2, 1, 2]}, launch, crystal)
    dft = root.get_subsection("FORCE_EVAL/DFT")
    assert not {"UNRESTRICTED_KOHN_SHAM", "PLUS_U_METHOD", "MULTIPLICITY"} & set(words(dft))
    assert words(dft.get_subsection("KPOINTS"))["SCHEME"] == ["MONKHORST-PACK", "2", "1", "2"]
    assert words(root.get_subsection("FORCE_EVAL"))["STRESS_TENSOR"] == ["ANALYTICAL"]
    crystal.calc = engines.get(plain, launch).calculator()
    crystal.get_potential_energy()
    assert "magmoms" not in crystal.calc.results


def test_results_are_those_of_the_program(level, launch, crystal):
    reference = crystal.copy()
    reference.calc = dft_stand_ins.model()
    crystal.calc = engines.get(level, launch).calculator()
    for _ in range(2):  # the second step in the same process
        assert crystal.get_potential_energy() == pytest.approx(reference.get_potential_energy(), abs=1e-9)
        np.testing.assert_allclose(crystal.get_forces(), reference.get_forces(), atol=1e-9)
        np.testing.assert_allclose(crystal.get_stress(), reference.get_stress(), atol=1e-9)
        np.testing.assert_allclose(crystal.get_magnetic_moments(), [-0.004, 0.83, -0.004, -0.004, 0.83])
        assert crystal.calc.results["moments_in_range"] is True
        crystal.positions[1] += 0.05
        reference.positions[1] += 0.05
    strained = crystal.cell.array * 1.01
    crystal.set_cell(strained, scale_atoms=True)
    reference.set_cell(strained, scale_atoms=True)
    np.testing.assert_allclose(crystal.get_stress(), reference.get_stress(), atol=1e-9)


@pytest.mark.parametrize("fault", ["unconverged", "unconverged_ends"])
def test_a_later_unconverged_step_is_an_error(level, launch, crystal, capsys, fault):
    crystal.calc = engines.get(level, launch).calculator()
    crystal.get_potential_energy()
    (crystal.calc.folder / "faults").write_text(fault)
    crystal.positions[0] += 0.1
    with pytest.raises(engines.Unconverged, match="did not converge in 200 iterations"):
        crystal.get_potential_energy()
    assert "SCF run NOT converged" in capsys.readouterr().err
    # another structure is another try, in a new process
    (crystal.calc.folder / "faults").unlink()
    crystal.positions[0] -= 0.05
    assert np.isfinite(crystal.get_potential_energy())


def test_a_program_that_dies_or_is_not_there(level, launch, crystal):
    crystal.calc = engines.get(level, launch).calculator()
    (crystal.calc.folder / "faults").write_text("dies")
    with pytest.raises(DlmdError, match="CP2K failed"):
        crystal.get_potential_energy()
    with pytest.raises(DlmdError, match="'no-such-cp2k' cannot be started"):
        engines.get(level, launch.model_copy(update={"command": "no-such-cp2k"})).calculator()


def test_scratch_files_go_with_the_calculator(level, launch, crystal):
    crystal.calc = engines.get(level, launch).calculator()
    crystal.get_potential_energy()
    assert len(list(launch.scratch.iterdir())) == 1
    crystal.calc = None
    gc.collect()
    assert list(launch.scratch.iterdir()) == []


def test_level_and_versions(level, launch):
    engine = engines.get(level, launch)
    assert engine.level["hubbard_u_ev"] == {"Ti": 4.0}
    assert engine.level != engines.get(level | {"hubbard_u_ev": {}}).level
    assert engine.versions()["cp2k"] == "2025.1"


def test_moments_are_absent_where_none_are_printed():
    assert spin_moments("nothing", 1) is None
    paired = "  Mulliken Population Analysis\n\n #  Atom  Element  Kind  Atomic population    Net charge\n"
    paired += "       1     O        1         6.400000    -0.400000\n"
    assert spin_moments(paired, 1) is None

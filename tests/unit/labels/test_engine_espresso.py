"""pw.x gets the level that the config says, and its output is believed only where it is whole, converged and used the U."""

import gc
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io.espresso import read_fortran_namelist
from ase.units import Ry

import dft_stand_ins
from dlmd.base.errors import DlmdError
from dlmd.config.launch import LevelLaunch
from dlmd.config.levels.espresso import EspressoSettings
from dlmd.labels import engines
from dlmd.labels.engines.espresso import (
    last_moments,
    manifold,
    require_sound,
)
from dlmd.labels.engines.upf import starting_magnetization

UPF = '<UPF version="2.0.1">\n<PP_HEADER element="{}" functional="PBE"\n z_valence="{}"/>\n'
ELECTRONS = {"Li": "3.00", "Ti": "1.200E+01", "Cl": "7.000000000000000E+000"}


@pytest.fixture
def launch(tmp_path):
    """The stand-in in place of the program, with its own folder for scratch files."""
    return LevelLaunch(
        command=shlex.join([sys.executable, dft_stand_ins.__file__, "pw"]), scratch=tmp_path / "scratch"
    )


@pytest.fixture
def level(tmp_path):
    """A level whose pw.x is the stand-in, with its own folder for scratch files."""
    for element, electrons in ELECTRONS.items():
        (tmp_path / f"{element}.UPF").write_text(UPF.format(element, electrons))
    (tmp_path / "scratch").mkdir()
    return {
        "engine": "espresso",
        "pseudo_dir": str(tmp_path),
        "pseudopotentials": {e: f"{e}.UPF" for e in ELECTRONS},
        "hubbard_u_ev": {"Ti": 4.0, "Cl": 0.0},
        "magmom": {"Ti": 1.0},
        "moment_range": {"Ti": [0.5, 1.5]},
        "kpoint_mesh": [2, 1, 2],
    }


@pytest.fixture
def crystal():
    """Five atoms, elements neither sorted nor in the level's order, no component of force or stress zero."""
    atoms = Atoms(
        ["Cl", "Ti", "Li", "Cl", "Ti"],
        positions=[[0, 0, 0], [2.3, 0.1, 0.2], [0.2, 2.4, 0], [0.1, 0, 2.6], [2.4, 2.6, 2.3]],
        cell=[[5.0, 0, 0], [0.3, 5.2, 0], [0.1, -0.4, 4.9]],
        pbc=True,
    )
    atoms.rattle(0.1, seed=1)
    return atoms


def written(level, launch, atoms):
    """The input that a step writes, as namelists and cards."""
    calculator = engines.get(level, launch).calculator()
    atoms = atoms.copy()
    atoms.calc = calculator
    atoms.get_potential_energy()
    text = (calculator.folder / "espresso.pwi").read_text()
    namelists, cards = read_fortran_namelist(text.splitlines())
    return namelists, cards


def test_the_input_is_the_level(level, launch, crystal):
    namelists, cards = written(level, launch, crystal)
    system = namelists["system"]
    assert system["ecutwfc"] == pytest.approx(680 / Ry) and system["ecutrho"] == pytest.approx(8 * 680 / Ry)
    assert system["degauss"] == pytest.approx(0.05 / Ry) and system["smearing"] == "fermi-dirac"
    assert system["nspin"] == 2 and system["nosym"] and system["input_dft"] == "PBE"
    assert namelists["electrons"]["conv_thr"] == pytest.approx(1e-6 / Ry)
    assert namelists["electrons"]["electron_maxstep"] == 200
    assert namelists["control"]["tprnfor"] and namelists["control"]["tstress"]

    # the moment belongs to the type that the species card lists at its number
    start = cards.index("ATOMIC_SPECIES") + 1
    species = [line.split() for line in cards[start : start + 3]]
    for number, (element, _, file) in enumerate(species, start=1):
        assert file == f"{element}.UPF"
        assert system[f"starting_magnetization({number})"] == pytest.approx(1 / 12 if element == "Ti" else 0)

    # Γ-centred, also where a subdivision is even
    assert cards[cards.index("K_POINTS automatic") + 1].split() == ["2", "1", "2", "0", "0", "0"]
    start = cards.index("ATOMIC_POSITIONS angstrom") + 1
    atoms = [line.split() for line in cards[start : start + 5]]
    assert [a[0] for a in atoms] == list(crystal.symbols)
    np.testing.assert_allclose(np.array([a[1:4] for a in atoms], float), crystal.positions, atol=1e-9)
    start = cards.index("HUBBARD (ortho-atomic)") + 1
    assert cards[start:] == ["U Ti-3d 4"]


def test_without_u_and_moments_there_is_no_card_and_no_spin(level, launch, crystal):
    plain = {k: v for k, v in level.items() if k not in ("hubbard_u_ev", "magmom", "moment_range")}
    namelists, cards = written(plain, launch, crystal)
    assert namelists["system"]["nspin"] == 1
    assert not any("HUBBARD" in card for card in cards)
    assert not any("starting_magnetization" in key for key in namelists["system"])


def test_results_are_those_of_the_program(level, launch, crystal):
    reference = crystal.copy()
    reference.calc = dft_stand_ins.model()
    crystal.calc = engines.get(level, launch).calculator()
    assert crystal.get_potential_energy() == pytest.approx(reference.get_potential_energy(), abs=1e-6)
    np.testing.assert_allclose(crystal.get_forces(), reference.get_forces(), atol=1e-6)
    np.testing.assert_allclose(crystal.get_stress(), reference.get_stress(), atol=2e-6)
    assert abs(reference.get_stress()).min() > 1e-5
    # of the end of the step, not of its first iterations
    np.testing.assert_allclose(crystal.get_magnetic_moments(), [-0.004, 0.83, -0.004, -0.004, 0.83])
    assert crystal.calc.results["moments_in_range"] is True
    # the next step is another run
    crystal.positions[1] += 0.05
    reference.positions[1] += 0.05
    np.testing.assert_allclose(crystal.get_forces(), reference.get_forces(), atol=1e-6)


def test_moments_outside_their_range_are_flagged(level, launch, crystal):
    crystal.calc = engines.get(level | {"moment_range": {"Ti": [0.9, 1.5]}}, launch).calculator()
    crystal.get_potential_energy()
    assert crystal.calc.results["moments_in_range"] is False


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("unconverged", "did not converge in 200 iterations"),
        ("no_u", "does not report U = 4 eV on Ti"),
        ("dies", "did not finish"),
        ("stars", "cannot be read from the output of pw.x"),
    ],
)
def test_a_step_that_went_wrong_is_an_error(level, launch, crystal, fault, told, capsys):
    crystal.calc = engines.get(level, launch).calculator()
    (crystal.calc.folder / "faults").write_text(fault)
    with pytest.raises(DlmdError, match=told) as caught:
        crystal.get_potential_energy()
    # what another structure may mend, apart from what it cannot
    assert isinstance(caught.value, engines.Unconverged) == (fault == "unconverged")
    assert "end of espresso.pwo" in capsys.readouterr().err  # in the job's log


def test_a_program_that_passes_over_the_u_is_refused(level, launch):
    settings = EspressoSettings(**{k: v for k, v in level.items() if k != "engine"})
    whole = "Program PWSCF v.{} starts\n convergence has been achieved in 9 iterations\n{}\n JOB DONE.\n"
    require_sound(whole.format("7.1", "U(Ti-3d) =  4.0000"), settings)
    with pytest.raises(DlmdError, match=r"version 7\.0"):
        require_sound(whole.format("7.0", "U(Ti-3d) =  4.0000"), settings)
    with pytest.raises(DlmdError, match="does not report U = 4 eV"):
        require_sound(whole.format("7.1", "U(Ti-3d) =  3.0000"), settings)


def test_a_program_that_is_not_there(level, launch, crystal):
    with pytest.raises(DlmdError, match=r"'no-such-pw\.x' cannot be started"):
        engines.get(level, launch.model_copy(update={"command": "no-such-pw.x"})).calculator()


def test_scratch_files_go_with_the_calculator(level, launch, crystal):
    crystal.calc = engines.get(level, launch).calculator()
    crystal.get_potential_energy()
    scratch = launch.scratch
    assert len(list(scratch.iterdir())) == 1
    crystal.calc = None
    gc.collect()
    assert list(scratch.iterdir()) == []
    with pytest.raises(DlmdError, match="no folder can be made"):
        engines.get(level, launch.model_copy(update={"scratch": scratch / "absent"})).calculator()


def test_level_tells_u_projectors_and_editions_apart(level, launch):
    first = engines.get(level).level
    assert first["hubbard_u_ev"] == {"Ti": 4.0} and first["hubbard_orbital"] == {"Ti": "d"}
    assert first != engines.get(level | {"hubbard_projectors": "atomic"}).level
    file = Path(level["pseudo_dir"]) / "Ti.UPF"
    file.write_text(file.read_text() + "another edition")
    second = engines.get(level).level
    assert second["pseudopotentials"]["Ti"] != first["pseudopotentials"]["Ti"]
    assert second["pseudopotentials"]["Li"] == first["pseudopotentials"]["Li"]


def test_versions(level, launch):
    assert engines.get(level, launch).versions()["pw.x"] == "7.3.1"


@pytest.mark.parametrize(
    ("element", "orbital", "name"),
    [
        ("Ti", "d", "3d"),
        ("O", "p", "2p"),
        ("Ce", "f", "4f"),
        ("Zr", "d", "4d"),
        ("In", "d", "4d"),
        ("Cl", "p", "3p"),
    ],
)
def test_manifolds(element, orbital, name):
    settings = EspressoSettings(pseudo_dir="x", pseudopotentials={}, hubbard_orbital={element: orbital})
    assert manifold(settings, element) == name


def test_a_moment_of_more_electrons_than_there_are(level, launch):
    settings = EspressoSettings(**{k: v for k, v in level.items() if k != "engine"} | {"magmom": {"Li": 3.0}})
    with pytest.raises(DlmdError, match="a moment of 3 on Li, which has 3 valence electrons"):
        starting_magnetization(settings, ["Ti", "Li"])
    absent = settings.model_copy(update={"pseudopotentials": {"Ti": "Ti.UPF", "Li": "Li.upf"}})
    with pytest.raises(DlmdError, match="no such pseudopotential"):
        starting_magnetization(absent, ["Ti", "Li"])


def test_moments_are_absent_where_none_are_printed():
    assert last_moments("nothing", 2) is None
    old = "     Magnetic moment per site:\n     atom:    1    charge:   10.9    magn:   -1.9476    constr:    0.0\n"
    assert last_moments(old, 1) == [-1.9476]
    assert last_moments(old, 2) is None

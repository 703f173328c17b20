"""Given labels: they arrive as they are, with their theory; what does not fit is refused in three lines."""

import json

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from dlmd.base.errors import DlmdError
from dlmd.base.units import EV_PER_A3_PER_GPA
from dlmd.config.levels.gpaw import GpawSettings
from dlmd.labels import given, given_theory, numerics
from dlmd.labels.engines import said

GPAW = {"engine": "gpaw", "hubbard_u_ev": {"Ti": 4.0}, "ecut_ev": 400.0, "magmom": {"Ti": 1.0}}
THEORY = {"engine": "gpaw", "functional": "PBE", "hubbard_u_ev": {"Ti": 4.0}}
SPECIES = ["Li", "Ti", "Cl"]
ENTRY = {"file": "x", "split": "train", "format": None, "theory": {}}


def frame(seed=0, *, scale=1.0, symbols="ClTiLi", theory=THEORY, **info):
    rng = np.random.default_rng(seed)
    positions = [[0, 0, 0], [2.4, 0.1, 0], [0, 2.5, 0.2]][: len(Atoms(symbols))]
    positions = np.array(positions) + 0.01 * rng.normal(size=(len(positions), 3))
    atoms = Atoms(symbols, positions=scale * positions, cell=scale * np.diag([7, 8, 9]), pbc=True)
    atoms.info = dict(info) | ({"theory": dict(theory)} if theory else {})
    atoms.calc = SinglePointCalculator(
        atoms, energy=-10.0 - seed, forces=rng.normal(size=(len(atoms), 3)), stress=0.01 * rng.normal(size=6)
    )
    return atoms


def read(folder, frames, name="own.extxyz", engine=GPAW, **entry):
    path = folder / name
    if frames:
        ase.io.write(path, frames, format="extxyz")
    outputs = [str(folder / f"{split}.extxyz") for split in given.SPLITS]
    given.read(
        str(path),
        g=0,
        frames=outputs,
        record=str(folder / "given.json"),
        level="u4",
        engine=engine,
        source=ENTRY | entry,
        species=SPECIES,
    )
    return [ase.io.read(p, ":", format="extxyz") if (folder / p).stat().st_size else [] for p in outputs]


def test_labels_arrive_with_atoms_in_the_order_of_the_species(tmp_path):
    wanted = [frame(0), frame(1, temperature_k=600.0)]
    train, valid, test = read(tmp_path, wanted)
    assert len(train) == 2 and not valid and not test
    for atoms, start in zip(train, wanted, strict=True):
        assert atoms.get_chemical_symbols() == ["Li", "Ti", "Cl"]
        assert atoms.get_potential_energy() == pytest.approx(start.get_potential_energy())
        assert atoms.get_forces() == pytest.approx(start.get_forces()[::-1], abs=1e-7)
        assert atoms.get_stress() == pytest.approx(start.get_stress(), abs=1e-7)
        assert atoms.info["level"] == "u4" and atoms.info["theory"]["ecut_ev"] == 400.0
    assert train[1].info["temperature_k"] == 600.0 and train[1].info["step"] == 1
    assert json.loads((tmp_path / "given.json").read_text())["frames"] == {"train": 2, "valid": 0, "test": 0}


def test_frames_may_say_their_part_themselves(tmp_path):
    parts = read(tmp_path, [frame(k, split=s) for k, s in enumerate(["train", "test", "train"])], split=None)
    assert [len(part) for part in parts] == [2, 0, 1]
    with pytest.raises(DlmdError, match="split is None"):
        read(tmp_path, [frame(0)], split=None)


def test_theory_must_be_known_and_the_levels(tmp_path):
    with pytest.raises(DlmdError, match="labels of another theory: the file says hubbard_u_ev"):
        read(tmp_path, [frame(theory=THEORY | {"hubbard_u_ev": {"Ti": 3.0}})])
    with pytest.raises(DlmdError, match="does not say with which functional and hubbard_u_ev"):
        read(tmp_path, [frame(theory=None)])
    stated = {"functional": "PBE", "hubbard_u_ev": {"Ti": 4}}
    assert len(read(tmp_path, [frame(theory=None)], theory=stated)[0]) == 1
    with pytest.raises(DlmdError, match="labels of another theory: the config says functional"):
        read(tmp_path, [frame(theory=None)], theory=stated | {"functional": "PW91"})
    with pytest.raises(DlmdError, match="nothing that this level has"):
        read(tmp_path, [frame()], theory={"hubard_u_ev": {}})
    with pytest.raises(DlmdError, match="two theories in one file"):
        read(tmp_path, [frame(), frame(1, theory=THEORY | {"functional": "PW91"})])


def test_other_elements_and_lengths_in_bohr_are_refused(tmp_path):
    with pytest.raises(DlmdError, match="Na is not among the species"):
        read(tmp_path, [frame(symbols="ClTiNa")])
    with pytest.raises(DlmdError, match="give positions and cells in Å"):
        read(tmp_path, [frame(scale=1.89)])


def test_frames_without_stress_are_no_labels(tmp_path):
    atoms = frame()
    del atoms.calc.results["stress"]
    with pytest.raises(DlmdError, match="no frame with energy, forces and stress"):
        read(tmp_path, [atoms])


def test_deepmd_npy_through_dpdata(tmp_path):
    from dlmd.dataset.frames import write_system

    wanted = [frame(k) for k in range(3)]
    write_system(wanted, tmp_path / "own" / "system", species=SPECIES)
    stated = {"functional": "PBE", "hubbard_u_ev": {"Ti": 4}}
    train, *_ = read(tmp_path, [], name="own", theory=stated)
    assert [a.get_potential_energy() for a in train] == pytest.approx([-10, -11, -12])
    assert train[2].get_forces() == pytest.approx(wanted[2].get_forces()[::-1], abs=1e-6)
    assert train[2].get_stress() == pytest.approx(wanted[2].get_stress(), abs=1e-6)


def test_theory_of_vasps_own_words():
    settings = {"GGA": "PE", "LDAU": "T", "LDAUU": [0.0, 5.0, 0.0], "LDAUJ": [0.0, 1.0, 0.0]}
    assert given_theory.of_vasp(SPECIES, settings) == {"functional": "PBE", "hubbard_u_ev": {"Ti": 4.0}}
    assert given_theory.of_vasp(SPECIES, {"GGA": "91", "LDAU": "F"}) == {
        "functional": "PW91",
        "hubbard_u_ev": {},
    }


NUMERICS = {"kpoint_mesh": [1, 1, 1], "smearing": "fermi-dirac", "smearing_ev": 0.05}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"kpoint_mesh": [2, 1, 1]}, "kpoint_mesh = [2, 1, 1], the level has [1, 1, 1]"),
        # 4 per Å⁻¹ in a cell of 7 Å
        ({"kpoint_density_a": 4.0}, "kpoint_mesh = [4, 4, 3], the level has [1, 1, 1]"),
        ({"smearing_ev": 0.1}, "smearing_ev = 0.1, the level has 0.05"),
        ({"smearing": "gaussian"}, "smearing = gaussian, the level has fermi-dirac"),
        ({"smearing_ev": "small"}, "smearing_ev = small"),
        ({"kpoint_mesh": "gamma"}, "kpoint_mesh = gamma"),
    ],
)
def test_frames_of_another_mesh_or_smearing_are_refused(tmp_path, said, told):
    engine = GPAW | {"kpoint_mesh": [1, 1, 1]}
    for there in ({"numerics": NUMERICS | said}, {"theory": THEORY | said}):
        with pytest.raises(DlmdError, match="labels of other settings: frame 1 says") as refused:
            read(tmp_path, [frame(0), frame(1, **there)], engine=engine)
        assert told in refused.value.what
    with pytest.raises(DlmdError, match="labels of other settings: the config says") as refused:
        read(tmp_path, [frame(0)], engine=engine, theory=said)
    assert told in refused.value.what


def record(folder):
    return json.loads((folder / "given.json").read_text())["taken_for_granted"]


def test_what_frames_do_not_say_of_mesh_and_smearing_is_taken_and_said(tmp_path, capsys):
    engine = GPAW | {"kpoint_mesh": [1, 1, 1]}
    assert len(read(tmp_path, [frame(0)], engine=engine)[0]) == 1
    assert record(tmp_path) == NUMERICS
    assert (
        "does not say all of its settings; the level's are taken: kpoint_mesh [1, 1, 1]"
        in capsys.readouterr().err
    )
    # one frame that is silent is enough
    frames = [frame(0, numerics={"kpoint_mesh": [1, 1, 1]}), frame(1, numerics=NUMERICS)]
    read(tmp_path, frames, engine=engine, theory={"smearing_ev": 0.05})
    assert record(tmp_path) == {}
    read(tmp_path, frames, engine=engine)
    assert set(record(tmp_path)) == {"smearing", "smearing_ev"}
    read(tmp_path, [frame(0, numerics=NUMERICS)], engine=engine)
    assert record(tmp_path) == {} and "note:" not in capsys.readouterr().err.splitlines()[-1:]


def test_a_mesh_by_density_is_that_of_each_frames_cell(tmp_path):
    # 2 per Å⁻¹: 2 x 2 x 2 in 7 x 8 x 9 Å, Γ alone in 14 x 16 x 18
    small, large = frame(0), frame(1)
    large.set_cell(2 * large.cell)
    for atoms, mesh in ((small, [2, 2, 2]), (large, [1, 1, 1])):
        atoms.info["numerics"] = NUMERICS | {"kpoint_mesh": mesh}
    assert len(read(tmp_path, [small, large])[0]) == 2
    large.info["numerics"] = NUMERICS | {"kpoint_mesh": [2, 2, 2]}
    with pytest.raises(DlmdError, match="frame 1 says kpoint_mesh"):
        read(tmp_path, [small, large])


KEYWORDS = {"keywords": {"poissonsolver": {"eps": 1e-9}}}


def test_what_a_whole_theory_leaves_out_is_not_there(tmp_path):
    with pytest.raises(DlmdError, match="the file says keywords = none, the level has"):
        read(tmp_path, [frame()], engine=GPAW | KEYWORDS)
    # unless the config says that it was
    assert len(read(tmp_path, [frame()], engine=GPAW | KEYWORDS, theory=KEYWORDS)[0]) == 1
    with pytest.raises(DlmdError, match="the file says ediff_ev = 1e-07, the level has none"):
        read(tmp_path, [frame(theory=THEORY | {"ediff_ev": 1e-7})])
    with pytest.raises(DlmdError, match=r"the file says ecut_ev = 450\.0"):
        read(tmp_path, [frame(theory=THEORY | {"ecut_ev": 450.0})])


CP2K = {
    "engine": "cp2k",
    "basis_sets": {"Li": "SZV-MOLOPT-SR-GTH-q3", "Cl": "SZV-MOLOPT-SR-GTH-q7"},
    "potentials": {"Li": "GTH-PBE-q3", "Cl": "GTH-PBE-q7"},
    "cutoff_ev": 2200.0,
    "relative_cutoff_ev": 440.0,
    "kpoint_mesh": [2, 2, 2],
}
# lines of an output of CP2K 2023.1
CP2K_HEAD = """ BRILLOUIN| K-Point grid                                             2    2    2
 DFT| Spin restricted Kohn-Sham (RKS) calculation                            RKS
 FUNCTIONAL| PBE:
 QS| Density cutoff [a.u.]:                                                 80.8
 QS| Relative density cutoff [a.u.]:                                        16.2
  1. Atomic kind: Li                                    Number of atoms:       1
     Orbital Basis Set                                      SZV-MOLOPT-SR-GTH-q3
     GTH Potential information for                                    GTH-PBE-q3
  2. Atomic kind: Cl                                    Number of atoms:       1
     Orbital Basis Set                                      SZV-MOLOPT-SR-GTH-q7
     GTH Potential information for                                    GTH-PBE-q7
                        Smear method:                                FERMI_DIRAC
                        Electronic temperature [K]:                        580.2
 count for grid        1:            824          cutoff [a.u.]           80.85
"""
QE = {
    "engine": "espresso", "pseudo_dir": "none", "pseudopotentials": {"Li": "Li.upf", "Cl": "Cl.upf"},
    "kpoint_mesh": [2, 2, 2], "ecut_ev": 680.0,
}  # fmt: skip
QE_INPUT = "K_POINTS automatic\n2 2 2  0 0 0\n"
QE_HEAD = """     kinetic-energy cutoff     =      49.9792  Ry
     charge density cutoff     =     399.8339  Ry
     Exchange-correlation= PBE
     number of k points=     8  Fermi-Dirac smearing, width (Ry)=  0.0037
"""
RUNS = {"cp2k/output": (CP2K, CP2K_HEAD), "qe/pw/scf": (QE, QE_HEAD)}


def held(folder, kind, engine, output, given_input=QE_INPUT):
    """What is said of an output whose frames dpdata has read."""
    (folder / "a.out").write_text(output)
    (folder / "a.in").write_text(given_input)
    told = said.of(folder / "a.out", kind)
    theory = {key: value for key, value in told.items() if key not in numerics.KNOWN}
    atoms = Atoms("LiCl", positions=[[0, 0, 0], [2.5, 0, 0]], cell=[4, 4, 4], pbc=True)
    labels = given.Labels([atoms], theory, numerics=[numerics.spelt(told)])
    level = given_theory.theory_of(engine)
    return given._require_level(labels, {"hubbard_u_ev": {}}, level, engine, where="here")


@pytest.mark.parametrize("kind", RUNS)
def test_outputs_of_the_levels_settings_pass(tmp_path, kind):
    assert held(tmp_path, kind, *RUNS[kind]) == {}


@pytest.mark.parametrize(
    ("kind", "old", "new", "told"),
    [
        ("cp2k/output", "2    2    2", "1    1    1", "kpoint_mesh = [1, 1, 1]"),
        ("cp2k/output", CP2K_HEAD.splitlines()[0], "", "kpoint_mesh = [1, 1, 1]"),
        ("cp2k/output", "580.2", "1160.5", "smearing_ev = 0.1"),
        ("cp2k/output", "FERMI_DIRAC", "GAUSSIAN", "smearing = gaussian"),
        ("cp2k/output", "80.85", "73.50", "cutoff_ev = 2000."),
        ("cp2k/output", " 16.2", " 22.0", "relative_cutoff_ev = 598."),
        ("cp2k/output", "PBE:", "BLYP:", "functional = BLYP"),
        ("cp2k/output", "Spin restricted", "Spin unrestricted", "spin_polarised = True"),
        ("cp2k/output", "    SZV-MOLOPT-SR-GTH-q7", "   DZVP-MOLOPT-SR-GTH-q7", "basis_sets = {"),
        ("cp2k/output", "GTH-PBE-q7\n  ", "GTH-PBE-q17\n  ", "potentials = {"),
        (
            "cp2k/output",
            " FUNCTIONAL",
            " vdW POTENTIAL|   DFT-D3 (Version 3.1)\n FUNCTIONAL",
            "dispersion = on",
        ),
        ("cp2k/output", " FUNCTIONAL", " HFX_INFO| Replica ID\n FUNCTIONAL", "functional = PBE+HF"),
        (
            "qe/pw/scf",
            "     number",
            "     Noncollinear calculation with spin-orbit\n     number",
            "PBE+noncollinear",
        ),
        ("qe/pw/scf", "49.9792", "44.0", "ecut_ev = 598."),
        ("qe/pw/scf", "399.8339", "199.9", "density_cutoff_ratio = 3.99"),
        ("qe/pw/scf", "0.0037", "0.0100", "smearing_ev = 0.13"),
        ("qe/pw/scf", "Fermi-Dirac", "Methfessel-Paxton", "smearing = methfessel-paxton"),
        ("qe/pw/scf", "= PBE", "= PBESOL", "functional = PBESOL"),
        ("qe/pw/scf", "     number", "     U(Ti-3d)  =  4.0000\n     number", "hubbard_u_ev = {'Ti': 4.0}"),
        ("qe/pw/scf", "     number", "     DFT-D3 Dispersion Correction\n     number", "dispersion = on"),
    ],
)
def test_outputs_of_other_settings_are_refused(tmp_path, kind, old, new, told):
    engine, output = RUNS[kind]
    assert old in output
    with pytest.raises(DlmdError, match=r"labels of (another theory|other settings)") as refused:
        held(tmp_path, kind, engine, output.replace(old, new))
    assert told in refused.value.what


def test_what_is_beside_an_output_and_what_it_lacks(tmp_path):
    with pytest.raises(DlmdError, match=r"kpoint_mesh = \[1, 1, 1\]"):
        held(tmp_path, "qe/pw/scf", *RUNS["qe/pw/scf"], "K_POINTS gamma\n")
    engine, output = RUNS["qe/pw/scf"]
    silent = held(
        tmp_path, "qe/pw/scf", engine, output.replace("  Fermi-Dirac smearing, width (Ry)=  0.0037", ""), ""
    )
    assert silent == {"kpoint_mesh": [2, 2, 2], "smearing": "fermi-dirac", "smearing_ev": 0.05}
    # one that the level asks for itself
    some = {"input_data": {"system": {"vdw_corr": "dft-d3"}}}
    assert held(tmp_path, "qe/pw/scf", engine | some, output + "     DFT-D3 Dispersion Correction\n") == {}
    with pytest.raises(DlmdError, match="electrons of 1 steps did not converge"):
        held(
            tmp_path,
            "qe/pw/scf",
            engine,
            output + "     convergence NOT achieved after 100 iterations: stopping\n",
        )
    with pytest.raises(DlmdError, match="the file says engine = espresso, the level has cp2k"):
        held(tmp_path, "qe/pw/scf", CP2K, output)


QE_ATOMS = """     number of electrons       =        10.00
     atomic species   valence    mass     pseudopotential
     Li                3.00     6.94000     Li( 1.00)
     Cl                7.00    35.45000     Cl( 1.00)

   Cartesian axes

     site n.     atom                  positions (alat units)
         1           Li  tau(   1) = (   0.0000000   0.0000000   0.0000000  )
         2           Cl  tau(   2) = (   0.5000000   0.5000000   0.5000000  )

     number of k points=     1
"""


def test_charged_cells_are_no_labels(tmp_path):
    engine, output = RUNS["qe/pw/scf"]
    assert held(tmp_path, "qe/pw/scf", engine, QE_ATOMS + output) == {}
    with pytest.raises(DlmdError, match=r"the cell has a charge of \+1, those of levels are neutral"):
        held(tmp_path, "qe/pw/scf", engine, QE_ATOMS.replace("  10.00", "   9.00") + output)
    engine, output = RUNS["cp2k/output"]
    line = " DFT| Charge                                                                  {}\n"
    assert held(tmp_path, "cp2k/output", engine, line.format(" 0") + output) == {}
    with pytest.raises(DlmdError, match=r"a charge of -1,"):
        held(tmp_path, "cp2k/output", engine, line.format("-1") + output)


def test_cp2k_says_whether_it_had_a_u(tmp_path):
    _, output = RUNS["cp2k/output"]
    energies = output + "  Exchange-correlation energy:          -5.09876545006925\n"
    assert said.of(written(tmp_path, energies), "cp2k/output")["hubbard_u_ev"] == {}
    for unknown in (output, energies + "  DFT+U energy:      0.1\n"):
        assert "hubbard_u_ev" not in said.of(written(tmp_path, unknown), "cp2k/output")


def written(folder, text):
    (folder / "a.out").write_text(text)
    return folder / "a.out"


# of an output of CP2K 2023.1 (LiCl, minimal basis sets), as dpdata needs it
CP2K_POINT = """ DBCSR| CPU Multiplication driver                                           BLAS (U)
 CELL| Vector a [angstrom]:       0.000     2.570     2.570   |a| =     3.634529
 CELL| Vector b [angstrom]:       2.570     0.000     2.570   |b| =     3.634529
 CELL| Vector c [angstrom]:       2.570     2.570     0.000   |c| =     3.634529
  1. Atomic kind: Li                                    Number of atoms:       1
  2. Atomic kind: Cl                                    Number of atoms:       1

   Atom  Kind  Element         X             Y             Z       Z(eff)     Mass

      1     1  Li   3      0.150000      0.020000      0.100000    3.0000    6.9410
      2     2  Cl  17      2.570000      2.570000      2.570000    7.0000   35.4530

  *** SCF run converged in    12 steps ***

 ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:              -22.252432391474489

 ATOMIC FORCES in [a.u.]

 # Atom   Kind   Element          X              Y              Z
      1      1      Li         -0.00362647    -0.00037583     0.00018921
      2      2      Cl          0.00362647     0.00037583    -0.00018921
 SUM OF ATOMIC FORCES           0.00000000     0.00000000     0.00000000     0.00000000

 STRESS| Analytical stress tensor [GPa]
 STRESS|                        x                   y                   z
 STRESS|      x        5.09718922502E+01   8.96438355340E-01   7.60893784102E-01
 STRESS|      y        8.96438355340E-01   5.03135088734E+01   9.01932455258E-01
 STRESS|      z        7.60893784102E-01   9.01932455258E-01   5.04654080681E+01
 STRESS| 1/3 Trace                                             5.05836030639E+01

 STRESS| Eigenvectors and eigenvalues of the analytical stress tensor [GPa]
 STRESS|      x          -0.182919779755     -0.730732387114      0.657700944653
"""


@pytest.mark.parametrize(("unit", "factor"), [("GPa", 1.0), ("bar", 1e-4)])
def test_stresses_of_newer_cp2k_are_read(tmp_path, unit, factor):
    (atoms,) = given._load(written(tmp_path, CP2K_POINT.replace("[GPa]", f"[{unit}]")), "cp2k/output").frames
    # compressed: pushing outwards, which is negative in ASE
    wanted = [-50.9718922502, -50.3135088734, -50.4654080681, -0.901932455, -0.760893784, -0.896438355]
    assert atoms.get_stress() / EV_PER_A3_PER_GPA == pytest.approx(factor * np.array(wanted), rel=1e-4)
    assert atoms.get_forces()[0, 0] == pytest.approx(-0.00362647 * 51.42207, rel=1e-5)


def test_stresses_in_a_unit_that_is_not_known_are_none(tmp_path):
    labels = given._load(written(tmp_path, CP2K_POINT.replace("[GPa]", "[Mbar]")), "cp2k/output")
    assert not labels.frames and labels.left_out == {"no stress": 1}


def test_labels_of_an_engine_say_their_mesh_and_smearing():
    atoms = Atoms("Cl", cell=[7, 8, 30], pbc=True)
    level = {key: value for key, value in GPAW.items() if key != "engine"}
    told = numerics.of(GpawSettings.model_validate(level), atoms)
    assert told == {"kpoint_mesh": [2, 2, 1], "smearing": "fermi-dirac", "smearing_ev": 0.05}
    assert numerics.beside(None, atoms) == {}


def test_labels_of_vasp_are_of_no_other_engine(tmp_path):
    with pytest.raises(DlmdError, match="the file says engine = vasp, the level has gpaw"):
        read(tmp_path, [frame(theory=THEORY | {"engine": "vasp"})])

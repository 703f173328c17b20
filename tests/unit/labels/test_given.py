"""Given labels: they arrive as they are, with their theory; what does not fit is refused in three lines."""

import json

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from dlmd.base.errors import DlmdError
from dlmd.labels import given

GPAW = {"engine": "gpaw", "hubbard_u_ev": {"Ti": 4.0}, "ecut_ev": 400.0, "magmom": {"Ti": 1.0}}
THEORY = {"engine": "gpaw", "functional": "PBE", "hubbard_u_ev": {"Ti": 4.0}}
SPECIES = ["Li", "Ti", "Cl"]
ENTRY = {"file": "x", "split": "train", "format": None, "theory": {}}


def frame(seed=0, *, scale=1.0, symbols="ClTiLi", theory=THEORY, **info):
    rng = np.random.default_rng(seed)
    positions = [[0, 0, 0], [2.4, 0.1, 0], [0, 2.5, 0.2]][: len(Atoms(symbols))]
    atoms = Atoms(symbols, positions=scale * np.array(positions), cell=scale * np.diag([7, 8, 9]), pbc=True)
    atoms.info = dict(info) | ({"theory": dict(theory)} if theory else {})
    atoms.calc = SinglePointCalculator(
        atoms, energy=-10.0 - seed, forces=rng.normal(size=(len(atoms), 3)), stress=rng.normal(size=6)
    )
    return atoms


def read(folder, frames, name="own.extxyz", **entry):
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
        engine=GPAW,
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
    assert given._vasp_theory(SPECIES, settings) == {"functional": "PBE", "hubbard_u_ev": {"Ti": 4.0}}
    assert given._vasp_theory(SPECIES, {"GGA": "91", "LDAU": "F"}) == {
        "functional": "PW91",
        "hubbard_u_ev": {},
    }

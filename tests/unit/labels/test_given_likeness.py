"""Labels in other units, with other signs or without one of their atoms are refused, whatever file they come in."""

import ase.io
import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator
from ase.lattice.cubic import FaceCenteredCubic

from dlmd.base.errors import DlmdError
from dlmd.base.units import EV_PER_A3_PER_GPA
from dlmd.labels import given_checks, given_likeness
from running import ROOT

HARTREE, BOHR, KCAL = 27.211386, 0.529177, 0.0433641


def computed(atoms, **keys):
    atoms = atoms.copy()
    atoms.calc = LennardJones(**{"sigma": 3.4, "epsilon": 0.1, "rc": 6.0, "smooth": True} | keys)
    return {
        "energy": atoms.get_potential_energy(),
        "forces": atoms.get_forces(),
        "stress": atoms.get_stress(),
    }


def softer(atoms):
    """What stands in for CHGNet: another theory of the same material."""
    found = computed(atoms, sigma=3.4, epsilon=0.075)
    return found | {"energy": found["energy"] - 3.0 * len(atoms)}


def frames(n=8, **factors):
    """Frames of an argon crystal, strained and hot, whose labels are multiplied."""
    made = []
    for k in range(n):
        atoms = FaceCenteredCubic("Ar", size=(2, 2, 2), latticeconstant=5.2 + 0.02 * k)
        atoms.rattle(0.12, seed=k)
        results = computed(atoms)
        results = {name: factors.get(name, 1.0) * value for name, value in results.items()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        made.append(atoms)
    return made


def judge(some, reference=softer):
    given_likeness.require_alike(some, [f"frame {i}" for i in range(len(some))], reference=reference)


def test_another_theory_of_the_same_material_passes():
    judge(frames())
    judge(frames(1))


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        ({"energy": 1 / HARTREE, "forces": BOHR / HARTREE, "stress": BOHR**3 / HARTREE}, "as if in Ha/Bohr"),
        ({"energy": 2 / HARTREE, "forces": 2 * BOHR / HARTREE, "stress": 1.0}, "as if in Ry/Bohr"),
        ({"energy": 1 / KCAL, "forces": 1 / KCAL, "stress": 1 / KCAL}, "as if in kcal/mol/Å"),
        ({"forces": -1.0}, "they are gradients"),
        ({"energy": 1 / HARTREE}, "energies vary 0.0"),
        ({"energy": 1 / KCAL}, "as if in kcal/mol"),
        ({"energy": -1.0}, "energies vary against CHGNet's"),
        ({"stress": -1.0}, "stresses vary against CHGNet's"),
        ({"stress": 1 / EV_PER_A3_PER_GPA}, "as if in GPa"),
        ({"stress": 1000.0}, "stresses vary"),
    ],
)
def test_other_units_and_signs_are_refused(factors, told):
    with pytest.raises(DlmdError) as refused:
        judge(frames(**factors))
    assert told in refused.value.what and refused.value.where == "frame 0 and 7 more"
    assert len(str(refused.value).splitlines()) <= 3


def test_what_cannot_be_judged_is_not():
    judge(frames(3, stress=-1.0))  # few frames could be of one mind by chance
    judge(frames(forces=0.0))
    judge(frames(forces=1 / HARTREE), reference=lambda atoms: None)
    rng = np.random.default_rng(1)
    noise = {"energy": 0.0, "stress": np.zeros(6)}
    judge(frames(forces=1 / HARTREE), lambda atoms: noise | {"forces": rng.normal(size=(len(atoms), 3))})
    small = [atoms[:4] for atoms in frames()]
    judge(small, reference=None)


def test_a_frame_that_lacks_an_atom_is_refused():
    atoms = frames(1)[0]
    given_checks.require_whole(atoms, where="here")
    forces = atoms.get_forces()
    lacking = int(np.linalg.norm(forces, axis=1).argmax())
    part = atoms[[i for i in range(len(atoms)) if i != lacking]]
    part.calc = SinglePointCalculator(part, energy=0.0, forces=np.delete(forces, lacking, axis=0))
    with pytest.raises(DlmdError, match=r"forces on the 31 atoms sum to"):
        given_checks.require_whole(part, where="here")


def test_chgnet_tells_hartree_from_ev_in_labels_of_dft(tmp_path):
    """The project's own labels, PBE + U, which its forces are 1.7 times softer than."""
    pytest.importorskip("chgnet")
    own = ase.io.read(ROOT / "config/labels/li3ticl6-u4-gpaw.extxyz", ":8")
    judge(own, reference=given_likeness.chgnet())
    for atoms in own:
        results = atoms.calc.results
        results["energy"] /= HARTREE
        results["forces"] = results["forces"] * BOHR / HARTREE
    with pytest.raises(DlmdError, match="as if in Ha/Bohr"):
        judge(own, reference=given_likeness.chgnet())

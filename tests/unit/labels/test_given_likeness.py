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
        atoms = FaceCenteredCubic("Ar", size=(2, 2, 2), latticeconstant=5.2 + 0.02 * (k % 12))
        atoms.rattle(0.12, seed=k)
        results = computed(atoms)
        results = {name: factors.get(name, 1.0) * value for name, value in results.items()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        made.append(atoms)
    return made


def judge(some, reference=softer):
    return given_likeness.require_alike(
        some, [f"x, frame {i}" for i in range(len(some))], reference=reference
    )


def refused(some, reference=softer):
    with pytest.raises(DlmdError) as found:
        judge(some, reference)
    assert len(str(found.value).splitlines()) <= 3
    return found.value


def changed(some, numbers, change):
    """Labels of some frames replaced by what `change` says of their results."""
    for i in numbers:
        some[i].calc.results |= change(some[i], some[i].calc.results)
    return some


def salts(n=12):
    """Frames of two elements in turn, of which the calculator takes no notice."""
    made = frames(n)
    for atoms in made:
        results = atoms.calc.results
        atoms.symbols = ["Na", "Cl"] * (len(atoms) // 2)
        atoms.calc = SinglePointCalculator(atoms, **results)
    return made


def test_another_theory_of_the_same_material_passes():
    assert judge(frames()) == []
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
    found = refused(frames(**factors))
    assert told in found.what and found.where == "x, frame 0 and 7 more"


def test_what_cannot_be_judged_is_not():
    # few frames could be of one mind by chance
    assert "energies and stresses of fewer than 6" in judge(frames(3, stress=-1.0))[0]
    assert "forces are below" in judge(frames(forces=0.0))[0]
    assert "takes none" in judge(frames(forces=1 / HARTREE), reference=lambda atoms: None)[0]
    rng = np.random.default_rng(1)
    noise = {"energy": 0.0, "stress": np.zeros(6)}
    told = judge(
        frames(forces=1 / HARTREE), lambda atoms: noise | {"forces": rng.normal(size=(len(atoms), 3))}
    )
    assert "hardly alike" in told[0]
    small = [atoms[:4] for atoms in frames()]
    judge(small, reference=None)


@pytest.mark.parametrize("n", [9, 33])
def test_single_frames_in_other_units_or_with_other_signs_are_named(n):
    some = range(1, n, 4)
    of_all = ", ".join(map(str, [f"x, frame {some[0]}", *some[1:]]))
    rydberg = changed(frames(n), some, lambda _, r: {"forces": r["forces"] * 2 * BOHR / HARTREE})
    found = refused(rydberg)
    assert "as if in Ry/Bohr" in found.what and "in other frames" in found.what and found.where == of_all
    found = refused(changed(frames(n), some, lambda _, r: {"forces": -r["forces"]}))
    assert "gradients" in found.what and found.where == of_all


def test_the_one_frame_of_many_whose_forces_are_unusual_is_looked_at():
    found = refused(changed(frames(60), [37], lambda _, r: {"forces": r["forces"] * BOHR / HARTREE}))
    assert "as if in Ha/Bohr" in found.what and found.where == "x, frame 37"


def test_other_compositions_than_the_commonest_are_looked_at():
    some = frames(30) + frames(2, forces=-1.0)
    for atoms in some[30:]:
        results = atoms.calc.results
        atoms.symbols[:16] = "Ne"
        atoms.calc = SinglePointCalculator(atoms, **results)
    assert refused(some).where == "x, frame 30, 31"


def test_energies_are_compared_within_compositions():
    """Atoms have other energies in another theory; the differences of two compositions say nothing."""
    some = frames(16)
    for atoms in some[8:]:
        results = atoms.calc.results | {"energy": atoms.calc.results["energy"] - 1000.0}
        atoms.symbols[:16] = "Ne"
        atoms.calc = SinglePointCalculator(atoms, **results)
    assert judge(some) == []


def test_forces_of_other_atoms_and_frames_are_refused():
    rng = np.random.default_rng(3)

    def shuffled(atoms, r):
        return {"forces": rng.permutation(r["forces"])}

    def sorted_by_element(atoms, r):
        return {"forces": r["forces"][np.argsort(atoms.get_chemical_symbols(), kind="stable")]}

    found = refused(changed(salts(), range(12), shuffled))
    assert "of other atoms or of another frame" in found.what and found.where == "x, frame 0 and 11 more"
    assert refused(changed(salts(), [2, 3], shuffled)).where == "x, frame 2, 3"
    assert "alphabetical order" in refused(changed(salts(), range(12), sorted_by_element)).what
    after = [atoms.calc.results for atoms in salts()[1:]]
    found = refused(changed(salts(), range(11), lambda atoms, r: after.pop(0)))
    assert "those of frame 0 are of frame 1" in found.what


def test_materials_that_are_little_known_pass_with_a_note():
    rng = np.random.default_rng(4)

    def faint(atoms):
        found = softer(atoms)
        size = np.sqrt((found["forces"] ** 2).mean())
        return found | {"forces": found["forces"] + 2.5 * size * rng.normal(size=(len(atoms), 3))}

    assert "hardly alike (correlation 0.3" in judge(frames(), faint)[0]


def test_nearly_relaxed_frames_among_others_pass():
    """Their forces are small and are like those of no other theory."""
    rng = np.random.default_rng(5)
    relaxed = changed(
        frames(12), [3, 7], lambda atoms, r: {"forces": 0.05 * rng.normal(size=(len(atoms), 3))}
    )
    assert judge(relaxed) == []


def test_a_relaxation_whose_bonds_are_of_other_length_passes():
    """As of NH4: what CHGNet finds there is small, alike, and falls to a fifth and less; or it points the other way."""

    def scaled(some, shares):
        for atoms, share in zip(some, shares, strict=True):
            told = softer(atoms)["forces"]
            told *= 0.15 / np.sqrt((told**2).mean())
            atoms.calc.results |= {"forces": share * told}
            atoms.info["told"] = told
        return some

    def small(atoms):
        return softer(atoms) | {"forces": atoms.info["told"]}

    assert "forces are below" in judge(scaled(frames(6), [0.5, 0.4, 0.3, 0.2, 0.17, -0.05]), small)[0]
    assert judge(scaled(frames(1), [-0.2]), small)


def test_a_factor_of_two_is_within_what_theories_differ_by():
    assert judge(frames(forces=BOHR)) == []


def test_energies_for_an_atom_are_told():
    assert "as if in eV per atom" in refused(frames(energy=1 / 32)).what


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

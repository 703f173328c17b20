"""Traps of which atom is which: types, labels, charges, isotopes, masses, ids."""

import gzip

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory.names import element_of, elements_of_masses
from positions_read import displacements
from trap_files import (
    CELL_A,
    CL,
    FRAMES,
    LI,
    MASSES,
    SHORT,
    SYMBOLS,
    TYPES,
    dump,
    dump_with,
    read,
    read_dump,
    save,
    truth,
    write_dcd,
    xyz,
)

DATA = """made

32 atoms
2 atom types

0.0 14.0 xlo xhi
0.0 14.0 ylo yhi
0.0 14.0 zlo zhi
{masses}
Atoms # atomic

{atoms}
"""


def data_file(path, masses):
    atoms = "\n".join(
        f"{i + 1} {1 if s == 'Li' else 2} {x:.4f} {y:.4f} {z:.4f}"
        for i, (s, (x, y, z)) in enumerate(zip(SYMBOLS, FRAMES[0] % CELL_A, strict=True))
    )
    return save(path, DATA.format(masses=masses, atoms=atoms))


@pytest.mark.parametrize(
    ("masses", "problem"),
    [
        ("", "types without Masses"),
        ("\nMasses\n\n1 1.0\n2 1.0\n", "those of no element"),
        ("\nMasses\n\n1 6.94\n2 0.5\n", "those of no element"),
        ("\nMasses\n\n1 6.94\n2 35.45\n", None),
        ("\nMasses\n\n1 7.0 # Li+\n2 1.0 # Cl\n", None),
    ],
)
def test_lammps_data_as_topology(tmp_path, masses, problem):
    path = write_dcd(tmp_path / "a.dcd", FRAMES, stride=500)
    topology = data_file(tmp_path / "cell.data", masses)
    if problem is None:
        trajectory = read_dump(path, topology=topology, species=None)
        assert trajectory.composition == {"Li": LI, "Cl": CL}
        return
    with pytest.raises(DlmdError, match=problem) as error:
        read_dump(path, topology=topology, species=None)
    assert "--species" in error.value.remedy
    assert read_dump(path, topology=topology).n_ions == LI


def test_type_labels_and_names_with_charges(tmp_path):
    for names in (["Li", "Cl"], ["Li+", "Cl-"], ["Li_sv", "Cl"], ["LI", "CL"]):
        column = [names[s == "Cl"] for s in SYMBOLS]
        path = save(tmp_path / "a.dump", dump(FRAMES[:20], names=column))
        for species in (None, ["Li", "Cl"]) if names == ["Li", "Cl"] else (None,):
            assert read_dump(path, species=species).n_ions == LI


def test_lammps_default_elements(tmp_path):
    path = save(tmp_path / "a.dump", dump(FRAMES[:20], columns="id element x y z", names=["C"] * 32))
    with pytest.raises(DlmdError, match="LAMMPS' default") as error:
        read_dump(path)
    assert "--topology" in error.value.remedy
    with pytest.raises(DlmdError, match="there are C 32") as error:
        read_dump(path, species=None)
    assert "--topology" in error.value.remedy
    topology = data_file(tmp_path / "cell.data", "\nMasses\n\n1 6.94\n2 35.45\n")
    assert read_dump(path, species=None, topology=topology).n_ions == LI
    assert read_dump(path, species=["12*Li", "20*Cl"]).n_ions == LI
    # with types beside them, --species decides
    text = dump(
        FRAMES[:20], names=[f"C {1 if s == 'Li' else 2}" for s in SYMBOLS], columns="id element type x y z"
    )
    assert read_dump(save(tmp_path / "c.dump", text)).n_ions == LI


def test_id_column_of_extended_xyz(tmp_path):
    rng = np.random.default_rng(0)
    lines = []
    for frame in FRAMES:
        lines += [
            str(LI + CL),
            f'Lattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}" Properties=id:I:1:species:S:1:pos:R:3',
        ]
        for i in rng.permutation(LI + CL):
            lines.append(f"{i + 1} {SYMBOLS[i]} " + " ".join(f"{x:.6f}" for x in frame[i]))
    trajectory = read_dump(save(tmp_path / "a.extxyz", "\n".join(lines) + "\n"), species=None, stride=500)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-4)


def test_species_that_no_atom_is_of_are_said(tmp_path):
    found = read_dump(save(tmp_path / "a.dump", dump()), species=["Li", "Cl", "Br"])
    assert "no atom is of --species Br (type 3)" in found.notes


@pytest.mark.parametrize(("li", "cl"), [("7Li", "35Cl"), ("Li7", "Cl37"), ("Li+", "Cl-"), ("6Li", "Cl")])
def test_isotopes_and_charges_are_their_elements(tmp_path, li, cl):
    names = [li if s == "Li" else cl for s in SYMBOLS]
    found = read_dump(
        save(tmp_path / "a.dump", dump(names=names, columns="id element xu yu zu")), species=None
    )
    assert found.composition == {"Cl": CL, "Li": LI}


@pytest.mark.parametrize(
    ("masses", "found"),
    [
        ((6.015, 35.45), ["Li", "Cl"]),
        ((7.016, 34.969), ["Li", "Cl"]),
        ((2.014, 17.999), ["H", "O"]),
        ((10.013, 11.009), ["B", "B"]),
        ((4.0026, 18.998), ["He", "F"]),
        ((5.0, 35.45), [None, "Cl"]),
    ],
)
def test_masses_of_isotopes(masses, found):
    assert elements_of_masses(masses) == found


def test_deuterium_is_hydrogen():
    assert [element_of(name) for name in ("D", "T", "D2O", "Dy", "Tl")] == ["H", "H", None, "Dy", "Tl"]


def test_masses_of_a_dump_are_its_elements(tmp_path):
    masses = np.broadcast_to(MASSES[None, :, None], (120, LI + CL, 1))
    path = save(tmp_path / "a.dump", dump_with(SHORT, "id type x y z mass", more=masses))
    trajectory = read(path)
    assert displacements(trajectory) == pytest.approx(truth(SHORT), abs=1e-4)
    assert "elements by the masses in the file" in trajectory.notes
    assert read_dump(path).n_ions == LI
    with pytest.raises(DlmdError, match=r"atom 1 is Cl by --species, and has a mass of 6\.94 u"):
        read(path, species=["Cl", "Li"])


def test_types_for_names_in_xyz(tmp_path):
    path = save(tmp_path / "a.xyz", xyz(SHORT, [""] * 120, names=[str(t) for t in TYPES]))
    assert displacements(read(path, species=["Li", "Cl"], stride=500)) == pytest.approx(
        truth(SHORT), abs=1e-4
    )
    with pytest.raises(DlmdError, match="no elements") as error:
        read(path, stride=500)
    assert "--species" in error.value.remedy


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("LI+", "Li"),
        ("NA+", "Na"),
        ("CL-", "Cl"),
        ("ZN2+", "Zn"),
        ("Li(1)", "Li"),
        ("CA1", None),
        ("C+", "C"),
    ],
)
def test_names_with_charges_and_labels(name, element):
    assert element_of(name) == element


@pytest.mark.parametrize("name", ["a.xtc.gz", "a.dcd.xz"])
def test_compressed_binaries_are_named(tmp_path, name):
    import lzma

    pack = gzip.compress if name.endswith("gz") else lzma.compress
    (tmp_path / name).write_bytes(pack(b"\0" * 1000))
    with pytest.raises(DlmdError, match="is not read compressed") as error:
        read(tmp_path / name)
    assert name in error.value.remedy and error.value.remedy.startswith("unpack it: ")

"""Site populations of an argyrodite: those that were put into made trajectories, and those published for real ones."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from dlmd.mechanism import analysis
from dlmd.mechanism.numbers import collect
from dlmd.structures.crystal import read_cif
from dlmd.trajectory.frame_readers import identify
from dlmd.trajectory.trajectory import Trajectory
from dlmd.trajectory.unwrapping import Unwrapper

DATA = Path(__file__).parents[4] / "shared/data/traj/Li6PS5Cl_50p_run1_XDATCAR.gz"
EDGE_A = 10.156
CHARGES = {"Li": 1, "P": 5, "S": -2, "Cl": -1}
# Morgan, Chem. Mater. 33, 2004 (2021), mean of six such runs, by tetrahedra: type 5, type 2, type 4
PUBLISHED = (0.6697, 0.3037, 0.0266)
ATOMS = """Li1 Li 0.3103 0.0251 0.6897 0.5
P1 P 0 0 0.5 1
S1 S 0.1195 -0.1195 0.6195 1
S2 S 0 0 0 0.5
Cl2 Cl 0 0 0 0.5
S3 S 0.25 0.25 0.75 0.5
Cl3 Cl 0.25 0.25 0.75 0.5"""


def argyrodite(folder):
    from pymatgen.symmetry.groups import SpaceGroup

    operations = "\n".join(f"'{op.as_xyz_str()}'" for op in SpaceGroup("F-43m").symmetry_ops)
    lengths = "\n".join(f"_cell_length_{x} {EDGE_A}" for x in "abc")
    angles = "\n".join(f"_cell_angle_{x} 90" for x in ("alpha", "beta", "gamma"))
    columns = [f"_atom_site_fract_{x}" for x in "xyz"]
    columns = "\n".join(["_atom_site_label", "_atom_site_type_symbol", *columns, "_atom_site_occupancy"])
    cif = folder / "argyrodite.cif"
    cif.write_text(
        f"data_x\n{lengths}\n{angles}\nloop_\n_symmetry_equiv_pos_as_xyz\n{operations}\nloop_\n{columns}\n{ATOMS}\n"
    )
    return read_cif(cif)


def analysed(positions, symbols, cell, *, crystal):
    """The mechanism of (frames, atoms, 3) positions, and the number of ions."""
    still = symbols != "Li"
    mass = np.array([{"Cl": 35.45, "S": 32.06, "P": 30.97}[s] for s in symbols[still]])
    centre = np.einsum("fai,a->fi", positions[:, still], mass / mass.sum())
    run = Trajectory.from_arrays(positions[:, ~still], frame_interval_ps=0.1, cell=cell, host_com=centre)
    host = analysis.Host(
        (positions[:, still] - centre[:, None]).mean(axis=0), symbols[still].tolist(), centre[0]
    )
    found = analysis.analyse(
        [run],
        [host],
        crystal=crystal,
        repeat=(2, 2, 2),
        charges=CHARGES,
        temperature_k=500.0,
        settings=analysis.Settings(),
    )
    return {s["label"]: s for s in collect(found)["sites"]}, run.n_ions


def shares(sites, n_ions):
    """Part of the ions in each kind of tetrahedron, the most populated first; all sites are those of the structure."""
    # 136 tetrahedra in a cell, of which phosphorus holds four
    assert sum(s["per_cell"] for s in sites.values()) == 132
    assert all(label.startswith("tet") for label in sites)
    return sorted((s["ions"]["value"] / n_ions for s in sites.values()), reverse=True)


def tetrahedra(anions):
    """Centres of the tetrahedra of anions in one cell, by kind: Delaunay's of the anions with their images, told apart by how
    many anions of each kind are at the corners and by volume. `anions` has fractional positions by kind.
    """
    from scipy.spatial import Delaunay

    shifts = [np.array(s) - 1 for s in np.ndindex(3, 3, 3)]
    points = np.concatenate([at + shift for at in anions.values() for shift in shifts])
    kind = np.repeat(list(anions), [len(at) * len(shifts) for at in anions.values()])
    found = defaultdict(list)
    # moved a little, since equal distances leave it open which tetrahedra there are
    moved = points + 1e-7 * np.random.default_rng(0).normal(size=points.shape)
    for corners in Delaunay(moved).simplices:
        centre = points[corners].mean(axis=0)
        if (centre > -1e-3).all() and (centre < 1 - 1e-3).all():
            volume = abs(np.linalg.det(points[corners[1:]] - points[corners[0]])) / 6
            found["".join(sorted(kind[corners])), round(1e4 * volume)].append(centre)
    return {name: np.array(centres) for name, centres in found.items()}


def test_populations_that_were_put_in_come_out(tmp_path):
    """Ions at known tetrahedra of the same structure, half of which change to another kind at a known time."""
    crystal, rng = argyrodite(tmp_path), np.random.default_rng(1)
    kinds = tetrahedra(
        {name: crystal.site(label).positions for name, label in (("e", "S1"), ("a", "S2"), ("c", "S3"))}
    )
    assert sum(map(len, kinds.values())) == 136
    small, large = sorted(name for name, centres in kinds.items() if len(centres) == 48)
    third = next(name for name, centres in kinds.items() if name[0] == "ceee")

    shifts = np.array(list(np.ndindex(2, 2, 2)))
    places = {
        name: rng.permutation((kinds[name][:, None] + shifts).reshape(-1, 3)) * EDGE_A
        for name in (large, small, third)
    }
    start = np.concatenate([places[large][:120], places[small][:60], places[third][:12]])
    end = start.copy()
    end[:48] = places[small][60:108]
    host = [
        (site.positions[:, None] + shifts).reshape(-1, 3) * EDGE_A
        for site in crystal.sites
        if "Li" not in site.occupancy
    ]
    symbols = np.repeat(["Li", "P", "S", "S", "S"], [len(start), *map(len, host)])
    frames = np.array([np.concatenate([start if k < 60 else end, *host]) for k in range(120)])
    frames += rng.normal(0, 0.12, frames.shape)

    found, n_ions = analysed(frames, symbols, np.eye(3) * 2 * EDGE_A, crystal=crystal)
    assert np.allclose(shares(found, n_ions), [96 / 192, 84 / 192, 12 / 192, 0, 0], atol=0.01)


@pytest.mark.skipif(not DATA.exists(), reason="needs the data beside the repository")
def test_populations_of_tetrahedra_are_the_published_ones(tmp_path):
    frames = list(identify(DATA).read(DATA))
    unwrap = Unwrapper(frames[0].cell, wrapped=True)
    positions = np.array([unwrap(f.positions) for f in frames])
    crystal = argyrodite(tmp_path)
    found = shares(*analysed(positions, np.array(frames[0].symbols), frames[0].cell, crystal=crystal))
    # one run of six, and the nearest site instead of the polyhedron
    assert np.allclose(found[:3], PUBLISHED, atol=0.05)
    assert sum(found[3:]) < 0.002

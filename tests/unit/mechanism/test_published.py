"""Site populations of an argyrodite against those published for the same trajectories, from another program."""

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
    lengths = "\n".join(f"_cell_length_{x} 10.156" for x in "abc")
    angles = "\n".join(f"_cell_angle_{x} 90" for x in ("alpha", "beta", "gamma"))
    columns = [f"_atom_site_fract_{x}" for x in "xyz"]
    columns = "\n".join(["_atom_site_label", "_atom_site_type_symbol", *columns, "_atom_site_occupancy"])
    cif = folder / "argyrodite.cif"
    cif.write_text(
        f"data_x\n{lengths}\n{angles}\nloop_\n_symmetry_equiv_pos_as_xyz\n{operations}\nloop_\n{columns}\n{ATOMS}\n"
    )
    return read_cif(cif)


@pytest.mark.skipif(not DATA.exists(), reason="needs the data beside the repository")
def test_populations_of_tetrahedra_are_the_published_ones(tmp_path):
    frames = list(identify(DATA).read(DATA))
    symbols = np.array(frames[0].symbols)
    unwrap = Unwrapper(frames[0].cell, wrapped=True)
    positions = np.array([unwrap(f.positions) for f in frames])
    still = symbols != "Li"
    mass = np.array([{"Cl": 35.45, "S": 32.06, "P": 30.97}[s] for s in symbols[still]])
    centre = np.einsum("fai,a->fi", positions[:, still], mass / mass.sum())
    run = Trajectory.from_arrays(
        positions[:, ~still], frame_interval_ps=0.1, cell=frames[0].cell, host_com=centre
    )
    host = analysis.Host(
        (positions[:, still] - centre[:, None]).mean(axis=0), symbols[still].tolist(), centre[0]
    )
    found = analysis.analyse(
        [run],
        [host],
        crystal=argyrodite(tmp_path),
        repeat=(2, 2, 2),
        charges=CHARGES,
        temperature_k=500.0,
        settings=analysis.Settings(),
    )
    sites = {s["label"]: s for s in collect(found)["sites"]}
    # 136 tetrahedra in a cell, of which phosphorus holds four
    assert sum(s["per_cell"] for s in sites.values()) == 132
    assert all(label.startswith("tet") for label in sites)
    shares = sorted((s["ions"]["value"] / run.n_ions for s in sites.values()), reverse=True)
    # one run of six, and the nearest site instead of the polyhedron
    assert np.allclose(shares[:3], PUBLISHED, atol=0.05)
    assert sum(shares[3:]) < 0.002

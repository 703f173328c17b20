"""From random CIFs to orderings: what must hold always holds, or a clear error is raised."""

from collections import Counter

import numpy as np
import pytest
from dlmd import structures
from dlmd.crystal import read_cif
from dlmd.errors import DlmdError
from dlmd.occupancy import apportion
from dlmd.ordering import METHODS, orderings

CHARGES = {"Li": 1, "Y": 3, "Cl": -1}
GROUPS = {
    "P 1": ["x,y,z"],
    "P -1": ["x,y,z", "-x,-y,-z"],
    "P 1 2/m 1": ["x,y,z", "-x,y,-z", "-x,-y,-z", "x,-y,z"],
    "C 1 2 1": ["x,y,z", "-x,y,-z", "x+1/2,y+1/2,z", "-x+1/2,y+1/2,-z"],
}
SPECIAL = [0.0, 0.5]


def random_cif(rng):
    """A CIF of one to three cation sites (partial, mixed, some of them split) and anions, neutral or not."""
    group = str(rng.choice(list(GROUPS)))
    beta = 90 if group in ("P 1", "P -1") else 100 + 10 * rng.random()
    rows, charge = [], 0.0
    for k in range(int(rng.integers(1, 4))):
        at = [rng.choice(SPECIAL) if rng.random() < 0.5 else round(rng.random(), 3) for _ in "xyz"]
        parts = np.round(rng.dirichlet(np.ones(3))[:2], 2)
        species = ["Li", "Y"] if rng.random() < 0.5 else ["Li"]
        rows += [(f"{s}{k}", s, *at, max(x, 0.05)) for s, x in zip(species, parts, strict=False)]
        charge += sum(CHARGES[s] * x for s, x in zip(species, parts, strict=False))
    anion = [0.25, 0.31, 0.27]
    rows.append(("Cl1", "Cl", *anion, round(min(max(charge, 0.1), 1.0), 2)))
    operations = "\n".join(f"'{x}'" for x in GROUPS[group])
    lines = "\n".join(" ".join(map(str, row)) for row in rows)
    a, b, c = 5 + 3 * rng.random(3)
    return (
        f"data_random\n_symmetry_space_group_name_H-M '{group}'\n_cell_length_a {a:.3f}\n_cell_length_b {b:.3f}\n"
        f"_cell_length_c {c:.3f}\n_cell_angle_alpha 90\n_cell_angle_beta {beta:.2f}\n_cell_angle_gamma 90\n"
        f"loop_\n_symmetry_equiv_pos_as_xyz\n{operations}\nloop_\n_atom_site_label\n_atom_site_type_symbol\n"
        "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n"
        f"{lines}\n"
    )


def attempt(seed, tmp_path):
    """One random CIF all the way; whether it came to orderings."""
    rng = np.random.default_rng([2024, seed])
    path = tmp_path / f"{seed}.cif"
    path.write_text(random_cif(rng))
    limit = float(rng.choice([0.5, 1.0, 1.5, 2.2]))
    try:
        crystal = read_cif(path)
        counts = apportion(crystal, repeat=tuple(rng.integers(1, 4, 3)), charges=CHARGES, tolerance=0.2)
        found = orderings(
            crystal, counts, n=1, seed=seed, method=METHODS[seed % len(METHODS)], min_distance=limit
        )
    except DlmdError as error:
        assert error.what and error.remedy and len(str(error).splitlines()) <= 3
        return False
    (atoms,) = found
    symbols = atoms.get_chemical_symbols()
    assert sum(CHARGES[s] for s in symbols) == 0
    assert Counter(zip(atoms.arrays["site"].tolist(), symbols, strict=True)) == {
        (site, species): n for site, row in counts.counts.items() for species, n in row.items() if n
    }
    assert counts.largest_error <= 0.2 + 1e-6
    assert all(d is None or d >= limit for d in structures.shortest_distances(atoms).values())
    return True


@pytest.mark.parametrize("batch", range(2))
def test_composition_charge_and_distances_hold_or_an_error_says_why(batch, tmp_path):
    outcomes = [attempt(seed, tmp_path) for seed in range(20 * batch, 20 * batch + 20)]
    assert any(outcomes), "all random crystals were refused: nothing was tested"

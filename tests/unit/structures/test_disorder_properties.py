"""From random CIFs to orderings: what must hold always holds, or one clear error is raised."""

from collections import Counter
from math import prod

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlmd.base.errors import DlmdError
from dlmd.structures import cells
from dlmd.structures.crystal import read_cif
from dlmd.structures.occupancy import apportion
from dlmd.structures.ordering import METHODS, orderings

EXAMPLES = 100
CHARGES = {"Li": 1, "Y": 3, "O": -2}
INVERSION = ["x,y,z", "-x,-y,-z"]
GROUPS = {  # symbol: (operations, beta, gamma)
    "P 1": (["x,y,z"], 83, 97),
    "P -1": (INVERSION, 95, 102),
    "P 1 2/m 1": ([*INVERSION, "-x,y,-z", "x,-y,z"], 110, 90),
    "C 1 2 1": (["x,y,z", "-x,y,-z", "x+1/2,y+1/2,z", "-x+1/2,y+1/2,-z"], 104, 90),
    "P -3": ([*INVERSION, "-y,x-y,z", "y,-x+y,-z", "-x+y,-x,z", "x-y,x,-z"], 90, 120),
}
# 0, 1/2 and multiples of 1/6 are special positions in some of these groups
coordinates = st.sampled_from(
    ["0", "0.5", "0.33333", "0.66667", "0.16667", "0.83333", "0.11", "0.42", "0.74"]
)
places = st.tuples(coordinates, coordinates, coordinates)
anions = st.sampled_from([("0.25", "0.31", "0.27"), ("0.24", "0.76", "0.24"), ("0.5", "0.5", "0.25")])
occupancies = st.sampled_from([1 / 4, 1 / 2, 3 / 4, 1])


@st.composite
def cifs(draw):
    """One to three cation sites (full, partial, mixed, split; now and then overfull or overlapping) and an anion."""
    group = draw(st.sampled_from(list(GROUPS)))
    operations, beta, gamma = GROUPS[group]
    rows = []
    for k in range(draw(st.integers(1, 3))):
        at = draw(places)
        rows.append((f"M{k}", draw(st.sampled_from(["Li", "Y"])), *at, draw(occupancies)))
        match draw(st.sampled_from(["single", "single", "mixed", "split"])):
            case "mixed":
                rows.append((f"N{k}", "Y" if rows[-1][1] == "Li" else "Li", *at, draw(occupancies) / 2))
            case "split":
                rows.append(
                    (f"N{k}", rows[-1][1], *at[:2], f"{float(at[2]) + 0.06:.2f}", draw(occupancies) / 2)
                )
    rows.append(("X", "O", *draw(anions), 1))
    a, c = draw(st.sampled_from([5.1, 6.4, 8.3])), draw(st.sampled_from([4.7, 7.2]))
    cell = (a, a if gamma == 120 else 6.7, c, 90, beta, gamma)
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    return "\n".join(
        [
            "data_random",
            f"_symmetry_space_group_name_H-M '{group}'",
            *(f"_cell_{tag} {x}" for tag, x in zip(tags, cell, strict=True)),
            "loop_\n_symmetry_equiv_pos_as_xyz",
            *(f"'{operation}'" for operation in operations),
            "loop_",
            *(f"_atom_site_{column}" for column in columns),
            *(" ".join(map(str, row)) for row in rows),
            "",
        ]
    )


requests = st.fixed_dictionaries(
    {
        "repeat": st.sampled_from([(1, 1, 1), (2, 2, 2), (2, 2, 2), (1, 2, 4)]),
        "tolerance": st.sampled_from([5e-4, 0.15, 0.3]),
        "balanced": st.sampled_from([True, True, True, False]),
        "n": st.integers(1, 2),
        "seed": st.integers(0, 2**31 - 1),
        "method": st.sampled_from(METHODS),
        "min_distance_angstrom": st.sampled_from([0.5, 1.0, 1.5, 2.2]),
    }
)


def neutral(crystal):
    """Overrides that make the cell neutral: the anion's occupancy, all cations' first lowered if it would exceed 1."""
    cations = [site for site in crystal.sites if "X" not in site.labels]
    charge = sum(site.multiplicity * CHARGES[s] * x for site in cations for s, x in site.occupancy.items())
    anions = -charge / CHARGES["O"] / crystal.site("X").multiplicity
    fewer = np.ceil(anions)
    lowered = {site.labels[0]: {s: x / fewer for s, x in site.occupancy.items()} for site in cations}
    return {**(lowered if fewer > 1 else {}), "X": anions / fewer}


def check(atoms, crystal, counts, asked):
    """Everything that must hold for an ordering."""
    repeat, symbols, labels = asked["repeat"], atoms.get_chemical_symbols(), atoms.arrays["site"].tolist()
    assert sum(CHARGES[s] for s in symbols) == 0
    placed = Counter(zip(labels, symbols, strict=True))
    assert placed == {
        (site, species): n for site, row in counts.counts.items() for species, n in row.items() if n
    }
    for site, row in counts.requested.items():
        positions = crystal.site(site).multiplicity * prod(repeat)
        for species, x in row.items():
            assert abs(placed[site, species] / positions - x) <= asked["tolerance"] + 1e-6
    # on the positions of its own site, no two on one, and none too near another
    fractional = atoms.get_scaled_positions() * repeat
    for label, at in zip(labels, fractional, strict=True):
        shift = crystal.site(label).positions - at
        assert np.abs(shift - np.round(shift)).max(axis=1).min() < 1e-6
    for pair, d in cells.shortest_distances(atoms, cutoff_angstrom=3.0).items():
        a, b = (counts.species.index(s) + 1 for s in pair.split("-"))
        assert d is None or d >= counts.limits[a, b] - 6e-5  # d has four digits


def test_composition_charge_occupancies_and_distances_hold_or_an_error_says_why(tmp_path):
    outcomes = Counter()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=HealthCheck,
    )
    @given(text=cifs(), asked=requests)
    def attempt(text, asked):
        path = tmp_path / "random.cif"
        path.write_text(text)
        try:
            crystal = read_cif(path)
            override = neutral(crystal) if asked["balanced"] else {}
            counts = apportion(
                crystal,
                repeat=asked["repeat"],
                occupancies=override,
                charges=CHARGES,
                tolerance=asked["tolerance"],
                min_distance_angstrom=asked["min_distance_angstrom"],
            )
            made = orderings(crystal, counts, **{k: asked[k] for k in ("n", "seed", "method")})
        except DlmdError as error:
            assert error.what and error.remedy and len(str(error).splitlines()) <= 3
            outcomes[(error.where or "").replace(str(path), "CIF").split(":")[0]] += 1
            return
        assert len(made) == asked["n"]
        for atoms in made:
            check(atoms, crystal, counts, asked)
        outcomes["made"] += 1

    attempt()
    assert outcomes["made"] >= EXAMPLES // 10, outcomes
    assert set(outcomes) >= {"CIF", "occupancies"}, f"a kind of refusal was never met: {outcomes}"

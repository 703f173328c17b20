"""Eight families of conductors from CIFs written from published facts: what cells come out, and how long 20,000 atoms take.

python benchmarks/structures/families.py            small cells
python benchmarks/structures/families.py --large    cells of about 20,000 atoms as well
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/support")]

from conductors import CONDUCTORS, write  # noqa: E402
from dlmd.structures import cells  # noqa: E402
from dlmd.structures.apportioning import isotropic_shape  # noqa: E402
from dlmd.structures.crystal import read_cif  # noqa: E402
from dlmd.structures.occupancy import apportion, nearest  # noqa: E402
from dlmd.structures.ordering import orderings  # noqa: E402

FAMILIES = {
    "argyrodite": "argyrodite",
    "LGPS": "lgps",
    "garnet": "garnet",
    "NASICON": "nasicon",
    "LISICON": "lisicon",
    "halide": None,  # the shipped Li3YBr6
    "beta-alumina": "beta_alumina",
    "oxide-ion fluorite": "ysz",
}
SMALL, LARGE = 200, 20_000


def crystal_of(family: str, folder: Path):
    """The crystal, its charges and its mobile ion."""
    name = FAMILIES[family]
    if name is None:
        return read_cif(ROOT / "structures/Li3YBr6.cif"), {"Li": 1, "Y": 3, "Br": -1}, "Li"
    known = CONDUCTORS[name]
    return read_cif(write(folder, name)), known.charges, known.mobile


def row(family: str, atoms_wanted: int, folder: Path) -> str:
    """One line of the table: counts that the cell can have, and its first random ordering."""
    crystal, charges, mobile = crystal_of(family, folder)
    n_cells = max(1, round(atoms_wanted / sum(crystal.composition.values())))
    repeat = isotropic_shape(n_cells, crystal.cell_parameters[:3])
    start = time.process_time()
    counts = nearest(crystal, repeat=repeat, charges=charges, mobile=mobile)
    counts = apportion(crystal, repeat=repeat, charges=charges, occupancies=counts.occupancies)
    (atoms,) = orderings(crystal, counts, n=1, seed=1)
    seconds = time.process_time() - start
    asked = crystal.composition
    changed = [
        f"{s} {n / n_cells:.3g} for {asked[s]:.3g}"
        for s, n in counts.composition.items()
        if abs(n / n_cells - asked[s]) > 0.002 * asked[s]
    ]
    shortest = {pair: d for pair, d in cells.shortest_distances(atoms).items() if d is not None}
    own = shortest.get(f"{mobile}-{mobile}", float("nan"))
    pair = min(shortest, key=lambda p: shortest[p])
    size = "x".join(map(str, repeat))
    return (
        f"| {family} | {size} | {len(atoms):,} | {atoms.get_chemical_formula()} | {counts.charge:g} | "
        f"{', '.join(changed) or 'as refined'} | {own:.2f} | {pair} {shortest[pair]:.2f} | {seconds:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", action="store_true", help=f"cells of about {LARGE:,} atoms as well")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        "| family | cells | atoms | made | charge (e) | per cell | mobile-mobile (Å) | shortest (Å) | CPU (s) |"
    )
    print("| --- | --- | ---: | --- | ---: | --- | ---: | --- | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for size in (SMALL, LARGE) if args.large else (SMALL,):
            for family in FAMILIES:
                print(row(family, size, Path(folder)), flush=True)


if __name__ == "__main__":
    main()

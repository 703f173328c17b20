"""Production orderings in equilibrium at a synthesis temperature: swap Monte Carlo with the trained potential.

The energy of an ordering is that of its atoms after a fixed number of minimisation steps from the ideal positions, in the cell of
the labels: a function of the ordering alone, as the Metropolis rule needs it. Entropies of vibration are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import whole, write_json
from dlmd.structures import distances, molecules, swap_mc
from dlmd.structures.supercell import Supercell

if TYPE_CHECKING:
    from ase import Atoms

    from dlmd.structures.occupancy import Apportionment

VERSION = 1  # of sampling
LARGEST_STEP_A = 0.1
PACKAGES = ("dlmd", "deepmd-kit", "ase", "tensorflow-cpu", "tensorflow")


def sample(
    cif: str,
    relaxed: Sequence[str],
    model: str,
    *,
    ordering: str,
    record: str,
    figures: Sequence[str],
    level: str,
    replica: int,
    repeat: Sequence[int],
    lattice_repeat: Sequence[int],
    occupancies: Mapping[str, Any],
    charges: Mapping[str, float],
    mobile: str,
    min_distance_angstrom: float | Mapping[str, float],
    tolerance: float,
    settings: Mapping[str, Any],
    seed: int,
) -> None:
    """Sample an ordering of the production cell, and write it on ideal positions with the record of its chain.

    `settings` has temperature_k, sweeps and relax_steps; `relaxed` are cells that give the lattice.

    Raises
    ------
    DlmdError
        for a chain that has not settled.
    """
    from dlmd.base.provenance import file_sha256, versions
    from dlmd.md.jobs import mean_unit_cell
    from dlmd.structures.occupancy import of_cif
    from dlmd.structures.ordering import build

    counts = of_cif(
        cif,
        repeat=repeat,
        occupancies=occupancies,
        charges=charges,
        tolerance=tolerance,
        min_distance_angstrom=min_distance_angstrom,
    )
    unit_cell = list(mean_unit_cell(relaxed, repeat=lattice_repeat).values())
    sampler, begin = _sampler(
        counts,
        unit_cell,
        model,
        mobile=mobile,
        settings=settings,
    )
    # more sweeps go on where fewer have ended
    fixed = {key: value for key, value in settings.items() if key != "sweeps"}
    mark = json.dumps([file_sha256(model), fixed, seed, unit_cell], default=float)
    state = Path(record).with_suffix(".chain")
    chain = load(state, mark) or begin(np.random.default_rng(seed))
    sampler.run(chain, settings["sweeps"], after_sweep=lambda c: _after(c, state, mark, settings["sweeps"]))
    found = {**settings, **swap_mc.summary(chain, counts.crystal, counts.species, refined=counts.requested)}
    _refuse_unsettled(found, record)
    atoms = build(Supercell(counts.crystal, counts.repeat), counts, chain.content)
    atoms.info.update(ordering=replica, method="swap_mc", seed=seed)
    identity = {"level": level, "potential_sha256": file_sha256(model), "versions": versions(PACKAGES)}
    _write(atoms, {**found, "energies_ev": chain.energies_ev, **identity}, ordering, record)
    draw(found, chain.energies_ev, n_atoms=len(atoms), figures=figures)
    state.unlink(missing_ok=True)


def _sampler(
    counts: Apportionment,
    unit_cell: Sequence[float],
    model: str,
    *,
    mobile: str,
    settings: Mapping[str, Any],
) -> tuple[swap_mc.SwapMonteCarlo, Callable[[np.random.Generator], swap_mc.Chain]]:
    """The sampler of a supercell's orderings with a potential, and how a chain begins: at random."""
    from deepmd.calculator import DP

    from dlmd.structures.cells import scale_to_cell
    from dlmd.structures.ordering import build, random_content

    supercell = Supercell(counts.crystal, counts.repeat)
    groups = molecules.of_crystal(counts.crystal, counts.realised, counts.charges)
    exclusions = distances.Exclusions(supercell, counts.limits, species=counts.species, groups=groups)

    def atoms_of(content: np.ndarray) -> Atoms:
        return scale_to_cell(build(supercell, counts, content), repeat=counts.repeat, unit_cell=unit_cell)

    sampler = swap_mc.SwapMonteCarlo(
        swap_mc.Moves.of(supercell, counts.species, counts.requested, mobile=mobile),
        relaxed_energy(atoms_of, DP(str(Path(model).resolve())), steps=settings["relax_steps"]),
        exclusions=exclusions,
        species=counts.species,
        temperature_k=settings["temperature_k"],
    )

    def begin(rng: np.random.Generator) -> swap_mc.Chain:
        return sampler.begin(random_content(supercell, counts, exclusions, rng), rng)

    return sampler, begin


def relaxed_energy(
    atoms_of: Callable[[np.ndarray], Atoms], calculator: Any, *, steps: int
) -> Callable[[np.ndarray], float]:
    """Energy (eV) of a content (positions,) after `steps` of minimisation from the ideal positions; always the same number."""
    from ase.optimize import FIRE

    def energy(content: np.ndarray) -> float:
        atoms = atoms_of(content)
        atoms.calc = calculator
        if steps:
            FIRE(atoms, logfile=None, maxstep=LARGEST_STEP_A).run(fmax=0.0, steps=steps)
        return float(atoms.get_potential_energy())

    return energy


def _after(chain: swap_mc.Chain, state: Path, mark: str, sweeps: int) -> None:
    save(chain, state, mark)
    print(f"sweep {chain.sweeps} of {sweeps}: {chain.energies_ev[-1]:.3f} eV", file=sys.stderr, flush=True)


def save(chain: swap_mc.Chain, path: Path, mark: str) -> None:
    """Keep a chain, so that a killed job goes on where it was; `mark` is what it belongs to."""
    rest = {
        "mark": mark,
        "energy_ev": chain.energy_ev,
        "energies_ev": chain.energies_ev,
        "tried": chain.tried,
        "accepted": chain.accepted,
        "generator": chain.rng.bit_generator.state,
    }
    with whole(path) as part, part.open("wb") as out:
        np.savez(out, content=chain.content, filled=np.array(chain.filled), rest=np.array(json.dumps(rest)))


def load(path: Path, mark: str) -> swap_mc.Chain | None:
    """A chain that was kept; None where there is none, or it belongs to something else."""
    if not path.exists():
        return None
    with np.load(path) as saved:
        rest = json.loads(str(saved["rest"]))
        if rest["mark"] != mark:
            return None
        rng = np.random.default_rng()
        rng.bit_generator.state = rest["generator"]
        return swap_mc.Chain(
            saved["content"].copy(),
            rest["energy_ev"],
            rng,
            list(rest["energies_ev"]),
            list(saved["filled"]),
            rest["tried"],
            rest["accepted"],
        )


def _refuse_unsettled(found: Mapping[str, Any], record: str) -> None:
    """A chain whose energy still falls is no equilibrium; its state stays, so that a longer one goes on from it."""
    if found["settled"]:
        return
    drift = f"{found['drift_ev']:+.3g} eV (± {found['drift_standard_error_ev']:.2g})"
    swaps = sum(found["accepted"].values())
    raise DlmdError(
        f"the orderings are not in equilibrium after {found['sweeps']} sweeps: {swaps} swaps, energy still changes by {drift}",
        where=record,
        remedy=f"raise structures.swap_mc.sweeps, for instance to {2 * found['sweeps']}",
    )


def _write(atoms: Atoms, data: Mapping[str, Any], ordering: str, record: str) -> None:
    import ase.io

    with whole(ordering) as part:
        ase.io.write(part, atoms, format="extxyz")
    write_json(Path(record), data)


def draw(
    found: Mapping[str, Any], energies_ev: Sequence[float], *, n_atoms: int, figures: Sequence[str]
) -> None:
    """Energy against sweeps, and occupancies beside the refined ones."""
    from dlmd.base import plot_style as style

    fig, axes = style.figure(1, 2, width=8.4, height=3.4)
    left, right = axes[0]
    energies = 1e3 * np.array(energies_ev) / n_atoms
    left.plot(np.arange(1, len(energies) + 1), energies - energies[-1], color=style.BLUE, lw=1)
    left.axvline(len(energies) - found["sweeps_counted"] + 0.5, color="0.6", lw=1)
    left.set(xlabel="sweep", ylabel="energy − last (meV/atom)")
    rows = found["occupancies"]
    names = [f"{row['species']} on {row['site']}" for row in rows]
    x = np.arange(len(rows))
    right.errorbar(
        x,
        [row["mean_occupancy"] for row in rows],
        yerr=[2 * row["standard_error"] for row in rows],
        fmt="o",
        color=style.BLUE,
        label=f"swaps, {found['temperature_k']:g} K",
    )
    right.plot(x, [row["refined_occupancy"] for row in rows], "_", color="0.3", ms=14, label="asked for")
    right.set(ylabel="occupancy", ylim=(-0.02, 1.02))
    right.set_xticks(x, names, rotation=45, ha="right")
    right.legend()
    style.save(fig, figures)

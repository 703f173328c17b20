"""Keys that the config once had, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# key -> what to do about it; <engine> in a level's key is the level's engine
REMOVED = {
    "training.type_one_side": "remove it: descriptors have one embedding network per neighbour species "
    "(TYPE_ONE_SIDE in dlmd/training/input.py)",
    "learning.settled_share": "remove it: the share is 2 % (SETTLED_SHARE in dlmd/learning/selection.py)",
    "learning.settled_change": "remove it: the change is 5 % (SETTLED_CHANGE in dlmd/learning/selection.py)",
    "mechanism.concerted_window_ps": "remove it: the time is 0.5 ps (CONCERTED_WINDOW_PS in dlmd/mechanism/analysis.py)",
    "mechanism.fewest_hops": "remove it: the number is 10 (FEWEST_HOPS in dlmd/mechanism/analysis.py)",
    "levels.<vasp>.relax.nelm": "write it as VASP does, in relax: incar: {NELM: 300}",
    "levels.<vasp>.relax.algo": "write it as VASP does, in relax: incar: {ALGO: Fast}",
    "levels.<vasp>.relax.precision": "write it as VASP does, in relax: incar: {PREC: Accurate}",
    "levels.<vasp>.relax.lreal": "write it as VASP does, in relax: incar: {LREAL: false}",
    "levels.<vasp>.relax.potim": "write it as VASP does, in relax: incar: {POTIM: 0.3}",
    "levels.<vasp>.aimd.nelm": "write it as VASP does, in aimd: incar: {NELM: 300}",
    "levels.<vasp>.aimd.algo": "write it as VASP does, in aimd: incar: {ALGO: Fast}",
    "levels.<vasp>.aimd.precision": "write it as VASP does, in aimd: incar: {PREC: Normal}",
    "levels.<vasp>.aimd.lreal": "write it as VASP does, in aimd: incar: {LREAL: false}",
    "levels.<vasp>.aimd.thermostat_mass": "write it as VASP does, in aimd: incar: {SMASS: 0}",
    "levels.<vasp>.relax.fmax_ev_per_a": "write fmax_ev_per_angstrom",
    "levels.<vasp>.relax.kpoints.spacing_per_a": "write spacing_per_angstrom",
    "levels.<vasp>.aimd.kpoints.spacing_per_a": "write spacing_per_angstrom",
    "levels.<gpaw>.kpoint_density_a": "write kpoint_density_angstrom",
    "levels.<espresso>.kpoint_density_a": "write kpoint_density_angstrom",
    "levels.<gpaw>.convergence": "write it as GPAW does: keywords: {convergence: {density: 1e-4}, maxiter: 200}",
    "levels.<espresso>.max_iterations": "write it as pw.x does: input_data: {electrons: {electron_maxstep: 200}}",
    "levels.<espresso>.mixing_beta": "write it as pw.x does: input_data: {electrons: {mixing_beta: 0.3}}",
    "levels.<cp2k>.max_iterations": "write it as CP2K does: input: {FORCE_EVAL: {DFT: {SCF: {MAX_SCF: 200}}}}",
    "levels.<cp2k>.mixing_alpha": "write it as CP2K does: input: {FORCE_EVAL: {DFT: {SCF: {MIXING: {ALPHA: 0.2}}}}}",
    "levels.<cp2k>.added_states": "write it as CP2K does: input: {FORCE_EVAL: {DFT: {SCF: {ADDED_MOS: 20}}}}",
}


def removed(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, what became of it) of every removed key in what a config file holds."""
    for key, remedy in REMOVED.items():
        first, *rest = key.split(".")
        if first != "levels":
            if _holds(data, (first, *rest)):
                yield (first, *rest), remedy
            continue
        levels = data.get("levels")
        for name, level in levels.items() if isinstance(levels, Mapping) else ():
            own = isinstance(level, Mapping) and f"<{level.get('engine')}>" == rest[0]
            if own and _holds(level, rest[1:]):
                yield ("levels", str(name), *rest[1:]), remedy


def _holds(data: Any, path: tuple[str, ...] | list[str]) -> bool:
    for part in path:
        if not isinstance(data, Mapping) or part not in data:
            return False
        data = data[part]
    return True

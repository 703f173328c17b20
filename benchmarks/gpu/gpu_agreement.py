"""Whether a GPU computes the same energies, forces and virials as a CPU: one frame, two processes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from gpu_dynamics import watched
from gpu_models import Variant

# what float32 and float64 networks may differ by: energies (meV per atom), forces (meV/Å)
BOUNDS = {"float32": (0.01, 1.0), "float64": (1e-6, 1e-4)}


def evaluate(
    variant: Variant, frame: Path, out: Path, *, device: str, timeout_s: float
) -> dict[str, np.ndarray]:
    """Energy (eV), forces (eV/Å) and virial (eV) of a frame, by a process of its own.

    Raises
    ------
    Failed
        where it fails.
    """
    watched(
        [sys.executable, __file__, str(variant.path), str(frame), str(out)],
        cwd=frame.parent,
        device=device,
        timeout_s=timeout_s,
    )
    with np.load(out) as saved:
        return dict(saved)


def differences(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, float]:
    """How far two evaluations of the same frame are apart."""
    n = len(one["forces"])
    forces = np.abs(one["forces"] - other["forces"])
    return {
        "atoms": n,
        "energy_mev_per_atom": float(1e3 * abs(one["energy"] - other["energy"]) / n),
        "force_max_mev_per_a": float(1e3 * forces.max()),
        "force_rms_mev_per_a": float(1e3 * np.sqrt(np.mean(forces**2))),
        "virial_mev_per_atom": float(1e3 * np.abs(one["virial"] - other["virial"]).max() / n),
        "rms_force_mev_per_a": float(1e3 * np.sqrt(np.mean(other["forces"] ** 2))),
    }


def agrees(found: dict[str, float], precision: str) -> bool:
    """Whether both differences lie within the bounds of the precision."""
    energy, force = BOUNDS[precision]
    return found["energy_mev_per_atom"] <= energy and found["force_max_mev_per_a"] <= force


def _main() -> None:
    """Evaluate: model, frame, out."""
    import ase.io
    from deepmd.infer import DeepPot

    model, frame, out = sys.argv[1:]
    atoms = ase.io.read(frame)
    potential = DeepPot(model)
    names = potential.get_type_map()
    types = [names.index(symbol) for symbol in atoms.get_chemical_symbols()]
    energy, forces, virial = potential.eval(atoms.positions[None], atoms.cell.array[None], types)[:3]
    np.savez(
        out, energy=float(np.ravel(energy)[0]), forces=np.asarray(forces)[0], virial=np.asarray(virial)[0]
    )


if __name__ == "__main__":
    _main()

"""NVT of a potential, and D_self of Li in it: what `run.py` explores and judges with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SPECIES = ["Li", "Ti", "Cl"]
STEP_FS = 2.0
LAGS_PS, LAG_STRIDE_PS = (1.0, 3.0), 0.1
BLOCKS = 10


def relaxed(run: Path, cell: str):
    """A relaxed cell of the run's level chgnet."""
    import ase.io

    return ase.io.read(run / f"labels/chgnet/relax/0.750/{cell}/relaxed.extxyz")


def moved(
    atoms,
    place: Path,
    model: Path,
    *,
    kelvin: float,
    ps: float,
    stride_ps: float,
    discard_ps: float,
    seed: int,
):
    """NVT with a potential, by the project's exploration."""
    from dlmd.learning import exploration
    from dlmd.md.inputs import deepmd_dynamics
    from dlmd.process import programs

    kept = place / "explored.npz"
    if kept.exists():
        return exploration.Explored.load(kept)
    place.mkdir(parents=True, exist_ok=True)
    found = exploration.explore(
        atoms,
        place,
        dynamics=deepmd_dynamics(
            model,
            {"species": SPECIES, "mobile": "Li", "time_step_fs": STEP_FS, "damping_fs": 100.0},
            temperature_k=kelvin,
        ),
        steps=round(ps * 1000 / STEP_FS),
        stride=round(stride_ps * 1000 / STEP_FS),
        discard_ps=discard_ps,
        seed=seed,
        lmp=programs.command("lmp", None),
        threads=1,
        log=place / "run.log",
    )
    found.save(kept)
    return found


def dynamics(
    run: Path, out: Path, model: Path, *, name: str, labels: int | None, kelvin: float, ps: float
) -> None:
    """D_self of Li with a potential, in the cell of the labels."""
    found = moved(
        relaxed(run, "80/0"),
        out / "dynamics" / f"{name}_{kelvin:g}",
        model,
        kelvin=kelvin,
        ps=ps,
        stride_ps=LAG_STRIDE_PS,
        discard_ps=5.0,
        seed=round(kelvin) + (labels or 0),
    )
    symbols = np.array(found.symbols)
    positions = found.positions - found.positions[:, symbols != "Li"].mean(axis=1, keepdims=True)
    lags = [round(lag / LAG_STRIDE_PS) for lag in LAGS_PS]
    blocks = np.array_split(positions[:, symbols == "Li"], BLOCKS)

    def slope(parts) -> float:
        msd = [
            np.mean(np.concatenate([((b[k:] - b[:-k]) ** 2).sum(-1).ravel() for b in parts])) for k in lags
        ]
        return (msd[1] - msd[0]) / (6 * (LAGS_PS[1] - LAGS_PS[0]))

    left_out = [np.log(slope(blocks[:i] + blocks[i + 1 :])) for i in range(BLOCKS)]
    error = np.sqrt((BLOCKS - 1) * np.var(left_out))
    record = {
        "of": name,
        "labels": labels,
        "temperature_k": kelvin,
        "ps": LAG_STRIDE_PS * len(positions),
        "ended": found.ended,
        "d_self_a2_per_ps": slope(blocks),
        "ln_error": float(error),
    }
    (out / "dynamics" / f"{name}_{kelvin:g}.json").write_text(json.dumps(record, indent=1) + "\n")
    print(record)

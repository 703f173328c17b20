"""Single points of Li3TiCl6 with PBE+U (GPAW): hot, strained frames of several orderings in a queue, then a label for each.

    python make_labels.py explore --repo REPO --folder WORK     # orderings, a rough potential of CHGNet, long NVT, the queue
    python make_labels.py label   --repo REPO --folder WORK     # labels in the queue's order, until stopped; resumable
    python make_labels.py gather  --repo REPO --folder WORK     # what there is as one extxyz, and its numbers as JSON

REPO is a checkout of DLMD, installed together with GPAW; WORK holds queue.extxyz, labels/ (one file per frame) and scratch.
`label` may be killed at any time and started again: a frame's file appears only when it is whole. Frames of the file beside this
script are not labelled again.
exploring.py says how frames are found.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from exploring import ROUNDS, SPECIES, explore, write

GPA_PER_EV_PER_A3 = 160.21766
LEVEL = "u4"
LABELS = Path(__file__).with_name("li3ticl6-u4-gpaw.extxyz")
ENGINE = {
    "engine": "gpaw",
    "hubbard_u_ev": {"Ti": 4.0},
    "magmom": {"Ti": 1.0},
    "moment_range": {"Ti": [0.5, 1.5]},
    "ecut_ev": 400.0,
    "kpoint_mesh": [1, 1, 1],
    "keywords": {
        "convergence": {"density": 1e-4, "eigenstates": 3e-5},
        "maxiter": 150,
        # 116 are filled (four Ti, all spins up); the default of 144 costs a tenth more
        "nbands": 122,
    },
}


def label(folder: Path, *, hours: float | None) -> None:
    """Label the queue in its order, one file per frame, each from scratch; without those that `LABELS` has.

    No frame is begun that would end after `hours`.
    """
    import ase.io

    from dlmd.labels import engines

    engine = engines.get(ENGINE)
    (folder / "labels").mkdir(exist_ok=True)
    known = {atoms.info["step"] for atoms in labelled_before()}
    end = time.time() + 3600 * hours if hours else np.inf
    longest = 0.0
    for number, atoms in enumerate(ase.io.read(folder / "queue.extxyz", ":")):
        if number in known or label_file(folder, number).exists():
            continue
        if time.time() + longest > end:
            print("the time is up", flush=True)
            return
        longest = max(longest, label_one(folder, number, atoms, engine))


def labelled_before() -> list:
    """Frames of the file beside this script."""
    import ase.io

    return ase.io.read(LABELS, ":") if LABELS.exists() else []


def label_file(folder: Path, number: int) -> Path:
    return folder / "labels" / f"{number:04d}.extxyz"


def label_one(folder: Path, number: int, atoms, engine) -> float:
    """Write the label of one frame, or that it has none; the seconds it took."""
    from dlmd.labels.engines import Unconverged
    from dlmd.labels.single_points import label_info, write_label

    begin, cpu = time.time(), time.process_time()
    # from scratch, so that a label does not depend on what was labelled before it
    calculator = engine.calculator()
    own = {key: atoms.info[key] for key in ("seed", "strain_abc", "split")}
    info = label_info(atoms, number=number, level=LEVEL, theory=engine.level) | own
    results = None
    try:
        calculator.calculate(atoms, ["energy", "forces", "stress"])
        results = calculator.results
    except Unconverged as error:
        print(f"frame {number} has no label: {error}", flush=True)
    seconds = time.time() - begin
    info |= {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "iterations": int(calculator.dft.get_number_of_iterations()) if results else -1,
        "gap_ev": gap(calculator.dft) if results else -1.0,
    }
    write_label(label_file(folder, number), atoms, info, results)
    moments = [round(float(m), 2) for m in results["magmoms"] if abs(m) > 0.2] if results else None
    cost = f"{info['cpu_seconds']:.0f} CPU s, {info['iterations']} iterations"
    print(f"frame {number}: {seconds:.0f} s, {cost}, moments {moments}", flush=True)
    return seconds


def gap(dft) -> float:
    """Between the highest occupied and the lowest empty state of any spin, eV."""
    top, bottom = dft.get_homo_lumo()
    return round(float(bottom - top), 3)


def gather(folder: Path, target: Path) -> None:
    """All converged labels as one extxyz in `target`, and counts, costs and CHGNet's errors on them as JSON."""
    import ase.io

    from dlmd.labels import engines

    files = sorted((folder / "labels").glob("*.extxyz"))
    frames = [*labelled_before(), *(ase.io.read(path) for path in files)]
    frames = sorted({atoms.info["step"]: atoms for atoms in frames}.values(), key=lambda a: a.info["step"])
    good = [atoms for atoms in frames if atoms.info["converged"]]
    write(target / LABELS.name, good)

    stored = folder / "chgnet.json"
    known = json.loads(stored.read_text()) if stored.exists() else {}
    calculator = engines.get({"engine": "chgnet"}).calculator()
    for atoms in good:
        if str(atoms.info["step"]) not in known:
            calculator.calculate(atoms.copy(), ["energy", "forces", "stress"])
            known[str(atoms.info["step"])] = {
                "energy": float(calculator.results["energy"]),
                "forces": calculator.results["forces"].tolist(),
                "stress": calculator.results["stress"].tolist(),
            }
    stored.write_text(json.dumps(known))
    seconds = np.array([atoms.info["seconds"] for atoms in frames])
    numbers = {
        "queue": len(ase.io.read(folder / "queue.extxyz", ":")),
        "labelled": len(frames),
        "converged": len(good),
        "train": sum(atoms.info["split"] == "train" for atoms in good),
        "test": sum(atoms.info["split"] == "test" for atoms in good),
        "moments_in_range": sum(bool(atoms.info["moments_in_range"]) for atoms in good),
        "seconds_median": float(np.median(seconds)),
        "seconds_largest": float(seconds.max()),
        "iterations_median": float(np.median([atoms.info["iterations"] for atoms in good])),
        "gap_ev_smallest": float(min(atoms.info["gap_ev"] for atoms in good)),
        "chgnet": compared(good, [known[str(atoms.info["step"])] for atoms in good]),
    }
    (target / "numbers.json").write_text(json.dumps(numbers, indent=1) + "\n")
    print(json.dumps(numbers, indent=1))


def compared(frames: list, other: list[dict]) -> dict:
    """Slope (least squares through 0), RMSE and RMS of the forces of `other` against the labels', by element, and energies."""
    symbols = np.concatenate([atoms.get_chemical_symbols() for atoms in frames])
    ours = np.concatenate([atoms.get_forces() for atoms in frames])
    theirs = np.concatenate([np.array(o["forces"]) for o in other])

    def row(mask):
        a, b = ours[mask].ravel(), theirs[mask].ravel()
        return {
            "slope": round(float(a @ b / (a @ a)), 4),
            "rmse_mev_per_a": round(float(1e3 * np.sqrt(np.mean((a - b) ** 2))), 1),
            "rms_dft_mev_per_a": round(float(1e3 * np.sqrt(np.mean(a**2))), 1),
            "correlation": round(float(np.corrcoef(a, b)[0, 1]), 4),
        }

    found = {"all": row(np.ones(len(symbols), bool))} | {s: row(symbols == s) for s in SPECIES}
    energy = np.array(
        [
            [a.get_potential_energy() / len(a), o["energy"] / len(a)]
            for a, o in zip(frames, other, strict=True)
        ]
    ).T
    stress = np.array(
        [[a.get_stress()[:3].mean(), np.mean(o["stress"][:3])] for a, o in zip(frames, other, strict=True)]
    )
    pressure = -stress.mean(axis=0) * GPA_PER_EV_PER_A3
    centred = energy - energy.mean(axis=1, keepdims=True)
    found["pressure_gpa"] = {"mean_dft": round(pressure[0], 3), "mean_chgnet": round(pressure[1], 3)}
    found["energy"] = {
        "slope": round(float(centred[0] @ centred[1] / (centred[0] @ centred[0])), 4),
        "rmse_without_the_mean_mev_per_atom": round(float(1e3 * (centred[0] - centred[1]).std()), 2),
        "standard_deviation_dft_mev_per_atom": round(float(1e3 * centred[0].std()), 2),
    }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=("explore", "label", "gather"))
    parser.add_argument("--repo", type=Path, required=True, help="checkout of DLMD")
    parser.add_argument("--folder", type=Path, required=True, help="folder of queue and labels")
    parser.add_argument("--target", type=Path, help="where gather writes; default: the folder")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="explore: rounds of frames that the queue is to have"
    )
    parser.add_argument(
        "--model",
        type=Path,
        help="explore: this potential (.pb) instead of a rough one; the queue's frames stay, and rounds that it lacks are added",
    )
    parser.add_argument("--hours", type=float, help="label: start no frame that would end later than this")
    given = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if given.stage == "explore":
        explore(given.repo, given.folder, rounds=given.rounds, model=given.model)
    elif given.stage == "label":
        label(given.folder, hours=given.hours)
    else:
        gather(given.folder, given.target or given.folder)


if __name__ == "__main__":
    main()

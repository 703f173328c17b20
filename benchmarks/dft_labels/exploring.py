"""Frames to label: orderings of a 40-atom cell, long dynamics of a rough potential or a given one, and the queue.

Orderings of a 40-atom cell (four formula units, the most even of all cells of that size) are drawn by the project's
own code, some with Li on sites of the Ti layer. CHGNet, through the project's engine, runs 0.5 ps of every ordering; a small
DeePMD potential learns these frames and runs 8 ps of every ordering with LAMMPS, in each of four rounds at another temperature
and strain. From each of these runs four frames, at least 1.5 ps apart, are picked by farthest points of their mean descriptors.
Every fourth frame of the queue is for testing; its ordering and its temperature occur in no training frame.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np

# lattice vectors of the 40-atom cell in those of the conventional one: the choice whose shortest vector (9.69 Å) is longest
CELL = np.array([[-0.5, 0.5, 1.0], [-0.5, -0.5, 1.0], [1.5, -0.5, 1.0]])
SPECIES, CHARGES = ["Li", "Ti", "Cl"], {"Li": 1, "Ti": 3, "Cl": -1}
SEED = 20260

# Wyckoff site -> species -> occupancy. "li" moves a sixth of the Li into the layer of the Ti.
FILLINGS = {
    "750": {"2a": 0.75, "4g": 0.125},
    "750li": {"2a": {"Ti": 0.75}, "4g": {"Ti": 0.125, "Li": 0.25}, "4h": {"Li": 0.75}},
    "500": {"2a": 0.5, "4g": 0.25},
    "500li": {"2a": {"Ti": 0.5, "Li": 0.25}, "4g": {"Ti": 0.25, "Li": 0.125}, "4h": {"Li": 0.75}},
    "1000li": {"2a": {"Ti": 1.0}, "4g": {"Li": 0.25}, "4h": {"Li": 0.75}},
}
# ordering -> filling, how it is drawn, number among the drawn ones, split
ORDERINGS = {
    "750-c0": ("750", "coulomb", 0, "train"),
    "750-c1": ("750", "coulomb", 1, "train"),
    "750-c2": ("750", "coulomb", 2, "test"),
    "750li-r0": ("750li", "random", 0, "train"),
    "750li-r1": ("750li", "random", 1, "train"),
    "750li-r2": ("750li", "random", 2, "train"),
    "750li-r3": ("750li", "random", 3, "test"),
    "500-c0": ("500", "coulomb", 0, "train"),
    "500li-r0": ("500li", "random", 0, "train"),
    "500li-r1": ("500li", "random", 1, "train"),
    "500li-r2": ("500li", "random", 2, "test"),
    "1000li-r0": ("1000li", "random", 0, "train"),
}
TEMPERATURES = {"train": (300, 450, 600, 750, 900), "test": (375, 525, 675, 825)}
# engineering strains along a, b and c* of the experimental lattice (the CIF's)
STRAINS = [
    (0.0, 0.0, 0.0),
    (0.01, 0.01, 0.01),
    (-0.01, -0.01, -0.01),
    (0.02, 0.02, 0.02),
    (0.02, -0.01, 0.0),
    (-0.02, -0.02, -0.02),
    (0.0, 0.02, -0.01),
    (0.03, 0.03, 0.03),
    (-0.01, 0.0, 0.02),
]
# every round runs each ordering once, at another temperature and strain
ROUNDS, FRAMES_PER_RUN = 4, 4
RUN_STEPS, STRIDE, TIME_STEP_FS, DISCARD_PS, APART_PS = 3200, 100, 2.5, 1.5, 1.5
# what the rough potential learns from
TEACHING_STEPS, TEACHING_STRIDE, TEACHING_DISCARD, TEACHING_STEP_FS = 250, 6, 6, 2.0
TRAINING = {
    "cutoff_angstrom": 6.0,
    "cutoff_smooth_angstrom": 1.0,
    "embedding": (16, 32, 64),
    "axis_neurons": 8,
    "fitting": (96, 96, 96),
    "steps": 7000,
    "batch_size": 1,
    "start_lr": 1e-2,
    "stop_lr": 3e-6,
    "decay_steps": 100,
    "energy_prefactor": (0.02, 1.0),
    "force_prefactor": (1000.0, 20.0),
    "virial_prefactor": (0.01, 0.1),
    "precision": "float32",
}
# The rough potential has not seen two Ti near each other, and in the first round let them fall together in 3 of 12 runs.
# Since then a wall keeps them apart: Lennard-Jones' repulsive part with this energy (eV) and length (Å), zero beyond 2.92 Å.
WALL_FROM_ROUND, WALL = 1, (0.2, 2.6)
# shortest distances (Å) and largest force of CHGNet (eV/Å) of a frame that is worth a label
SHORTEST_A = {"Li-Li": 2.1, "Li-Ti": 2.2, "Li-Cl": 1.85, "Ti-Ti": 2.8, "Ti-Cl": 1.9, "Cl-Cl": 2.6}
LARGEST_FORCE = 6.0


def other_cell(crystal, rows: np.ndarray):
    """`crystal` with the lattice vectors `rows` (in those of the old cell), not turned, and the symmetry that is left."""
    back = np.linalg.inv(rows)
    reach = range(-4, 5)
    shifts = np.array(list(itertools.product(reach, reach, reach)))

    def inside(positions):
        images = (positions[:, None] + shifts).reshape(-1, 3) @ back
        images = images[((images > -1e-9) & (images < 1 - 1e-9)).all(axis=1)]
        images[np.abs(images) < 1e-9] = 0.0
        return images[np.lexsort(np.round(images, 6).T)]

    kept = []
    for rotation, translation in zip(crystal.rotations, crystal.translations, strict=True):
        turned = back.T @ rotation @ rows.T
        if np.abs(turned - np.round(turned)).max() < 1e-6:
            kept += [(np.round(turned), shift) for shift in inside(translation[None])]
    return dataclasses.replace(
        crystal,
        lattice=rows @ crystal.lattice,
        sites=tuple(dataclasses.replace(site, positions=inside(site.positions)) for site in crystal.sites),
        rotations=np.array([rotation for rotation, _ in kept]),
        translations=np.array([translation for _, translation in kept]),
    )


def make_orderings(repo: Path) -> dict:
    """Name -> atoms on ideal positions in the experimental lattice."""
    from dlmd import apportion, orderings, read_cif

    crystal = other_cell(read_cif(repo / "structures" / "Li3TiCl6.cif"), CELL)
    made = {}
    for filling, method in dict.fromkeys((f, m) for f, m, _, _ in ORDERINGS.values()):
        numbers = {n: name for name, (f, m, n, _) in ORDERINGS.items() if (f, m) == (filling, method)}
        counts = apportion(
            crystal, repeat=(1, 1, 1), occupancies=FILLINGS[filling], charges=CHARGES, tolerance=1e-3
        )
        found = orderings(
            crystal, counts, n=max(numbers) + 1, seed=SEED, method=method, min_distance_angstrom=2.0
        )
        made |= {name: found[n] for n, name in numbers.items()}
    return {name: made[name] for name in ORDERINGS}


def strained(atoms, strain):
    """A copy with engineering strains along x (a), y (b) and z (c*), fractional coordinates kept."""
    copy = atoms.copy()
    copy.set_cell(atoms.cell.array @ np.diag(1 + np.array(strain)), scale_atoms=True)
    return copy


def make_runs(number: int) -> list[dict]:
    """Ordering, temperature and strain of every run of round `number`: shuffled, none twice before all have had their turn."""
    rng = np.random.default_rng([SEED, number])
    runs = []
    for split, temperatures in TEMPERATURES.items():
        names = [name for name, (*_, s) in ORDERINGS.items() if s == split]

        def dealt(values, count):
            rounds = [rng.permutation(len(values)) for _ in range(-(-count // len(values)))]
            return [values[i] for i in np.concatenate(rounds)[:count]]

        for name, temperature, strain in zip(
            names, dealt(temperatures, len(names)), dealt(STRAINS, len(names)), strict=True
        ):
            runs.append(
                {
                    "ordering": name,
                    "split": split,
                    "temperature_k": temperature,
                    "strain": strain,
                    "seed": SEED + 100 * number + len(runs),
                }
            )
    return runs


def relaxed(atoms, calculator):
    """A copy with the worst of its forces taken away, in its own cell."""
    from ase.optimize import FIRE

    copy = atoms.copy()
    copy.calc = calculator
    FIRE(copy, logfile=None).run(fmax=0.3, steps=60)
    copy.calc = None
    return copy


def teach(starts: dict, folder: Path) -> Path:
    """A rough potential from short hot CHGNet runs; its compressed model."""
    from dlmd.dataset import frames as dataset
    from dlmd.labels import dynamics, engines
    from dlmd.training import input as training_input
    from dlmd.training import run as training

    model = folder / "compressed.pb"
    if model.exists():
        return model
    engine = engines.get({"engine": "chgnet"})
    calculator = engine.calculator()
    sources = []
    # every ordering, hotter than most of the runs for which the potential is
    for k, (name, ideal) in enumerate(starts.items()):
        atoms = relaxed(strained(ideal, STRAINS[(4 * k) % len(STRAINS)]), calculator)
        path = folder / f"{name}.extxyz"
        sources.append((path, name))
        if not path.exists():
            dynamics.run(
                atoms,
                calculator,
                temperature_k=(600, 800, 1000)[k % 3],
                time_step_fs=TEACHING_STEP_FS,
                steps=TEACHING_STEPS,
                stride=TEACHING_STRIDE,
                seed=SEED + k,
                frames=path,
                level="chgnet",
                theory=engine.level,
                source=name,
                stream=None,
            )
            print(f"taught {name}", flush=True)
    dataset.build_splits(
        [path for path, _ in sources],
        folder=folder / "data",
        ids=[name for _, name in sources],
        splits=["valid" if k == 4 else "train" for k in range(len(sources))],
        species=SPECIES,
        level="chgnet",
        discard_ps=TEACHING_DISCARD * TEACHING_STEP_FS * 1e-3,
    )
    training_input.write_input(
        folder / "input.json",
        train=folder / "data" / "train",
        valid=folder / "data" / "valid",
        settings=TRAINING,
        species=SPECIES,
        seed=SEED,
    )
    training.train(
        folder / "input.json",
        model=folder / "frozen.pb",
        compressed=model,
        lcurve=folder / "lcurve.csv",
        threads=1,
        log=folder / "train.log",
    )
    return model


def pick(points: np.ndarray, most: int, apart: int) -> list[int]:
    """Indices of at most `most` rows by farthest points from the last one, no two within `apart` rows; in the order picked."""
    chosen = [len(points) - 1]
    while len(chosen) < most:
        nearest = np.linalg.norm(points[:, None] - points[chosen], axis=2).min(axis=1)
        free = np.abs(np.arange(len(points))[:, None] - np.array(chosen)).min(axis=1) >= apart
        if not free.any():
            break
        chosen.append(int(np.argmax(np.where(free, nearest, -1.0))))
    return chosen


def plausible(atoms) -> bool:
    """Whether no two atoms are unphysically close."""
    from dlmd.structures.cells import shortest_distances

    found = shortest_distances(atoms, cutoff_angstrom=4.0)
    return all(found[pair] is None or found[pair] >= least for pair, least in SHORTEST_A.items())


def explore(repo: Path, folder: Path, *, rounds: int, model: Path | None = None) -> None:
    """Make the queue, or lengthen it until it has the frames of `rounds` rounds; those that it has stay as they are.

    With a `model`, such as the one fine-tuned on the labels so far, no rough potential is taught.
    """
    import ase.io
    from deepmd.infer import DeepPot

    from dlmd.labels import engines

    scratch, queue = folder / "explore", folder / "queue.extxyz"
    scratch.mkdir(parents=True, exist_ok=True)
    starts = make_orderings(repo)
    frames = ase.io.read(queue, ":") if model and queue.exists() else []
    here = {atoms.info["seed"] for atoms in frames}
    model = model or teach(starts, scratch)
    potential = DeepPot(str(model))
    calculator = engines.get({"engine": "chgnet"}).calculator()
    counts = []
    for number in range(rounds):
        if not here.isdisjoint(run["seed"] for run in make_runs(number)):
            continue
        kept = scratch / f"round{number}.extxyz"
        if not kept.exists():
            runs = make_runs(number)
            dropped = {"close": 0, "forces": 0}
            picked = [
                frames_of(
                    run,
                    starts[run["ordering"]],
                    scratch / f"round{number}-{run['ordering']}",
                    model,
                    potential,
                    calculator,
                    dropped,
                    wall=number >= WALL_FROM_ROUND,
                )
                for run in runs
            ]
            write(kept, interleaved(picked, runs, number))
            (scratch / f"round{number}.json").write_text(
                json.dumps({"runs": runs, "kept": [len(f) for f in picked], "dropped": dropped}, indent=1)
                + "\n"
            )
        frames += ase.io.read(kept, ":")
        counts.append(json.loads((scratch / f"round{number}.json").read_text()))
        for step, atoms in enumerate(frames):
            atoms.info["step"] = step
        write(queue, frames)
    (folder / "explore.json").write_text(json.dumps(counts, indent=1) + "\n")
    print(f"{len(frames)} frames in the queue")


def write(path: Path, frames: list) -> None:
    """Write extxyz that is whole or absent."""
    import ase.io

    part = path.with_name(path.name + ".part")
    ase.io.write(part, frames, format="extxyz")
    part.replace(path)


def frames_of(
    run: dict, ideal, place: Path, model: Path, potential, calculator, dropped: dict, *, wall: bool
) -> list:
    """Explore one run in the folder `place` and pick its frames, the best first; counts in `dropped` what is unfit."""
    from ase import Atoms

    from dlmd.learning import exploration
    from dlmd.learning.selection import mean_descriptors
    from dlmd.md.inputs import deepmd_dynamics
    from dlmd.process import programs

    start = relaxed(strained(ideal, run["strain"]), calculator)
    dynamics = deepmd_dynamics(
        model,
        {"species": SPECIES, "mobile": "Li", "time_step_fs": TIME_STEP_FS, "damping_fs": 100.0},
        temperature_k=run["temperature_k"],
    )
    if wall:
        dynamics = dataclasses.replace(dynamics, pair=with_wall(model))
    found = exploration.explore(
        start,
        place,
        dynamics=dynamics,
        steps=RUN_STEPS,
        stride=STRIDE,
        discard_ps=DISCARD_PS,
        seed=run["seed"],
        lmp=programs.command("lmp"),
        threads=1,
        log=place.with_suffix(".log"),
    )
    n, types = len(found.positions), [SPECIES.index(s) for s in start.get_chemical_symbols()]
    if not n:
        print(f"{run}: nothing, {found.ended}", flush=True)
        return []
    cells = np.broadcast_to(found.cell, (n, 3, 3)).reshape(n, 9)
    described = potential.eval_descriptor(found.positions.reshape(n, -1), cells, types)
    points = mean_descriptors(described.reshape(n, len(types), -1), types, len(SPECIES))
    frames = []
    for i in pick(points, FRAMES_PER_RUN, round(APART_PS * 1e3 / TIME_STEP_FS / STRIDE)):
        # from LAMMPS' frame back into that of the strains
        atoms = Atoms(start.numbers, cell=start.cell, pbc=True)
        atoms.set_scaled_positions(found.positions[i] @ np.linalg.inv(found.cell))
        atoms.wrap()
        calculator.calculate(atoms, ["energy", "forces", "stress"])
        if not plausible(atoms):
            dropped["close"] += 1
            continue
        if np.linalg.norm(calculator.results["forces"], axis=1).max() > LARGEST_FORCE:
            dropped["forces"] += 1
            continue
        atoms.info = {
            "temperature_k": float(run["temperature_k"]),
            "strain": float(np.mean(run["strain"])),
            "strain_abc": np.array(run["strain"]),
            "source": run["ordering"],
            "seed": run["seed"],
            "time_ps": float(found.time_ps[i]),
            "explored_cell": f"{ORDERINGS[run['ordering']][0]}/40/{run['ordering']}",
            "split": run["split"],
        }
        frames.append(atoms)
    print(f"{run}: {n} frames, {len(frames)} kept, {found.ended or 'whole'}", flush=True)
    return frames


def with_wall(model: Path) -> list[str]:
    """LAMMPS' pair lines of the rough potential with the wall between Ti on top."""
    energy, length = WALL
    cutoff, ti = 2 ** (1 / 6) * length, SPECIES.index("Ti") + 1
    return [
        f"pair_style hybrid/overlay deepmd {model.resolve()} lj/cut {cutoff:.6f}",
        f"pair_coeff * * deepmd {' '.join(SPECIES)}",
        f"pair_coeff {ti} {ti} lj/cut {energy:g} {length:g} {cutoff:.6f}",
    ]


def interleaved(picked: list[list], runs: list[dict], number: int) -> list:
    """Frames of a round: the first of every run in a random order, then the second ones, ...; every fourth is for testing."""
    rng = np.random.default_rng([SEED, number, 1])
    lines = {}
    for split in ("train", "test"):
        own = [frames for frames, run in zip(picked, runs, strict=True) if run["split"] == split]
        lines[split] = [
            own[r][d] for d in range(FRAMES_PER_RUN) for r in rng.permutation(len(own)) if d < len(own[r])
        ]
    queue = []
    train, test = iter(lines["train"]), iter(lines["test"])
    for group in iter(lambda: list(itertools.islice(train, 3)), []):
        queue += group + list(itertools.islice(test, 1))
    return queue + list(test)

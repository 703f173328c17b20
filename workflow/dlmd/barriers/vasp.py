"""Nudged elastic bands by VASP: endpoints and images staged as jobs, and what is brought back read as a band.

A band's folder has three jobs: `start` and `end` (relaxed at fixed cell) and `neb`, whose inputs hold one folder per image
(00, 01, ...). run.sh runs them one after the other.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.barriers import bands
from dlmd.barriers.search import ENDPOINT
from dlmd.base.errors import DlmdError
from dlmd.config.levels.vasp import VaspSettings
from dlmd.labels.vasp import as_staged, continuation, verify
from dlmd.labels.vasp.collect import remedy_for
from dlmd.labels.vasp.frames import Frame, Run
from dlmd.labels.vasp.incar import band_steps, endpoint_steps, species_blocks
from dlmd.labels.vasp.output import find, has_output, read_run, read_text
from dlmd.labels.vasp.stage import load_job, stage_steps

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1

# VASP's bound includes the springs, and prints have few digits
FORCE_TOLERANCE = 1.1
SAME_PLACE_A = 1e-3

RUN = """#!/bin/sh
# Runs this band: both ends, then the images between them.
#   VASP="srun vasp_std" ./run.sh
# VASP needs the VTST tools for LCLIMB and IOPT, and for the band a whole multiple of {images} ranks.
# After a walltime start it again: it goes on from the last CONTCARs. Bring back run*/OUTCAR of start/1-relax and end/1-relax and
# run*/NN/OUTCAR of neb/1-neb (or vasprun.xml; gzip is fine), with the POSCARs of the images.
set -eu
: "${{VASP:?set VASP to the command that runs VASP}}"
cd "$(dirname "$0")"
./start/run.sh
./end/run.sh
newest() {{ ls -d "$1"/run[0-9][0-9] 2>/dev/null | tail -n 1; }}
show() {{ if [ -s "$1" ]; then cat "$1"; elif [ -s "$1.gz" ]; then gzip -dc "$1.gz" 2>/dev/null || true; fi; }}
cd neb
# licensed: none stays in a run folder
sweep() {{ rm -f 1-neb/run[0-9][0-9]/POTCAR; }}
sweep
child=""
stop() {{ [ -z "$child" ] || kill "$child" 2>/dev/null || true; exit "$1"; }}
trap sweep EXIT
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM
if [ ! -f POTCAR ]; then
    echo "neb/POTCAR is missing: concatenate the potentials listed in neb/1-neb/inputs/POTCAR.spec" >&2
    exit 1
fi
last="$(newest 1-neb)"
if [ -n "$last" ] && show "$last/01/OUTCAR" | grep -q "General timing and accounting"; then
    exit 0
fi
number=0
while [ -d "1-neb/run0$number" ]; do number=$((number + 1)); done
[ "$number" -lt 10 ] || {{ echo "neb: ten runs did not finish it" >&2; exit 1; }}
run="1-neb/run0$number"
mkdir "$run"
cp 1-neb/inputs/INCAR 1-neb/inputs/KPOINTS 1-neb/inputs/inputs.json "$run/"
(umask 077 && cat POTCAR > "$run/POTCAR")
for image in 1-neb/inputs/[0-9][0-9]; do
    name="$(basename "$image")"
    mkdir "$run/$name"
    if [ -n "$last" ] && [ -n "$(show "$last/$name/CONTCAR")" ]; then
        show "$last/$name/CONTCAR" > "$run/$name/POSCAR"
    else
        cp "$image/POSCAR" "$run/$name/POSCAR"
    fi
done
for pair in start:00 end:{last:02d}; do
    done="$(newest "../${{pair%:*}}/1-relax")"
    show "$done/CONTCAR" > "$run/${{pair#*:}}/POSCAR"
    show "$done/OUTCAR" > "$run/${{pair#*:}}/OUTCAR"
done
(cd "$run" && exec sh -c "$VASP" > vasp.out 2>&1) &
child=$!
wait "$child" || true
child=""
sweep
grep -qs "General timing and accounting" "$run/01/OUTCAR" || {{ echo "neb: VASP did not finish, see $run/vasp.out" >&2; exit 1; }}
"""


def stage(
    images: Sequence[Atoms],
    folder: str | Path,
    *,
    settings: VaspSettings,
    level: str,
    cell: str,
    source: str,
    fmax_ev_per_angstrom: float,
    max_steps: int,
) -> None:
    """Stage a band: its ends to be relaxed, its images to be moved.

    Parameters
    ----------
    images
        Start, images, end: the same atoms in the same order, grouped by element, unwrapped.
    cell
        Name of the supercell, which chooses the k-mesh of relaxations.
    source
        Identity of the band.
    fmax_ev_per_angstrom, max_steps
        Largest force at the end (a fifth of it on the ends), and most ionic steps of every run.

    Raises
    ------
    DlmdError
        for what cannot be staged, and where the files read back are not what was meant.
    """
    folder = Path(folder)
    species, _ = species_blocks(images[0])
    kpoints = settings.relax.kpoints
    # always with run.sh: a band is run as one, by hand or on another machine
    settings = settings.model_copy(update={"run": "external"})
    shared: dict[str, Any] = {"level": level, "cell": cell}
    for name, atoms in (("start", images[0]), ("end", images[-1])):
        steps = endpoint_steps(
            settings,
            species,
            label=f"{source} {name} {level}",
            fmax_ev_per_angstrom=ENDPOINT * fmax_ev_per_angstrom,
            max_steps=max_steps,
        )
        record = {**shared, "kind": "endpoint", "source": f"{source} {name}"}
        stage_steps(atoms, folder / name, steps, kpoints, settings=settings, record=record)
    inner = len(images) - 2
    steps = band_steps(
        settings,
        species,
        label=f"{source} {level}",
        images=inner,
        fmax_ev_per_angstrom=fmax_ev_per_angstrom,
        max_steps=max_steps,
    )
    record = {
        **shared,
        "kind": "neb",
        "source": source,
        "images": inner,
        "fmax_ev_per_a": fmax_ev_per_angstrom,
    }
    stage_steps(images[0], folder / "neb", steps, kpoints, settings=settings, record=record)
    _write_images(folder / "neb" / "1-neb" / "inputs", images, source)
    script = folder / "run.sh"
    script.write_text(RUN.format(images=inner, last=inner + 1))
    script.chmod(0o755)


def _write_images(inputs: Path, images: Sequence[Atoms], source: str) -> None:
    """A numbered folder for every image instead of the one POSCAR of a usual run; what was written is read back."""
    head = verify.parse_poscar((inputs / "POSCAR").read_text())
    (inputs / "POSCAR").unlink()
    for old in inputs.glob("[0-9][0-9]"):
        shutil.rmtree(old)
    wrong = []
    for number, image in enumerate(images):
        place = inputs / f"{number:02d}"
        place.mkdir()
        _write_poscar(place / "POSCAR", image, f"{source} image {number}")
        poscar = verify.parse_poscar((place / "POSCAR").read_text())
        scaled = image.get_scaled_positions(wrap=False)
        if (poscar.species, poscar.counts) != (head.species, head.counts):
            wrong.append(
                f"image {number} has {poscar.species} {poscar.counts}, meant {head.species} {head.counts}"
            )
        elif np.abs(poscar.scaled - scaled).max() > 1e-9 or not np.allclose(
            poscar.cell, head.cell, atol=1e-9
        ):
            wrong.append(f"POSCAR of image {number} differs from the structure")
    verify.require(wrong, inputs)


def _write_poscar(path: Path, atoms: Atoms, title: str) -> None:
    from pymatgen.core import Lattice, Structure
    from pymatgen.io.vasp.inputs import Poscar

    scaled = atoms.get_scaled_positions(wrap=False)
    structure = Structure(Lattice(atoms.cell.array), atoms.get_chemical_symbols(), scaled)
    path.write_text(Poscar(structure, comment=title, sort_structure=False).get_str(significant_figures=16))


def brought_back(folder: str | Path) -> bool:
    """Whether every image of the staged band, and both ends, have output to read."""
    folder = Path(folder)
    return _band_run(folder) is not None and all(
        continuation.run_folders(folder / end / "1-relax") for end in ("start", "end")
    )


def _band_run(folder: Path) -> Path | None:
    """The last run of the band in which every image has output."""
    staged = sorted((folder / "neb/1-neb/inputs").glob("[0-9][0-9]"))
    inner = [image.name for image in staged[1:-1]]
    runs = [
        run
        for run in [folder / "neb/1-neb", *sorted((folder / "neb/1-neb").glob("run[0-9][0-9]"))]
        if inner and all(has_output(run / name) for name in inner)
    ]
    return runs[-1] if runs else None


def collect(folder: str | Path) -> tuple[bands.Band, dict]:
    """The band that VASP found, judged as those of other calculators are: by energies and real forces of its images.

    Returns
    -------
    Band, dict
        Its images hang together (nearest to the staged ones), with energies and forces; and the level of theory.

    Raises
    ------
    DlmdError
        if results are missing, of another level, do not belong together, or have unconverged electrons.
    """
    folder = Path(folder)
    job = load_job(folder / "neb")
    run_folder = _band_run(folder)
    if run_folder is None:
        raise DlmdError(
            "not every image of the band has an OUTCAR or vasprun.xml",
            where=str(folder / "neb/1-neb"),
            remedy="run run.sh, or bring the results back into run00/01, run00/02, ...",
        )
    staged = [_staged(job, path) for path in sorted((folder / "neb/1-neb/inputs").glob("[0-9][0-9]"))]
    images, runs, unrelaxed = [], [], []
    for number, place in enumerate(staged):
        if number in (0, len(staged) - 1):
            end = "start" if number == 0 else "end"
            run, done = _endpoint(folder / end)
            unrelaxed += [] if done else [end]
            _require_same_end(run, run_folder / f"{number:02d}")
        else:
            run = read_run(run_folder / f"{number:02d}")
            as_staged.require_level(run, job, job["run_steps"][0])
        runs.append(run)
        images.append(_image(run, place))
    editions = {tuple(run.titels) for run in runs}
    if len(editions) > 1:
        raise DlmdError(
            "images and ends were run with different potentials",
            where=str(folder),
            remedy="run all of them with the same POTCAR",
        )
    theory = {**job["level_of_theory"], "potcar_titels": list(editions.pop())}
    if unrelaxed:
        message = f"{' and '.join(unrelaxed)}: VASP did not end the relaxation"
        return bands.Band(bands.ENDPOINT_UNRELAXED, message, [images[0], images[-1]]), theory
    bound = FORCE_TOLERANCE * job["fmax_ev_per_a"]
    residual = _residual(images)
    steps = max(run.frames[-1].step for run in runs[1:-1])
    return bands.judged(images, [images[0], images[-1]], residual, steps, bound), theory


def _endpoint(end: Path) -> tuple[Run, bool]:
    """The last run of an end, and whether it relaxed it."""
    job = load_job(end)
    step = job["run_steps"][0]
    if not continuation.run_folders(end / step["name"]):
        raise DlmdError("no results", where=str(end), remedy="run run.sh, or bring its OUTCAR back")
    run = continuation.read_runs(end / step["name"])[-1]
    as_staged.require_level(run, job, step)
    return run, continuation.step_done(step["role"], run)


def _require_same_end(run: Run, image: Path) -> None:
    """The band must hang on the relaxed ends, where its own POSCARs tell."""
    path = find(image, "POSCAR")
    if path is None:
        return
    poscar, last = verify.parse_poscar(read_text(path)), run.whole_frames[-1]
    far = continuation.moved(last.cell, last.positions, poscar.scaled @ poscar.cell).max()
    if far > SAME_PLACE_A:
        raise DlmdError(
            f"the band's end is not the relaxed one: an atom is {far:.3f} Å away",
            where=str(path),
            remedy="copy the CONTCAR of the relaxed end there and run the band again",
        )


def _staged(job: dict, folder: Path) -> Atoms:
    from ase import Atoms

    poscar = verify.parse_poscar((folder / "POSCAR").read_text())
    symbols = [s for s, n in zip(job["species"], job["counts"], strict=True) for _ in range(n)]
    return Atoms(symbols, positions=poscar.scaled @ poscar.cell, cell=poscar.cell, pbc=True)


def _image(run: Run, staged: Atoms) -> Atoms:
    """The last whole frame of a run, every atom in the periodic image nearest to its staged place."""
    from ase.calculators.singlepoint import SinglePointCalculator

    if not run.whole_frames:
        raise DlmdError("no whole ionic step", where=str(run.path), remedy="run it again")
    frame: Frame = run.whole_frames[-1]
    if frame.reason is not None:
        raise DlmdError(
            f"the last ionic step is no good: {frame.reason}",
            where=str(run.path),
            remedy=remedy_for([frame.reason], "relax"),
        )
    image = staged.copy()
    shift = np.linalg.solve(frame.cell.T, (frame.positions - staged.positions).T).T
    image.positions = frame.positions - np.round(shift) @ frame.cell
    image.calc = SinglePointCalculator(image, energy=frame.energy, forces=frame.forces)
    return image


def _residual(images: list[Atoms]) -> float:
    """Largest force on an atom perpendicular to the path, or inverted along it on the highest image; no springs."""
    from ase.mep import NEB

    forces = NEB(images, k=0.0, climb=True, method="improvedtangent").get_forces()
    return float(np.linalg.norm(forces, axis=1).max())

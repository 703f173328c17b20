"""Migration barrier of one hop: relaxed endpoints, then a climbing-image nudged elastic band between them.

Nudged elastic band with the improved tangent (Henkelman and Jónsson, J. Chem. Phys. 113, 9978 (2000)) and a climbing image
(Henkelman, Uberuaga and Jónsson, J. Chem. Phys. 113, 9901 (2000)), as in ASE, from a path of image-dependent pair potentials
(Smidstrup et al., J. Chem. Phys. 140, 214106 (2014)).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from dlmd.errors import DlmdError
from dlmd.progress import Progress
from dlmd.relaxation import STIFFNESS, fingerprint

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

VERSION = 1

# Verdicts on a band; only those of CONVERGED count
CONVERGED = "converged"
UNCONVERGED = "unconverged"
ENDPOINT_UNRELAXED = "endpoint unrelaxed"
ENDPOINT_COLLAPSED = "endpoint collapsed"
ENDPOINT_ELSEWHERE = "endpoint elsewhere"
NO_SADDLE = "no saddle"

SPRING_EV_PER_A2 = 0.5
MAX_STEP_A = 0.1
# Endpoints are relaxed to this part of fmax: soft modes of the other ions hold tenths of an eV
ENDPOINT = 0.2
# The band is brought this near to the path before its highest image starts to climb, in units of fmax
ROUGH = 5.0
MIN_IMAGES = 3
IDPP_FMAX, IDPP_STEPS = 0.1, 100
# Grid on which the middle of a hop looks for the widest way past the other ions
ANGLES, RADII = 36, 9
CHECKPOINT_STEPS = 10
# Wiggles of the energy below this are no minima
MINIMUM_DEPTH_EV = 0.005


@dataclass
class Band:
    """What came of one hop.

    Attributes
    ----------
    status
        One of the verdicts of this module.
    message
        The verdict in words, with numbers.
    images
        Endpoints and images with energies and forces attached, unwrapped; the endpoints alone where these are no good.
    steps
        Steps of the band's optimiser.
    residual_ev_per_a
        Largest force on an atom of any image (perpendicular to the path, or inverted along it on the climbing image, springs
        included); None where there is no band.
    """

    status: str
    message: str
    images: list[Atoms] = field(repr=False)
    steps: int = 0
    residual_ev_per_a: float | None = None

    @property
    def energies(self) -> np.ndarray:
        """(images,) in eV, relative to the start."""
        energies = np.array([image.get_potential_energy() for image in self.images])
        return energies - energies[0]


def find_band(
    start: Atoms,
    end: Atoms,
    calculator: Calculator,
    *,
    ion: int,
    judge: Callable[[Atoms, str], tuple[str, str] | None],
    spacing_a: float,
    fmax_ev_per_a: float,
    max_steps: int,
    checkpoint: Path | None = None,
    stream: TextIO | None = None,
) -> Band:
    """Relax the endpoints at fixed cell and find the path of lowest energy between them.

    Parameters
    ----------
    start, end
        Unrelaxed endpoints, unwrapped: the same atoms in the same order, the straight line between them being the hop.
    calculator
        ASE calculator with energies (eV) and forces (eV/Å), shared by all images.
    ion
        Number of the moving ion.
    judge
        Called with each relaxed endpoint and 'start' or 'end': (verdict, message) if it is no longer the site it should be,
        else None.
    spacing_a
        Distance of images along the moving ion's way, in Å.
    fmax_ev_per_a
        Largest force on the band at the end; on the endpoints it is ENDPOINT times this.
    max_steps
        Most steps of each endpoint's optimiser, and of the band's.
    checkpoint
        File that keeps an interrupted calculation; a later call with the same input goes on from it. Removed at the end.
    stream
        Where progress lines go.

    Raises
    ------
    DlmdError
        if forces or energies are not finite.
    """
    start, end = _around(start, end, ion)
    mark = fingerprint(start, end.positions.tobytes(), spacing_a, fmax_ev_per_a, VERSION)
    saved = _Checkpoint(checkpoint, mark, stream)
    bound = ENDPOINT * fmax_ev_per_a
    relaxed = []
    for name, atoms in (("start", start), ("end", end)):
        atoms.calc = shared(calculator)
        fmax = _relax(atoms, name, saved, bound, max_steps, stream)
        relaxed.append(atoms)
        if fmax > bound:
            message = f"{name}: largest force {fmax:.3f} eV/Å after {max_steps} steps, bound {bound:g}"
            return saved.end(Band(ENDPOINT_UNRELAXED, message, [_frozen(a) for a in relaxed]))
    ends = [_frozen(atoms) for atoms in relaxed]
    for name, atoms in zip(("start", "end"), ends, strict=True):
        verdict = judge(atoms, name)
        if verdict is not None:
            return saved.end(Band(*verdict, ends))
    images = interpolate(*ends, ion=ion, spacing_a=spacing_a)
    return saved.end(_climb(images, calculator, saved, fmax_ev_per_a, max_steps, stream))


def site_judge(
    *, ion: int, start: np.ndarray, end: np.ndarray, site_of: Callable[[Atoms], np.ndarray]
) -> Callable[[Atoms, str], tuple[str, str] | None]:
    """Judge of relaxed endpoints by the sites of all ions.

    Parameters
    ----------
    ion
        Number of the moving ion.
    start, end
        (atoms,) site of every atom, -1 for none, in the endpoints as they were made.
    site_of
        The same of relaxed atoms.
    """
    wanted = {"start": start, "end": end}

    def judge(atoms: Atoms, name: str) -> tuple[str, str] | None:
        now, meant = site_of(atoms), wanted[name]
        other = wanted["end" if name == "start" else "start"][ion]
        if now[ion] == meant[ion]:
            moved = np.flatnonzero(now != meant)
            if not len(moved):
                return None
            listed = ", ".join(f"{atoms.symbols[i]} {i}" for i in moved[:5])
            return ENDPOINT_ELSEWHERE, f"{name}: other ions left their sites ({listed})"
        if now[ion] == other:
            return ENDPOINT_COLLAPSED, f"{name}: the ion relaxes to the other end: no minimum there"
        place = "a place between sites" if now[ion] < 0 else "another site"
        return ENDPOINT_ELSEWHERE, f"{name}: the ion relaxes to {place}"

    return judge


def interpolate(start: Atoms, end: Atoms, *, ion: int, spacing_a: float) -> list[Atoms]:
    """Start, images about `spacing_a` (Å) apart along the ion's way, end: the straight line with the ion's way bent by
    `detour`, then relaxed with image-dependent pair potentials."""
    from ase.mep import NEB
    from ase.mep.neb import idpp_interpolate

    aside = detour(start, end, ion=ion)

    def way(t: np.ndarray) -> np.ndarray:
        return np.outer(t, (end.positions - start.positions)[ion]) + np.outer(4 * t * (1 - t), aside)

    length = np.linalg.norm(np.diff(way(np.linspace(0, 1, 200)), axis=0), axis=1).sum()
    n = max(MIN_IMAGES, math.ceil(length / spacing_a) - 1)
    images = [start, *(_bare(start) for _ in range(n)), end]
    band = NEB(images, k=SPRING_EV_PER_A2, method="improvedtangent")
    band.interpolate()
    for image, place in zip(images[1:-1], way(np.linspace(0, 1, n + 2)[1:-1]), strict=True):
        image.positions[ion] = start.positions[ion] + place
    # positions are those around the hop already, so that plain distances are right where they matter
    idpp_interpolate(band, traj=None, log=None, fmax=IDPP_FMAX, steps=IDPP_STEPS, mic=False)
    for image in images[1:-1]:
        image.calc = None
    return images


def detour(start: Atoms, end: Atoms, *, ion: int) -> np.ndarray:
    """(3,) how far from the straight line (Å) the middle of the hop is best, perpendicular to it.

    The straight line may lead through an ion (the anion that two octahedra share), from where no relaxation finds around it.
    Taken is the place with the largest distance to the nearest other ion, in units of the shortest distance that the ion has
    to this element in the endpoints; the nearer to the line of two alike.
    """
    line = end.positions[ion] - start.positions[ion]
    length = np.linalg.norm(line)
    others = np.arange(len(start)) != ion
    symbols = np.array(start.get_chemical_symbols())[others]
    ends = np.array(
        [np.linalg.norm(a.positions[others] - a.positions[ion], axis=1) for a in (start, end)]
    ).min(axis=0)
    usual = np.array([ends[symbols == s].min() for s in symbols])
    across = np.linalg.svd(line[None])[2][1:]
    angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    ring = np.cos(angle)[:, None] * across[0] + np.sin(angle)[:, None] * across[1]
    aside = np.concatenate([r * ring for r in np.linspace(0, length / 2, RADII)])
    middle = (start.positions + end.positions)[others] / 2
    places = (start.positions + end.positions)[ion] / 2 + aside
    room = (np.linalg.norm(places[:, None] - middle[None], axis=2) / usual).min(axis=1)
    # rounded, so that of nearly equal places the first, nearest to the line, is taken
    return aside[np.round(room, 2).argmax()]


def _climb(
    images: list[Atoms],
    calculator: Calculator,
    saved: _Checkpoint,
    fmax_ev_per_a: float,
    max_steps: int,
    stream: TextIO | None,
) -> Band:
    from ase.mep import NEB
    from ase.optimize import FIRE

    inner = images[1:-1]
    steps = saved.resume("band", inner)
    for image in inner:
        image.calc = shared(calculator)
    band = NEB(images, k=SPRING_EV_PER_A2, method="improvedtangent")
    progress = Progress(stream, title="band", total=max_steps, start=steps)
    residual = np.inf
    for climb, bound in ((False, ROUGH * fmax_ev_per_a), (True, fmax_ev_per_a)):
        band.climb = climb
        before = steps
        optimizer = FIRE(band, logfile=None, maxstep=MAX_STEP_A)
        for _ in optimizer.irun(fmax=0.0, steps=max_steps - before):
            steps = before + optimizer.nsteps
            residual = _largest(band.get_forces())
            energies = [image.get_potential_energy() for image in images]
            if not (np.isfinite(residual) and np.isfinite(energies).all()):
                raise DlmdError(
                    f"the band ran away at step {steps}: energies {energies}",
                    where="barriers",
                    remedy="the calculator fails on this path: check the potential's training data",
                )
            progress.update(steps, f"{max(energies) - energies[0]:.3f} eV, residual {residual:.3f} eV/Å")
            if steps % CHECKPOINT_STEPS == 0:
                saved.save("band", inner, steps)
            if residual <= bound:
                break
    return _judged([_frozen(image) for image in images], residual, steps, fmax_ev_per_a)


def _judged(images: list[Atoms], residual: float, steps: int, fmax_ev_per_a: float) -> Band:
    energies = np.array([image.get_potential_energy() for image in images])
    if residual > fmax_ev_per_a:
        message = f"residual force {residual:.3f} eV/Å after {steps} steps, bound {fmax_ev_per_a:g}"
        return Band(UNCONVERGED, message, images, steps, residual)
    if energies.argmax() in (0, len(energies) - 1):
        message = "no image is higher than both ends: the saddle is nearer to an end than the images resolve"
        return Band(NO_SADDLE, message, images, steps, residual)
    return Band(CONVERGED, f"residual force {residual:.3f} eV/Å", images, steps, residual)


def profile(band: Band) -> dict:
    """Energies along the path, JSON-ready, and the cubic through energies and forces that figures draw.

    Distances (Å) are summed over the steps of all atoms together. Barriers (eV) are those of the highest image, None unless
    converged; `intermediate_minima` counts the images between the ends that lie below both their neighbours.
    """
    from ase.utils.forcecurve import fit_images

    energies = band.energies
    fit = fit_images(band.images)
    top = int(energies.argmax())
    depth = np.minimum(energies[:-2], energies[2:]) - energies[1:-1]
    counts = band.status == CONVERGED
    return {
        "barrier_forward_ev": float(energies[top]) if counts else None,
        "barrier_backward_ev": float(energies[top] - energies[-1]) if counts else None,
        "energy_difference_ev": float(energies[-1]),
        "highest_ev": float(energies[top]),
        "highest_image": top,
        "intermediate_minima": int((depth > MINIMUM_DEPTH_EV).sum()),
        "images": {"distance_angstrom": list(map(float, fit.path)), "energy_ev": energies.tolist()},
        "curve": {
            "distance_angstrom": list(map(float, fit.fit_path)),
            "energy_ev": list(map(float, fit.fit_energies)),
        },
    }


@cache
def _shared_class():
    from ase.calculators.calculator import Calculator, all_changes

    class Shared(Calculator):
        """One image's view of a calculator that all images share: it keeps this image's last results."""

        implemented_properties = ("energy", "forces")

        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            work = self.atoms.copy()
            work.calc = self.inner
            self.results = {"forces": work.get_forces(), "energy": float(work.get_potential_energy())}

    return Shared


def shared(calculator: Calculator) -> Calculator:
    """A calculator of one image that passes work on to `calculator` and remembers the outcome."""
    return _shared_class()(calculator)


def _relax(
    atoms: Atoms,
    name: str,
    saved: _Checkpoint,
    fmax_ev_per_a: float,
    max_steps: int,
    stream: TextIO | None,
) -> float:
    """Relax positions at fixed cell; the largest force (eV/Å) at the end."""
    from ase.optimize import LBFGS

    done = saved.resume(name, [atoms])
    optimizer = LBFGS(atoms, logfile=None, alpha=STIFFNESS)
    progress = Progress(stream, title=name, total=max_steps, start=done)
    fmax = np.inf
    for _ in optimizer.irun(fmax=0.0, steps=max(0, max_steps - done)):
        fmax = _largest(atoms.get_forces())
        if not np.isfinite(fmax):
            raise DlmdError(
                f"the {name} of the hop ran away at step {optimizer.nsteps}",
                where="barriers",
                remedy="the calculator fails here: check the potential's training data, or the relaxed cell",
            )
        progress.update(done + optimizer.nsteps, f"fmax {fmax:.3f} eV/Å")
        if optimizer.nsteps % CHECKPOINT_STEPS == 0:
            saved.save(name, [atoms], done + optimizer.nsteps)
        if fmax <= fmax_ev_per_a:
            break
    saved.save(name, [atoms], done + optimizer.nsteps)
    return fmax


def _around(start: Atoms, end: Atoms, ion: int) -> tuple[Atoms, Atoms]:
    """Both endpoints with every atom in the image nearest to the middle of the hop, and what moves it kept."""
    start, moves = start.copy(), end.positions - start.positions
    middle = start.positions[ion] + moves[ion] / 2
    scaled = np.linalg.solve(start.cell.array.T, (start.positions - middle).T).T
    scaled[ion] = 0.0  # the moving ion stays where it is
    start.positions -= np.round(scaled) @ start.cell.array
    end = start.copy()
    end.positions += moves
    return start, end


def _bare(atoms: Atoms) -> Atoms:
    copy = atoms.copy()
    copy.calc = None
    return copy


def _frozen(atoms: Atoms) -> Atoms:
    """A copy that carries its energy and forces."""
    from ase.calculators.singlepoint import SinglePointCalculator

    copy = atoms.copy()
    copy.calc = SinglePointCalculator(copy, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    return copy


def _largest(forces: np.ndarray) -> float:
    return float(np.linalg.norm(forces, axis=1).max())


class _Checkpoint:
    """Positions of each stage (start, end, band) of one calculation, in one file."""

    def __init__(self, path: Path | None, mark: str, stream: TextIO | None):
        self.path, self.mark, self.stream = path, mark, stream
        self.stages: dict[str, np.ndarray] = {}
        self.steps: dict[str, int] = {}
        if path is None or not path.exists():
            return
        with np.load(path) as saved:
            if str(saved["mark"]) != mark:
                self._say(f"{path.name} is of another hop or other settings: starting afresh")
                return
            for name in saved["stages"]:
                self.stages[str(name)] = saved[f"positions_{name}"]
                self.steps[str(name)] = int(saved[f"steps_{name}"])

    def resume(self, stage: str, images: Sequence[Atoms]) -> int:
        """Put saved positions into `images`; the steps already done."""
        if stage not in self.stages or len(self.stages[stage]) != len(images):
            return 0
        for image, positions in zip(images, self.stages[stage], strict=True):
            image.set_positions(positions)
        self._say(f"{stage}: going on after {self.steps[stage]} steps")
        return self.steps[stage]

    def save(self, stage: str, images: Sequence[Atoms], steps: int) -> None:
        if self.path is None:
            return
        self.stages[stage] = np.array([image.positions for image in images])
        self.steps[stage] = steps
        part = self.path.with_name(self.path.name + ".part")
        arrays = {f"positions_{name}": positions for name, positions in self.stages.items()}
        numbers = {f"steps_{name}": n for name, n in self.steps.items()}
        with part.open("wb") as out:
            np.savez(out, mark=self.mark, stages=np.array(list(self.stages)), **arrays, **numbers)
        part.replace(self.path)

    def end(self, band: Band) -> Band:
        """The calculation is over."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        return band

    def _say(self, text: str) -> None:
        if self.stream:
            print(text, file=self.stream)

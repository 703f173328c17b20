"""Migration barrier of one hop: relaxed endpoints, then a climbing-image nudged elastic band between them.

Nudged elastic band with the improved tangent (Henkelman and Jónsson, J. Chem. Phys. 113, 9978 (2000)) and a climbing image
(Henkelman, Uberuaga and Jónsson, J. Chem. Phys. 113, 9901 (2000)), as in ASE, from a path of image-dependent pair potentials
(Smidstrup et al., J. Chem. Phys. 140, 214106 (2014)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from dlmd.barriers.bands import CONVERGED, ENDPOINT_UNRELAXED, Band, judged
from dlmd.barriers.checkpoint import Stages
from dlmd.barriers.guess import SPRING_EV_PER_A2, interpolate, resample
from dlmd.base.errors import DlmdError
from dlmd.base.progress import Progress
from dlmd.labels.relaxation import STIFFNESS, structure_mark

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

VERSION = 1

# Longest step of all images together, per square root of their number
MAX_STEP_A = 0.05
# Endpoints are relaxed to this part of fmax: soft modes of the other ions hold tenths of an eV
ENDPOINT = 0.2
# The band is brought this near to the path before its highest image starts to climb, in units of fmax
ROUGH = 2.0
CHECKPOINT_STEPS = 10
# A minimum on the way that is deeper is relaxed, and the path goes on from there in a band of its own
STATION_DEPTH_EV = 0.05
# Nearer than this to the one before (largest move of an atom), a relaxed minimum is the same
STATION_DISTANCE_A = 0.5


def find_band(
    start: Atoms,
    end: Atoms,
    calculator: Calculator,
    *,
    ion: int,
    judge: Callable[[Atoms, str], tuple[str, str] | None],
    spacing_angstrom: float,
    fmax_ev_per_angstrom: float,
    max_steps: int,
    checkpoint: Path | None = None,
    stream: TextIO | None = None,
) -> Band:
    """Relax the endpoints at fixed cell and find the path of lowest energy between them.

    Minima on the way are relaxed as well, and the path is put together of bands between them, each with a climbing image.

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
    spacing_angstrom
        Distance of images along the moving ion's way, in Å.
    fmax_ev_per_angstrom
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
    start, end = around(start, end, ion)
    mark = structure_mark(start, end.positions.tobytes(), spacing_angstrom, fmax_ev_per_angstrom, VERSION)
    saved = Stages(checkpoint, mark, stream)
    search = _Search(calculator, saved, fmax_ev_per_angstrom, max_steps, stream)
    band = search.endpoints(start, end, judge)
    if band.status == CONVERGED:
        band = search.path(*band.images, ion=ion, spacing_angstrom=spacing_angstrom)
    saved.end()
    return band


@dataclass
class _Search:
    """The parts of one calculation, which share its calculator and bounds."""

    calculator: Calculator
    saved: Stages
    fmax_ev_per_angstrom: float
    max_steps: int
    stream: TextIO | None

    def endpoints(
        self, start: Atoms, end: Atoms, judge: Callable[[Atoms, str], tuple[str, str] | None]
    ) -> Band:
        """Relaxed endpoints, as a band without images between; its status says whether they are good."""
        bound = ENDPOINT * self.fmax_ev_per_angstrom
        ends = []
        for name, atoms in (("start", start), ("end", end)):
            fmax = self.relax(atoms, name)
            ends.append(_frozen(atoms))
            if fmax > bound:
                message = (
                    f"{name}: largest force {fmax:.3f} eV/Å after {self.max_steps} steps, bound {bound:g}"
                )
                return Band(ENDPOINT_UNRELAXED, message, ends)
        for name, atoms in zip(("start", "end"), ends, strict=True):
            verdict = judge(atoms, name)
            if verdict is not None:
                return Band(*verdict, ends)
        return Band(CONVERGED, "endpoints", ends)

    def path(self, start: Atoms, end: Atoms, *, ion: int, spacing_angstrom: float) -> Band:
        """A rough band; the minima that it passes, relaxed; climbing bands between them, put together."""
        rough, fine = (False, ROUGH * self.fmax_ev_per_angstrom), (True, self.fmax_ev_per_angstrom)
        images = interpolate(start, end, ion=ion, spacing_angstrom=spacing_angstrom)
        _, steps = self.optimise(images, "band", bounds=[rough])
        stations, places = [start], [0]
        for number in _minima(images):
            station = images[number].copy()
            fmax = self.relax(station, f"minimum {number}")
            if fmax <= ENDPOINT * self.fmax_ev_per_angstrom and all(
                _apart(station, known) for known in (stations[-1], end)
            ):
                stations.append(_frozen(station))
                places.append(number)
        stations.append(end)
        places.append(len(images) - 1)
        path, residual = [], 0.0
        for number, (first, last) in enumerate(pairwise(places)):
            part = [stations[number], *images[first + 1 : last], stations[number + 1]]
            if len(stations) > 2:
                part = resample(part, ion=ion, spacing_angstrom=spacing_angstrom)
            left, taken = self.optimise(part, f"segment {number}", bounds=[rough, fine])
            path += [_frozen(image) for image in part[:-1]]
            residual, steps = max(residual, left), steps + taken
        return judged([*path, end], stations, residual, steps, self.fmax_ev_per_angstrom)

    def relax(self, atoms: Atoms, stage: str) -> float:
        """Relax positions at fixed cell; the largest force (eV/Å) at the end."""
        from ase.optimize import LBFGS

        atoms.calc = shared(self.calculator)
        done = self.saved.resume(stage, [atoms])
        optimizer = LBFGS(atoms, logfile=None, alpha=STIFFNESS)
        progress = Progress(self.stream, title=stage, total=self.max_steps, start=done)
        fmax = np.inf
        for _ in optimizer.irun(fmax=0.0, steps=max(0, self.max_steps - done)):
            fmax = _largest(atoms.get_forces())
            if not np.isfinite(fmax):
                raise DlmdError(
                    f"the {stage} of the hop ran away at step {optimizer.nsteps}",
                    where="barriers",
                    remedy="the calculator fails here: check the potential's training data, or the relaxed cell",
                )
            progress.update(done + optimizer.nsteps, f"fmax {fmax:.3f} eV/Å")
            if optimizer.nsteps % CHECKPOINT_STEPS == 0:
                self.saved.save(stage, [atoms], done + optimizer.nsteps)
            if fmax <= ENDPOINT * self.fmax_ev_per_angstrom:
                break
        self.saved.save(stage, [atoms], done + optimizer.nsteps)
        return fmax

    def optimise(
        self, images: list[Atoms], stage: str, *, bounds: Sequence[tuple[bool, float]]
    ) -> tuple[float, int]:
        """Move the inner images until the residual is below each of `bounds` (climbing or not, eV/Å) in turn.

        Returns the residual (the largest force on an atom, springs included) and the steps taken.
        """
        from ase.mep import NEB
        from ase.optimize import FIRE

        inner = images[1:-1]
        steps, residual = self.saved.resume(stage, inner), np.inf
        for image in inner:
            image.calc = shared(self.calculator)
        band = NEB(images, k=SPRING_EV_PER_A2, method="improvedtangent")
        progress = Progress(self.stream, title=stage, total=self.max_steps, start=steps)
        for climb, bound in bounds:
            band.climb = climb
            before = steps
            optimizer = FIRE(band, logfile=None, maxstep=MAX_STEP_A * len(inner) ** 0.5)
            for _ in optimizer.irun(fmax=0.0, steps=self.max_steps - before):
                steps = before + optimizer.nsteps
                residual = _largest(band.get_forces())
                energies = [image.get_potential_energy() for image in images]
                if not (np.isfinite(residual) and np.isfinite(energies).all()):
                    raise DlmdError(
                        f"the band ran away at step {steps}: energies {energies}",
                        where="barriers",
                        remedy="the calculator fails on this path: check the potential's training data",
                    )
                note = f"{max(energies) - energies[0]:.3f} eV, residual {residual:.3f} eV/Å"
                progress.update(steps, note)
                if steps % CHECKPOINT_STEPS == 0:
                    self.saved.save(stage, inner, steps)
                if residual <= bound:
                    break
        self.saved.save(stage, inner, steps)
        return residual, steps


def _minima(images: Sequence[Atoms]) -> list[int]:
    """Inner images that lie at the bottom of a well deeper than STATION_DEPTH_EV, seen from the highest image on either side."""
    energies = np.array([image.get_potential_energy() for image in images])
    found: list[int] = []
    for i in range(1, len(energies) - 1):
        if energies[i] > min(energies[i - 1], energies[i + 1]):
            continue
        since = energies[found[-1] if found else 0 : i + 1].max()
        if min(since, energies[i:].max()) - energies[i] > STATION_DEPTH_EV:
            found.append(i)
    return found


def _apart(one: Atoms, other: Atoms) -> bool:
    return bool(np.linalg.norm(one.positions - other.positions, axis=1).max() > STATION_DISTANCE_A)


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


def around(start: Atoms, end: Atoms, ion: int) -> tuple[Atoms, Atoms]:
    """Both endpoints with every atom in the image nearest to the middle of the hop, and what moves it kept."""
    start, moves = start.copy(), end.positions - start.positions
    middle = start.positions[ion] + moves[ion] / 2
    scaled = np.linalg.solve(start.cell.array.T, (start.positions - middle).T).T
    scaled[ion] = 0.0  # the moving ion stays where it is
    start.positions -= np.round(scaled) @ start.cell.array
    end = start.copy()
    end.positions += moves
    return start, end


def _frozen(atoms: Atoms) -> Atoms:
    """A copy that carries its energy and forces."""
    from ase.calculators.singlepoint import SinglePointCalculator

    copy = atoms.copy()
    copy.calc = SinglePointCalculator(copy, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    return copy


def _largest(forces: np.ndarray) -> float:
    return float(np.linalg.norm(forces, axis=1).max())

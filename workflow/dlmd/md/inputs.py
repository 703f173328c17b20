"""LAMMPS inputs of production MD, as text. Nothing is run here (see `dlmd.md.production`).

Units are `metal`: Å, ps, eV, K, bar. Groups: `mobile` are the ions whose transport is asked for, `host` all others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dlmd.base.carriers import elements
from dlmd.base.files import seen_from
from dlmd.base.units import FS_PER_PS
from dlmd.md.barostat import COUPLED

if TYPE_CHECKING:
    from dlmd.config.production import Md

VERSION = 1  # raise when inputs change what a trajectory means

# An ion moving 1 Å per step at 2 fs has 4e4 K: whatever gets far above the set point has already exploded.
RUNAWAY_FACTOR = 3.0
RUNAWAY_OFFSET_K = 300.0
# eV per atom that the conserved energy may move in one part of a segment: k_B times 1160 K, no drift of an integrator
RUNAWAY_ENERGY_EV = 0.1
GUARD_STEPS = 100
# The guard on the deviation acts after so many rows in succession: one atom that passes by is no reason to end a run.
GUARD_ROWS = 3
DEVIATION = "deviation.txt"
DEVIATION_COLUMNS = 7
# flags of every start: the log goes to the job's, and no list of citations with it
FLAGS = ["-log", "none", "-nocite"]


@dataclass(frozen=True)
class Dynamics:
    """Settings of one NVT run, or of one NPT run where `pressure` is given.

    Attributes
    ----------
    pair
        `pair_style` and `pair_coeff` lines.
    species
        Elements in the order of LAMMPS types.
    mobile
        The mobile element, or several ("Li,Na").
    temperature_k, time_step_fs, damping_fs
        Set point, time step and damping time of the Nose-Hoover thermostat.
    shortest_a
        Distance in Å below which two atoms have fallen into each other.
    max_deviation_ev_per_angstrom
        Model deviation of the forces on one atom above which the potentials of a committee disagree too much (see
        `deviation_that_ended`); None without that guard.
    pressure
        Parts of the cell that a barostat at zero pressure moves, as `dlmd.md.barostat` gives them; none: the volume is constant.
    pressure_damping_fs
        Damping time of the Nose-Hoover barostat.
    """

    pair: Sequence[str]
    species: Sequence[str]
    mobile: str
    temperature_k: float
    time_step_fs: float
    damping_fs: float
    shortest_a: float = 1.0
    max_deviation_ev_per_angstrom: float | None = None
    pressure: Sequence[str] = ()
    pressure_damping_fs: float = 1000.0

    @property
    def runaway_k(self) -> float:
        """Temperature above which the run is stopped."""
        return RUNAWAY_FACTOR * self.temperature_k + RUNAWAY_OFFSET_K


@dataclass(frozen=True)
class Strides:
    """Steps between outputs of one segment."""

    positions: int
    all_atoms: int
    thermo: int
    restart: int

    @classmethod
    def of(cls, md: Md) -> Strides:
        """Those of the section `md` of a run's config."""
        positions = md.steps(md.position_interval_fs)
        return cls(
            positions=positions,
            all_atoms=md.steps(md.all_atom_interval_ps * FS_PER_PS),
            thermo=positions,
            restart=md.steps(md.restart_interval_ps * FS_PER_PS),
        )

    @classmethod
    def of_npt(cls, md: Md) -> Strides:
        """Those of the runs at zero pressure: production's, with restart files at the ends of segments where its own interval is
        no part of them."""
        strides = cls.of(md)
        steps = md.steps(md.npt.segment_ps * FS_PER_PS)
        return replace(strides, restart=steps) if steps % strides.restart else strides

    @property
    def common(self) -> int:
        """Every so many steps all files get a frame or row at once: where a run may be cut and go on."""
        return math.lcm(self.positions, self.all_atoms, self.thermo)


def deepmd_pair(models: Sequence[str], species: Sequence[str], *, deviation: bool = False) -> list[str]:
    """Pair lines of one or several DeePMD models, elements named (a bare `* *` can mix up the chemistry silently).

    The first model gives the forces. With `deviation` the others are evaluated every `GUARD_STEPS` steps only, and how far all
    of them are apart goes to `DEVIATION`.
    """
    watched = f" out_freq {GUARD_STEPS} out_file {DEVIATION}" if deviation else ""
    return [f"pair_style deepmd {' '.join(models)}{watched}", f"pair_coeff * * {' '.join(species)}"]


def deepmd_dynamics(
    model: str | Path,
    settings: Mapping,
    *,
    temperature_k: float,
    others: Sequence[str | Path] = (),
    folder: Path | None = None,
) -> Dynamics:
    """Dynamics with one DeePMD model; `settings` are the other fields. `others`, the rest of its committee, only watch.

    `folder` is where LAMMPS will run: paths are written as seen from there (`dlmd.base.files.seen_from`); None: absolute.
    """
    models = [
        str(Path(path).resolve()) if folder is None else seen_from(folder, path) for path in (model, *others)
    ]
    pair = deepmd_pair(models, settings["species"], deviation=bool(others))
    return Dynamics(pair=pair, temperature_k=temperature_k, **settings)


def deviation_that_ended(path: Path, bound_ev_per_angstrom: float) -> str | None:
    """What the guard on the model deviation found in LAMMPS' table so far: `GUARD_ROWS` rows in a row in which the potentials
    differ by more than `bound_ev_per_angstrom` in the force on some atom; None where there is nothing of the kind, or no table.

    The deviation is that of the table's column max_devi_f: the largest over atoms of the standard deviation of the force over
    the potentials (Zhang et al., Phys. Rev. Materials 3, 023804 (2019)).
    """
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return None
    above: list[tuple[int, float]] = []
    for line in lines:
        words = line.split()
        # a header, or a line that is still being written
        if len(words) != DEVIATION_COLUMNS or words[0].startswith("#"):
            continue
        step, largest = int(words[0]), float(words[4])
        if above and above[-1][0] == step:
            continue  # LAMMPS writes the first step of a run twice
        # written so that NaN counts
        above = [] if largest <= bound_ev_per_angstrom else [*above, (step, largest)]
        if len(above) == GUARD_ROWS:
            least = min(value for _, value in above)
            return (
                f"the potentials differ by {least:.2f} eV/Å and more in the force on an atom from step {above[0][0]} to {step}, "
                f"the limit is {bound_ev_per_angstrom:g}"
            )
    return None


def cell_and_pair(dynamics: Dynamics, read: str, *, check_every: int) -> list[str]:
    """What every input begins with: units, the cell by the command `read`, the potential, and the time step.

    Neighbour lists are looked at every `check_every` steps.
    """
    return [
        "units metal",
        "atom_style atomic",
        "atom_modify map yes",
        "boundary p p p",
        "box tilt large",
        read,
        *dynamics.pair,
        "neighbor 1.0 bin",
        f"neigh_modify every {check_every} delay 0 check yes",
        f"timestep {dynamics.time_step_fs / FS_PER_PS:.6g}",
    ]


def nose_hoover(temperature_k: float, dynamics: Dynamics) -> str:
    """The thermostat, under one name, so that its state goes through restarts."""
    t = temperature_k
    return f"fix integrate all nvt temp {t:g} {t:g} {dynamics.damping_fs / FS_PER_PS:.6g}"


def _integrate(dynamics: Dynamics) -> str:
    """Thermostat, and barostat where there is one; both under one name, so that their state goes through restarts."""
    thermostat = nose_hoover(dynamics.temperature_k, dynamics)
    if not dynamics.pressure:
        return thermostat
    damping = f"{dynamics.pressure_damping_fs / FS_PER_PS:.6g}"
    parts = " ".join(f"{part} 0 0 {damping}" for part in dynamics.pressure if part != COUPLED)
    coupled = " couple xy" if COUPLED in dynamics.pressure else ""
    # without flips: a mean over cells needs one set of edges
    return f"{thermostat.replace(' nvt ', ' npt ')} {parts}{coupled} flip no"


def _setup(dynamics: Dynamics, read: str) -> list[str]:
    types = " ".join(str(dynamics.species.index(name) + 1) for name in elements(dynamics.mobile))
    return [
        *cell_and_pair(dynamics, read, check_every=5),
        # Spatial sorting would reorder atoms, and with them sums. An interrupted run would do so at other steps.
        "atom_modify sort 0 0.0",
        f"group mobile type {types}",
        "group host subtract all mobile",
        "thermo_style custom step temp pe ke press econserve",
        "thermo_modify norm no lost error",
    ]


def _nvt(dynamics: Dynamics) -> list[str]:
    return [_integrate(dynamics), *_guards(dynamics)]


def _guards(dynamics: Dynamics) -> list[str]:
    """End a run whose potential has failed (see `guard_that_ended`): hot, atoms in each other, energy lost or won."""
    limits = {
        "temperature": f"> {dynamics.runaway_k:g}",
        "distance": f"< {dynamics.shortest_a:g}",
        "energy": f"> {RUNAWAY_ENERGY_EV:g}",
    }
    return [
        "variable now_temperature equal temp",
        "compute pair_distances all pair/local dist",
        "compute shortest all reduce min c_pair_distances inputs local",
        "variable now_distance equal c_shortest",
        # the reference is the state that the run starts from
        "run 0 post no",
        "variable conserved_start equal $(econserve)",
        "variable now_energy equal abs(econserve-v_conserved_start)/atoms",
        *(
            f"fix guard_{name} all halt {GUARD_STEPS} v_now_{name} {limit} error hard message yes"
            for name, limit in limits.items()
        ),
    ]


def guard_that_ended(log: str) -> str | None:
    """What a guard found, from what LAMMPS has printed; None where it ended otherwise."""
    found = re.findall(r"Fix halt condition for fix-id guard_(\w+) met on step (\d+) with value (\S+)", log)
    if not found:
        # An explosion may be over before the guards look.
        flown = re.search(
            r"^ERROR.*(Lost atoms|Out of range atoms|Non-numeric|non-matching # of atoms)", log, re.M
        )
        return "atoms have flown away" if flown else None
    name, step, value = found[-1]
    text = {
        "temperature": "the temperature is {:.0f} K",
        "distance": "two atoms are {:.2f} Å apart",
        "energy": "the conserved energy has moved by {:.2f} eV per atom",
    }[name]
    return f"{text.format(float(value))} at step {step}"


# LAMMPS' keywords -> columns of the cell in thermo.csv of a run at constant pressure
CELL_COLUMNS = {
    **{f"l{axis}": f"l{axis}_angstrom" for axis in "xyz"},
    **{tilt: f"{tilt}_angstrom" for tilt in ("xy", "xz", "yz")},
    **{f"p{axis}{axis}": f"p{axis}{axis}_bar" for axis in "xyz"},
}


def _thermo_file(stride: int, name: str, *, cell: bool = False) -> list[str]:
    columns = {"s": "step", "t": "temp", "p": "pe", "k": "ke", "b": "press", "c": "econserve"}
    title = "step,temperature_k,potential_energy_ev,kinetic_energy_ev,pressure_bar,conserved_ev"
    if cell:
        columns |= {keyword: keyword for keyword in CELL_COLUMNS}
        title = ",".join((title, *CELL_COLUMNS.values()))
    lines = [f"variable thermo_{letter} equal {keyword}" for letter, keyword in columns.items()]
    fields = ",".join(f"$(v_thermo_{letter}:%.10g)" for letter in columns)
    return [*lines, f'fix thermo_file all print {stride} "{fields}" file {name} screen no title "{title}"']


def all_atoms_dump(stride: int, name: str) -> list[str]:
    """All atoms as XTC, unwrapped and sorted by id."""
    return [
        f"dump all_atoms all xtc {stride} {name}",
        "dump_modify all_atoms unwrap yes sort id first yes precision 10000",
    ]


def equilibrate_input(
    dynamics: Dynamics,
    *,
    data: str,
    steps: int,
    seed: int,
    thermo_stride: int,
    all_atoms_stride: int,
    thermo: str,
    all_atoms: str,
    minimised: str,
    restart: str,
) -> str:
    """Minimise by conjugate gradients, draw velocities, run NVT for `steps`, and write a restart at step 0.

    Velocities have no net momentum; the file `minimised` is a data file of the minimised structure, `all_atoms` an XTC of
    the NVT part, which starts as the label engine's own runs do.
    """
    return "\n".join(
        [
            *_setup(dynamics, f"read_data {data}"),
            "thermo 50",
            "min_style cg",
            "minimize 1e-8 1e-3 500 5000",
            f"write_data {minimised} nocoeff",
            "reset_timestep 0",
            f"velocity all create {dynamics.temperature_k:g} {seed} mom yes rot no dist gaussian",
            *_nvt(dynamics),
            *_thermo_file(thermo_stride, thermo),
            *all_atoms_dump(all_atoms_stride, all_atoms),
            f"thermo {max(thermo_stride, steps // 100)}",
            f"run {steps}",
            "undump all_atoms",
            "reset_timestep 0",
            f"write_restart {restart}",
            "",
        ]
    )


def segment_input(
    dynamics: Dynamics,
    *,
    restart_in: str,
    last_step: int,
    strides: Strides,
    positions: str,
    all_atoms: str,
    host: str,
    thermo: str,
    restart_out: str,
    restart_prefix: str,
    reached: str,
    timeout_s: float | None = None,
) -> str:
    """NVT from a restart file up to `last_step`, leaving what the trajectory contract asks for.

    Frames at the first and at the last step are both written, so that neighbouring segments share one. After `timeout_s` of
    wall time the run ends early, at a step where all outputs fall together; `restart_out` is of the step in the file `reached`.
    """
    limit = [] if timeout_s is None else [f"timer timeout {max(1, int(timeout_s))} every {strides.common}"]
    return "\n".join(
        [
            *limit,
            *_setup(dynamics, f"read_restart {restart_in}"),
            *_nvt(dynamics),
            *_thermo_file(strides.thermo, thermo, cell=bool(dynamics.pressure)),
            f"dump positions mobile dcd {strides.positions} {positions}",
            "dump_modify positions unwrap yes sort id first yes",
            *all_atoms_dump(strides.all_atoms, all_atoms),
            "compute host_centre host com",
            f"fix host_file host ave/time {strides.positions} 1 {strides.positions} "
            f"c_host_centre[1] c_host_centre[2] c_host_centre[3] file {host} format ' %.8g'",
            f"restart {strides.restart} {restart_prefix}.*",
            f"thermo {max(strides.thermo, (last_step) // 100 or 1)}",
            f"run {last_step} upto",
            f"write_restart {restart_out}",
            f'print "$(step)" file {reached} screen no',
            "",
        ]
    )

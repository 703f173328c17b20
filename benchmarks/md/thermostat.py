"""Does D hang on the thermostat? The same state with the damping of production, a weak one, and none, at one temperature.

    python benchmarks/md/thermostat.py results/demo/md/u4/750K/r0 results/demo/training/u4/0/compressed.pb --species Li Ti Cl

heats the last restart file of a production run to `--temperature` (2 ps, damping 100 fs), goes on from there in three ways,
and prints D_self of each with its interval. One species of the types is mobile: `--mobile`.
"""

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
from continued import begin, lammps

from dlmd.trajectory.trajectory import Trajectory
from dlmd.transport.analysis import analyse

WAYS = {
    "damping 100 fs (production)": "nvt temp {t} {t} 0.1",
    "damping 1 ps": "nvt temp {t} {t} 1.0",
    "constant energy": "nve",
}
TIME_STEP_FS, FRAME_STEPS = 2, 25


def positions(path, n_atoms):
    """(frames, atoms, 3) and the cell of a dump of unwrapped positions sorted by id."""
    frames, cell = [], None
    text = path.read_text().split("ITEM: TIMESTEP\n")[1:]
    for frame in text:
        lines = frame.splitlines()
        if cell is None:
            (xlo, xhi, xy), (ylo, yhi, xz), (zlo, zhi, yz) = (map(float, line.split()) for line in lines[4:7])
            xs, ys = (0, xy, xz, xy + xz), (0, yz)
            cell = np.array(
                [
                    [xhi - max(xs) - xlo + min(xs), 0, 0],
                    [xy, yhi - max(ys) - ylo + min(ys), 0],
                    [xz, yz, zhi - zlo],
                ]
            )
        frames.append([line.split()[2:5] for line in lines[8 : 8 + n_atoms]])
    return np.array(frames, float), cell


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a production run")
    parser.add_argument("model", type=Path, help="its potential")
    parser.add_argument("--species", nargs="+", required=True, help="elements in the order of the atom types")
    parser.add_argument("--mobile", default="Li")
    parser.add_argument("--temperature", type=float, default=800.0, help="K; default 800")
    parser.add_argument("--ps", type=float, default=12.0, help="length of each run; default 12 ps")
    given = parser.parse_args()
    restart, model = sorted(given.run.glob("[0-9]*.restart"))[-1].resolve(), given.model.resolve()
    t, steps = given.temperature, round(given.ps * 1000 / TIME_STEP_FS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [
            *begin(restart, model, given.species),
            f"timestep {TIME_STEP_FS / 1000}",
            f"velocity all create {t:g} 4711 mom yes rot no dist gaussian",
            f"fix integrate all nvt temp {t:g} {t:g} 0.1",
            "thermo 500",
            f"run {2000 // TIME_STEP_FS}",
            "write_restart hot.restart",
        ]
        for number, fix in enumerate(WAYS.values()):
            lines += [
                *begin("hot.restart", model, given.species),
                f"timestep {TIME_STEP_FS / 1000}",
                "reset_timestep 0",
                f"fix another all {fix.format(t=f'{t:g}')}",
                f"dump all all custom {FRAME_STEPS} {number}.lammpstrj id type xu yu zu",
                "dump_modify all sort id",
                "thermo 50",
                f"run {steps}",
            ]
        log = lammps(lines, folder)
        atoms = int(re.search(r"(\d+) atoms", log)[1])
        blocks = re.findall(r"Step +Temp.*?\n(.*?)Loop time", log, flags=re.DOTALL)[1:]
        print("| thermostat | mean temperature, K | D_self, 1e-6 cm²/s | verdict |\n|---|---|---|---|")
        for number, way in enumerate(WAYS):
            found, cell = positions(folder / f"{number}.lammpstrj", atoms)
            types = np.array(
                [
                    int(line.split()[1])
                    for line in (folder / f"{number}.lammpstrj").read_text().splitlines()[9 : 9 + atoms]
                ]
            )
            mobile = types == given.species.index(given.mobile) + 1
            masses = np.array([mass(given.species[k - 1]) for k in types[~mobile]])
            centre = np.einsum("fai,a->fi", found[:, ~mobile], masses / masses.sum())
            run = Trajectory.from_arrays(
                found[:, mobile],
                frame_interval_ps=FRAME_STEPS * TIME_STEP_FS / 1000,
                cell=cell,
                mobile=given.mobile,
                temperature_k=t,
                host_com=centre,
                n_host_atoms=int((~mobile).sum()),
            )
            result = analyse(
                [run], charge=1.0, lag_start_ps=1.0, lag_end_ps=3.0, hop_length_angstrom=2.5
            ).to_dict()
            temperature = np.array([line.split()[1] for line in blocks[number].splitlines()], float).mean()
            d = result["d_self_cm2_per_s"]
            shown = f"{1e6 * d['value']:.2f} ({1e6 * d['low']:.2f} to {1e6 * d['high']:.2f})" if d else "–"
            print(f"| {way} | {temperature:.0f} | {shown} | {result['verdict']['code']} |")


def mass(symbol):
    from ase.data import atomic_masses, atomic_numbers

    return float(atomic_masses[atomic_numbers[symbol]])


if __name__ == "__main__":
    main()

"""Stand-ins for pw.x and cp2k: they read what the engine wrote, compute with ASE's Lennard-Jones potential, and print
what the programs print, in their units and signs.

    python dft_stand_ins.py pw -in espresso.pwi        (the output goes to stdout, as pw.x's)
    python dft_stand_ins.py cp2k -s                    (CP2K's shell: commands from stdin)

The folder's file `faults` names what goes wrong: unconverged, unconverged_ends, no_u, dies, stars.
"""

import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.io import read
from ase.stress import voigt_6_to_full_3x3_stress
from ase.units import create_units

RY = create_units("2006")["Ry"]
BOHR = create_units("2006")["Bohr"]
MOMENTS = {"Ti": 0.83}


def model():
    return LennardJones(sigma=2.1, epsilon=0.05, rc=5.0, smooth=True)


def moments(atoms):
    return [MOMENTS.get(s, -0.004) for s in atoms.symbols]


def faults():
    path = Path("faults")
    return path.read_text().split() if path.exists() else []


def pw(args):
    print("\n     Program PWSCF v.7.3.1 starts on  1Jan2026 at  0: 0: 0\n")
    if "-in" not in args:
        sys.exit(1)
    text, wrong = Path(args[-1]).read_text(), faults()
    atoms = read(args[-1], format="espresso-in")
    atoms.calc = model()
    alat = np.linalg.norm(atoms.cell[0])
    print(f"     lattice parameter (alat)  = {alat / BOHR:12.6f}  a.u.")
    print(
        f"     number of atoms/cell      = {len(atoms):12d}\n     number of atomic types    =            3\n"
    )
    print(f"     celldm(1)= {alat / BOHR:10.6f}  celldm(2)=   0.000000  celldm(3)=   0.000000\n")
    print("     crystal axes: (cart. coord. in units of alat)")
    for i, vector in enumerate(atoms.cell / alat):
        print(f"               a({i + 1}) = ( {vector[0]:10.6f} {vector[1]:10.6f} {vector[2]:10.6f} )  ")
    if "HUBBARD" in text and "no_u" not in wrong:
        for line in text.split("HUBBARD")[1].splitlines()[1:]:
            _, manifold, value = line.split()
            print("\n     Hubbard parameters of DFT+U (Dudarev formulation) in eV:")
            print(f"     U({manifold}) = {float(value):7.4f}\n")
    print("   Cartesian axes\n\n     site n.     atom                  positions (alat units)")
    for i, (s, p) in enumerate(zip(atoms.symbols, atoms.positions / alat, strict=True)):
        print(
            f"     {i + 1:5d}           {s:2s}  tau({i + 1:4d}) = ( {p[0]:11.7f} {p[1]:11.7f} {p[2]:11.7f}  )"
        )
    print("\n     number of k points=     1  Fermi-Dirac smearing, width (Ry)=  0.0037")
    print("                       cart. coord. in units 2pi/alat")
    print("        k(    1) = (   0.0000000   0.0000000   0.0000000), wk =   2.0000000")
    if "unconverged" in wrong:
        print("\n     End of self-consistent calculation")
        print("\n     convergence NOT achieved after 200 iterations: stopping\n\n   JOB DONE.")
        sys.exit(2)
    if "dies" in wrong:
        print("     iteration #  1     ecut=    50.00 Ry     beta= 0.30")
        sys.exit(1)
    for scale in (0.5, 1.0):  # of the first iterations, and of the last
        if "nspin            = 2" not in text:
            break
        print("\n     Magnetic moment per site  (integrated on atomic sphere of radius R)")
        for i, m in enumerate(moments(atoms)):
            print(f"     atom {i + 1:3d} (R=0.357)  charge=  6.0000  magn= {scale * m:7.4f}")
    energy, forces = atoms.get_potential_energy() / RY, atoms.get_forces() / (RY / BOHR)
    stress = -voigt_6_to_full_3x3_stress(atoms.get_stress()) / (RY / BOHR**3)
    print("\n     End of self-consistent calculation\n")
    if "HUBBARD" in text:
        print("     =================== HUBBARD OCCUPATIONS ===================")
        print("     ------------------------ ATOM    2 ------------------------")
        print("     Tr[ns(  2)] (up, down, total) =   1.58103  0.71101  2.29204\n")
        print("     Number of occupied Hubbard levels =    4.5841\n")
    print("          k = 0.0000 0.0000 0.0000 (  4321 PWs)   bands (ev):\n\n   -56.4580 -32.1150   1.5480\n")
    print("     the Fermi energy is     2.7620 ev\n")
    print(f"!    total energy              = {energy:17.8f} Ry")
    print("     smearing contrib. (-TS)   =      -0.00000000 Ry\n")
    print("     convergence has been achieved in  23 iterations\n")
    print("     Forces acting on atoms (cartesian axes, Ry/au):\n")
    for i, f in enumerate(forces):
        first = "*" * 13 if "stars" in wrong else f"{f[0]:13.8f}"
        print(f"     atom {i + 1:4d} type  1   force = {first} {f[1]:13.8f} {f[2]:13.8f}")
    print("\n     Total force =     0.000000     Total SCF correction =     0.000000\n")
    print("          total   stress  (Ry/bohr**3)                   (kbar)     P=        0.00")
    for row in stress:
        print(f"   {row[0]:13.8f} {row[1]:13.8f} {row[2]:13.8f}         0.00      0.00      0.00")
    print("\n   JOB DONE.")


class Shell:
    """CP2K's shell mode, version 7."""

    def __init__(self):
        self.atoms, self.output, self.uks = None, None, False

    def line(self):
        text = sys.stdin.readline()
        if not text:
            sys.exit(0)
        return text.strip()

    def say(self, *lines):
        print(*lines, sep="\n", flush=True)

    def serve(self):
        self.say("* READY")
        while True:
            command, *args = self.line().split()
            if command == "EXIT":
                sys.exit(0)
            getattr(self, command.lower())(*args)
            self.say("* READY")

    def version(self):
        self.say("CP2K Shell Version: 7.0")

    def harsh(self):
        pass

    def units_ev_a(self):
        pass

    def write_file(self):
        name, count = self.line(), int(self.line())
        Path(name).write_text("\n".join(self.line() for _ in range(count)))
        assert self.line() == "*END"

    def load(self, inp, out):
        text = Path(inp).read_text()
        self.output, self.uks = Path(out), "UNRESTRICTED_KOHN_SHAM ON" in text
        coordinates = text.split("&COORD")[1].split("&END")[0].split("\n")[1:-1]
        symbols, positions = zip(
            *((w[0], list(map(float, w[1:]))) for w in map(str.split, coordinates)), strict=True
        )
        self.atoms = Atoms(symbols, positions, cell=np.eye(3), pbc=True, calculator=model())
        self.say("1")

    def set_cell(self, _):
        self.atoms.set_cell([list(map(float, self.line().split())) for _ in range(3)])

    def set_pos_file(self, name, _):
        numbers = Path(name).read_text().split()
        assert int(numbers[0]) == len(numbers) - 1
        positions = np.array(numbers[1:], float).reshape(-1, 3)
        change = abs(positions - self.atoms.positions).max()
        self.atoms.positions = positions
        self.say(f"{change:.10e}")

    def eval_ef(self, _):
        wrong = faults()
        if "dies" in wrong:
            sys.exit(1)
        with self.output.open("a") as out:
            word = "converged in    23 steps" if not wrong else "NOT converged"
            print(f"\n  *** SCF run {word} ***\n", file=out)
            if "unconverged_ends" in wrong:  # as CP2K does since 2024
                sys.exit(1)
            if self.uks:
                print("                     Mulliken Population Analysis\n", file=out)
                print(
                    " #  Atom  Element  Kind  Atomic population (alpha,beta) Net charge  Spin moment",
                    file=out,
                )
                for i, (s, m) in enumerate(zip(self.atoms.symbols, moments(self.atoms), strict=True)):
                    print(
                        f"    {i + 1:4d}     {s:2s}       1         3.500000     3.000000     0.100000 {m:12.6f}",
                        file=out,
                    )
                print(
                    " # Total charge and spin        6.000000     0.000000     0.000000     6.000000\n",
                    file=out,
                )

    def get_e(self, _):
        self.say(f"{self.atoms.get_potential_energy():.12e}")

    def get_f(self, _):
        forces = self.atoms.get_forces()
        self.say(3 * len(forces), *("{:.12e} {:.12e} {:.12e}".format(*f) for f in forces), "* END")

    def get_stress(self, _):
        stress = -self.atoms.get_stress(voigt=False)
        self.say(" ".join(f"{x:.12e}" for x in stress.ravel()))


if __name__ == "__main__":
    program, *arguments = sys.argv[1:]
    if "--version" in arguments:
        print(" CP2K version 2025.1\n Source code revision unknown")
    elif program == "pw":
        pw(arguments)
    else:
        Shell().serve()

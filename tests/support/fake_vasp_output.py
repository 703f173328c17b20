"""The files that the stand-in for VASP writes: OUTCAR, vasprun.xml, OSZICAR, XDATCAR and CONTCAR, in VASP's formats."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np

EV_PER_A3_IN_KB = 1602.1766208
VALENCE = 1.0
NUMBERS = (
    *("ENCUT", "EDIFF", "EDIFFG", "SIGMA", "POTIM", "TEBEG", "TEEND", "SMASS", "NELECT"),
    *("EFIELD", "HFSCREEN", "KSPACING"),
)


class Output:
    """The growing output files of one run."""

    def __init__(self, tags, atoms, species, counts, titels, lexch, mesh, tricks):
        self.species, self.counts, self.tricks = species, counts, tricks
        self.nelm = int(tags.get("NELM", ["60"])[0])
        self.moments = [float(m) for m in tags["MAGMOM"]] if "MAGMOM" in tags else None
        self.outcar = Path("OUTCAR").open("w", buffering=1)
        self.xml = Path("vasprun.xml").open("w", buffering=1)
        self.oszicar = Path("OSZICAR").open("w", buffering=1)
        self.xdatcar = Path("XDATCAR").open("w", buffering=1)
        self._head(tags, atoms, titels, lexch, mesh, tricks)

    def _head(self, tags, atoms, titels, lexch, mesh, tricks):
        get = lambda name, default: " ".join(tags.get(name, [default]))  # noqa: E731
        truth = lambda name: "T" if get(name, "F").strip(".").upper().startswith("T") else "F"  # noqa: E731
        tell = lambda text="": self.outcar.write(text + "\n")  # noqa: E731
        tell(" vasp.0.0.0 a stand-in for tests (build none) complex")
        tell("\n INCAR:")
        if tricks.get("version", 5) > 5:  # VASP 6 repeats the INCAR
            for name, words in tags.items():
                tell(f"   {name} = {' '.join(words)}")
            tell()
        for titel in titels:
            tell(f" POTCAR:    {titel}")
        for titel, kind in zip(titels, lexch, strict=True):
            tell(f"   VRHFIN ={titel.split()[1].split('_')[0]}: test")
            tell(f"   LEXCH  = {kind}")
            tell(f"   TITEL  = {titel}")
        tell("\nAutomatic generation of k-mesh.")
        tell(f" generate k-points for:  {mesh[0]:3d}  {mesh[1]:3d}  {mesh[2]:3d}")
        points = self._k_points(mesh)
        tell("\n Dimension of arrays:")
        tell(
            f"   k-points           NKPTS = {len(points):6d}"
            "   k-points in BZ     NKDIM =      1   number of bands    NBANDS=     12"
        )
        tell(f"   number of dos      NEDOS =    301   number of ions     NIONS = {len(atoms):6d}")
        tell("   total plane-waves  NPLWV =  13824")
        tell("   ions per type =            " + "".join(f"{n:4d}" for n in self.counts))
        tell(f"\n SYSTEM =  {get('SYSTEM', 'unknown system')}")
        tell(f" POSCAR =  {Path('POSCAR').read_text().splitlines()[0]}")
        tell("\n Startparameter for this run:")
        tell(f"   ICHARG = {get('ICHARG', '2'):>6s}    charge: 1-file 2-atom 10-const")
        tell(f"   NWRITE = {get('NWRITE', '2'):>6s}    write-flag & timer")
        tell(
            f"   PREC   = {get('PREC', 'Normal').lower():6s}    normal or accurate (medium, high low for compatibility)"
        )
        tell(f"   ISPIN  = {get('ISPIN', '1'):>6s}    spin polarized calculation?")
        noncollinear = "T" if "T" in (truth("LSORBIT"), truth("LNONCOLLINEAR")) else "F"
        tell(f"   LNONCOLLINEAR = {noncollinear:>6s} non collinear calculations")
        tell(f"   LSORBIT = {truth('LSORBIT'):>6s}    spin-orbit coupling")
        tell(f"   LASPH  = {truth('LASPH'):>6s}    aspherical Exc in radial PAW")
        tell("\n Electronic Relaxation 1")
        tell(
            f"   ENCUT  = {float(get('ENCUT', '400')):6.1f} eV  33.07 Ry    5.75 a.u.   5.93 10.17  5.93*2*pi/ulx,y,z"
        )
        tell(f"   NELM   = {self.nelm:6d};   NELMIN={get('NELMIN', '2')}; NELMDL= -5     # of ELM steps ")
        tell(f"   EDIFF  = {float(get('EDIFF', '1E-4').replace('d', 'e')):.1E}   stopping-criterion for ELM")
        projected = "F" if get("LREAL", "F").strip(".").upper().startswith("F") else "T"
        tell(f"   LREAL  = {projected:>6s}    real-space projection")
        tell(f"   LMAXMIX     = {get('LMAXMIX', '2'):>4s}    max onsite mixed and CHGCAR")
        tell(f"   VOSKOWN= {get('VOSKOWN', '0'):>6s}    Vosko Wilk Nusair interpolation")
        tell(" Ionic relaxation")
        tell(f"   EDIFFG = {float(get('EDIFFG', '1E-3')):.1E}   stopping-criterion for IOM")
        tell(f"   NSW    = {get('NSW', '0'):>6s}    number of steps for IOM")
        tell(f"   NBLOCK = {get('NBLOCK', '1'):>6s};   KBLOCK =     10    inner block; outer block ")
        tell(f"   IBRION = {get('IBRION', '-1'):>6s}    ionic relax: 0-MD 1-quasi-New 2-CG")
        tell(f"   ISIF   = {get('ISIF', '2'):>6s}    stress and relaxation")
        tell(f"\n   POTIM  = {float(get('POTIM', '0.5')):6.4f}    time-step for ionic-motion")
        begin, end = float(get("TEBEG", "0")), float(get("TEEND", get("TEBEG", "0")))
        tell(f"   TEBEG  = {begin:6.1f};   TEEND  = {end:5.1f} temperature during run")
        tell("  Ionic Valenz\n   ZVAL   = " + "".join(f"{VALENCE:6.2f}" for _ in self.counts))
        electrons = float(get("NELECT", str(VALENCE * len(atoms))))
        tell(f"   NELECT = {electrons:13.4f}    total number of electrons")
        tell("\n DOS related values:")
        tell(
            f"   ISMEAR = {get('ISMEAR', '1'):>5s};   SIGMA  = {float(get('SIGMA', '0.2')):6.2f}  broadening in eV"
        )
        algorithms = {"f": "68", "a": "58", "d": "53", "v": "48", "e": "3"}
        tell(
            f"   IALGO  = {get('IALGO', algorithms.get(get('ALGO', 'n')[0].lower(), '38')):>6s}    algorithm"
        )
        tell(f"   LDIPOL = {truth('LDIPOL'):>6s}    correct potential (dipole corrections)")
        tell(f"   IDIPOL = {get('IDIPOL', '0'):>6s}    1-x, 2-y, 3-z, 4-all directions")
        if truth("LDAU") == "T":
            tell(f"\n LDA+U is selected, type is set to LDAUTYPE = {get('LDAUTYPE', '2'):>2s}")
            tell("   angular momentum for each species LDAUL = " + "".join(f"{x:>5s}" for x in tags["LDAUL"]))
            for name, unit in (("LDAUU", "U"), ("LDAUJ", "J")):
                values = "".join(f"{float(x):5.1f}" for x in tags[name])
                tell(f"   {unit} (eV)           for each species {name} = {values}")
        tell(" Exchange correlation treatment:")
        tell(f"   GGA     = {get('GGA', '--'):>5s}    GGA type")
        tell("   LEXCH   =     8    internal setting for exchange type")
        tell(f"   LHFCALC =     {truth('LHFCALC')}    Hartree Fock is set to\n")
        tell(" k-points in reciprocal lattice and weights: as in KPOINTS")
        for point in points:
            tell("".join(f"{x:12.8f}" for x in point) + f"{1 / len(points):12.3f}")
        tell()
        self.xml.write('<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n')
        self.xml.write(
            '  <i name="program" type="string">vasp </i>\n  <i name="version" type="string">0.0.0  </i>\n </generator>\n'
        )
        self.xml.write(" <incar>\n")
        kinds = {"NELM": "int", "NSW": "int", "IBRION": "int", "ISIF": "int", "ISPIN": "int", "ISMEAR": "int"}
        kinds |= dict.fromkeys(("LDAU", "LASPH", "LWAVE", "LCHARG"), "logical")
        kinds |= dict.fromkeys(("LHFCALC", "LSORBIT", "LNONCOLLINEAR", "LUSE_VDW", "ML_LMLFF"), "logical") | {
            "IVDW": "int"
        }
        kinds |= dict.fromkeys(("LDAUTYPE", "ICHARG", "IALGO", "IDIPOL"), "int")
        kinds |= dict.fromkeys(("SYSTEM", "PREC", "ALGO", "GGA", "LREAL", "METAGGA"), "string")
        for name, words in tags.items():
            value = " ".join(words)
            if name in ("MAGMOM", "LDAUL", "LDAUU", "LDAUJ"):
                kind = 'type="int" ' if name == "LDAUL" else ""
                self.xml.write(f'  <v {kind}name="{name}"> {value}</v>\n')
            elif name in NUMBERS:
                self.xml.write(f'  <i name="{name}"> {float(value.replace("d", "e")):.8f}</i>\n')
            else:
                kind = kinds.get(name, "string")
                text = truth(name) if kind == "logical" else value
                self.xml.write(f'  <i type="{kind}" name="{name}">{text}</i>\n')
        self.xml.write(' </incar>\n <kpoints>\n  <generation param="Gamma">\n')
        self.xml.write(f'   <v type="int" name="divisions">  {mesh[0]}  {mesh[1]}  {mesh[2]} </v>\n')
        self.xml.write(
            '   <v name="usershift"> 0.0 0.0 0.0 </v>\n  </generation>\n  <varray name="kpointlist" >\n'
        )
        self._vectors(points, "   ")
        self.xml.write('  </varray>\n  <varray name="weights" >\n')
        self._vectors([[1 / len(points)]] * len(points), "   ")
        self.xml.write("  </varray>\n </kpoints>\n")
        self.xml.write(' <parameters>\n  <separator name="electronic" >\n')
        self.xml.write(
            f'   <i name="ENMAX"> {float(get("ENCUT", "400")):.8f}</i>\n   <i type="int" name="NELM"> {self.nelm}</i>\n'
        )
        self.xml.write(f'   <i name="NELECT"> {electrons:.8f}</i>\n')
        self.xml.write('  </separator>\n  <separator name="ionic" >\n')
        for name, kind in (
            ("NSW", "int"),
            ("IBRION", "int"),
            ("ISIF", "int"),
            ("POTIM", None),
            ("TEBEG", None),
        ):
            mark = f'type="{kind}" ' if kind else ""
            usual = {"ISIF": "2", "IBRION": "-1"}.get(name, "0")
            self.xml.write(f'   <i {mark}name="{name}"> {get(name, usual)}</i>\n')
        self.xml.write("  </separator>\n </parameters>\n <atominfo>\n")
        self.xml.write(f"  <atoms> {len(atoms)} </atoms>\n  <types> {len(self.species)} </types>\n")
        self.xml.write(
            '  <array name="atoms" >\n   <dimension dim="1">ion</dimension>\n   <field type="string">element</field>\n'
        )
        self.xml.write('   <field type="int">atomtype</field>\n   <set>\n')
        for n, (name, count) in enumerate(zip(self.species, self.counts, strict=True), 1):
            self.xml.write(f"    <rc><c>{name:2s}</c><c>  {n}</c></rc>\n" * count)
        self.xml.write(
            '   </set>\n  </array>\n  <array name="atomtypes" >\n   <dimension dim="1">type</dimension>\n'
        )
        for field in ("atomspertype", "element", "mass", "valence", "pseudopotential"):
            self.xml.write(f'   <field type="string">{field}</field>\n')
        self.xml.write("   <set>\n")
        for name, count, titel in zip(self.species, self.counts, titels, strict=True):
            self.xml.write(
                f"    <rc><c> {count}</c><c>{name:2s}</c><c> 1.0</c><c> 1.0</c><c>  {titel}</c></rc>\n"
            )
        self.xml.write("   </set>\n  </array>\n </atominfo>\n")
        self._structure(atoms, ' name="initialpos"', " ")
        names = "  ".join(self.species) + "\n" + "  ".join(map(str, self.counts)) + "\n"
        rows = "".join("  ".join(f"{x:12.8f}" for x in v) + "\n" for v in atoms.cell)
        self.xdatcar.write(f"{get('SYSTEM', 'x')}\n 1\n{rows}{names}")

    def _k_points(self, mesh):
        """The mesh without symmetry."""
        gamma = Path("KPOINTS").read_text().splitlines()[2].strip()[:1] in "Gg"
        shift = np.zeros(3) if gamma else 0.5 * (np.array(mesh) % 2 == 0)
        return (np.indices(mesh).reshape(3, -1).T + shift) / mesh

    def _structure(self, atoms, name, pad):
        self.xml.write(f'{pad}<structure{name}>\n{pad} <crystal>\n{pad}  <varray name="basis" >\n')
        self._vectors(atoms.cell, pad + "   ")
        self.xml.write(f'{pad}  </varray>\n{pad}  <i name="volume"> {atoms.get_volume():.8f} </i>\n')
        self.xml.write(f'{pad}  <varray name="rec_basis" >\n')
        self._vectors(atoms.cell.reciprocal(), pad + "   ")
        self.xml.write(f'{pad}  </varray>\n{pad} </crystal>\n{pad} <varray name="positions" >\n')
        self._vectors(atoms.get_scaled_positions(), pad + "  ")
        self.xml.write(f"{pad} </varray>\n{pad}</structure>\n")

    def _vectors(self, rows, pad):
        for row in rows:
            self.xml.write(pad + "<v> " + " ".join(f"{x:16.8f}" for x in row) + " </v>\n")

    def step(self, n, atoms, energy, forces, stress, kinetic, temperature, *, die=False):
        """One ionic step; with `die` only the first half of its force table is written before SIGKILL."""
        if "learned" in self.tricks:
            self._predicted(n, atoms, energy, forces, stress, kinetic, temperature)
            if n in self.tricks["learned"]:
                return
        steps = self.nelm if n in self.tricks.get("unconverged", []) else 5 + n % 3
        aborted = n == self.tricks.get("labort")
        steps = 2 if aborted else steps
        moments = self.moments
        if moments and n in self.tricks.get("flip_moment", []):
            moments = [0.05 if m else 0.0 for m in moments]
        total = "" if moments is None else f"{sum(moments):15.7f}"
        out, xml = self.outcar, self.xml
        self.oszicar.write(
            "       N       E                     dE             d eps       ncg     rms          rms(c)\n"
        )
        xml.write(" <calculation>\n")
        for k in range(1, steps + 1):
            value = energy + 10.0 ** (-2 * k)
            out.write(
                f"--------------------------------------- Iteration {n:6d}({k:4d})  ---------------------------------------\n"
            )
            out.write(f" number of electron      16.0000000 magnetization {total}\n")
            change = value - energy - 10.0 ** (-2 * (k - 1))
            out.write(f" total energy-change (2. order) :{change:14.7E}  ({change / 2:14.7E})\n")
            out.write(f"  free energy    TOTEN  =   {value:16.8f} eV\n\n")
            self.oszicar.write(
                f"DAV: {k:3d}    {value:.12E}   -0.1E+00   -0.1E+00  100   0.1E+00    0.1E+00\n"
            )
            xml.write(f'  <scstep>\n   <energy>\n    <i name="e_fr_energy"> {value:16.8f} </i>\n')
            xml.write(
                f'    <i name="e_wo_entrp"> {value:16.8f} </i>\n    <i name="e_0_energy"> {value:16.8f} </i>\n'
            )
            xml.write("   </energy>\n  </scstep>\n")
        # VASP prints this line after the last allowed step as well
        out.write(
            " hard stop encountered!  aborting job ...\n\n"
            if aborted
            else "------------------------ aborting loop because EDIFF is reached ----------------------------------------\n\n"
        )
        if moments is not None:
            out.write(
                " magnetization (x)\n \n# of ion       s       p       d       tot\n------------------------------------------\n"
            )
            for i, m in enumerate(moments, 1):
                out.write(f"{i:5d}        0.000   0.000 {m:7.3f} {m:7.3f}\n")
            out.write(
                f"--------------------------------------------------\n"
                f"tot          0.000   0.000 {sum(moments):7.3f} {sum(moments):7.3f}\n\n"
            )
        kb = -EV_PER_A3_IN_KB * stress
        voigt = [kb[0, 0], kb[1, 1], kb[2, 2], kb[0, 1], kb[1, 2], kb[2, 0]]
        out.write("  FORCE on cell =-STRESS in cart. coord.  units (eV):\n")
        out.write(
            "  Direction    XX          YY          ZZ          XY          YZ          ZX\n"
            + "  "
            + "-" * 86
            + "\n"
        )
        for name in (
            "Alpha Z",
            "Ewald  ",
            "Hartree",
            "E(xc)  ",
            "Local  ",
            "n-local",
            "augment",
            "Kinetic",
            "Fock   ",
        ):
            out.write(f"  {name}" + "     0.00000" * (3 if name == "Alpha Z" else 6) + "\n")
        out.write("  " + "-" * 85 + "\n")
        ev = [x * atoms.get_volume() / EV_PER_A3_IN_KB for x in voigt]
        out.write("  Total " + "".join(f"{x:12.5f}" for x in ev) + "\n")
        out.write("  in kB " + "".join(f"{x:12.5f}" for x in voigt) + "\n")
        out.write("\n VOLUME and BASIS-vectors are now :\n" + "-" * 77 + "\n  energy-cutoff  :      450.00\n")
        out.write(
            f"  volume of cell : {atoms.get_volume():11.2f}\n"
            f"      direct lattice vectors                 reciprocal lattice vectors\n"
        )
        for a, b in zip(atoms.cell, atoms.cell.reciprocal(), strict=True):
            out.write(
                "  " + "".join(f"{x:13.9f}" for x in a) + "  " + "".join(f"{x:13.9f}" for x in b) + "\n"
            )
        out.write(
            "\n POSITION                                       TOTAL-FORCE (eV/Angst)\n " + "-" * 83 + "\n"
        )
        rows = []
        for x, f in zip(atoms.get_scaled_positions(wrap=True) @ atoms.cell, forces, strict=True):
            force = "*" * 42 if n in self.tricks.get("overflow", []) else "".join(f"{v:14.6f}" for v in f)
            rows.append("".join(f"{v:13.5f}" for v in x) + "   " + force + "\n")
        if die:
            out.write("".join(rows[: len(rows) // 2]) + rows[len(rows) // 2][:20])
            out.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        out.write(
            "".join(rows)
            + " "
            + "-" * 83
            + "\n    total drift:        0.000000      0.000000      0.000000\n\n"
        )
        out.write(
            "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n  ---------------------------------------------------\n"
        )
        out.write(
            f"  free  energy   TOTEN  = {energy:18.8f} eV\n\n"
            f"  energy  without entropy= {energy:18.8f}  energy(sigma->0) = {energy:18.8f}\n\n"
        )
        if kinetic is not None:
            out.write(f"  kinetic energy EKIN   = {kinetic:16.6f}\n")
            out.write(f"  kin. lattice  EKIN_LAT=         0.000000  (temperature {temperature:7.2f} K)\n")
        self._structure(atoms, "", "  ")
        xml.write('  <varray name="forces" >\n')
        self._vectors(forces, "   ")
        xml.write('  </varray>\n  <varray name="stress" >\n')
        self._vectors(kb, "   ")
        xml.write("  </varray>\n  <energy>\n")
        for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy"):
            xml.write(f'   <i name="{name}"> {energy:16.8f} </i>\n')
        if kinetic is not None:
            xml.write(f'   <i name="kinetic"> {kinetic:16.8f} </i>\n')
        xml.write("  </energy>\n </calculation>\n")
        mag = "" if moments is None else f"  mag= {sum(moments):10.4f}"
        self.oszicar.write(f"{n:4d} F= {energy:.8E} E0= {energy:.8E}  d E =-.1E-03{mag}\n")
        self.xdatcar.write(f"Direct configuration={n:6d}\n")
        for x in atoms.get_scaled_positions():
            self.xdatcar.write("  ".join(f"{v:12.8f}" for v in x) + "\n")

    def _predicted(self, n, atoms, energy, forces, stress, kinetic, temperature):
        """The machine-learned prediction with which every step of such a run begins; a little off."""
        out, kb = self.outcar, -EV_PER_A3_IN_KB * stress
        voigt = [kb[0, 0], kb[1, 1], kb[2, 2], kb[0, 1], kb[1, 2], kb[2, 0]]
        out.write("\n  ML FORCE on cell =-STRESS in cart. coord. units (eV/cell)\n")
        out.write(
            "  Direction    XX          YY          ZZ          XY          YZ          ZX\n  "
            + "-" * 86
            + "\n"
        )
        for name in ("Total:", "in kB "):
            out.write(f"  {name}" + "".join(f"{x:12.5f}" for x in voigt) + "\n")
        out.write(
            "  external pressure =  0.00 kB\n\n  kinetic pressure = 0.00 kB\n  total pressure  = 0.00 kB\n"
        )
        out.write("  Total+kin.     0.0\n  volume of cell : 0.0\n")
        out.write("      direct lattice vectors                 reciprocal lattice vectors\n")
        for a in atoms.cell:
            out.write(
                "  " + "".join(f"{x:13.9f}" for x in a) + "  " + "".join(f"{0:13.9f}" for _ in a) + "\n"
            )
        out.write(
            "\n  POSITION                                       TOTAL-FORCE (eV/Angst) (ML)\n "
            + "-" * 83
            + "\n"
        )
        for x, f in zip(atoms.get_scaled_positions(wrap=True) @ atoms.cell, forces + 0.3, strict=True):
            out.write("".join(f"{v:13.5f}" for v in x) + "   " + "".join(f"{v:14.6f}" for v in f) + "\n")
        out.write("\n  ML FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n")
        out.write(f"  free  energy ML TOTEN  = {energy + 1:18.8f} eV\n\n")
        if n in self.tricks["learned"]:
            out.write(f"  kinetic energy EKIN   = {kinetic:16.6f}\n")
            out.write(f"  kin. lattice  EKIN_LAT=         0.000000  (temperature {temperature:7.2f} K)\n")
            self._structure(atoms, "", " ")
            for name, rows in (("forces", forces + 0.3), ("stress", kb)):
                self.xml.write(f' <varray name="{name}" >\n')
                self._vectors(rows, "  ")
                self.xml.write(" </varray>\n")
            self.xml.write(f' <energy>\n  <i name="e_fr_energy"> {energy + 1:16.8f} </i>\n')
            self.xml.write(f'  <i name="kinetic"> {kinetic:16.8f} </i>\n </energy>\n')

    def contcar(self, atoms, velocities=None):
        lines = [Path("POSCAR").read_text().splitlines()[0], "   1.0"]
        lines += ["  " + "".join(f"{x:22.16f}" for x in v) for v in atoms.cell]
        lines += ["  ".join(self.species), "  ".join(map(str, self.counts)), "Direct"]
        lines += ["".join(f"{x:20.16f}" for x in v) for v in atoms.get_scaled_positions(wrap=False)]
        if velocities is not None:
            lines += [""] + ["".join(f"{x:16.8E}" for x in v) for v in velocities]
            # predictor-corrector block: flag, time step, Nosé coordinates, three vectors per atom
            lines += [
                "",
                "           1",
                f"{1.0:20.14E}",
                "".join(f"{x:16.8E}" for x in (1.0, 0.0, 0.0, 0.0)),
            ] + ["".join(f"{x:16.8E}" for x in v) for v in np.zeros((3 * len(atoms), 3))]
        Path("CONTCAR").write_text("\n".join(lines) + "\n")

    def close(self, atoms, relaxed):
        if relaxed:
            self.outcar.write(" reached required accuracy - stopping structural energy minimisation\n")
        self.outcar.write(
            "\n General timing and accounting informations for this job:\n"
            " ========================================================\n"
        )
        self.outcar.write("                         Elapsed time (sec):        1.000\n")
        self._structure(atoms, ' name="finalpos"', " ")
        self.xml.write("</modeling>\n")

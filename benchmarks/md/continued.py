"""LAMMPS begun at the last restart file of a production run."""

from dlmd.process import programs


def begin(restart, model, species, *, skin=1.0, every=5):
    """The lines that read a state."""
    return [
        "clear",
        "units metal",
        "atom_style atomic",
        "atom_modify map yes",
        "boundary p p p",
        "box tilt large",
        f"read_restart {restart}",
        f"pair_style deepmd {model}",
        "pair_coeff * * " + " ".join(species),
        f"neighbor {skin} bin",
        f"neigh_modify every {every} delay 0 check yes",
        "thermo_style custom step temp etotal econserve",
        "thermo_modify norm no",
    ]


def lammps(lines, folder):
    """The text of the log of an input."""
    (folder / "in.lammps").write_text("\n".join(lines) + "\n")
    log = folder / "log.txt"
    programs.run([*programs.command("lmp"), "-in", "in.lammps"], cwd=folder, log=log, threads=1)
    return log.read_text()

"""The shell script that runs a staged job where this package is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

TEXT = """#!/bin/sh
# Runs the steps of this VASP job one after the other:
#   VASP="srun vasp_std" ./run.sh
# After a walltime start it again: finished steps are skipped, an unfinished one goes on from its CONTCAR in a new runNN.
# Bring back, per step, run*/OUTCAR (or vasprun.xml), CONTCAR and OSZICAR; gzip is fine.
set -eu
: "${{VASP:?set VASP to the command that runs VASP}}"
cd "$(dirname "$0")"
if [ ! -f POTCAR ]; then
    echo "POTCAR is missing: concatenate the potentials listed in */inputs/POTCAR.spec" >&2
    exit 1
fi
structure=""
for step in {steps}; do
    number=0
    done=""
    while [ -d "$step/run0$number" ]; do
        if grep -qs "General timing and accounting" "$step/run0$number/OUTCAR"; then
            done=yes
        fi
        if [ -s "$step/run0$number/CONTCAR" ]; then
            structure="$step/run0$number/CONTCAR"
        fi
        number=$((number + 1))
    done
    [ -z "$done" ] || continue
    [ "$number" -lt 10 ] || {{ echo "$step: ten runs did not finish it" >&2; exit 1; }}
    run="$step/run0$number"
    mkdir "$run"
    cp "$step/inputs/INCAR" "$step/inputs/KPOINTS" POTCAR "$run/"
    cp "${{structure:-$step/inputs/POSCAR}}" "$run/POSCAR"
    (cd "$run" && $VASP > vasp.out 2>&1) || true
    rm -f "$run/POTCAR"
    if ! grep -qs "General timing and accounting" "$run/OUTCAR"; then
        echo "$step: VASP did not finish, see $run/vasp.out" >&2
        exit 1
    fi
    structure="$run/CONTCAR"
done
"""


def write(folder: Path, steps: Sequence[str]) -> Path:
    """Write run.sh for `steps` into the job folder."""
    path = folder / "run.sh"
    path.write_text(TEXT.format(steps=" ".join(steps)))
    path.chmod(0o755)
    return path

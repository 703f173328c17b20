"""The shell script that runs a staged job where this package is not installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

# It takes a step for finished where `continuation.step_done` does, from OUTCAR or vasprun.xml, packed or not.
TEXT = r"""#!/bin/sh
# Runs the steps of this VASP job one after the other:
#   VASP="srun vasp_std" ./run.sh
# Start it again after a walltime, a STOPCAR or a crash: finished steps are skipped, an unfinished one goes on from its CONTCAR in
# a new runNN. Bring back, per step, run*/OUTCAR (or vasprun.xml), CONTCAR, INCAR and inputs.json; gzip, bzip2 or xz
# is fine.
set -eu
: "${VASP:?set VASP to the command that runs VASP}"
cd "$(dirname "$0")"
# licensed: none stays in a run folder, whatever ends this script or ended the one before
chmod 600 POTCAR 2>/dev/null || true
sweep() { rm -f ./*/run[0-9][0-9]/POTCAR; }
child=""
stop() { [ -z "$child" ] || kill "$child" 2>/dev/null || true; exit "$1"; }
sweep
trap sweep EXIT
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM

show() {
    if [ -s "$1" ]; then cat "$1"
    elif [ -s "$1.gz" ]; then gzip -dc "$1.gz" 2>/dev/null || true
    elif [ -s "$1.bz2" ]; then bzip2 -dc "$1.bz2" 2>/dev/null || true
    elif [ -s "$1.xz" ]; then xz -dc "$1.xz" 2>/dev/null || true
    fi
}
has() { for end in "" .gz .bz2 .xz; do [ ! -s "$1$end" ] || return 0; done; return 1; }
output() { has "$1/OUTCAR" || has "$1/vasprun.xml"; }
ended() {
    show "$1/OUTCAR" | grep -q "General timing and accounting" || show "$1/vasprun.xml" | grep -q "</modeling>"
}
made() { # whole ionic steps of a run
    if has "$1/OUTCAR"; then show "$1/OUTCAR" | grep -c "free  energy   TOTEN" || true
    else show "$1/vasprun.xml" | grep -c "</calculation>" || true; fi
}
relaxed() {
    if has "$1/OUTCAR"; then show "$1/OUTCAR" | grep -q "reached required accuracy"
    else [ ! -f "$1/STOPCAR" ] && [ "$(made "$1")" -lt "$nsw" ]; fi
}
finished() {
    [ -n "$last" ] && ended "$last" || return 1
    case "$role" in
        relax) relaxed "$last" ;;
        static) ! show "$last/OUTCAR" | grep -q "hard stop encountered" ;;
        *) [ "$total" -ge "$nsw" ] ;;
    esac
}
mark() { grep '^ "sha256"' "$1/inputs.json"; }
look() { # what is there of this step: last run, ionic steps, structure to go on from, number of the next run
    last=""; total=0; number=0
    for run in "$step" "$step"/run[0-9][0-9]; do
        [ -d "$run" ] || continue
        [ "$run" = "$step" ] || { number="${run##*run}"; number=$(( ${number#0} + 1 )); }
        output "$run" || continue
        if [ -f "$run/inputs.json" ] && [ "$(mark "$run")" != "$(mark "$step/inputs")" ]; then
            echo "$run was made with other settings than are staged now: move it out of $step" >&2
            exit 1
        fi
        last="$run"
        total=$((total + $(made "$run")))
        if [ "$(show "$run/CONTCAR" | wc -l)" -ge @LINES@ ]; then structure="$run/CONTCAR"; fi
    done
}
structure=""
for what in @STEPS@; do
    step="${what%%:*}"; nsw="${what##*:}"; role="${what%:*}"; role="${role#*:}"
    tries=0
    look
    until finished; do
        if [ ! -f POTCAR ]; then
            echo "POTCAR is missing: concatenate the potentials listed in */inputs/POTCAR.spec" >&2
            exit 1
        fi
        [ "$tries" -lt 4 ] || { echo "$step: not finished after $tries runs; start run.sh again to go on" >&2; exit 1; }
        [ "$number" -lt 100 ] || { echo "$step: a hundred runs did not finish it" >&2; exit 1; }
        tries=$((tries + 1))
        run="$step/run$(printf %02d "$number")"
        mkdir "$run"
        left="$nsw"
        case "$role" in
            heat | produce) left=$((nsw > total ? nsw - total : 1)) ;;
            static) left=0 ;; # with 1 it would be dynamics, which VASP refuses without POTIM
        esac
        sed "s/^ *NSW *=.*/NSW = $left/" "$step/inputs/INCAR" > "$run/INCAR"
        cp "$step/inputs/KPOINTS" "$step/inputs/inputs.json" "$run/"
        if [ -n "$structure" ]; then show "$structure" > "$run/POSCAR"; else cp "$step/inputs/POSCAR" "$run/POSCAR"; fi
        (umask 077 && cat POTCAR > "$run/POTCAR")
        if command -v sha256sum > /dev/null; then sha256sum < POTCAR | cut -c 1-64 > "$run/POTCAR.sha256"; fi
        (cd "$run" && exec sh -c "$VASP" > vasp.out 2>&1) &
        child=$!
        wait "$child" || true
        child=""
        sweep
        look
        if [ "$last" != "$run" ] || ! ended "$run"; then
            echo "$step: VASP did not finish, see $run/vasp.out" >&2
            exit 1
        fi
        if ! finished && [ -f "$run/STOPCAR" ]; then
            echo "$step: stopped by a STOPCAR; start run.sh again to go on" >&2
            exit 1
        fi
        [ "$(made "$run")" -gt 0 ] || { echo "$step: VASP made no ionic step, see $run/vasp.out" >&2; exit 1; }
    done
done
"""


def write(folder: Path, steps: Sequence[Mapping], *, n_atoms: int, dynamics: bool) -> Path:
    """Write run.sh for `steps` (of a job's record) into the job folder.

    Parameters
    ----------
    n_atoms, dynamics
        Tell a whole CONTCAR from one that a kill cut short: dynamics goes on with velocities.
    """
    lines = 8 + n_atoms + (1 + n_atoms if dynamics else 0)
    text = TEXT.replace("@LINES@", str(lines)).replace(
        "@STEPS@", " ".join(f"{s['name']}:{s['role']}:{max(1, int(s['tags'].get('NSW', 0)))}" for s in steps)
    )
    path = folder / "run.sh"
    path.write_text(text)
    path.chmod(0o755)
    return path

"""Run one step of a staged job here, and go on where it was cut off. Nothing finished is run again."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.base.files import whole, write_json
from dlmd.config.launch import LevelLaunch
from dlmd.config.levels.vasp import VaspSettings
from dlmd.labels.vasp import as_staged, continuation, inputs, potcar, verify
from dlmd.labels.vasp.frames import Run
from dlmd.labels.vasp.output import find, read_text
from dlmd.labels.vasp.stage import load_job
from dlmd.process.ownership import owned
from dlmd.process.programs import die_with_parent

DONE = "done.json"
# One call starts VASP at most so many times, as long as each start makes some progress.
MAX_RUNS = 4
# custodian starts VASP itself: this makes it end with this process, however that ends
WITH_PARENT = (
    "import os, sys; from dlmd.process.programs import die_with_parent; die_with_parent(); "
    "os.execv('/bin/sh', ['/bin/sh', '-c', sys.argv[1]])"
)
# Folders run00 to run99 at most
MAX_FOLDERS = 100


def run_step(
    folder: str | Path,
    name: str,
    *,
    settings: VaspSettings,
    launch: LevelLaunch,
    walltime_s: float | None = None,
) -> dict:
    """Run the step `name` of the job in `folder` until it is done; writes done.json last, and returns it.

    Parameters
    ----------
    folder
        Job folder made by `stage_relax` or `stage_aimd`.
    settings
        The level's settings, of which only the potentials are read here.
    launch
        `command`, `custodian` and `stop_margin_s`.
    walltime_s
        Time this call may take. `stop_margin_s` before its end a STOPCAR tells VASP to end with a whole ionic step.

    Raises
    ------
    DlmdError
        if potentials are missing, the step before is not done, VASP makes no progress, or the walltime came first
        (calling again goes on from there).
    """
    folder = Path(folder)
    job = load_job(folder)
    names = [step["name"] for step in job["run_steps"]]
    number = names.index(name)
    if number and not (folder / names[number - 1] / DONE).exists():
        raise DlmdError(
            f"{name} needs {names[number - 1]}, which is not done",
            where=str(folder),
            remedy=f"run {names[number - 1]} first",
        )
    with owned(folder / name):
        potcar.sweep(folder / name)
        return _run(folder, job, number, settings, launch, walltime_s)


def _run(
    folder: Path,
    job: dict,
    number: int,
    settings: VaspSettings,
    launch: LevelLaunch,
    walltime_s: float | None,
) -> dict:
    started = time.monotonic()
    step = job["run_steps"][number]
    here = folder / step["name"]
    deadline = None if walltime_s is None else started + walltime_s - launch.stop_margin_s
    for attempt in range(MAX_RUNS):
        runs = _readable(here)
        _require_same_inputs(runs, job, step, here)
        if not attempt:
            _require_same_structure(runs, job, number, folder)
        if continuation.done(step, runs):
            return _finish(here, step, runs, started)
        if deadline is not None and time.monotonic() >= deadline:
            raise DlmdError(
                f"the walltime came before {step['name']} was done ({_progress(step, runs)})",
                where=str(here),
                remedy="submit it again: it goes on from the last CONTCAR",
            )
        before = _whole(runs)
        run_folder, potentials = _prepare(folder, job, number, runs, settings)
        # licensed, and not to be archived with results
        with potcar.lent(run_folder / "POTCAR", potentials):
            code = _execute(run_folder, launch, deadline, watch=job["kind"] == "relax")
        after = _whole(_readable(here))
        if after <= before:
            raise _no_progress(run_folder, code)
        print(f"{run_folder}: {after - before} ionic steps, exit code {code}", file=sys.stderr)
    runs = _readable(here)
    if continuation.done(step, runs):
        return _finish(here, step, runs, started)
    raise DlmdError(
        f"{step['name']} is not done after {MAX_RUNS} runs ({_progress(step, runs)})",
        where=str(here),
        remedy="look at the last run's vasp.out; running again goes on from there",
    )


def detected(run_folder: Path) -> list[str]:
    """Names of the known VASP errors (custodian's) in the run's screen output; detection only."""
    from custodian.vasp.handlers import VaspErrorHandler

    path = find(run_folder, "vasp.out")
    text = read_text(path) if path else ""
    return sorted(
        name for name, texts in VaspErrorHandler.error_msgs.items() if any(t in text for t in texts)
    )


def _readable(here: Path) -> list[Run]:
    """Runs of the step so far; none where all died before their first ionic step."""
    try:
        return continuation.read_runs(here)
    except DlmdError:
        return []


def _require_same_inputs(runs: list[Run], job: dict, step: dict, here: Path) -> None:
    """Runs of former settings in the folder must neither pass for done nor be continued."""
    for run in runs:
        wrong = as_staged.setting_mismatches(run, job, step)
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise DlmdError(
                f"a run of other settings is here: {wrong[0]}{more}",
                where=str(run.path.parent),
                remedy=f"go back to those settings, give the changed level a name of its own, or move run* out of {here.name}",
            )


def _require_same_structure(runs: list[Run], job: dict, number: int, folder: Path) -> None:
    """Runs of another structure, or from before the former step was run anew, must not be taken or continued either."""
    if runs and number == 0:
        as_staged.require_start(runs[0], job)
    elif runs:
        before = _readable(folder / job["run_steps"][number - 1]["name"])
        continuation.require_connected([*before[-1:], runs[0]])


def _whole(runs: list[Run]) -> int:
    return sum(len(run.whole_frames) for run in runs)


def _progress(step: dict, runs: list[Run]) -> str:
    return f"{_whole(runs)} ionic steps of {step['tags'].get('NSW', 1)}"


def _prepare(
    folder: Path, job: dict, number: int, runs: list[Run], settings: VaspSettings
) -> tuple[Path, str]:
    """The next runNN with its input files but the POTCAR, whose text is returned; dynamics is asked for the steps that are
    still missing."""
    step = job["run_steps"][number]
    here = folder / step["name"]
    text, source = continuation.start_text(folder, job, number)
    potentials, record = potcar.assemble(job["species"], settings)
    if potentials is None:
        raise DlmdError(
            f"no POTCAR for {', '.join(record['missing'])} ({record['family']})",
            where=str(settings.potcar.directory or "PMG_VASP_PSP_DIR is not set"),
            remedy="set potcar.directory to your POTCAR library, or use run: external",
        )
    staged = job["potcar"]["titels"]
    if any(old is not None and old != new for old, new in zip(staged, record["titels"], strict=True)):
        raise DlmdError(
            f"the potentials are {record['titels']}, but {staged} were staged",
            where=str(folder),
            remedy="give back the library that was staged with, or stage again",
        )
    if job["potcar"].get("sha256") not in (None, record["sha256"]):
        raise DlmdError(
            "a file of the potentials has changed since this job was staged, under the same name",
            where=str(settings.potcar.directory or folder),
            remedy="give back the library that was staged with, or stage again",
        )
    used = [int(path.name[3:]) for path in here.glob("run[0-9][0-9]")]
    run_folder = here / f"run{max(used, default=-1) + 1:02d}"
    if max(used, default=-1) + 1 >= MAX_FOLDERS:
        raise DlmdError(
            f"{MAX_FOLDERS} runs did not finish this step",
            where=str(here),
            remedy="make the segments shorter (chunk_steps) or the walltime longer",
        )
    tags = dict(step["tags"])
    incar = (here / "inputs" / "INCAR").read_text()
    if job["kind"] == "aimd" and runs:
        tags["NSW"] = missing_steps(step, runs)
        incar = "".join(
            f"NSW = {tags['NSW']}\n" if line.split("=")[0].strip() == "NSW" else line
            for line in incar.splitlines(keepends=True)
        )
        if not verify.same_value(verify.parse_incar(incar).get("NSW"), tags["NSW"]):
            raise DlmdError(
                "NSW could not be set for the continuation", where=str(here), remedy="stage again"
            )
    run_folder.mkdir()
    (run_folder / "INCAR").write_text(incar)
    shutil.copy(here / "inputs" / "KPOINTS", run_folder)
    (run_folder / "POSCAR").write_text(text)
    (run_folder / "start.txt").write_text(f"{source}\n")
    inputs.write(run_folder, step["tags"], {**job, "potcar": record})
    return run_folder, potentials


def missing_steps(step: dict, runs: list[Run]) -> int:
    """Ionic steps of a dynamics step that its runs have not made yet, at least 1."""
    joined = continuation.join(runs, where=step["name"])
    made = joined[-1].step + 1 if joined else 0
    return max(1, int(step["tags"]["NSW"]) - made)


def _execute(run_folder: Path, launch: LevelLaunch, deadline: float | None, *, watch: bool) -> int:
    """Run the command in the folder; relaxations under custodian. Returns the exit code."""
    over = threading.Event()
    if deadline is not None:
        threading.Thread(target=_stop_at, args=(deadline, run_folder, over), daemon=True).start()
    try:
        if watch and launch.custodian:
            return _under_custodian(run_folder, launch)
        with (run_folder / "vasp.out").open("w") as out:
            return subprocess.run(
                launch.started(),
                shell=True,
                preexec_fn=die_with_parent,
                cwd=run_folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
    finally:
        over.set()


def _stop_at(deadline: float, run_folder: Path, over: threading.Event) -> None:
    """Ask VASP, at the deadline, to stop after the ionic step it is in."""
    if not over.wait(max(0.0, deadline - time.monotonic())):
        (run_folder / "STOPCAR").write_text("LSTOP = .TRUE.\n")


def _under_custodian(run_folder: Path, launch: LevelLaunch) -> int:
    from custodian.custodian import Custodian, CustodianError
    from custodian.vasp.handlers import NonConvergingErrorHandler, VaspErrorHandler
    from custodian.vasp.jobs import VaspJob

    vasp = VaspJob(
        [sys.executable, "-c", WITH_PARENT, launch.started()],
        output_file="vasp.out",
        stderr_file="vasp.err",
        backup=False,
        auto_gamma=False,
    )
    # Handlers may change how VASP gets there (ALGO, POTIM, symmetry); a change of the level itself (ENCUT, U, k-points)
    # shows when the settings of the output are checked.
    custodian = Custodian(
        [VaspErrorHandler(), NonConvergingErrorHandler()],
        [vasp],
        max_errors=5,
        polling_time_step=1,
        monitor_freq=30,
        terminate_on_nonzero_returncode=False,
        directory=str(run_folder),
    )
    try:
        custodian.run()
    except CustodianError as error:
        print(f"custodian gave up: {error}", file=sys.stderr)
        return 1
    return 0


def _finish(here: Path, step: dict, runs: list[Run], started: float) -> dict:
    """Compress the outputs and write done.json."""
    record = {
        "step": step["name"],
        "role": step["role"],
        "runs": [
            {
                "folder": run.path.parent.name,
                "ionic_steps": len(run.whole_frames),
                "elapsed_s": run.elapsed_s,
                "errors_seen": detected(run.path.parent),
            }
            for run in runs
        ],
        "wall_s": round(time.monotonic() - started, 1),
    }
    for run in runs:
        for name in ("OUTCAR", "vasprun.xml"):
            _compress(run.path.parent / name)
    write_json(here / DONE, record)
    return record


def _compress(path: Path) -> None:
    if not path.is_file():
        return
    with whole(path.with_name(f"{path.name}.gz")) as part:
        with path.open("rb") as source, gzip.open(part, "wb", compresslevel=4) as target:
            shutil.copyfileobj(source, target)
    path.unlink()


def _no_progress(run_folder: Path, code: int) -> DlmdError:
    out = run_folder / "vasp.out"
    tail = "\n".join(out.read_text(errors="replace").splitlines()[-12:]) if out.exists() else ""
    print(tail, file=sys.stderr)
    seen = detected(run_folder)
    known = f"; known errors in its output: {', '.join(seen)}" if seen else ""
    return DlmdError(
        f"VASP made no ionic step (exit code {code}){known}",
        where=str(out),
        remedy="the lines above are the end of its output; check the command, modules and potentials",
    )

"""The jobs of a finished run, as Snakemake would start them, and one of them done in a process of its own."""

import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.config.reading import load
from dlmd.run import binding
from dlmd.run.preflight import check_run

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a job ended: `refused` has the message of an error for users, `traceback` anything else that was raised."""

    done: bool
    refused: str | None = None
    traceback: str | None = None


def listed(workdir: Path, config: str) -> list[dict]:
    """Rule, files, params and so on of all jobs of the run in `workdir`, in no order."""
    code = "import sys, run_jobs; run_jobs.dump(*sys.argv[1:])"
    out = workdir / "jobs.pickle"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(ROOT / "workflow")])}
    subprocess.run(
        [sys.executable, "-c", code, str(workdir), config, str(out)],
        check=True,
        env=env,
        cwd=workdir,
        capture_output=True,
    )
    with out.open("rb") as file:
        return pickle.load(file)


def dump(workdir: str, config: str, out: str) -> None:
    """Write what `listed` reads; in a process of its own, because Snakemake changes the interpreter it runs in."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
    )

    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        flow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=(Path(config),)),
            snakefile=ROOT / "Snakefile",
            workdir=Path(workdir),
        )
        flow.dag(DAGSettings(forceall=True)).execute_workflow(executor="dryrun")
        found = [_plain(job) for job in flow._workflow.dag.jobs if job.rule.name in binding.JOBS]
        settings = dict(flow._workflow.globals["config"])
    with Path(out).open("wb") as file:
        pickle.dump([job | {"config": settings} for job in found], file)


def _plain(job) -> dict:
    def files(named):
        return {
            key: str(value) if isinstance(value, str) else [str(v) for v in value]
            for key, value in named.items()
        }

    return {
        "rule": job.rule.name,
        "inputs": files(job.input),
        "outputs": files(job.output),
        "params": {key: pickle.loads(pickle.dumps(value)) for key, value in job.params.items()},
        "wildcards": {key: str(value) for key, value in job.wildcards_dict.items()},
        "log": str(job.log[0]) if job.log else "log",
    }


def flat(named: dict) -> list[str]:
    """All files of a job's inputs or outputs."""
    return [f for value in named.values() for f in ([value] if isinstance(value, str) else value)]


def begin(
    job: dict, workdir: Path, *, config: str | None = None
) -> tuple[multiprocessing.Process, Connection]:
    """Start a job in `workdir`, its outputs deleted first as Snakemake does; the process, and where its outcome comes from.

    With `config` the checks that the Snakefile makes before all jobs come first.
    """
    for path in flat(job["outputs"]):
        target = workdir / path
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(job, workdir, config, there))
    child.start()
    there.close()
    return child, here


def do(job: dict, workdir: Path, *, timeout_s: float = 120.0, config: str | None = None) -> Outcome:
    """Do a job in `workdir` to its end, or for `timeout_s`; see `begin`."""
    child, answer = begin(job, workdir, config=config)
    try:
        outcome = answer.recv() if answer.poll(timeout_s) else Outcome(False, traceback="it did not end")
    except EOFError:
        outcome = Outcome(False, traceback="the process died")
    child.kill()
    child.join()
    return outcome


def _work(job: dict, workdir: Path, config: str | None, answer) -> None:
    os.chdir(workdir)
    log = Path(job["log"])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    given = {key: job[key] for key in ("inputs", "outputs", "params", "wildcards", "log", "config")}
    try:
        if config is not None:
            check_run(load(config), file=config)
        binding.run(job["rule"], binding.Given(**given, threads=1))
        answer.send(Outcome(True))
    except DlmdError as error:
        answer.send(Outcome(False, refused=str(error)))
    except BaseException:
        answer.send(Outcome(False, traceback=traceback.format_exc()))

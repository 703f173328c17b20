"""The job of every rule: its output goes into its log, and its names become the arguments of the rule's function."""

import os
import sys
import time
import traceback
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(snakemake.threads)
# the library of this checkout, in whatever environment the job runs
sys.path.insert(0, str(Path(snakemake.scriptdir).parent))
path = Path(snakemake.log[0])
# Programs that the job starts append to the same file, and so does every attempt: the reason why the first one failed stays, and
# a job that is refused because another one is at work leaves that one's log as it is.
log = path.open("a", buffering=1)
if path.stat().st_size:
    log.write(f"\n--- started again at {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
# also what libraries in C print, some of them only when they are unloaded: to the end of the process
os.dup2(log.fileno(), 1)
os.dup2(log.fileno(), 2)
sys.stdout = sys.stderr = log

try:
    from dlmd.run import binding

    binding.run(
        snakemake.rule,
        binding.Given(
            inputs=dict(snakemake.input.items()),
            outputs=dict(snakemake.output.items()),
            params=dict(snakemake.params.items()),
            wildcards=dict(snakemake.wildcards.items()),
            threads=snakemake.threads,
            log=str(path),
            config=snakemake.config,
        ),
    )
except Exception as error:
    if type(error).__name__ == "DlmdError":
        log.write(f"{error}\n")
    else:
        traceback.print_exc(file=log)
    raise SystemExit(1) from None
finally:
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__

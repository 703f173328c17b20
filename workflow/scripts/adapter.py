"""What every script of the rules shares: output into the rule's log, threads, and errors in three lines."""

import os
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def job(snakemake):
    """Send all output to the rule's log, from here to the end of the process; an error ends the job with its text in the log."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(snakemake.threads)
    # the library of this checkout, in whatever environment the job runs
    sys.path.insert(0, str(Path(snakemake.scriptdir).parent))
    from dlmd.base.errors import DlmdError

    _add_how_it_runs(snakemake)
    path = Path(snakemake.log[0])
    path.write_text("")  # an attempt before this one
    # programs that the job starts append to the same file
    with path.open("a", buffering=1) as log:
        # also what libraries in C print, some of them only when they are unloaded: to the end of the process
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        sys.stdout = sys.stderr = log
        try:
            yield
        except DlmdError as error:
            log.write(f"{error}\n")
            raise SystemExit(1) from None
        except Exception:
            traceback.print_exc(file=log)
            raise SystemExit(1) from None
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def _add_how_it_runs(snakemake):
    """Put the command of the level's engine back among its settings: params leave it out, because it makes no label stale."""
    from dlmd.labels.engines import RUNNING

    engine = snakemake.params.get("engine")
    if engine and engine["engine"] != "vasp":
        level = snakemake.config["levels"][snakemake.wildcards.level]
        engine.update({key: level[key] for key in RUNNING if key in level})

# The run's config as `cfg`, checked before anything else, and the paths that all rules share.
import sys
from pathlib import Path

CHECKOUT = Path(workflow.basedir)

try:
    import dlmd
except ImportError:
    sys.exit(
        "the package dlmd is not installed in this Python\n"
        f"  in:  {sys.executable}\n"
        f"  fix: {sys.executable} -m pip install -e '{CHECKOUT}[pipeline]'"
    )
# script: appends to sys.path, so an older installed copy would win over this checkout without a word
if not Path(dlmd.__file__).resolve().is_relative_to(CHECKOUT.resolve()):
    sys.exit(
        "the installed package dlmd is not the one of this checkout\n"
        f"  in:  {Path(dlmd.__file__).parent}\n"
        f"  fix: {sys.executable} -m pip install --no-deps -e '{CHECKOUT}'"
    )

from dlmd import targets
from dlmd.config_file import load
from dlmd.errors import DlmdError
from dlmd.preflight import check_run

if not workflow.config_settings.configfiles:

    configfile: "config/demo.yaml"


try:
    if len(workflow.configfiles) > 1:
        raise DlmdError(
            "more than one config file is given",
            where=", ".join(map(str, workflow.configfiles)),
            remedy="a run's config is complete in itself: give one",
        )
    cfg = load(workflow.configfiles[0], overrides=workflow.config_settings.config)
    check_run(cfg, file=str(workflow.configfiles[0]))
except DlmdError as error:
    sys.exit(str(error))

RUN = f"results/{cfg.run}"
LOG = f"{RUN}/logs"
BENCH = f"{RUN}/benchmarks"
EMBEDDED = [name for name, level in cfg.levels.items() if level.engine != "vasp"]
VASP = [name for name, level in cfg.levels.items() if level.engine == "vasp"]
SPECIES = cfg.material.species
MOBILE = cfg.material.mobile


wildcard_constraints:
    level="|".join(cfg.levels),
    occupancy="|".join(cfg.structures.occupancies),
    cell="|".join(cfg.structures.cells),
    n=r"\d+",
    k=r"\d+",
    m=r"\d+",
    T=r"\d+",
    strain=r"[+-]\d+\.\d+",
    segment=r"\d{4}",


def seed(*names):
    """A job's own seed, from the run's."""
    return targets.derived_seed(cfg, *names)

# Loads the run's config, includes the rules, names the targets. What each rule does is in workflow/README.md.
from snakemake.utils import min_version

min_version("9.12")


# used with --sdm apptainer only; envs/dlmd.def makes it
container: "envs/dlmd.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/routes.smk"
include: "workflow/rules/structures.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/labels_vasp.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/md.smk"
include: "workflow/rules/md_lattice.smk"
include: "workflow/rules/learning.smk"
include: "workflow/rules/validation.smk"
include: "workflow/rules/transport.smk"
include: "workflow/rules/mechanism.smk"


if cfg.md.size_check:

    include: "workflow/rules/size.smk"


if cfg.barriers:

    include: "workflow/rules/barriers.smk"


include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        at(tree.REPORT),
        at(tree.CRATE),
        # asked for by name, so that a deleted one is made again although the report is newer
        level_files(*(tree.fill(tree.TRANSPORT, T=T) for T in cfg.md.temperatures_k)),

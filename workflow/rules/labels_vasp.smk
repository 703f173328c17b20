# Labels from VASP: jobs are staged, run here (or elsewhere, `run: external`) and collected into the files that the embedded
# engines write, so that everything after them is the same.
from dlmd.labels.vasp import collect as vasp_collect
from dlmd.labels.vasp import manifest as vasp_manifest

VASP_LEVELS = one_of(VASP)
VASP_DYNAMICS = one_of(name for name in VASP if routes.own_dynamics(cfg, name))


wildcard_constraints:
    step=r"\d+-relax|\d+-static|seg\d+",


localrules:
    vasp_stage_relax,
    vasp_stage_aimd,


rule vasp_stage_relax:
    input:
        structure=at(tree.STRUCTURE),
    output:
        job=at(tree.RELAX_STAGED),
    log:
        log_of("vasp_stage_relax"),
    benchmark:
        benchmark_of("vasp_stage_relax")
    wildcard_constraints:
        level=VASP_DYNAMICS,
    conda:
        DLMD_ENV
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
        source=lambda w: f"{w.occupancy}_{w.cell}_{w.n}",
    message:
        "{wildcards.level}: staging the relaxation of ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/job.py"


rule vasp_run_relax:
    input:
        job=at(tree.RELAX_STAGED),
        before=step_before(tree.RELAX_STEP_DONE, relax_step_names),
    output:
        done=at(tree.RELAX_STEP_DONE),
    log:
        log_of("vasp_run_relax"),
    benchmark:
        benchmark_of("vasp_run_relax")
    wildcard_constraints:
        level=VASP_DYNAMICS,
    conda:
        DLMD_ENV
    threads: engine_cores
    resources:
        **engine_parallel(),
        # not growing: a job that its walltime stops goes on in the next
        runtime=1440,
        mem_mb=lambda w, attempt: attempt * max(8000, 2000 * engine_cores(w)),
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
    message:
        "{wildcards.level}: VASP {wildcards.step} of ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/job.py"


rule vasp_relax:
    input:
        job=at(tree.RELAX_STAGED),
        done=last_step(tree.RELAX_STEP_DONE, relax_step_names),
    output:
        relaxed=at(tree.RELAXED),
        info=at(tree.RELAX_RECORD),
    log:
        log_of("vasp_relax"),
    benchmark:
        benchmark_of("vasp_relax")
    wildcard_constraints:
        level=VASP_DYNAMICS,
    conda:
        DLMD_ENV
    params:
        repeat=lambda w: list(cfg.structures.cells[w.cell]),
        algorithm=vasp_collect.VERSION,
    message:
        "{wildcards.level}: collecting the relaxation of ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/job.py"


rule vasp_stage_aimd:
    input:
        relaxed=at(tree.RELAXED),
    output:
        job=at(tree.AIMD_STAGED),
    log:
        log_of("vasp_stage_aimd"),
    benchmark:
        benchmark_of("vasp_stage_aimd")
    wildcard_constraints:
        level=VASP_DYNAMICS,
    conda:
        DLMD_ENV
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
        time_step_fs=cfg.labels.aimd.time_step_fs,
        steps=lambda w: aimd_source(w).steps,
        source=lambda w: aimd_source(w).id,
        seed=lambda w: seed("aimd", *w),
    message:
        "{wildcards.level}: staging molecular dynamics at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/job.py"


rule vasp_run_aimd:
    input:
        job=at(tree.AIMD_STAGED),
        before=step_before(tree.AIMD_STEP_DONE, aimd_step_names),
    output:
        done=at(tree.AIMD_STEP_DONE),
    log:
        log_of("vasp_run_aimd"),
    benchmark:
        benchmark_of("vasp_run_aimd")
    wildcard_constraints:
        level=VASP_DYNAMICS,
    conda:
        DLMD_ENV
    threads: engine_cores
    resources:
        **engine_parallel(),
        # not growing: a job that its walltime stops goes on in the next
        runtime=1440,
        mem_mb=lambda w, attempt: attempt * max(8000, 2000 * engine_cores(w)),
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
    message:
        "{wildcards.level}: VASP {wildcards.step} of dynamics at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/job.py"


rule vasp_aimd:
    input:
        job=at(tree.AIMD_STAGED),
        done=last_step(tree.AIMD_STEP_DONE, aimd_step_names),
    output:
        frames=protected(at(tree.AIMD_FRAMES)),
        record=at(tree.AIMD_RECORD),
    log:
        log_of("vasp_aimd"),
    benchmark:
        benchmark_of("vasp_aimd")
    wildcard_constraints:
        level=VASP_DYNAMICS,
    conda:
        DLMD_ENV
    params:
        stride=cfg.labels.aimd.stride,
        max_rejected=lambda w: cfg.levels[w.level].max_rejected_fraction,
        algorithm=vasp_collect.VERSION,
    message:
        "{wildcards.level}: collecting dynamics at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/job.py"


if VASP_EXTERNAL:

    onerror:
        # every job that waits for results, in one message; the manifests say what to run and where results are expected
        print(
            vasp_manifest.message(
                [
                    job
                    for home in (tree.LABELS, tree.LEARNING)
                    for job in vasp_manifest.write(at(home), VASP_EXTERNAL)
                ]
            ),
            end="",
            file=sys.stderr,
        )

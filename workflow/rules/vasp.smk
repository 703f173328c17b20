# Labels from VASP: jobs are staged, run here (or elsewhere, `run: external`) and collected into the files that the embedded
# engines write, so that everything after them is the same.
from dlmd.labels.vasp import collect as vasp_collect
from dlmd.labels.vasp import manifest as vasp_manifest

VASP_LEVELS = "|".join(VASP) or "no-vasp-level"
RELAX_JOB = f"{RELAX}/vasp"


wildcard_constraints:
    step=r"\d+-relax|\d+-static|seg\d+",


localrules:
    vasp_stage_relax,
    vasp_stage_aimd,


rule vasp_stage_relax:
    input:
        structure=f"{RUN}/structures/{{occupancy}}/{{cell}}/{{n}}.extxyz",
    output:
        job=f"{RELAX_JOB}/job.json",
    log:
        f"{LOG}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.stage.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.stage.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
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
        job=f"{RELAX_JOB}/job.json",
        before=step_before(RELAX_JOB, relax_step_names),
    output:
        done=f"{RELAX_JOB}/{{step}}/done.json",
    log:
        f"{LOG}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.{{step}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.{{step}}.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
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
        job=f"{RELAX_JOB}/job.json",
        done=last_step(RELAX_JOB, relax_step_names),
    output:
        relaxed=f"{RELAX}/relaxed.extxyz",
        info=f"{RELAX}/relax.json",
    log:
        f"{LOG}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
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
        relaxed=f"{RELAX}/relaxed.extxyz",
    output:
        job=f"{AIMD}/job.json",
    log:
        f"{LOG}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.stage.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.stage.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
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
        job=f"{AIMD}/job.json",
        before=step_before(AIMD, aimd_step_names),
    output:
        done=f"{AIMD}/{{step}}/done.json",
    log:
        f"{LOG}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.{{step}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.{{step}}.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
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
        job=f"{AIMD}/job.json",
        done=last_step(AIMD, aimd_step_names),
    output:
        frames=protected(f"{AIMD}/frames.extxyz"),
        record=f"{AIMD}/frames.json",
    log:
        f"{LOG}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
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
                    for home in ("labels", "learning")
                    for job in vasp_manifest.write(f"{RUN}/{home}", VASP_EXTERNAL)
                ]
            ),
            end="",
            file=sys.stderr,
        )

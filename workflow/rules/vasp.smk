# Labels from VASP: jobs are staged, run here (or elsewhere, `run: external`) and collected into the files that the embedded
# engines write, so that everything after them is the same.
from dlmd.vasp import collect as vasp_collect
from dlmd.vasp import manifest as vasp_manifest
from dlmd.vasp.incar import aimd_plan, relax_plan

VASP_LEVELS = "|".join(VASP) or "no-vasp-level"
VASP_EXTERNAL = [name for name in VASP if cfg.levels[name].run == "external"]
RELAX_JOB = RELAX + "/vasp"


def relax_step_names(w):
    return [name for name, _ in relax_plan(cfg.levels[w.level])]


def aimd_step_names(w):
    source = aimd_source(w)
    plan = aimd_plan(cfg.levels[w.level], temperature_k=source.temperature_k, steps=source.steps)
    return [name for name, *_ in plan]


def step_before(job, names):
    """Record of the step before, which must be done first; nothing for the first step."""

    def done(w):
        known = names(w)
        if w.step not in known:
            raise ValueError(f"no step {w.step}; there are {', '.join(known)}")
        number = known.index(w.step)
        return [f"{job}/{known[number - 1]}/done.json".format(**w)] if number else []

    return done


def last_step(job, names):
    """Record of the last step where the run is local; results computed elsewhere are looked for by the job itself."""

    def done(w):
        return [] if w.level in VASP_EXTERNAL else [f"{job}/{names(w)[-1]}/done.json".format(**w)]

    return done


wildcard_constraints:
    step=r"\d+-relax|\d+-static|seg\d+",


localrules:
    vasp_stage_relax,
    vasp_stage_aimd,


rule vasp_stage_relax:
    input:
        structure=f"{RUN}/structures/{{occupancy}}/{{cell}}/{{n}}.extxyz",
    output:
        job=RELAX_JOB + "/job.json",
    log:
        f"{LOG}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.stage.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.stage.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
        source=lambda w: f"{w.occupancy}_{w.cell}_{w.n}",
    message:
        "{wildcards.level}: staging the relaxation of ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/vasp_stage_relax.py"


rule vasp_run_relax:
    input:
        job=RELAX_JOB + "/job.json",
        before=step_before(RELAX_JOB, relax_step_names),
    output:
        done=RELAX_JOB + "/{step}/done.json",
    log:
        f"{LOG}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.{{step}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.{{step}}.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
    threads: lambda w: cfg.levels[w.level].cores
    resources:
        runtime=1440,
        mem_mb=lambda w, attempt: 32000 * attempt,
    params:
        engine=lambda w: cfg.levels[w.level].model_dump(mode="json"),
    message:
        "{wildcards.level}: VASP {wildcards.step} of ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/vasp_run.py"


rule vasp_relax:
    input:
        job=RELAX_JOB + "/job.json",
        done=last_step(RELAX_JOB, relax_step_names),
    output:
        relaxed=RELAX + "/relaxed.extxyz",
        info=RELAX + "/relax.json",
    log:
        f"{LOG}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
    params:
        repeat=lambda w: list(cfg.structures.cells[w.cell]),
        algorithm=vasp_collect.VERSION,
    message:
        "{wildcards.level}: collecting the relaxation of ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/vasp_relax.py"


rule vasp_stage_aimd:
    input:
        relaxed=RELAX + "/relaxed.extxyz",
    output:
        job=AIMD + "/job.json",
    log:
        f"{LOG}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.stage.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.stage.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
        time_step=cfg.labels.aimd.time_step_fs,
        steps=lambda w: aimd_source(w).steps,
        source=lambda w: aimd_source(w).id,
        seed=lambda w: seed("aimd", *w),
    message:
        "{wildcards.level}: staging molecular dynamics at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/vasp_stage_aimd.py"


rule vasp_run_aimd:
    input:
        job=AIMD + "/job.json",
        before=step_before(AIMD, aimd_step_names),
    output:
        done=AIMD + "/{step}/done.json",
    log:
        f"{LOG}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.{{step}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.{{step}}.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
    threads: lambda w: cfg.levels[w.level].cores
    resources:
        runtime=1440,
        mem_mb=lambda w, attempt: 32000 * attempt,
    params:
        engine=lambda w: cfg.levels[w.level].model_dump(mode="json"),
    message:
        "{wildcards.level}: VASP {wildcards.step} of dynamics at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/vasp_run.py"


rule vasp_aimd:
    input:
        job=AIMD + "/job.json",
        done=last_step(AIMD, aimd_step_names),
    output:
        frames=protected(AIMD + "/frames.extxyz"),
        record=AIMD + "/frames.json",
    log:
        f"{LOG}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
    params:
        stride=cfg.labels.aimd.stride,
        max_rejected=lambda w: cfg.levels[w.level].max_rejected_fraction,
        algorithm=vasp_collect.VERSION,
    message:
        "{wildcards.level}: collecting dynamics at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/vasp_aimd.py"


if VASP_EXTERNAL:

    onerror:
        # every job that waits for results, in one message; the manifests say what to run and where results are expected
        print(vasp_manifest.message(vasp_manifest.write(f"{RUN}/labels", VASP_EXTERNAL)), end="", file=sys.stderr)

# Labels from the level of theory: relaxed cells and NVT trajectories. Embedded engines run in the job itself;
# VASP levels have their own rules, which end in the same files.
from dlmd.labels import dynamics as label_md
from dlmd.labels import relaxation

RELAX = f"{RUN}/labels/{{level}}/relax/{{occupancy}}/{{cell}}/{{n}}"
AIMD = f"{RUN}/labels/{{level}}/aimd/{{occupancy}}/{{cell}}/{{n}}/{{aimd_T}}K/{{strain}}"
EMBEDDED_LEVELS = "|".join(EMBEDDED) or "no-embedded-level"


wildcard_constraints:
    aimd_T=r"\d+(\.\d+)?",


rule relax:
    input:
        structure=f"{RUN}/structures/{{occupancy}}/{{cell}}/{{n}}.extxyz",
    output:
        relaxed=f"{RELAX}/relaxed.extxyz",
        info=f"{RELAX}/relax.json",
    log:
        f"{LOG}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.jsonl"
    wildcard_constraints:
        level=EMBEDDED_LEVELS,
    conda:
        DLMD_ENV
    threads: engine_cores
    resources:
        **engine_parallel(),
        mem_mb=engine_memory,
        runtime=relax_minutes,
    params:
        engine=engine_settings,
        repeat=lambda w: list(cfg.structures.cells[w.cell]),
        fmax_ev_per_angstrom=cfg.labels.relax.fmax_ev_per_angstrom,
        max_steps=cfg.labels.relax.max_steps,
        algorithm=relaxation.VERSION,
    message:
        "{wildcards.level}: relaxing ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/job.py"


rule aimd:
    input:
        relaxed=f"{RELAX}/relaxed.extxyz",
    output:
        frames=protected(f"{AIMD}/frames.extxyz"),
    log:
        f"{LOG}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.jsonl"
    wildcard_constraints:
        level=EMBEDDED_LEVELS,
    conda:
        DLMD_ENV
    threads: engine_cores
    resources:
        **engine_parallel(),
        mem_mb=engine_memory,
        runtime=aimd_minutes,
    params:
        engine=engine_settings,
        time_step_fs=cfg.labels.aimd.time_step_fs,
        steps=lambda w: aimd_source(w).steps,
        source=lambda w: aimd_source(w).id,
        stride=cfg.labels.aimd.stride,
        seed=lambda w: seed("aimd", *w),
        algorithm=label_md.VERSION,
    message:
        "{wildcards.level}: molecular dynamics of labels at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/job.py"


rule lattice_table:
    input:
        infos=[
            f"{RUN}/labels/{{level}}/relax/{occupancy}/{cell}/{n}/relax.json"
            for occupancy, cell, n in targets.table_cells(cfg)
        ],
    output:
        table=f"{RUN}/labels/{{level}}/relax/lattice.csv",
    log:
        f"{LOG}/labels/{{level}}/lattice.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/lattice.jsonl"
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: lattice parameters of the relaxed cells"
    script:
        "../scripts/job.py"


rule lattice_comparison:
    input:
        tables=level_files("labels/{level}/relax/lattice.csv"),
        reference=cfg.material.reference or [],
    output:
        table=f"{RUN}/labels/lattice.csv",
    log:
        f"{LOG}/labels/lattice.log",
    benchmark:
        f"{BENCH}/labels/lattice.jsonl"
    conda:
        DLMD_ENV
    params:
        levels=list(cfg.levels),
    message:
        "lattice parameters of all levels beside the published ones"
    script:
        "../scripts/job.py"

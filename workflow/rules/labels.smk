# Labels from the level of theory: relaxed cells and NVT trajectories. Embedded engines run in the job itself;
# VASP levels have their own rules, which end in the same files.
from dlmd import label_md, relaxation

RELAX = f"{RUN}/labels/{{level}}/relax/{{occupancy}}/{{cell}}/{{n}}"
AIMD = f"{RUN}/labels/{{level}}/aimd/{{occupancy}}/{{cell}}/{{n}}/{{aimd_T}}K/{{strain}}"
EMBEDDED_LEVELS = "|".join(EMBEDDED) or "no-embedded-level"


wildcard_constraints:
    aimd_T=r"\d+(\.\d+)?",


def engine_settings(w):
    return cfg.levels[w.level].model_dump(mode="json")


AIMD_SOURCES = {source.folder: source for source in targets.aimd_sources(cfg)}


def aimd_source(w):
    return AIMD_SOURCES[f"{w.occupancy}/{w.cell}/{w.n}/{w.aimd_T}K/{w.strain}"]


rule relax:
    input:
        structure=f"{RUN}/structures/{{occupancy}}/{{cell}}/{{n}}.extxyz",
    output:
        relaxed=RELAX + "/relaxed.extxyz",
        info=RELAX + "/relax.json",
    log:
        f"{LOG}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/relax/{{occupancy}}_{{cell}}_{{n}}.jsonl"
    wildcard_constraints:
        level=EMBEDDED_LEVELS,
    resources:
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        engine=engine_settings,
        repeat=lambda w: list(cfg.structures.cells[w.cell]),
        fmax=cfg.labels.relax.fmax_ev_per_angstrom,
        max_steps=cfg.labels.relax.max_steps,
        algorithm=relaxation.VERSION,
    message:
        "{wildcards.level}: relaxing ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/relax.py"


rule aimd:
    input:
        relaxed=RELAX + "/relaxed.extxyz",
    output:
        frames=protected(AIMD + "/frames.extxyz"),
    log:
        f"{LOG}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/aimd/{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.jsonl"
    wildcard_constraints:
        level=EMBEDDED_LEVELS,
    resources:
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 720 * attempt,
    params:
        engine=engine_settings,
        time_step=cfg.labels.aimd.time_step_fs,
        steps=lambda w: aimd_source(w).steps,
        source=lambda w: aimd_source(w).id,
        stride=cfg.labels.aimd.stride,
        seed=lambda w: seed("aimd", *w),
        algorithm=label_md.VERSION,
    message:
        "{wildcards.level}: molecular dynamics of labels at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/aimd.py"


rule lattice_table:
    input:
        [
            f"{RUN}/labels/{{level}}/relax/{occupancy}/{cell}/{n}/relax.json"
            for occupancy, cell, n in targets.table_cells(cfg)
        ],
    output:
        csv=f"{RUN}/labels/{{level}}/relax/lattice.csv",
    log:
        f"{LOG}/labels/{{level}}/lattice.log",
    benchmark:
        f"{BENCH}/labels/{{level}}/lattice.jsonl"
    message:
        "{wildcards.level}: lattice parameters of the relaxed cells"
    script:
        "../scripts/lattice_table.py"

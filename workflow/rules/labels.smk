# Labels from the level of theory: relaxed cells and NVT trajectories. Embedded engines run in the job itself;
# VASP levels have their own rules, which end in the same files.
from dlmd.labels import dynamics as label_md
from dlmd.labels import given as given_module
from dlmd.labels import relaxation

EMBEDDED_LEVELS = one_of(EMBEDDED)
# levels whose engine relaxes the cells and runs trajectories; the others relax with their potential
RUN_BY_ENGINE = [name for name in cfg.levels if routes.own_dynamics(cfg, name)]
EMBEDDED_DYNAMICS = one_of(name for name in RUN_BY_ENGINE if name in EMBEDDED)


wildcard_constraints:
    aimd_T=r"\d+(\.\d+)?",


rule relax:
    input:
        structure=at(tree.STRUCTURE),
    output:
        relaxed=at(tree.RELAXED),
        info=at(tree.RELAX_RECORD),
    log:
        log_of("relax"),
    benchmark:
        benchmark_of("relax")
    wildcard_constraints:
        level=EMBEDDED_DYNAMICS,
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


rule relax_potential:
    input:
        structure=lambda w: (
            at(tree.RELAXED, **{**w, "level": routes.start_of(cfg, w.level)})
            if routes.start_of(cfg, w.level)
            else at(tree.STRUCTURE, **w)
        ),
        model=at(tree.COMPRESSED_MODEL, m=0),
    output:
        relaxed=at(tree.RELAXED),
        info=at(tree.RELAX_RECORD),
    log:
        log_of("relax_potential"),
    benchmark:
        benchmark_of("relax_potential")
    wildcard_constraints:
        level=one_of(name for name in cfg.levels if name not in RUN_BY_ENGINE),
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 3000 * attempt,
    params:
        repeat=lambda w: list(cfg.structures.cells[w.cell]),
        fmax_ev_per_angstrom=cfg.labels.relax.fmax_ev_per_angstrom,
        max_steps=cfg.labels.relax.max_steps,
        algorithm=relaxation.VERSION,
    message:
        "{wildcards.level}: relaxing ordering {wildcards.n} of {wildcards.occupancy} in cell {wildcards.cell} with the potential"
    script:
        "../scripts/job.py"


rule given_labels:
    input:
        given=lambda w: routes.given_frames(cfg, w.level)[int(w.g)].file,
    output:
        frames=[at(tree.GIVEN_FRAMES, split=split) for split in ("train", "valid", "test")],
        record=at(tree.GIVEN_RECORD),
    log:
        log_of("given_labels"),
    benchmark:
        benchmark_of("given_labels")
    wildcard_constraints:
        level=one_of(name for name in cfg.levels if routes.given_frames(cfg, name)),
        g=r"\d+",
    conda:
        DLMD_ENV
    params:
        engine=engine_settings,
        source=lambda w: routes.given_frames(cfg, w.level)[int(w.g)].model_dump(
            mode="json", exclude={"level"}
        ),
        species=SPECIES,
        algorithm=given_module.VERSION,
    message:
        "{wildcards.level}: reading file {wildcards.g} of given labels"
    script:
        "../scripts/job.py"


rule aimd:
    input:
        relaxed=at(tree.RELAXED),
    output:
        frames=protected(at(tree.AIMD_FRAMES)),
    log:
        log_of("aimd"),
    benchmark:
        benchmark_of("aimd")
    wildcard_constraints:
        level=EMBEDDED_DYNAMICS,
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
            at(tree.RELAX_RECORD, occupancy=occupancy, cell=cell, n=n)
            for occupancy, cell, n in targets.table_cells(cfg)
        ],
    output:
        table=at(tree.LATTICE_OF_LEVEL),
    log:
        log_of("lattice_table"),
    benchmark:
        benchmark_of("lattice_table")
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: lattice parameters of the relaxed cells"
    script:
        "../scripts/job.py"


rule lattice_comparison:
    input:
        tables=level_files(tree.LATTICE_OF_LEVEL, levels=cfg.levels),
        reference=cfg.material.reference or [],
    output:
        table=at(tree.LATTICE),
    log:
        log_of("lattice_comparison"),
    benchmark:
        benchmark_of("lattice_comparison")
    conda:
        DLMD_ENV
    params:
        levels=list(cfg.levels),
    message:
        "lattice parameters of all levels beside the published ones"
    script:
        "../scripts/job.py"

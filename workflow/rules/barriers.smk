# Migration barriers: hops of the relaxed cells, one nudged elastic band each, and their distribution.
from dlmd.barriers import summary as barrier_summary
from dlmd.barriers import search as barriers_module
from dlmd.barriers import paths as neb_paths
from dlmd.barriers import vasp as vasp_neb

BARRIERS = f"{RUN}/barriers/{{level}}"
VASP_BAND = f"{BARRIERS}/vasp/{{hop}}/{{number}}"
HOPS = {hop.name: hop for hop in cfg.barriers.hops}
BARRIER_CELLS = targets.barrier_cells(cfg)
BARRIER_STRUCTURES = [
    f"{RUN}/labels/{{level}}/relax/{occupancy}/{cell}/{n}/relaxed.extxyz"
    for occupancy, cell, n in BARRIER_CELLS
]
BAND = dict(
    spacing_a=cfg.barriers.image_spacing_angstrom,
    fmax_ev_per_a=cfg.barriers.fmax_ev_per_angstrom,
    max_steps=cfg.barriers.max_steps,
)


wildcard_constraints:
    hop="|".join(HOPS),
    number=r"\d+",


localrules:
    vasp_neb_stage,


rule barrier_paths:
    input:
        relaxed=BARRIER_STRUCTURES,
        cif=cfg.material.cif,
    output:
        paths=f"{BARRIERS}/{{hop}}/paths.json",
    log:
        f"{LOG}/barriers/{{level}}/{{hop}}.paths.log",
    benchmark:
        f"{BENCH}/barriers/{{level}}/{{hop}}.paths.jsonl"
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        hop=lambda w: HOPS[w.hop].model_dump(mode="json"),
        cells=[
            dict(occupancy=occupancy, cell=cell, ordering=n, repeat=list(cfg.structures.cells[cell]))
            for occupancy, cell, n in BARRIER_CELLS
        ],
        charges=cfg.material.charges,
        mobile=MOBILE,
        # the same for all levels, so that they look at the same hops
        seed=lambda w: seed("barriers", w.hop),
        algorithm=neb_paths.VERSION,
    message:
        "{wildcards.level}: hops of {wildcards.hop} in the relaxed cells"
    script:
        "../scripts/barrier_paths.py"


rule barrier_band:
    input:
        paths=f"{BARRIERS}/{{hop}}/paths.json",
        relaxed=BARRIER_STRUCTURES,
        model=f"{RUN}/training/{{level}}/0/compressed.pb",
        accepted=f"{RUN}/validation/{{level}}/accepted.json",
    output:
        record=f"{BARRIERS}/{{hop}}/{{number}}.json",
        images=f"{BARRIERS}/{{hop}}/{{number}}.extxyz",
    log:
        f"{LOG}/barriers/{{level}}/{{hop}}_{{number}}.log",
    benchmark:
        f"{BENCH}/barriers/{{level}}/{{hop}}_{{number}}.jsonl"
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 3000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        settings=BAND,
        algorithm=barriers_module.VERSION,
    message:
        "{wildcards.level}: band {wildcards.number} of {wildcards.hop} with the potential"
    script:
        "../scripts/barrier_band.py"


rule barrier_band_engine:
    input:
        paths=f"{BARRIERS}/{{hop}}/paths.json",
        relaxed=BARRIER_STRUCTURES,
    output:
        record=f"{BARRIERS}/engine/{{hop}}/{{number}}.json",
        images=f"{BARRIERS}/engine/{{hop}}/{{number}}.extxyz",
    log:
        f"{LOG}/barriers/{{level}}/{{hop}}_{{number}}.engine.log",
    benchmark:
        f"{BENCH}/barriers/{{level}}/{{hop}}_{{number}}.engine.jsonl"
    wildcard_constraints:
        level=EMBEDDED_LEVELS,
    conda:
        DLMD_ENV
    threads: engine_cores
    resources:
        **engine_parallel(),
        mem_mb=lambda w, attempt: attempt * max(3000, 2000 * engine_cores(w)),
        runtime=lambda w, attempt: 1440 * attempt,
    params:
        engine=engine_settings,
        settings=BAND,
        algorithm=barriers_module.VERSION,
    message:
        "{wildcards.level}: band {wildcards.number} of {wildcards.hop} with the label engine"
    script:
        "../scripts/barrier_band.py"


rule vasp_neb_stage:
    input:
        paths=f"{BARRIERS}/{{hop}}/paths.json",
        relaxed=BARRIER_STRUCTURES,
        band=f"{BARRIERS}/{{hop}}/{{number}}.json",
    output:
        job=f"{VASP_BAND}/neb/job.json",
    log:
        f"{LOG}/barriers/{{level}}/{{hop}}_{{number}}.stage.log",
    benchmark:
        f"{BENCH}/barriers/{{level}}/{{hop}}_{{number}}.stage.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
    conda:
        DLMD_ENV
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
        settings=BAND,
    message:
        "{wildcards.level}: staging band {wildcards.number} of {wildcards.hop} for VASP"
    script:
        "../scripts/vasp_neb_stage.py"


rule vasp_neb:
    input:
        job=f"{VASP_BAND}/neb/job.json",
        paths=f"{BARRIERS}/{{hop}}/paths.json",
        relaxed=BARRIER_STRUCTURES,
    output:
        record=f"{BARRIERS}/engine/{{hop}}/{{number}}.json",
        images=f"{BARRIERS}/engine/{{hop}}/{{number}}.extxyz",
    log:
        f"{LOG}/barriers/{{level}}/{{hop}}_{{number}}.engine.log",
    benchmark:
        f"{BENCH}/barriers/{{level}}/{{hop}}_{{number}}.engine.jsonl"
    wildcard_constraints:
        level=VASP_LEVELS,
    conda:
        DLMD_ENV
    params:
        algorithm=vasp_neb.VERSION,
    message:
        "{wildcards.level}: collecting band {wildcards.number} of {wildcards.hop} from VASP"
    script:
        "../scripts/vasp_neb.py"


rule barriers:
    input:
        bands=[f"{BARRIERS}/{hop}/{number}.json" for hop, number in cfg.barriers.bands],
        # VASP's are staged, and join the table when their results are there
        engine=lambda w: [
            f"{BARRIERS}/engine/{hop}/{number}.json"
            for hop, number in cfg.barriers.engine_bands
            if w.level in EMBEDDED
            or vasp_neb.brought_back(VASP_BAND.format(level=w.level, hop=hop, number=number))
        ],
        staged=lambda w: [
            f"{VASP_BAND}/neb/job.json".format(level=w.level, hop=hop, number=number)
            for hop, number in cfg.barriers.engine_bands
            if w.level in VASP
        ],
        arrhenius=f"{RUN}/transport/{{level}}/arrhenius.json",
        reference=cfg.material.reference or [],
    output:
        result=f"{BARRIERS}/barriers.json",
        table=f"{BARRIERS}/barriers.csv",
        figure=report(
            multiext(f"{BARRIERS}/barriers", ".png", ".pdf"),
            category="Barriers",
            caption="../report/barriers.rst",
        ),
    log:
        f"{LOG}/barriers/{{level}}/barriers.log",
    benchmark:
        f"{BENCH}/barriers/{{level}}/barriers.jsonl"
    conda:
        DLMD_ENV
    params:
        algorithm=barrier_summary.VERSION,
    message:
        "{wildcards.level}: migration barriers of all hops"
    script:
        "../scripts/barriers.py"

# Migration barriers: hops of the relaxed cells, one nudged elastic band each, and their distribution.
from dlmd.barriers import summary as barrier_summary
from dlmd.barriers import search as barriers_module
from dlmd.barriers import paths as neb_paths
from dlmd.barriers import vasp as vasp_neb

HOPS = {hop.name: hop for hop in cfg.barriers.hops}
BARRIER_CELLS = targets.barrier_cells(cfg)
BARRIER_STRUCTURES = [
    at(tree.RELAXED, occupancy=occupancy, cell=cell, n=n) for occupancy, cell, n in BARRIER_CELLS
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
        paths=at(tree.BARRIER_PATHS),
    log:
        log_of("barrier_paths"),
    benchmark:
        benchmark_of("barrier_paths")
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 10 * attempt,
    params:
        wanted=lambda w: HOPS[w.hop].wanted(),
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
        "../scripts/job.py"


rule barrier_band:
    input:
        paths=at(tree.BARRIER_PATHS),
        relaxed=BARRIER_STRUCTURES,
        model=at(tree.COMPRESSED_MODEL, m=0),
        accepted=at(tree.ACCEPTED),
    output:
        record=at(tree.BAND),
        images=at(tree.BAND_IMAGES),
    log:
        log_of("barrier_band"),
    benchmark:
        benchmark_of("barrier_band")
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
        "../scripts/job.py"


rule barrier_band_engine:
    input:
        paths=at(tree.BARRIER_PATHS),
        relaxed=BARRIER_STRUCTURES,
    output:
        record=at(tree.ENGINE_BAND),
        images=at(tree.ENGINE_BAND_IMAGES),
    log:
        log_of("barrier_band_engine"),
    benchmark:
        benchmark_of("barrier_band_engine")
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
        "../scripts/job.py"


rule vasp_neb_stage:
    input:
        paths=at(tree.BARRIER_PATHS),
        relaxed=BARRIER_STRUCTURES,
        band=at(tree.BAND),
    output:
        job=at(tree.VASP_BAND_STAGED),
    log:
        log_of("vasp_neb_stage"),
    benchmark:
        benchmark_of("vasp_neb_stage")
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
        "../scripts/job.py"


rule vasp_neb:
    input:
        job=at(tree.VASP_BAND_STAGED),
        paths=at(tree.BARRIER_PATHS),
        relaxed=BARRIER_STRUCTURES,
    output:
        record=at(tree.ENGINE_BAND),
        images=at(tree.ENGINE_BAND_IMAGES),
    log:
        log_of("vasp_neb"),
    benchmark:
        benchmark_of("vasp_neb")
    wildcard_constraints:
        level=VASP_LEVELS,
    conda:
        DLMD_ENV
    params:
        algorithm=vasp_neb.VERSION,
    message:
        "{wildcards.level}: collecting band {wildcards.number} of {wildcards.hop} from VASP"
    script:
        "../scripts/job.py"


rule barriers:
    input:
        bands=[at(tree.BAND, hop=hop, number=number) for hop, number in cfg.barriers.bands],
        # VASP's are staged, and join the table when their results are there
        engine_bands=lambda w: [
            at(tree.ENGINE_BAND, hop=hop, number=number)
            for hop, number in cfg.barriers.engine_bands
            if w.level in EMBEDDED
            or vasp_neb.brought_back(at(tree.VASP_BAND, level=w.level, hop=hop, number=number))
        ],
        staged=lambda w: [
            at(tree.VASP_BAND_STAGED, level=w.level, hop=hop, number=number)
            for hop, number in cfg.barriers.engine_bands
            if w.level in VASP
        ],
        arrhenius=at(tree.ARRHENIUS),
        reference=cfg.material.reference or [],
    output:
        result=at(tree.BARRIERS),
        table=at(tree.BARRIERS_TABLE),
        figures=report(
            multiext(at(tree.BARRIERS_FIGURE), *tree.FIGURE),
            category="Barriers",
            caption="../report/barriers.rst",
        ),
    log:
        log_of("barriers"),
    benchmark:
        benchmark_of("barriers")
    conda:
        DLMD_ENV
    params:
        algorithm=barrier_summary.VERSION,
    message:
        "{wildcards.level}: migration barriers of all hops"
    script:
        "../scripts/job.py"

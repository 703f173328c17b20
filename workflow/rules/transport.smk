# Trajectories -> MSD, D, Haven ratio, conductivity; Arrhenius fit; RDFs of the potential over the engine's.
from dlmd.transport import arrhenius as arrhenius_module
from dlmd.transport import error_budget as error_budget_module
from dlmd.transport import diffusion
from dlmd.transport import gates
from dlmd.transport import msd
from dlmd.transport import onset
from dlmd.transport import spectrum
from dlmd.trajectory import rdf as rdf_module
from dlmd.transport import analysis as transport_module

TRANSPORT_VERSIONS = [m.VERSION for m in (transport_module, msd, onset, diffusion, spectrum, gates)]
# With several potentials or orderings every run is analysed by itself, too: their scatter is part of the uncertainty.
RUNS = targets.production_runs(cfg)
BUDGET_FILES = level_files(tree.ERROR_BUDGET, tree.png(tree.ERROR_BUDGET_FIGURE)) if len(RUNS) > 1 else []
# what production's cell promises of the pressure; none where it is that of 0 K
LATTICE_OF_RUN = at(tree.LATTICE_AT) if cfg.md.lattice != "relaxed" else []
RUNS_APART = RUNS if len(RUNS) > 1 else []
OF_RUNS = [at(tree.TRANSPORT_OF_RUN, T=T, k=k) for k in range(len(RUNS_APART)) for T in cfg.md.temperatures_k]


rule transport:
    input:
        segments=[
            at(tree.SEGMENT, k=k, segment=segment)
            for k in range(len(targets.production_runs(cfg)))
            for segment in targets.segment_numbers(cfg)
        ],
        positions=[
            at(tree.SEGMENT_POSITIONS, k=k, segment=segment)
            for k in range(len(targets.production_runs(cfg)))
            for segment in targets.segment_numbers(cfg)
        ],
        lattice=LATTICE_OF_RUN,
    output:
        result=at(tree.TRANSPORT),
        msd=at(tree.MSD),
    log:
        log_of("transport"),
    benchmark:
        benchmark_of("transport")
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        settings=cfg.transport.model_dump(mode="json"),
        charge=cfg.material.mobile_charge,
        replicas=len(targets.production_runs(cfg)),
        algorithm=TRANSPORT_VERSIONS,
    message:
        "{wildcards.level}: MSD, diffusion and conductivity at {wildcards.T} K"
    script:
        "../scripts/job.py"


rule plot_msd:
    input:
        results=expand(at(tree.TRANSPORT), T=cfg.md.temperatures_k, allow_missing=True),
    output:
        figures=report(
            multiext(at(tree.MSD_FIGURE), *tree.FIGURE), category="Transport", caption="../report/msd.rst"
        ),
    log:
        log_of("plot_msd"),
    benchmark:
        benchmark_of("plot_msd")
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: MSD of all temperatures"
    script:
        "../scripts/job.py"


rule arrhenius:
    input:
        results=expand(at(tree.TRANSPORT), T=cfg.md.temperatures_k, allow_missing=True),
        of_runs=OF_RUNS,
        reference=cfg.material.reference or [],
        size_check=at(tree.SIZE_CHECK) if cfg.md.size_check else [],
    output:
        result=at(tree.ARRHENIUS),
        table=at(tree.ARRHENIUS_TABLE),
        figures=report(
            multiext(at(tree.ARRHENIUS_FIGURE), *tree.FIGURE),
            category="Transport",
            caption="../report/arrhenius.rst",
        ),
    log:
        log_of("arrhenius"),
    benchmark:
        benchmark_of("arrhenius")
    conda:
        DLMD_ENV
    params:
        runs=RUNS_APART,
        predict_k=cfg.arrhenius.predict_k,
        confidence=cfg.transport.confidence,
        algorithm=arrhenius_module.VERSION,
    message:
        "{wildcards.level}: Arrhenius fit"
    script:
        "../scripts/job.py"


rule rdf:
    input:
        frames=[at(tree.AIMD_FRAMES, **s.wildcards) for s in RDF_SOURCES],
        run=at(tree.SEGMENT, T=cfg.validation.rdf_temperature_k or 0, k=0, segment=tree.EQUILIBRATION),
        positions=at(
            tree.SEGMENT_ALL_ATOMS, T=cfg.validation.rdf_temperature_k or 0, k=0, segment=tree.EQUILIBRATION
        ),
    output:
        result=at(tree.RDF),
        table=at(tree.RDF_TABLE),
        figures=report(
            multiext(at(tree.RDF_FIGURE), *tree.FIGURE),
            category="Potential",
            caption="../report/rdf.rst",
        ),
    log:
        log_of("rdf"),
    benchmark:
        benchmark_of("rdf")
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
    params:
        discard_ps=cfg.labels.aimd.discard_ps,
        algorithm=rdf_module.VERSION,
    message:
        "{wildcards.level}: RDFs of the potential's MD over the engine's, from the same start"
    script:
        "../scripts/job.py"


rule transport_of_run:
    input:
        segments=[at(tree.SEGMENT, segment=segment) for segment in targets.segment_numbers(cfg)],
        positions=[at(tree.SEGMENT_POSITIONS, segment=segment) for segment in targets.segment_numbers(cfg)],
        lattice=LATTICE_OF_RUN,
    output:
        result=at(tree.TRANSPORT_OF_RUN),
        msd=at(tree.MSD_OF_RUN),
    log:
        log_of("transport_of_run"),
    benchmark:
        benchmark_of("transport_of_run")
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        settings=cfg.transport.model_dump(mode="json"),
        charge=cfg.material.mobile_charge,
        replicas=1,
        algorithm=TRANSPORT_VERSIONS,
    message:
        "{wildcards.level}: transport of run {wildcards.k} alone at {wildcards.T} K"
    script:
        "../scripts/job.py"


rule error_budget:
    input:
        results=[at(tree.TRANSPORT_OF_RUN, T=T, k=k) for k in range(len(RUNS)) for T in cfg.md.temperatures_k],
    output:
        result=at(tree.ERROR_BUDGET),
        table=at(tree.ERROR_BUDGET_TABLE),
        figures=report(
            multiext(at(tree.ERROR_BUDGET_FIGURE), *tree.FIGURE),
            category="Transport",
            caption="../report/error_budget.rst",
        ),
    log:
        log_of("error_budget"),
    benchmark:
        benchmark_of("error_budget")
    conda:
        DLMD_ENV
    params:
        runs=RUNS,
        predict_k=cfg.arrhenius.predict_k,
        confidence=cfg.transport.confidence,
        algorithm=[error_budget_module.VERSION, arrhenius_module.VERSION],
    message:
        "{wildcards.level}: error budget of statistics, potential and ordering"
    script:
        "../scripts/job.py"

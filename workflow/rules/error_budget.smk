# Production with several potentials or orderings: every run by itself, and what their scatter says of the answer's uncertainty.
from dlmd.transport import error_budget as error_budget_module

RUNS = targets.production_runs(cfg)
BUDGET_FILES = level_files(tree.ERROR_BUDGET, tree.png(tree.ERROR_BUDGET_FIGURE)) if len(RUNS) > 1 else []


rule transport_of_run:
    input:
        segments=[at(tree.SEGMENT, segment=segment) for segment in targets.segment_numbers(cfg)],
        positions=[at(tree.SEGMENT_POSITIONS, segment=segment) for segment in targets.segment_numbers(cfg)],
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
        charge=cfg.material.charges[MOBILE],
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

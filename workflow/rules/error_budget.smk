# Production with several potentials or orderings: every run by itself, and what their scatter says of the answer's uncertainty.
from dlmd.transport import error_budget as error_budget_module

RUNS = targets.production_runs(cfg)
BUDGET_FILES = (
    level_files("transport/{level}/error_budget.json", "transport/{level}/error_budget.png")
    if len(RUNS) > 1
    else []
)


rule transport_of_run:
    input:
        segments=[
            f"{RUN}/md/{{level}}/{{T}}K/r{{k}}/{segment}.json" for segment in targets.segment_numbers(cfg)
        ],
        positions=[
            f"{RUN}/md/{{level}}/{{T}}K/r{{k}}/{segment}.dcd" for segment in targets.segment_numbers(cfg)
        ],
    output:
        result=f"{TRANSPORT}/runs/{{T}}K_r{{k}}.json",
        msd=f"{TRANSPORT}/runs/{{T}}K_r{{k}}.csv",
    log:
        f"{LOG}/transport/{{level}}/{{T}}K_r{{k}}.log",
    benchmark:
        f"{BENCH}/transport/{{level}}/{{T}}K_r{{k}}.jsonl"
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
        results=[f"{TRANSPORT}/runs/{T}K_r{k}.json" for k in range(len(RUNS)) for T in cfg.md.temperatures_k],
    output:
        result=f"{TRANSPORT}/error_budget.json",
        table=f"{TRANSPORT}/error_budget.csv",
        figures=report(
            multiext(f"{TRANSPORT}/error_budget", ".png", ".pdf"),
            category="Transport",
            caption="../report/error_budget.rst",
        ),
    log:
        f"{LOG}/transport/{{level}}/error_budget.log",
    benchmark:
        f"{BENCH}/transport/{{level}}/error_budget.jsonl"
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

# What several potentials of one level say together; without a committee (training.potentials: 1) nothing here is asked for.
from dlmd.validation import committee as committee_module

MODELS = expand(
    f"{RUN}/training/{{level}}/{{m}}/compressed.pb", m=range(cfg.training.potentials), allow_missing=True
)
COMMITTEE_FILES = (
    level_files(
        "validation/{level}/committee.json",
        "validation/{level}/committee.png",
        "validation/{level}/deviation.png",
    )
    if cfg.training.potentials > 1
    else []
)


rule committee:
    input:
        models=MODELS,
        test=f"{RUN}/dataset/{{level}}/test",
    output:
        result=f"{RUN}/validation/{{level}}/committee.json",
        table=f"{RUN}/validation/{{level}}/committee.csv",
        figures=report(
            multiext(f"{RUN}/validation/{{level}}/committee", ".png", ".pdf"),
            category="Potential",
            caption="../report/committee.rst",
        ),
    log:
        f"{LOG}/validation/{{level}}/committee.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/committee.jsonl"
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        algorithm=committee_module.VERSION,
    message:
        "{wildcards.level}: does the spread of the committee predict its error?"
    script:
        "../scripts/job.py"


rule md_deviation:
    input:
        models=MODELS,
        segments=[
            f"{RUN}/md/{{level}}/{{T}}K/r{{k}}/{segment}.json" for segment in targets.segment_numbers(cfg)
        ],
        positions=[
            f"{RUN}/md/{{level}}/{{T}}K/r{{k}}/{segment}.xtc" for segment in targets.segment_numbers(cfg)
        ],
    output:
        table=f"{RUN}/validation/{{level}}/deviation/{{T}}K_r{{k}}.csv",
    log:
        f"{LOG}/validation/{{level}}/deviation_{{T}}K_r{{k}}.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/deviation_{{T}}K_r{{k}}.jsonl"
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        algorithm=committee_module.VERSION,
    message:
        "{wildcards.level}: spread of the committee along the run at {wildcards.T} K, replica {wildcards.k}"
    script:
        "../scripts/job.py"


rule plot_deviation:
    input:
        tables=expand(
            f"{RUN}/validation/{{level}}/deviation/{{T}}K_r0.csv",
            T=cfg.md.temperatures_k,
            allow_missing=True,
        ),
        held_out=f"{RUN}/validation/{{level}}/committee.json",
    output:
        figures=report(
            multiext(f"{RUN}/validation/{{level}}/deviation", ".png", ".pdf"),
            category="Potential",
            caption="../report/deviation.rst",
        ),
    log:
        f"{LOG}/validation/{{level}}/deviation.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/deviation.jsonl"
    conda:
        DLMD_ENV
    params:
        temperatures_k=cfg.md.temperatures_k,
    message:
        "{wildcards.level}: spread of the committee along production"
    script:
        "../scripts/job.py"

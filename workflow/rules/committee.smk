# What several potentials of one level say together; without a committee (training.potentials: 1) nothing here is asked for.
from dlmd.validation import committee as committee_module

MODELS = expand(at(tree.COMPRESSED_MODEL), m=range(cfg.training.potentials), allow_missing=True)
COMMITTEE_FILES = (
    level_files(
        tree.COMMITTEE,
        tree.png(tree.COMMITTEE_FIGURE),
        tree.png(tree.DEVIATION_FIGURE),
    )
    if cfg.training.potentials > 1
    else []
)


rule committee:
    input:
        models=MODELS,
        test=at(tree.TEST),
    output:
        result=at(tree.COMMITTEE),
        table=at(tree.COMMITTEE_TABLE),
        figures=report(
            multiext(at(tree.COMMITTEE_FIGURE), *tree.FIGURE),
            category="Potential",
            caption="../report/committee.rst",
        ),
    log:
        log_of("committee"),
    benchmark:
        benchmark_of("committee")
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
        segments=[at(tree.SEGMENT, segment=segment) for segment in targets.segment_numbers(cfg)],
        positions=[at(tree.SEGMENT_ALL_ATOMS, segment=segment) for segment in targets.segment_numbers(cfg)],
    output:
        table=at(tree.DEVIATION_TABLE),
    log:
        log_of("md_deviation"),
    benchmark:
        benchmark_of("md_deviation")
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
            at(tree.DEVIATION_TABLE, k=0),
            T=cfg.md.temperatures_k,
            allow_missing=True,
        ),
        held_out=at(tree.COMMITTEE),
    output:
        figures=report(
            multiext(at(tree.DEVIATION_FIGURE), *tree.FIGURE),
            category="Potential",
            caption="../report/deviation.rst",
        ),
    log:
        log_of("plot_deviation"),
    benchmark:
        benchmark_of("plot_deviation")
    conda:
        DLMD_ENV
    params:
        temperatures_k=cfg.md.temperatures_k,
    message:
        "{wildcards.level}: spread of the committee along production"
    script:
        "../scripts/job.py"

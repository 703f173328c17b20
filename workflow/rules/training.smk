# DeePMD potentials: input, and a training that goes on after a kill.
from dlmd.training import input as training_input_module
from dlmd.training import run as training_module


rule training_input:
    input:
        train=at(tree.TRAIN),
        valid=at(tree.VALID),
        start=of_last_round(tree.ROUND_MODEL),
    output:
        input=at(tree.TRAINING_INPUT),
    log:
        log_of("training_input"),
    benchmark:
        benchmark_of("training_input")
    conda:
        DEEPMD_ENV if cfg.learning else DLMD_ENV
    params:
        settings=training_settings(first=cfg.learning is None),
        species=SPECIES,
        seed=lambda w: seed("training", w.level, w.m),
        algorithm=training_input_module.VERSION,
    message:
        "{wildcards.level}: DeePMD input of potential {wildcards.m}"
    script:
        "../scripts/job.py"


rule train:
    input:
        input=at(tree.TRAINING_INPUT),
        train=at(tree.TRAIN),
        valid=at(tree.VALID),
        previous=of_last_round(tree.ROUND_MODEL, tree.ROUND_COMPRESSED_MODEL, tree.ROUND_LEARNING_CURVE),
        labels=of_last_round(tree.ROUND_LABELS),
    output:
        model=protected(at(tree.MODEL)),
        compressed=protected(at(tree.COMPRESSED_MODEL)),
        lcurve=at(tree.LEARNING_CURVE),
    log:
        log_of("train"),
    benchmark:
        benchmark_of("train")
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        # not growing: a training that its walltime stops goes on in the next job
        runtime=lambda w: train_minutes(first=cfg.learning is None),
        gpu=lambda w: estimates.training_gpus(cfg) or None,
    params:
        algorithm=training_module.VERSION,
    message:
        "{wildcards.level}: training potential {wildcards.m}"
    script:
        "../scripts/job.py"

# DeePMD potentials: input, training with resume, held-out errors, and the gate before production.
from dlmd.training import input as training_input_module
from dlmd.training import run as training_module
from dlmd.validation import errors as validation_module

TRAINING = f"{RUN}/training/{{level}}/{{m}}"
VALIDATION = f"{RUN}/validation/{{level}}"


rule training_input:
    input:
        train=f"{RUN}/dataset/{{level}}/train",
        valid=f"{RUN}/dataset/{{level}}/valid",
        start=of_last_round("training/{m}/model.pb"),
    output:
        input=f"{TRAINING}/input.json",
    log:
        f"{LOG}/training/{{level}}/{{m}}_input.log",
    benchmark:
        f"{BENCH}/training/{{level}}/{{m}}_input.jsonl"
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
        "../scripts/training_input.py"


rule train:
    input:
        input=f"{TRAINING}/input.json",
        train=f"{RUN}/dataset/{{level}}/train",
        valid=f"{RUN}/dataset/{{level}}/valid",
        previous=of_last_round(
            "training/{m}/model.pb", "training/{m}/compressed.pb", "training/{m}/lcurve.csv"
        ),
        labels=of_last_round("labels.json"),
    output:
        model=protected(f"{TRAINING}/model.pb"),
        compressed=protected(f"{TRAINING}/compressed.pb"),
        lcurve=f"{TRAINING}/lcurve.csv",
    log:
        f"{LOG}/training/{{level}}/{{m}}.log",
    benchmark:
        f"{BENCH}/training/{{level}}/{{m}}.jsonl"
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
        "../scripts/train.py"


rule test_errors:
    input:
        model=f"{RUN}/training/{{level}}/0/compressed.pb",
        test=f"{RUN}/dataset/{{level}}/test",
    output:
        errors=f"{VALIDATION}/errors.json",
        parity=f"{VALIDATION}/parity.npz",
    log:
        f"{LOG}/validation/{{level}}/errors.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/errors.jsonl"
    conda:
        DEEPMD_ENV
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        species=SPECIES,
        algorithm=validation_module.VERSION,
    message:
        "{wildcards.level}: errors on the held-out trajectories"
    script:
        "../scripts/test_errors.py"


rule plot_potential:
    input:
        errors=f"{VALIDATION}/errors.json",
        parity=f"{VALIDATION}/parity.npz",
        lcurve=f"{RUN}/training/{{level}}/0/lcurve.csv",
    output:
        parity=report(
            multiext(f"{VALIDATION}/parity", ".png", ".pdf"),
            category="Potential",
            caption="../report/parity.rst",
        ),
        curve=report(
            multiext(f"{VALIDATION}/learning_curve", ".png", ".pdf"),
            category="Potential",
            caption="../report/learning_curve.rst",
        ),
    log:
        f"{LOG}/validation/{{level}}/plots.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/plots.jsonl"
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: parity plots and learning curve"
    script:
        "../scripts/plot_potential.py"

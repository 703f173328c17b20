# DeePMD potentials: input, training with resume, held-out errors, and the gate before production.
from dlmd import training as training_module
from dlmd import validation as validation_module

TRAINING = f"{RUN}/training/{{level}}/{{m}}"
VALIDATION = f"{RUN}/validation/{{level}}"


rule training_input:
    input:
        train=f"{RUN}/dataset/{{level}}/train",
        valid=f"{RUN}/dataset/{{level}}/valid",
    output:
        input=TRAINING + "/input.json",
    log:
        f"{LOG}/training/{{level}}/{{m}}_input.log",
    benchmark:
        f"{BENCH}/training/{{level}}/{{m}}_input.jsonl"
    params:
        settings=cfg.training.model_dump(mode="json", exclude={"committee"}),
        species=SPECIES,
        seed=lambda w: seed("training", w.level, w.m),
        algorithm=training_module.VERSION,
    message:
        "{wildcards.level}: DeePMD input of potential {wildcards.m}"
    script:
        "../scripts/training_input.py"


rule train:
    input:
        input=TRAINING + "/input.json",
        train=f"{RUN}/dataset/{{level}}/train",
        valid=f"{RUN}/dataset/{{level}}/valid",
    output:
        model=protected(TRAINING + "/model.pb"),
        compressed=protected(TRAINING + "/compressed.pb"),
        lcurve=TRAINING + "/lcurve.csv",
    log:
        f"{LOG}/training/{{level}}/{{m}}.log",
    benchmark:
        f"{BENCH}/training/{{level}}/{{m}}.jsonl"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 1440 * attempt,
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
        errors=VALIDATION + "/errors.json",
        parity=VALIDATION + "/parity.npz",
    log:
        f"{LOG}/validation/{{level}}/errors.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/errors.jsonl"
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
        errors=VALIDATION + "/errors.json",
        parity=VALIDATION + "/parity.npz",
        lcurve=f"{RUN}/training/{{level}}/0/lcurve.csv",
    output:
        parity=report(
            multiext(VALIDATION + "/parity", ".png", ".pdf"),
            category="Potential",
            caption="../report/parity.rst",
        ),
        curve=report(
            multiext(VALIDATION + "/learning_curve", ".png", ".pdf"),
            category="Potential",
            caption="../report/learning_curve.rst",
        ),
    log:
        f"{LOG}/validation/{{level}}/plots.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/plots.jsonl"
    message:
        "{wildcards.level}: parity plots and learning curve"
    script:
        "../scripts/plot_potential.py"


rule accept:
    input:
        errors=VALIDATION + "/errors.json",
        figure=VALIDATION + "/parity.png",
    output:
        accepted=VALIDATION + "/accepted.json",
    log:
        f"{LOG}/validation/{{level}}/accept.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/accept.jsonl"
    params:
        bound=cfg.validation.max_relative_force_rmse,
    message:
        "{wildcards.level}: is the potential good enough for production?"
    script:
        "../scripts/accept.py"

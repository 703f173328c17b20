# DeePMD potentials: input, training with resume, held-out errors, and the gate before production.
from dlmd import training as training_module
from dlmd import validation as validation_module

TRAINING = f"{RUN}/training/{{level}}/{{m}}"
VALIDATION = f"{RUN}/validation/{{level}}"


rule training_input:
    message:
        "{wildcards.level}: DeePMD input of potential {wildcards.m}"
    input:
        train=f"{RUN}/dataset/{{level}}/train",
        valid=f"{RUN}/dataset/{{level}}/valid",
    output:
        input=TRAINING + "/input.json",
    params:
        settings=cfg.training.model_dump(mode="json", exclude={"committee"}),
        species=SPECIES,
        seed=lambda w: seed("training", w.level, w.m),
        algorithm=training_module.VERSION,
    log:
        f"{LOG}/training/{{level}}/{{m}}_input.log",
    benchmark:
        f"{BENCH}/training/{{level}}/{{m}}_input.jsonl"
    script:
        "../scripts/training_input.py"


rule train:
    message:
        "{wildcards.level}: training potential {wildcards.m}"
    input:
        input=TRAINING + "/input.json",
        train=f"{RUN}/dataset/{{level}}/train",
        valid=f"{RUN}/dataset/{{level}}/valid",
    output:
        model=protected(TRAINING + "/model.pb"),
        compressed=protected(TRAINING + "/compressed.pb"),
        lcurve=TRAINING + "/lcurve.csv",
    params:
        algorithm=training_module.VERSION,
    threads: 2
    log:
        f"{LOG}/training/{{level}}/{{m}}.log",
    benchmark:
        f"{BENCH}/training/{{level}}/{{m}}.jsonl"
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 1440 * attempt,
    script:
        "../scripts/train.py"


rule test_errors:
    message:
        "{wildcards.level}: errors on the held-out trajectories"
    input:
        model=f"{RUN}/training/{{level}}/0/compressed.pb",
        test=f"{RUN}/dataset/{{level}}/test",
    output:
        errors=VALIDATION + "/errors.json",
        parity=VALIDATION + "/parity.npz",
    params:
        species=SPECIES,
        algorithm=validation_module.VERSION,
    threads: 2
    log:
        f"{LOG}/validation/{{level}}/errors.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/errors.jsonl"
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    script:
        "../scripts/test_errors.py"


rule plot_potential:
    message:
        "{wildcards.level}: parity plots and learning curve"
    input:
        errors=VALIDATION + "/errors.json",
        parity=VALIDATION + "/parity.npz",
        lcurve=f"{RUN}/training/{{level}}/0/lcurve.csv",
    output:
        parity=report(
            multiext(VALIDATION + "/parity", ".png", ".pdf"), category="Potential", caption="../report/parity.rst"
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
    script:
        "../scripts/plot_potential.py"


rule accept:
    message:
        "{wildcards.level}: is the potential good enough for production?"
    input:
        errors=VALIDATION + "/errors.json",
        figure=VALIDATION + "/parity.png",
    output:
        accepted=VALIDATION + "/accepted.json",
    params:
        bound=cfg.validation.max_relative_force_rmse,
    log:
        f"{LOG}/validation/{{level}}/accept.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/accept.jsonl"
    script:
        "../scripts/accept.py"

# DeePMD potentials: input, and a training that goes on after a kill.
from dlmd.training import run as training_module
from dlmd.training import start as start_model_module


rule training_input:
    input:
        train=at(tree.TRAIN),
        valid=at(tree.VALID),
        start=training_start(of_last_round),
    output:
        input=at(tree.TRAINING_INPUT),
    log:
        log_of("training_input"),
    benchmark:
        benchmark_of("training_input")
    conda:
        DEEPMD_ENV if cfg.learning or routes.serving(cfg) else DLMD_ENV
    params:
        settings=lambda w: training_settings(w.level, first=not rounds_of(w.level)),
        species=SPECIES,
        seed=lambda w: seed("training", w.level, w.m),
        algorithm=training_input_module.VERSION,
    message:
        "{wildcards.level}: DeePMD input of potential {wildcards.m}"
    script:
        "../scripts/job.py"


rule start_model:
    input:
        model=lambda w: at(tree.MODEL, level=routes.start_of(cfg, w.level), m=w.m),
        train=first_dataset,
    output:
        start=at(tree.START_MODEL),
        record=at(tree.START_RECORD),
    log:
        log_of("start_model"),
    benchmark:
        benchmark_of("start_model")
    wildcard_constraints:
        level=one_of(name for name in cfg.levels if routes.start_of(cfg, name)),
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
    params:
        species=SPECIES,
        algorithm=start_model_module.VERSION,
    message:
        "{wildcards.level}: potential {wildcards.m} of the level it starts from, with energies of this one"
    script:
        "../scripts/job.py"


rule own_potential:
    input:
        given=lambda w: routes.given_potential(cfg, w.level),
    output:
        model=at(tree.MODEL),
        compressed=at(tree.COMPRESSED_MODEL),
    log:
        log_of("own_potential"),
    benchmark:
        benchmark_of("own_potential")
    wildcard_constraints:
        level=one_of(name for name in cfg.levels if routes.given_potential(cfg, name)),
    conda:
        DEEPMD_ENV
    params:
        species=SPECIES,
    message:
        "{wildcards.level}: the potential that is given"
    script:
        "../scripts/job.py"


rule train:
    input:
        input=at(tree.TRAINING_INPUT),
        train=at(tree.TRAIN),
        valid=at(tree.VALID),
        previous=potentials_before(
            of_last_round, tree.ROUND_MODEL, tree.ROUND_COMPRESSED_MODEL, tree.ROUND_LEARNING_CURVE
        ),
        labels=of_last_round(tree.ROUND_LABELS),
    output:
        model=protected(at(tree.MODEL)),
        compressed=protected(at(tree.COMPRESSED_MODEL)),
        lcurve=at(tree.LEARNING_CURVE),
    log:
        log_of("train"),
    benchmark:
        benchmark_of("train")
    wildcard_constraints:
        level=one_of(name for name in cfg.levels if routes.trained(cfg, name)),
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        # not growing: a training that its walltime stops goes on in the next job
        runtime=lambda w: train_minutes(w, first=not rounds_of(w.level)),
        gpu=lambda w: estimates.training_gpus(cfg) or None,
    params:
        algorithm=training_module.VERSION,
    message:
        "{wildcards.level}: training potential {wildcards.m}"
    script:
        "../scripts/job.py"

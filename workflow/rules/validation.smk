# What a potential must show before production: held-out errors, a committee, a trial run, and all bounds at once.
from dlmd.validation import acceptance as acceptance_module
from dlmd.validation import committee as committee_module
from dlmd.validation import errors as validation_module
from dlmd.validation import few_labels as few_labels_module
from dlmd.validation import met_anions as met_anions_module
from dlmd.validation import trial as trial_module

# Without a committee (training.potentials: 1) nothing of it is asked for.
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
# RDFs are compared with trajectories of the engine, where it ran any
WITH_RDF = [name for name in ANSWERING if cfg.validation.rdf_temperature_k and name in RUN_BY_ENGINE]
STARTED = [name for name in ANSWERING if routes.start_of(cfg, name)]
JUDGED = [name for name in ANSWERING if routes.judged(cfg, name)]
RDF_SOURCES = targets.rdf_sources(cfg) if WITH_RDF else []
TRIAL_STEPS = cfg.md.steps(cfg.validation.trial_ps * 1000) // 2
LABEL_PS = targets.trial_source(cfg).steps * cfg.labels.aimd.time_step_fs / 1000 if RUN_BY_ENGINE else 0.0


rule test_errors:
    input:
        model=at(tree.COMPRESSED_MODEL, m=0),
        test=at(tree.TEST),
    output:
        errors=at(tree.ERRORS),
        parity=at(tree.PARITY),
    log:
        log_of("test_errors"),
    benchmark:
        benchmark_of("test_errors")
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
        "../scripts/job.py"


rule plot_potential:
    input:
        errors=at(tree.ERRORS),
        parity=at(tree.PARITY),
        lcurve=lambda w: at(tree.LEARNING_CURVE, level=w.level, m=0) if routes.trained(cfg, w.level) else [],
    output:
        parity_figures=report(
            multiext(at(tree.PARITY_FIGURE), *tree.FIGURE),
            category="Potential",
            caption="../report/parity.rst",
        ),
        curve_figures=report(
            multiext(at(tree.LEARNING_CURVE_FIGURE), *tree.FIGURE),
            category="Potential",
            caption="../report/learning_curve.rst",
        ),
    log:
        log_of("plot_potential"),
    benchmark:
        benchmark_of("plot_potential")
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: parity plots and learning curve"
    script:
        "../scripts/job.py"


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


rule learning_part:
    input:
        train=at(tree.TRAIN),
        test=at(tree.TEST),
        start=at(tree.START_MODEL, m=0),
    output:
        result=at(tree.LEARNING_PART),
    log:
        log_of("learning_part"),
    benchmark:
        benchmark_of("learning_part")
    wildcard_constraints:
        level=one_of(STARTED),
        share=r"0\.\d+",
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w: train_minutes(w, first=False),
        gpu=lambda w: estimates.training_gpus(cfg) or None,
    params:
        settings=lambda w: training_settings(w.level, first=False),
        species=SPECIES,
        seed=lambda w: seed("part", w.level),
        algorithm=[training_input_module.VERSION, training_module.VERSION, few_labels_module.VERSION],
    message:
        "{wildcards.level}: training with {wildcards.share} of the labels"
    script:
        "../scripts/job.py"


rule few_labels:
    input:
        model=at(tree.COMPRESSED_MODEL, m=0),
        start=at(tree.START_MODEL, m=0),
        train=at(tree.TRAIN),
        test=at(tree.TEST),
        shares=[at(tree.LEARNING_PART, share=share) for share in cfg.training.fine_tuning.curve],
    output:
        result=at(tree.FEW_LABELS),
    log:
        log_of("few_labels"),
    benchmark:
        benchmark_of("few_labels")
    wildcard_constraints:
        level=one_of(STARTED),
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
    params:
        lowest_k=min(cfg.md.temperatures_k),
        algorithm=few_labels_module.VERSION,
    message:
        "{wildcards.level}: what the labels have brought"
    script:
        "../scripts/job.py"


rule trial:
    input:
        relaxed=trial_start,
        models=MODELS,
        labels=lambda w: [
            at(tree.AIMD_FRAMES, level=w.level, **s.wildcards) for s in RDF_SOURCES if w.level in WITH_RDF
        ],
    output:
        result=at(tree.TRIAL),
        table=at(tree.TRIAL_TABLE),
        figures=report(
            multiext(at(tree.TRIAL_FIGURE), *tree.FIGURE),
            category="Potential",
            caption="../report/trial.rst",
        ),
    log:
        log_of("trial"),
    benchmark:
        benchmark_of("trial")
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 120 * attempt,
        gpu=lambda w: estimates.training_gpus(cfg) or None,
    params:
        plan=trial_plan,
        dynamics=DYNAMICS,
        temperature_k=max(cfg.md.temperatures_k),
        charges=cfg.material.charges,
        discard_ps=cfg.labels.aimd.discard_ps,
        seed=lambda w: seed("trial", w.level, w.m),
        algorithm=trial_module.VERSION,
    message:
        "{wildcards.level}: trial run of potential {wildcards.m}"
    script:
        "../scripts/job.py"


rule met_anions:
    input:
        frames=[at(tree.AIMD_FRAMES, **source.wildcards) for source in targets.aimd_sources(cfg)],
    output:
        result=at(tree.MET_ANIONS),
    log:
        log_of("met_anions"),
    benchmark:
        benchmark_of("met_anions")
    conda:
        DLMD_ENV
    params:
        ids=[source.id for source in targets.aimd_sources(cfg)],
        temperatures_k=[source.temperature_k for source in targets.aimd_sources(cfg)],
        charges=cfg.material.charges,
        algorithm=met_anions_module.VERSION,
    message:
        "{wildcards.level}: do anions meet in the engine's own label trajectories?"
    script:
        "../scripts/job.py"


# A checkpoint, so that what follows is looked at once more when the gate has been judged: Snakemake 9.27 does not see changed
# parameters behind a job that has to run, and the ancient() gate of existing trajectories makes none of them run again.
checkpoint accept:
    input:
        errors=lambda w: at(tree.ERRORS, level=w.level) if w.level in JUDGED else [],
        figure=lambda w: at(tree.png(tree.PARITY_FIGURE), level=w.level) if w.level in JUDGED else [],
        trials=[at(tree.TRIAL, m=m) for m in range(cfg.md.potentials)],
        committee=[at(tree.COMMITTEE)] if cfg.training.potentials > 1 else [],
        few=lambda w: at(tree.FEW_LABELS, level=w.level) if w.level in STARTED else [],
        met=lambda w: at(tree.MET_ANIONS, level=w.level) if w.level in RUN_BY_ENGINE else [],
    output:
        accepted=at(tree.ACCEPTED),
    log:
        log_of("accept"),
    benchmark:
        benchmark_of("accept")
    conda:
        DLMD_ENV
    params:
        # what a level does not have is no param, so that it makes none of its results stale
        bounds=lambda w: cfg.validation.model_dump(
            mode="json",
            exclude=(set() if w.level in STARTED else {"max_force_slope_error"})
            | (set() if cfg.md.lattice == "thermal" or w.level in STARTED else {"max_pressure_error_gpa"}),
        ),
        hottest_k=max(cfg.md.temperatures_k),
        algorithm=acceptance_module.VERSION,
    message:
        "{wildcards.level}: is the potential good enough for production?"
    script:
        "../scripts/job.py"

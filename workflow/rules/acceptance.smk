# The gate before production: a trial run of every potential that production uses, and all bounds at once.
from dlmd.validation import acceptance as acceptance_module
from dlmd.validation import trial as trial_module

TRIED = targets.trial_source(cfg)
RDF_SOURCES = targets.rdf_sources(cfg) if cfg.validation.rdf_temperature_k else []
TRIAL_STEPS = cfg.md.steps(cfg.validation.trial_ps * 1000) // 2
LABEL_PS = TRIED.steps * cfg.labels.aimd.time_step_fs / 1000


rule trial:
    input:
        relaxed=at(tree.RELAXED, occupancy=TRIED.occupancy, cell=TRIED.cell, n=TRIED.ordering),
        models=MODELS,
        labels=[at(tree.AIMD_FRAMES, **s.wildcards) for s in RDF_SOURCES],
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
        plan=dict(
            rdf_temperature_k=cfg.validation.rdf_temperature_k,
            # as long as the labels, which are its measure, but no longer than the trial itself
            rdf_steps=cfg.md.steps(min(LABEL_PS, cfg.validation.trial_ps) * 1000),
            nvt_steps=TRIAL_STEPS,
            nve_steps=TRIAL_STEPS,
            stride=cfg.md.steps(cfg.md.position_interval_fs),
        ),
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


rule accept:
    input:
        errors=at(tree.ERRORS),
        figure=tree.png(at(tree.PARITY_FIGURE)),
        trials=[at(tree.TRIAL, m=m) for m in range(cfg.md.potentials)],
        committee=[at(tree.COMMITTEE)] if cfg.training.potentials > 1 else [],
    output:
        accepted=at(tree.ACCEPTED),
    log:
        log_of("accept"),
    benchmark:
        benchmark_of("accept")
    conda:
        DLMD_ENV
    params:
        bounds=cfg.validation.model_dump(mode="json"),
        algorithm=acceptance_module.VERSION,
    message:
        "{wildcards.level}: is the potential good enough for production?"
    script:
        "../scripts/job.py"

# The learning loop: a fixed number of rounds of exploring, selecting, labelling and training on. What it ends with are the
# dataset and the potentials in their usual places, so nothing after it knows of it. Nothing here is asked for without a loop.
from dlmd.learning import exploration as exploration_module
from dlmd.learning import selection as selection_module

LOOP = cfg.learning
EXPLORED_CELLS = [
    dict(occupancy=occupancy, cell=cell, n=n) for occupancy, cell, n in targets.explored_cells(cfg)
]
LOOPED = [level for level in cfg.levels if routes.loops(cfg, level)]
SLOTS = {level: targets.label_slots(cfg, level) for level in LOOPED}
LEARNING_FILES = level_files(tree.ROUNDS, tree.png(tree.ROUNDS_FIGURE), levels=LOOPED)

# said first, because the engine may be dear
if workflow.is_main_process:
    sys.stderr.writelines(f"{text}\n" for text in targets.single_points(cfg))


wildcard_constraints:
    i=r"\d+",
    slot=r"\d\d\d+",


localrules:
    learning_stage_vasp,


rule learning_dataset:
    input:
        frames=lambda w: [at(source.path) for source in dataset_sources(w)],
    output:
        train=directory(at(tree.ROUND_TRAIN)),
        valid=directory(at(tree.ROUND_VALID)),
        test=directory(at(tree.ROUND_TEST)),
        provenance=at(tree.ROUND_PROVENANCE),
    log:
        log_of("learning_dataset"),
    benchmark:
        benchmark_of("learning_dataset")
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
    params:
        ids=lambda w: [source.id for source in dataset_sources(w)],
        splits=lambda w: [source.split for source in dataset_sources(w)],
        optional=lambda w: [source.id for source in dataset_sources(w) if source.optional],
        species=SPECIES,
        discard_ps=discard_ps,
        algorithm=dataset_module.VERSION,
    message:
        "{wildcards.level}: dataset of round {wildcards.i}"
    script:
        "../scripts/job.py"


use rule training_input as learning_input with:
    input:
        train=at(tree.ROUND_TRAIN),
        valid=at(tree.ROUND_VALID),
        start=training_start(of_previous_round),
    output:
        input=at(tree.ROUND_TRAINING_INPUT),
    log:
        log_of("learning_input"),
    benchmark:
        benchmark_of("learning_input")
    params:
        settings=lambda w: training_settings(w.level, first=w.i == "0"),
        seed=lambda w: seed("training", w.level, w.m, w.i),
    message:
        "{wildcards.level}: DeePMD input of potential {wildcards.m}, round {wildcards.i}"


use rule train as learning_train with:
    input:
        input=at(tree.ROUND_TRAINING_INPUT),
        train=at(tree.ROUND_TRAIN),
        valid=at(tree.ROUND_VALID),
        previous=potentials_before(
            of_previous_round, tree.ROUND_MODEL, tree.ROUND_COMPRESSED_MODEL, tree.ROUND_LEARNING_CURVE
        ),
        labels=of_previous_round(tree.ROUND_LABELS),
    output:
        model=at(tree.ROUND_MODEL),
        compressed=at(tree.ROUND_COMPRESSED_MODEL),
        lcurve=at(tree.ROUND_LEARNING_CURVE),
    log:
        log_of("learning_train"),
    benchmark:
        benchmark_of("learning_train")
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w: train_minutes(w, first=w.i == "0"),
        gpu=lambda w: estimates.training_gpus(cfg) or None,
    message:
        "{wildcards.level}: training potential {wildcards.m}, round {wildcards.i}"


rule explore:
    input:
        relaxed=explored_cell,
        model=lambda w: exploring_models(w)[exploring_member(w)],
        previous=of_previous_round(tree.SELECTED),
    output:
        explored=at(tree.EXPLORED),
    log:
        log_of("explore"),
    benchmark:
        benchmark_of("explore")
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
        gpu=lambda w: estimates.training_gpus(cfg) or None,
    params:
        dynamics=DYNAMICS,
        steps=lambda w: explored_source(w).steps,
        stride=LOOP and cfg.md.steps(LOOP.frame_interval_ps * 1000),
        discard_ps=cfg.labels.aimd.discard_ps,
        seed=lambda w: seed("explore", *w),
        algorithm=exploration_module.VERSION,
    message:
        "{wildcards.level}: round {wildcards.i} explores {wildcards.occupancy}/{wildcards.cell}/{wildcards.n} at {wildcards.aimd_T} K, strain {wildcards.strain}"
    script:
        "../scripts/job.py"


rule learning_select:
    input:
        explored=lambda w: [at(tree.EXPLORED, **w, **s.wildcards) for s in explored_sources(w)],
        models=exploring_models,
        valid=judging_frames,
        previous=of_previous_round(tree.SELECTED),
    output:
        selected=at(tree.SELECTED_FRAMES),
        result=at(tree.SELECTED),
        table=at(tree.EXPLORED_TABLE),
    log:
        log_of("learning_select"),
    benchmark:
        benchmark_of("learning_select")
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        sources=lambda w: [
            dict(
                id=s.id,
                cell=tree.fill(tree.ORDERING, **s.wildcards),
                temperature_k=s.temperature_k,
                strain=s.strain,
                **few_labels(w, s),
            )
            for s in explored_sources(w)
        ],
        species=SPECIES,
        bounds=LOOP and LOOP.deviation_ev_per_angstrom,
        max_frames=LOOP and LOOP.max_frames,
        settled_share=LOOP and selection_module.SETTLED_SHARE,
        settled_change=LOOP and selection_module.SETTLED_CHANGE,
        algorithm=selection_module.VERSION,
    message:
        "{wildcards.level}: round {wildcards.i} selects frames to label"
    script:
        "../scripts/job.py"


rule learning_label:
    input:
        selected=at(tree.SELECTED_FRAMES),
    output:
        frames=at(tree.SLOT_FRAMES),
    log:
        log_of("learning_label"),
    benchmark:
        benchmark_of("learning_label")
    wildcard_constraints:
        level=EMBEDDED_LEVELS,
    conda:
        DLMD_ENV
    threads: engine_cores
    resources:
        **engine_parallel(),
        mem_mb=lambda w, attempt: attempt * max(3000, 2000 * engine_cores(w)),
        runtime=lambda w, attempt: 720 * attempt,
    params:
        engine=engine_settings,
        numbers=lambda w: SLOTS[w.level][w.slot],
    message:
        "{wildcards.level}: round {wildcards.i} labels frames, job {wildcards.slot}"
    script:
        "../scripts/job.py"


rule learning_stage_vasp:
    input:
        selected=at(tree.SELECTED_FRAMES),
    output:
        record=at(tree.SLOT_STAGED),
    log:
        log_of("learning_stage_vasp"),
    benchmark:
        benchmark_of("learning_stage_vasp")
    wildcard_constraints:
        level=VASP_LEVELS,
    conda:
        DLMD_ENV
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
    message:
        "{wildcards.level}: round {wildcards.i} stages frame {wildcards.slot}"
    script:
        "../scripts/job.py"


rule learning_run_vasp:
    input:
        record=at(tree.SLOT_STAGED),
    output:
        done=at(tree.SLOT_DONE),
    log:
        log_of("learning_run_vasp"),
    benchmark:
        benchmark_of("learning_run_vasp")
    wildcard_constraints:
        level=VASP_LEVELS,
    conda:
        DLMD_ENV
    threads: engine_cores
    resources:
        **engine_parallel(),
        mem_mb=lambda w, attempt: 32000 * attempt,
        runtime=1440,
    params:
        engine=lambda w: cfg.levels[w.level].staging(),
    message:
        "{wildcards.level}: VASP on frame {wildcards.slot} of round {wildcards.i}"
    script:
        "../scripts/job.py"


rule learning_collect_vasp:
    input:
        record=at(tree.SLOT_STAGED),
        selected=at(tree.SELECTED_FRAMES),
        done=lambda w: ([] if w.level in VASP_EXTERNAL else at(tree.SLOT_DONE, **w)),
    output:
        frames=at(tree.SLOT_FRAMES),
    log:
        log_of("learning_collect_vasp"),
    benchmark:
        benchmark_of("learning_collect_vasp")
    wildcard_constraints:
        level=VASP_LEVELS,
    conda:
        DLMD_ENV
    params:
        algorithm=vasp_collect.VERSION,
    message:
        "{wildcards.level}: collecting frame {wildcards.slot} of round {wildcards.i}"
    script:
        "../scripts/job.py"


rule learning_gather:
    input:
        slots=lambda w: [at(tree.SLOT_FRAMES, slot=slot, **w) for slot in SLOTS[w.level]],
        selection=at(tree.SELECTED),
    output:
        result=at(tree.ROUND_LABELS),
        frames=[at(tree.LEARNED_FRAMES, **cell) for cell in EXPLORED_CELLS],
    log:
        log_of("learning_gather"),
    benchmark:
        benchmark_of("learning_gather")
    conda:
        DLMD_ENV
    params:
        cells=[tree.fill(tree.ORDERING, **cell) for cell in EXPLORED_CELLS],
        max_force_ev_per_angstrom=LOOP and LOOP.max_force_ev_per_angstrom,
    message:
        "{wildcards.level}: labelled frames of round {wildcards.i}"
    script:
        "../scripts/job.py"


rule learning_summary:
    input:
        selections=[at(tree.SELECTED, i=i) for i in range(LOOP.iterations if LOOP else 0)],
        labels=[at(tree.ROUND_LABELS, i=i) for i in range(LOOP.iterations if LOOP else 0)],
    output:
        table=at(tree.ROUNDS),
        figures=report(
            multiext(at(tree.ROUNDS_FIGURE), *tree.FIGURE),
            category="Potential",
            caption="../report/learning.rst",
        ),
    log:
        log_of("learning_summary"),
    benchmark:
        benchmark_of("learning_summary")
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: rounds of the learning loop"
    script:
        "../scripts/job.py"

# The learning loop: a fixed number of rounds of exploring, selecting, labelling and training on. What it ends with are the
# dataset and the potentials in their usual places, so nothing after it knows of it. Nothing here is asked for without a loop.
from dlmd.learning import exploration as exploration_module
from dlmd.learning import selection as selection_module

ROUND = f"{RUN}/learning/{{level}}/{{i}}"
LOOP = cfg.learning
EXPLORED = targets.explorations(cfg)
EXPLORED_CELLS = [f"{occupancy}/{cell}/{n}" for occupancy, cell, n in targets.explored_cells(cfg)]
SLOTS = {level: targets.label_slots(cfg, level) for level in cfg.levels} if LOOP else {}
LEARNING_FILES = level_files("learning/{level}/rounds.csv", "learning/{level}/rounds.png") if LOOP else []


wildcard_constraints:
    i=r"\d+",
    slot=r"\d\d\d+",


localrules:
    learning_stage_vasp,


rule learning_dataset:
    input:
        frames=lambda w: [path.format(**w) for path in AIMD_FRAMES]
        + [f"{RUN}/{path}" for _, path in targets.learned_sources(cfg, w.level, int(w.i))],
    output:
        train=directory(f"{ROUND}/dataset/train"),
        valid=directory(f"{ROUND}/dataset/valid"),
        test=directory(f"{ROUND}/dataset/test"),
        provenance=f"{ROUND}/dataset/provenance.csv",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_dataset.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_dataset.jsonl"
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
    params:
        ids=lambda w: [s.id for s in targets.aimd_sources(cfg)]
        + [name for name, _ in targets.learned_sources(cfg, w.level, int(w.i))],
        splits=lambda w: [s.split for s in targets.aimd_sources(cfg)]
        + ["train"] * len(targets.learned_sources(cfg, w.level, int(w.i))),
        optional=lambda w: [name for name, _ in targets.learned_sources(cfg, w.level, int(w.i))],
        species=SPECIES,
        discard_ps=cfg.labels.aimd.discard_ps,
        algorithm=dataset_module.VERSION,
    message:
        "{wildcards.level}: dataset of round {wildcards.i}"
    script:
        "../scripts/job.py"


use rule training_input as learning_input with:
    input:
        train=f"{ROUND}/dataset/train",
        valid=f"{ROUND}/dataset/valid",
        start=of_previous_round("training/{m}/model.pb"),
    output:
        input=f"{ROUND}/training/{{m}}/input.json",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_{{m}}_input.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_{{m}}_input.jsonl"
    params:
        settings=lambda w: training_settings(first=w.i == "0"),
        seed=lambda w: seed("training", w.level, w.m, w.i),
    message:
        "{wildcards.level}: DeePMD input of potential {wildcards.m}, round {wildcards.i}"


use rule train as learning_train with:
    input:
        input=f"{ROUND}/training/{{m}}/input.json",
        train=f"{ROUND}/dataset/train",
        valid=f"{ROUND}/dataset/valid",
        previous=of_previous_round(
            "training/{m}/model.pb", "training/{m}/compressed.pb", "training/{m}/lcurve.csv"
        ),
        labels=of_previous_round("labels.json"),
    output:
        model=f"{ROUND}/training/{{m}}/model.pb",
        compressed=f"{ROUND}/training/{{m}}/compressed.pb",
        lcurve=f"{ROUND}/training/{{m}}/lcurve.csv",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_{{m}}.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_{{m}}.jsonl"
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w: train_minutes(first=w.i == "0"),
        gpu=lambda w: estimates.training_gpus(cfg) or None,
    message:
        "{wildcards.level}: training potential {wildcards.m}, round {wildcards.i}"


rule explore:
    input:
        relaxed=f"{RELAX}/relaxed.extxyz",
        model=lambda w: f"{ROUND}/training/{exploring_member(w)}/compressed.pb".format(**w),
        previous=of_previous_round("selected.json"),
    output:
        explored=f"{ROUND}/explore/{{occupancy}}/{{cell}}/{{n}}/{{aimd_T}}K/{{strain}}.npz",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_explore_{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_explore_{{occupancy}}_{{cell}}_{{n}}_{{aimd_T}}K_{{strain}}.jsonl"
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
        explored=[f"{ROUND}/explore/{s.folder}.npz" for s in EXPLORED],
        models=[f"{ROUND}/training/{m}/compressed.pb" for m in range(cfg.training.potentials)],
        valid=f"{ROUND}/dataset/valid",
        previous=of_previous_round("selected.json"),
    output:
        selected=f"{ROUND}/selected.extxyz",
        result=f"{ROUND}/selected.json",
        table=f"{ROUND}/explored.csv",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_select.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_select.jsonl"
    conda:
        DEEPMD_ENV
    resources:
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        sources=[
            dict(
                id=s.id,
                cell=f"{s.occupancy}/{s.cell}/{s.ordering}",
                temperature_k=s.temperature_k,
                strain=s.strain,
            )
            for s in EXPLORED
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
        selected=f"{ROUND}/selected.extxyz",
    output:
        frames=f"{ROUND}/labels/{{slot}}/frames.extxyz",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_label_{{slot}}.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_label_{{slot}}.jsonl"
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
        selected=f"{ROUND}/selected.extxyz",
    output:
        record=f"{ROUND}/labels/{{slot}}/slot.json",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_stage_{{slot}}.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_stage_{{slot}}.jsonl"
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
        record=f"{ROUND}/labels/{{slot}}/slot.json",
    output:
        done=f"{ROUND}/labels/{{slot}}/done.json",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_run_{{slot}}.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_run_{{slot}}.jsonl"
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
        record=f"{ROUND}/labels/{{slot}}/slot.json",
        selected=f"{ROUND}/selected.extxyz",
        done=lambda w: ([] if w.level in VASP_EXTERNAL else f"{ROUND}/labels/{{slot}}/done.json".format(**w)),
    output:
        frames=f"{ROUND}/labels/{{slot}}/frames.extxyz",
    log:
        f"{LOG}/learning/{{level}}/{{i}}_label_{{slot}}.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_label_{{slot}}.jsonl"
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
        slots=lambda w: [f"{ROUND}/labels/{slot}/frames.extxyz".format(**w) for slot in SLOTS[w.level]],
        selection=f"{ROUND}/selected.json",
    output:
        result=f"{ROUND}/labels.json",
        frames=[f"{ROUND}/frames/{cell}.extxyz" for cell in EXPLORED_CELLS],
    log:
        f"{LOG}/learning/{{level}}/{{i}}_gather.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/{{i}}_gather.jsonl"
    conda:
        DLMD_ENV
    params:
        cells=EXPLORED_CELLS,
        max_force_ev_per_angstrom=LOOP and LOOP.max_force_ev_per_angstrom,
    message:
        "{wildcards.level}: labelled frames of round {wildcards.i}"
    script:
        "../scripts/job.py"


rule learning_summary:
    input:
        selections=[
            f"{RUN}/learning/{{level}}/{i}/selected.json" for i in range(LOOP.iterations if LOOP else 0)
        ],
        labels=[f"{RUN}/learning/{{level}}/{i}/labels.json" for i in range(LOOP.iterations if LOOP else 0)],
    output:
        table=f"{RUN}/learning/{{level}}/rounds.csv",
        figures=report(
            multiext(f"{RUN}/learning/{{level}}/rounds", ".png", ".pdf"),
            category="Potential",
            caption="../report/learning.rst",
        ),
    log:
        f"{LOG}/learning/{{level}}/summary.log",
    benchmark:
        f"{BENCH}/learning/{{level}}/summary.jsonl"
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: rounds of the learning loop"
    script:
        "../scripts/job.py"

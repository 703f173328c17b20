# Everything of a run on one page.
from dlmd.base.carriers import spoken
from dlmd.report import ro_crate as ro_crate_module


rule costs:
    input:
        config=CONFIG_FILE,
        # what comes last of each level: the jobs before it have their times by then
        last=level_files(tree.ARRHENIUS, tree.RATES) + (level_files(tree.BARRIERS) if cfg.barriers else []),
    output:
        stages=at(tree.COSTS_OF_STAGES),
        throughput=at(tree.THROUGHPUT),
    log:
        log_of("costs"),
    benchmark:
        benchmark_of("costs")
    conda:
        DLMD_ENV
    params:
        benchmarks=at(tree.BENCHMARKS),
        overrides=OVERRIDES,
    message:
        "what the run has cost"
    script:
        "../scripts/job.py"


rule report:
    input:
        config=CONFIG_FILE,
        structures=at(tree.OCCUPANCIES),
        layers=[
            tree.png(at(tree.LAYERS_FIGURE, occupancy=occupancy, cell=cell, n=n))
            for occupancy, cell in POWDER_CELLS.items()
            for n in ORDERINGS
        ],
        powder=tree.png(at(tree.POWDER_FIGURE)),
        lattice=at(tree.LATTICE),
        provenance=level_files(tree.PROVENANCE, levels=JUDGED),
        errors=level_files(tree.ERRORS, levels=JUDGED),
        parity=level_files(tree.png(tree.PARITY_FIGURE), tree.png(tree.LEARNING_CURVE_FIGURE), levels=JUDGED),
        rdf=level_files(tree.RDF, tree.png(tree.RDF_FIGURE), levels=WITH_RDF),
        committee=COMMITTEE_FILES,
        few=level_files(tree.FEW_LABELS, levels=STARTED),
        learning=LEARNING_FILES,
        budget=BUDGET_FILES,
        transport=level_files(
            *(tree.fill(tree.TRANSPORT, T=T) for T in cfg.md.temperatures_k),
            tree.png(tree.MSD_FIGURE),
            tree.ARRHENIUS,
            tree.png(tree.ARRHENIUS_FIGURE),
        ),
        mechanism=level_files(
            *(tree.fill(tree.MECHANISM, T=T) for T in cfg.md.temperatures_k),
            *(
                tree.fill(tree.png(figure), T=T)
                for T in cfg.md.temperatures_k
                for figure in (tree.SITES_FIGURE, tree.HOPS_FIGURE, tree.DENSITY_FIGURE, tree.TRACES_FIGURE)
            ),
            tree.RATES,
            tree.png(tree.RATES_FIGURE),
        ),
        expansion=(
            level_files(tree.EXPANSION, tree.png(tree.EXPANSION_FIGURE))
            if cfg.md.lattice != "relaxed"
            else []
        ),
        cells=level_files(tree.fill(tree.PRODUCTION_CELL, k=0)),
        training=level_files(
            tree.fill(tree.TRAINING_INPUT, m=0),
            levels=[name for name in ANSWERING if routes.trained(cfg, name)],
        ),
        size_check=level_files(tree.SIZE_CHECK) if cfg.md.size_check else [],
        barriers=(level_files(tree.BARRIERS, tree.png(tree.BARRIERS_FIGURE)) if cfg.barriers else []),
        swaps=(
            level_files(
                *(
                    tree.fill(pattern, k=k)
                    for pattern in (tree.SWAPS, tree.png(tree.SWAPS_FIGURE))
                    for k in range(len(targets.production_runs(cfg)))
                )
            )
            if cfg.structures.sampling_of(cfg.md.cell) == "swap_mc"
            else []
        ),
        costs=at(tree.COSTS_OF_STAGES),
        throughput=at(tree.THROUGHPUT),
        reference=cfg.material.reference or [],
    output:
        html=at(tree.REPORT),
        summary=at(tree.SUMMARY),
        answer=at(tree.RESULT),
        comparison=report(at(tree.COMPARISON), category="Answer", caption="../report/comparison.rst"),
    log:
        log_of("report"),
    benchmark:
        benchmark_of("report")
    conda:
        DLMD_ENV
    params:
        run=cfg.run,
        seed=cfg.seed,
        levels=ANSWERING,
        temperatures=cfg.md.temperatures_k,
        overrides=OVERRIDES,
    message:
        "writing the report"
    script:
        "../scripts/job.py"


rule ro_crate:
    input:
        inputs=[CONFIG_FILE, cfg.material.cif] + ([cfg.material.reference] if cfg.material.reference else []),
        results=[
            rules.report.output.html,
            rules.report.output.summary,
            rules.report.output.answer,
            rules.report.output.comparison,
            at(tree.OCCUPANCIES),
            at(tree.LATTICE),
            at(tree.COSTS_OF_STAGES),
        ]
        + level_files(
            *(tree.fill(tree.COMPRESSED_MODEL, m=m) for m in range(cfg.training.potentials)),
            *(
                tree.fill(pattern, T=T)
                for T in cfg.md.temperatures_k
                for pattern in (tree.TRANSPORT, tree.MSD)
            ),
            tree.ARRHENIUS,
            tree.ARRHENIUS_FIGURE + tree.FIGURE[1],
            tree.RATES,
        )
        + level_files(tree.PROVENANCE, tree.ERRORS, levels=JUDGED)
        + level_files(
            *(tree.fill(tree.TRAINING_INPUT, m=m) for m in range(cfg.training.potentials)),
            levels=[name for name in ANSWERING if routes.trained(cfg, name)],
        )
        + (level_files(tree.BARRIERS) if cfg.barriers else [])
        + (level_files(tree.SIZE_CHECK) if cfg.md.size_check else [])
        + [
            at(pattern, level=level, T=T, k=k, segment=segment)
            for level in ANSWERING
            for T in cfg.md.temperatures_k
            for k in range(len(targets.production_runs(cfg)))
            for segment in targets.segment_numbers(cfg)
            for pattern in (tree.SEGMENT, tree.SEGMENT_POSITIONS)
        ],
    output:
        crate=at(tree.CRATE),
    log:
        log_of("ro_crate"),
    benchmark:
        benchmark_of("ro_crate")
    conda:
        DLMD_ENV
    params:
        name=f"{Path(cfg.material.cif).stem}: transport of {spoken(MOBILE)} ions, run {cfg.run}",
        description=f"Ionic conductivity by deep-potential molecular dynamics; levels of theory: {', '.join(cfg.levels)}; seed {cfg.seed}.",
        overrides=OVERRIDES,
        algorithm=ro_crate_module.VERSION,
    message:
        "provenance as an RO-Crate"
    script:
        "../scripts/job.py"

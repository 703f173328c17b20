# Everything of a run on one page.
from dlmd.report import ro_crate as ro_crate_module


rule costs:
    input:
        config=workflow.configfiles[0],
        # what comes last of each level: the jobs before it have their times by then
        last=level_files("transport/{level}/arrhenius.json", "mechanism/{level}/summary.json")
        + (level_files("barriers/{level}/barriers.json") if cfg.barriers else []),
    output:
        stages=f"{RUN}/costs/stages.csv",
        throughput=f"{RUN}/costs/throughput.csv",
    log:
        f"{LOG}/costs.log",
    benchmark:
        f"{BENCH}/costs.jsonl"
    conda:
        DLMD_ENV
    params:
        benchmarks=BENCH,
    message:
        "what the run has cost"
    script:
        "../scripts/job.py"


rule report:
    input:
        config=workflow.configfiles[0],
        structures=f"{RUN}/structures/occupancies.csv",
        layers=[
            f"{RUN}/structures/{occupancy}/{cell}/{n}.layers.png"
            for occupancy, cell in POWDER_CELLS.items()
            for n in ORDERINGS
        ],
        powder=f"{RUN}/structures/powder.png",
        lattice=f"{RUN}/labels/lattice.csv",
        provenance=level_files("dataset/{level}/provenance.csv"),
        errors=level_files("validation/{level}/errors.json"),
        parity=level_files("validation/{level}/parity.png", "validation/{level}/learning_curve.png"),
        rdf=(
            level_files("validation/{level}/rdf.json", "validation/{level}/rdf.png")
            if cfg.validation.rdf_temperature_k
            else []
        ),
        committee=COMMITTEE_FILES,
        learning=LEARNING_FILES,
        budget=BUDGET_FILES,
        transport=level_files(
            *(f"transport/{{level}}/{T}K.json" for T in cfg.md.temperatures_k),
            "transport/{level}/msd.png",
            "transport/{level}/arrhenius.json",
            "transport/{level}/arrhenius.png",
        ),
        mechanism=level_files(
            *(f"mechanism/{{level}}/{T}K.json" for T in cfg.md.temperatures_k),
            *(
                f"mechanism/{{level}}/{T}K.{figure}.png"
                for T in cfg.md.temperatures_k
                for figure in ("sites", "hops", "density", "traces")
            ),
            "mechanism/{level}/summary.json",
            "mechanism/{level}/rates.png",
        ),
        barriers=(
            level_files("barriers/{level}/barriers.json", "barriers/{level}/barriers.png")
            if cfg.barriers
            else []
        ),
        costs=f"{RUN}/costs/stages.csv",
        throughput=f"{RUN}/costs/throughput.csv",
        reference=cfg.material.reference or [],
    output:
        html=f"{RUN}/report.html",
        summary=f"{RUN}/summary.txt",
        answer=f"{RUN}/result.json",
        comparison=report(f"{RUN}/comparison.csv", category="Answer", caption="../report/comparison.rst"),
    log:
        f"{LOG}/report.log",
    benchmark:
        f"{BENCH}/report.jsonl"
    conda:
        DLMD_ENV
    params:
        run=cfg.run,
        seed=cfg.seed,
        levels=list(cfg.levels),
        temperatures=cfg.md.temperatures_k,
    message:
        "writing the report"
    script:
        "../scripts/job.py"


rule ro_crate:
    input:
        inputs=[workflow.configfiles[0], cfg.material.cif]
        + ([cfg.material.reference] if cfg.material.reference else []),
        results=[
            rules.report.output.html,
            rules.report.output.summary,
            rules.report.output.answer,
            rules.report.output.comparison,
            f"{RUN}/structures/occupancies.csv",
            f"{RUN}/labels/lattice.csv",
            f"{RUN}/costs/stages.csv",
        ]
        + level_files(
            "dataset/{level}/provenance.csv",
            *(
                f"training/{{level}}/{m}/{name}"
                for m in range(cfg.training.potentials)
                for name in ("input.json", "compressed.pb")
            ),
            "validation/{level}/errors.json",
            *(f"transport/{{level}}/{T}K.{kind}" for T in cfg.md.temperatures_k for kind in ("json", "csv")),
            "transport/{level}/arrhenius.json",
            "transport/{level}/arrhenius.pdf",
            "mechanism/{level}/summary.json",
        )
        + (level_files("barriers/{level}/barriers.json") if cfg.barriers else [])
        + [
            f"{RUN}/md/{level}/{T}K/r{k}/{segment}.{kind}"
            for level in cfg.levels
            for T in cfg.md.temperatures_k
            for k in range(len(targets.production_runs(cfg)))
            for segment in targets.segment_numbers(cfg)
            for kind in ("json", "dcd")
        ],
    output:
        crate=f"{RUN}/ro-crate-metadata.json",
    log:
        f"{LOG}/ro_crate.log",
    benchmark:
        f"{BENCH}/ro_crate.jsonl"
    conda:
        DLMD_ENV
    params:
        name=f"{Path(cfg.material.cif).stem}: transport of {MOBILE} ions, run {cfg.run}",
        description=f"Ionic conductivity by deep-potential molecular dynamics; levels of theory: {', '.join(cfg.levels)}; seed {cfg.seed}.",
        algorithm=ro_crate_module.VERSION,
    message:
        "provenance as an RO-Crate"
    script:
        "../scripts/job.py"

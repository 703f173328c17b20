# Trajectories -> sites, hops, pathways and free energies of every temperature; rates over all temperatures.
from dlmd.mechanism import analysis as mechanism_module
from dlmd.mechanism import numbers as mechanism_numbers
from dlmd.mechanism import summary as mechanism_summary

MECHANISM_VERSIONS = [m.VERSION for m in (mechanism_module, mechanism_numbers, *mechanism_module.MODULES)]


rule mechanism:
    input:
        segments=[
            at(tree.SEGMENT, k=k, segment=segment)
            for k in range(cfg.md.replicas)
            for segment in targets.segment_numbers(cfg)
        ],
        positions=[
            at(pattern, k=k, segment=segment)
            for k in range(cfg.md.replicas)
            for segment in targets.segment_numbers(cfg)
            for pattern in (tree.SEGMENT_POSITIONS, tree.SEGMENT_ALL_ATOMS)
        ],
        cif=cfg.material.cif,
        structures=at(tree.STRUCTURE_SUMMARY, occupancy=cfg.md.occupancy, cell=cfg.md.cell),
        transport=at(tree.TRANSPORT),
    output:
        result=at(tree.MECHANISM),
        hops=at(tree.HOPS),
        profiles=at(tree.PROFILES),
        traces=at(tree.TRACES),
        arrays=at(tree.MECHANISM_ARRAYS),
    log:
        log_of("mechanism"),
    benchmark:
        benchmark_of("mechanism")
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: attempt
        * estimates.mechanism(
            cfg, mobile=estimates.mobile_ions(cfg, COMPOSITIONS[cfg.md.occupancy, cfg.md.cell])
        ).minutes,
    params:
        settings=dict(
            core_fraction=cfg.mechanism.core_fraction,
            concerted_window_ps=mechanism_module.CONCERTED_WINDOW_PS,
            fewest_hops=mechanism_module.FEWEST_HOPS,
        ),
        replicas=cfg.md.replicas,
        repeat=cfg.structures.cells[cfg.md.cell],
        charges=cfg.material.charges,
        confidence=cfg.transport.confidence,
        seed=seed("mechanism"),
        algorithm=MECHANISM_VERSIONS,
    message:
        "{wildcards.level}: sites, hops and pathways at {wildcards.T} K"
    script:
        "../scripts/job.py"


rule plot_mechanism:
    input:
        result=at(tree.MECHANISM),
        arrays=at(tree.MECHANISM_ARRAYS),
    output:
        sites=report(
            multiext(at(tree.SITES_FIGURE), *tree.FIGURE),
            category="Mechanism",
            caption="../report/mechanism_sites.rst",
        ),
        hops=report(
            multiext(at(tree.HOPS_FIGURE), *tree.FIGURE),
            category="Mechanism",
            caption="../report/mechanism_hops.rst",
        ),
        density=report(
            multiext(at(tree.DENSITY_FIGURE), *tree.FIGURE),
            category="Mechanism",
            caption="../report/mechanism_density.rst",
        ),
        traces=report(
            multiext(at(tree.TRACES_FIGURE), *tree.FIGURE),
            category="Mechanism",
            caption="../report/mechanism_traces.rst",
        ),
    log:
        log_of("plot_mechanism"),
    benchmark:
        benchmark_of("plot_mechanism")
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: figures of the mechanism at {wildcards.T} K"
    script:
        "../scripts/job.py"


rule mechanism_summary:
    input:
        results=expand(at(tree.MECHANISM), T=cfg.md.temperatures_k, allow_missing=True),
        arrhenius=at(tree.ARRHENIUS),
    output:
        result=at(tree.RATES),
        table=at(tree.RATES_TABLE),
        figures=report(
            multiext(at(tree.RATES_FIGURE), *tree.FIGURE),
            category="Mechanism",
            caption="../report/mechanism_rates.rst",
        ),
    log:
        log_of("mechanism_summary"),
    benchmark:
        benchmark_of("mechanism_summary")
    conda:
        DLMD_ENV
    params:
        confidence=cfg.transport.confidence,
        algorithm=mechanism_summary.VERSION,
    message:
        "{wildcards.level}: rates of hops over all temperatures"
    script:
        "../scripts/job.py"

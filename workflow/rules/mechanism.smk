# Trajectories -> sites, hops, pathways and free energies of every temperature; rates over all temperatures.
from dlmd.mechanism import analysis as mechanism_module
from dlmd.mechanism import numbers as mechanism_numbers
from dlmd.mechanism import summary as mechanism_summary

MECHANISM_VERSIONS = [m.VERSION for m in (mechanism_module, mechanism_numbers, *mechanism_module.MODULES)]

MECHANISM = f"{RUN}/mechanism/{{level}}"


rule mechanism:
    input:
        segments=[
            f"{RUN}/md/{{level}}/{{T}}K/r{k}/{segment}.json"
            for k in range(cfg.md.replicas)
            for segment in targets.segment_numbers(cfg)
        ],
        positions=[
            f"{RUN}/md/{{level}}/{{T}}K/r{k}/{segment}.{kind}"
            for k in range(cfg.md.replicas)
            for segment in targets.segment_numbers(cfg)
            for kind in ("dcd", "xtc")
        ],
        cif=cfg.material.cif,
        structures=f"{RUN}/structures/{cfg.md.occupancy}/{cfg.md.cell}/summary.json",
        transport=f"{TRANSPORT}/{{T}}K.json",
    output:
        result=f"{MECHANISM}/{{T}}K.json",
        hops=f"{MECHANISM}/{{T}}K.hops.csv",
        profiles=f"{MECHANISM}/{{T}}K.profiles.csv",
        traces=f"{MECHANISM}/{{T}}K.traces.csv",
        arrays=f"{MECHANISM}/{{T}}K.npz",
    log:
        f"{LOG}/mechanism/{{level}}/{{T}}K.log",
    benchmark:
        f"{BENCH}/mechanism/{{level}}/{{T}}K.jsonl"
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 120 * attempt,
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
        result=f"{MECHANISM}/{{T}}K.json",
        arrays=f"{MECHANISM}/{{T}}K.npz",
    output:
        sites=report(
            multiext(f"{MECHANISM}/{{T}}K.sites", ".png", ".pdf"),
            category="Mechanism",
            caption="../report/mechanism_sites.rst",
        ),
        hops=report(
            multiext(f"{MECHANISM}/{{T}}K.hops", ".png", ".pdf"),
            category="Mechanism",
            caption="../report/mechanism_hops.rst",
        ),
        density=report(
            multiext(f"{MECHANISM}/{{T}}K.density", ".png", ".pdf"),
            category="Mechanism",
            caption="../report/mechanism_density.rst",
        ),
        traces=report(
            multiext(f"{MECHANISM}/{{T}}K.traces", ".png", ".pdf"),
            category="Mechanism",
            caption="../report/mechanism_traces.rst",
        ),
    log:
        f"{LOG}/mechanism/{{level}}/{{T}}K.plot.log",
    benchmark:
        f"{BENCH}/mechanism/{{level}}/{{T}}K.plot.jsonl"
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: figures of the mechanism at {wildcards.T} K"
    script:
        "../scripts/job.py"


rule mechanism_summary:
    input:
        results=expand(f"{MECHANISM}/{{T}}K.json", T=cfg.md.temperatures_k, allow_missing=True),
        arrhenius=f"{TRANSPORT}/arrhenius.json",
    output:
        result=f"{MECHANISM}/summary.json",
        table=f"{MECHANISM}/summary.csv",
        figures=report(
            multiext(f"{MECHANISM}/rates", ".png", ".pdf"),
            category="Mechanism",
            caption="../report/mechanism_rates.rst",
        ),
    log:
        f"{LOG}/mechanism/{{level}}/summary.log",
    benchmark:
        f"{BENCH}/mechanism/{{level}}/summary.jsonl"
    conda:
        DLMD_ENV
    params:
        confidence=cfg.transport.confidence,
        algorithm=mechanism_summary.VERSION,
    message:
        "{wildcards.level}: rates of hops over all temperatures"
    script:
        "../scripts/job.py"

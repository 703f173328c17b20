# Trajectories -> MSD, D, Haven ratio, conductivity; Arrhenius fit; RDFs of the potential over the engine's.
from dlmd.transport import arrhenius as arrhenius_module
from dlmd.transport import diffusion
from dlmd.transport import gates
from dlmd.transport import msd
from dlmd.transport import onset
from dlmd.transport import spectrum
from dlmd.trajectory import rdf as rdf_module
from dlmd.transport import analysis as transport_module

TRANSPORT_VERSIONS = [m.VERSION for m in (transport_module, msd, onset, diffusion, spectrum, gates)]

TRANSPORT = f"{RUN}/transport/{{level}}"


rule transport:
    input:
        segments=[
            f"{RUN}/md/{{level}}/{{T}}K/r{k}/{segment}.json"
            for k in range(len(targets.production_runs(cfg)))
            for segment in targets.segment_numbers(cfg)
        ],
        positions=[
            f"{RUN}/md/{{level}}/{{T}}K/r{k}/{segment}.dcd"
            for k in range(len(targets.production_runs(cfg)))
            for segment in targets.segment_numbers(cfg)
        ],
    output:
        result=f"{TRANSPORT}/{{T}}K.json",
        msd=f"{TRANSPORT}/{{T}}K.csv",
    log:
        f"{LOG}/transport/{{level}}/{{T}}K.log",
    benchmark:
        f"{BENCH}/transport/{{level}}/{{T}}K.jsonl"
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        settings=cfg.transport.model_dump(mode="json"),
        charge=cfg.material.charges[MOBILE],
        replicas=len(targets.production_runs(cfg)),
        algorithm=TRANSPORT_VERSIONS,
    message:
        "{wildcards.level}: MSD, diffusion and conductivity at {wildcards.T} K"
    script:
        "../scripts/job.py"


rule plot_msd:
    input:
        results=expand(f"{TRANSPORT}/{{T}}K.json", T=cfg.md.temperatures_k, allow_missing=True),
    output:
        figures=report(
            multiext(f"{TRANSPORT}/msd", ".png", ".pdf"), category="Transport", caption="../report/msd.rst"
        ),
    log:
        f"{LOG}/transport/{{level}}/msd.log",
    benchmark:
        f"{BENCH}/transport/{{level}}/msd.jsonl"
    conda:
        DLMD_ENV
    message:
        "{wildcards.level}: MSD of all temperatures"
    script:
        "../scripts/job.py"


rule arrhenius:
    input:
        results=expand(f"{TRANSPORT}/{{T}}K.json", T=cfg.md.temperatures_k, allow_missing=True),
        reference=cfg.material.reference or [],
    output:
        result=f"{TRANSPORT}/arrhenius.json",
        table=f"{TRANSPORT}/arrhenius.csv",
        figures=report(
            multiext(f"{TRANSPORT}/arrhenius", ".png", ".pdf"),
            category="Transport",
            caption="../report/arrhenius.rst",
        ),
    log:
        f"{LOG}/transport/{{level}}/arrhenius.log",
    benchmark:
        f"{BENCH}/transport/{{level}}/arrhenius.jsonl"
    conda:
        DLMD_ENV
    params:
        predict_k=cfg.arrhenius.predict_k,
        confidence=cfg.transport.confidence,
        algorithm=arrhenius_module.VERSION,
    message:
        "{wildcards.level}: Arrhenius fit"
    script:
        "../scripts/job.py"


rule rdf:
    input:
        frames=[f"{RUN}/labels/{{level}}/aimd/{s.folder}/frames.extxyz" for s in targets.rdf_sources(cfg)],
        run=f"{RUN}/md/{{level}}/{cfg.validation.rdf_temperature_k or 0:g}K/r0/0000.json",
        positions=f"{RUN}/md/{{level}}/{cfg.validation.rdf_temperature_k or 0:g}K/r0/0000.xtc",
    output:
        result=f"{RUN}/validation/{{level}}/rdf.json",
        table=f"{RUN}/validation/{{level}}/rdf.csv",
        figures=report(
            multiext(f"{RUN}/validation/{{level}}/rdf", ".png", ".pdf"),
            category="Potential",
            caption="../report/rdf.rst",
        ),
    log:
        f"{LOG}/validation/{{level}}/rdf.log",
    benchmark:
        f"{BENCH}/validation/{{level}}/rdf.jsonl"
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
    params:
        discard_ps=cfg.labels.aimd.discard_ps,
        algorithm=rdf_module.VERSION,
    message:
        "{wildcards.level}: RDFs of the potential's MD over the engine's, from the same start"
    script:
        "../scripts/job.py"

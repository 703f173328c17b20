# Frames of all label trajectories -> deepmd/npy, split by trajectory.
from dlmd.dataset import frames as dataset_module


rule dataset:
    input:
        frames=lambda w: [at(source.path) for source in dataset_sources(w)],
    output:
        train=directory(at(tree.TRAIN)),
        valid=directory(at(tree.VALID)),
        test=directory(at(tree.TEST)),
        provenance=at(tree.PROVENANCE),
    log:
        log_of("dataset"),
    benchmark:
        benchmark_of("dataset")
    conda:
        DLMD_ENV
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
    params:
        ids=lambda w: [source.id for source in dataset_sources(w)],
        splits=lambda w: [source.split for source in dataset_sources(w)],
        optional=lambda w: [source.id for source in dataset_sources(w) if source.optional],
        number=lambda w: len([source for source in dataset_sources(w) if not source.optional]),
        species=SPECIES,
        discard_ps=discard_ps,
        algorithm=dataset_module.VERSION,
    message:
        "{wildcards.level}: building the dataset from {params.number} trajectories"
    script:
        "../scripts/job.py"

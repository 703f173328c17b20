# Frames of all label trajectories -> deepmd/npy, split by trajectory.
from dlmd.dataset import frames as dataset_module

AIMD_FRAMES = [at(tree.AIMD_FRAMES, **s.wildcards) for s in targets.aimd_sources(cfg)]
LEARNED = targets.learned_sources(cfg, "{level}", cfg.learning.iterations if cfg.learning else 0)


rule dataset:
    input:
        frames=AIMD_FRAMES + [at(path) for _, path in LEARNED],
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
        ids=[s.id for s in targets.aimd_sources(cfg)] + [name for name, _ in LEARNED],
        splits=[s.split for s in targets.aimd_sources(cfg)] + ["train"] * len(LEARNED),
        optional=[name for name, _ in LEARNED],
        number=len(targets.aimd_sources(cfg)),
        species=SPECIES,
        discard_ps=cfg.labels.aimd.discard_ps,
        algorithm=dataset_module.VERSION,
    message:
        "{wildcards.level}: building the dataset from {params.number} trajectories"
    script:
        "../scripts/job.py"

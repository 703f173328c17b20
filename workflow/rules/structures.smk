# CIF with partial occupancies -> seeded supercells.
from dlmd.structures import cells as structures_module

POWDER_CELLS = targets.powder_cells(cfg)
ORDERINGS = range(cfg.structures.orderings)


rule orderings:
    input:
        cif=cfg.material.cif,
    output:
        cifs=expand(at(tree.STRUCTURE_CIF), n=ORDERINGS, allow_missing=True),
        extxyz=expand(at(tree.STRUCTURE), n=ORDERINGS, allow_missing=True),
        summary=at(tree.STRUCTURE_SUMMARY),
    log:
        log_of("orderings"),
    benchmark:
        benchmark_of("orderings")
    conda:
        DLMD_ENV
    params:
        repeat=lambda w: list(cfg.structures.cells[w.cell]),
        occupancies=lambda w: cfg.structures.occupancies[w.occupancy],
        charges=cfg.material.charges,
        number=cfg.structures.orderings,
        sampling=lambda w: cfg.structures.built_as(w.cell),
        min_distance_angstrom=cfg.structures.min_distance_angstrom,
        tolerance=cfg.structures.tolerance,
        seed=lambda w: seed("orderings", w.occupancy, w.cell),
        algorithm=structures_module.VERSION,
    message:
        "building {params.number} orderings of occupancy {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/job.py"


rule structure_table:
    input:
        summaries=expand(
            at(tree.STRUCTURE_SUMMARY),
            zip,
            occupancy=[o for o, _ in targets.built_cells(cfg)],
            cell=[c for _, c in targets.built_cells(cfg)],
        ),
    output:
        table=at(tree.OCCUPANCIES),
    log:
        log_of("structure_table"),
    benchmark:
        benchmark_of("structure_table")
    conda:
        DLMD_ENV
    message:
        "gathering requested and realised occupancies"
    script:
        "../scripts/job.py"


rule plot_layers:
    input:
        structure=at(tree.STRUCTURE),
    output:
        figures=report(
            multiext(at(tree.LAYERS_FIGURE), *tree.FIGURE),
            category="Structures",
            caption="../report/layers.rst",
        ),
    log:
        log_of("plot_layers"),
    benchmark:
        benchmark_of("plot_layers")
    conda:
        DLMD_ENV
    params:
        charges=cfg.material.charges,
        title=lambda w: f"occupancy {w.occupancy}, cell {w.cell}, ordering {w.n}",
    message:
        "drawing ordering {wildcards.n} of occupancy {wildcards.occupancy} in cell {wildcards.cell}"
    script:
        "../scripts/job.py"


rule plot_powder:
    input:
        structures=[
            at(tree.STRUCTURE, occupancy=occupancy, cell=cell, n=0)
            for occupancy, cell in POWDER_CELLS.items()
        ],
    output:
        figures=report(
            multiext(at(tree.POWDER_FIGURE), *tree.FIGURE),
            category="Structures",
            caption="../report/powder.rst",
        ),
        table=at(tree.POWDER),
    log:
        log_of("plot_powder"),
    benchmark:
        benchmark_of("plot_powder")
    conda:
        DLMD_ENV
    resources:
        runtime=lambda w, attempt: 60 * attempt,
    params:
        names=[f"occupancy {occupancy}" for occupancy in POWDER_CELLS],
    message:
        "simulating powder diffraction"
    script:
        "../scripts/job.py"

# CIF with partial occupancies -> seeded supercells.
from dlmd.structures import cells as structures_module

POWDER_CELLS = targets.powder_cells(cfg)
ORDERINGS = range(cfg.structures.orderings)
STRUCTURE = f"{RUN}/structures/{{occupancy}}/{{cell}}"


rule orderings:
    input:
        cif=cfg.material.cif,
    output:
        cifs=expand(f"{STRUCTURE}/{{n}}.cif", n=ORDERINGS, allow_missing=True),
        extxyz=expand(f"{STRUCTURE}/{{n}}.extxyz", n=ORDERINGS, allow_missing=True),
        summary=f"{STRUCTURE}/summary.json",
    log:
        f"{LOG}/structures/{{occupancy}}_{{cell}}.log",
    benchmark:
        f"{BENCH}/structures/{{occupancy}}_{{cell}}.jsonl"
    conda:
        DLMD_ENV
    params:
        repeat=lambda w: list(cfg.structures.cells[w.cell]),
        occupancies=lambda w: cfg.structures.occupancies[w.occupancy],
        charges=cfg.material.charges,
        number=cfg.structures.orderings,
        sampling=lambda w: cfg.structures.sampling_of(w.cell),
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
            f"{RUN}/structures/{{occupancy}}/{{cell}}/summary.json",
            zip,
            occupancy=[o for o, _ in targets.built_cells(cfg)],
            cell=[c for _, c in targets.built_cells(cfg)],
        ),
    output:
        table=f"{RUN}/structures/occupancies.csv",
    log:
        f"{LOG}/structures/table.log",
    benchmark:
        f"{BENCH}/structures/table.jsonl"
    conda:
        DLMD_ENV
    message:
        "gathering requested and realised occupancies"
    script:
        "../scripts/job.py"


rule plot_layers:
    input:
        structure=f"{STRUCTURE}/{{n}}.extxyz",
    output:
        figures=report(
            multiext(f"{STRUCTURE}/{{n}}.layers", ".png", ".pdf"),
            category="Structures",
            caption="../report/layers.rst",
        ),
    log:
        f"{LOG}/structures/{{occupancy}}_{{cell}}_{{n}}_layers.log",
    benchmark:
        f"{BENCH}/structures/{{occupancy}}_{{cell}}_{{n}}_layers.jsonl"
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
            f"{RUN}/structures/{occupancy}/{cell}/0.extxyz" for occupancy, cell in POWDER_CELLS.items()
        ],
    output:
        figures=report(
            multiext(f"{RUN}/structures/powder", ".png", ".pdf"),
            category="Structures",
            caption="../report/powder.rst",
        ),
        table=f"{RUN}/structures/powder.csv",
    log:
        f"{LOG}/structures/powder.log",
    benchmark:
        f"{BENCH}/structures/powder.jsonl"
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

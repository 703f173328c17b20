# A second cell of production at one or two temperatures: the same runs at the same lattice, and the two compared.
from dlmd.transport import size_check as size_check_module

SIZE = cfg.md.size_check
SIZE_ATOMS = atoms_of(cfg.md.occupancy, SIZE.cell)
SIZE_RUNS = range(SIZE.replicas)
# production's lattice, whichever ordering has it
SIZE_LATTICE = list(
    dict.fromkeys(pair for n in range(cfg.md.replicas) for pair in targets.lattice_cells(cfg, n))
)


def size_memory(w, attempt):
    return attempt * (2000 + SIZE_ATOMS)


def size_ordering(w):
    if cfg.structures.sampling_of(SIZE.cell) == "swap_mc":
        return at(tree.SIZE_SWAPPED, level=w.level, k=w.k)
    return at(tree.STRUCTURE, occupancy=cfg.md.occupancy, cell=SIZE.cell, n=w.k)


def size_lattice(w):
    return [
        at(tree.RELAXED, level=w.level, occupancy=occupancy, cell=cell, n=n)
        for occupancy, cell, n in SIZE_LATTICE
    ]


use rule md_swap as size_swap with:
    input:
        cif=cfg.material.cif,
        relaxed=size_lattice,
        model=at(tree.COMPRESSED_MODEL, m=0),
        accepted=lambda w: gate_of(w, at(tree.SIZE_SWAPPED, **w)),
    output:
        ordering=at(tree.SIZE_SWAPPED),
        record=at(tree.SIZE_SWAPS),
        figures=report(
            multiext(at(tree.SIZE_SWAPS_FIGURE), *tree.FIGURE),
            category="Structures",
            caption="../report/swaps.rst",
        ),
    log:
        log_of("size_swap"),
    benchmark:
        benchmark_of("size_swap")
    resources:
        mem_mb=lambda w, attempt: attempt * (3000 + SIZE_ATOMS),
        runtime=lambda w: estimates.swaps(cfg, atoms=SIZE_ATOMS).minutes,
    params:
        repeat=list(cfg.structures.cells[SIZE.cell]),
        seed=lambda w: seed("swaps", "size", SIZE.cell, w.level, w.k),
    message:
        "{wildcards.level}: swap Monte Carlo of ordering {wildcards.k} of the second cell"


use rule md_cell as size_cell with:
    input:
        structure=size_ordering,
        relaxed=size_lattice,
        lattice=LATTICE_OF_RUN,
    output:
        data=at(tree.SIZE_DATA),
        info=at(tree.SIZE_CELL),
    log:
        log_of("size_cell"),
    benchmark:
        benchmark_of("size_cell")
    params:
        repeat=list(cfg.structures.cells[SIZE.cell]),
        # scaled to production's lattice, never relaxed by itself
        own=False,
    message:
        "{wildcards.level}: second cell at {wildcards.T} K, ordering {wildcards.k}"


use rule md_equilibrate as size_equilibrate with:
    input:
        data=at(tree.SIZE_DATA),
        cell=at(tree.SIZE_CELL),
        model=at(tree.COMPRESSED_MODEL, m=0),
        accepted=lambda w: gate_of(w, at(tree.SIZE_RESTART, segment=tree.EQUILIBRATION, **w)),
    output:
        restart=at(tree.SIZE_RESTART, segment=tree.EQUILIBRATION),
        thermo=at(tree.SIZE_THERMO, segment=tree.EQUILIBRATION),
        xtc=at(tree.SIZE_ALL_ATOMS, segment=tree.EQUILIBRATION),
        sidecar=at(tree.SIZE_SEGMENT, segment=tree.EQUILIBRATION),
    log:
        log_of("size_equilibrate"),
    benchmark:
        benchmark_of("size_equilibrate")
    resources:
        **md_parallel(),
        mem_mb=size_memory,
        runtime=lambda w, attempt: attempt * md_minutes(cfg.md.steps(cfg.md.equilibrate_ps * 1000), SIZE.cell),
    params:
        seed=lambda w: seed("velocities", "size", SIZE.cell, w.level, w.T, w.k),
    message:
        "{wildcards.level}: minimising and equilibrating the second cell at {wildcards.T} K, ordering {wildcards.k}"


use rule md_segment as size_segment with:
    input:
        previous=lambda w: at(
            tree.SIZE_RESTART, level=w.level, T=w.T, k=w.k, segment=f"{int(w.segment) - 1:04d}"
        ),
        cell=at(tree.SIZE_CELL),
        model=at(tree.COMPRESSED_MODEL, m=0),
        others=lambda w: watching(w, tree.SIZE_SEGMENT, 0),
    output:
        dcd=protected(at(tree.SIZE_POSITIONS)),
        xtc=protected(at(tree.SIZE_ALL_ATOMS)),
        host=at(tree.SIZE_HOST),
        thermo=at(tree.SIZE_THERMO),
        restart=at(tree.SIZE_RESTART),
        sidecar=at(tree.SIZE_SEGMENT),
    log:
        log_of("size_segment"),
    benchmark:
        benchmark_of("size_segment")
    resources:
        **md_parallel(),
        mem_mb=size_memory,
        runtime=lambda w: md_minutes(cfg.md.steps(cfg.md.segment_ps * 1000), SIZE.cell),
    params:
        seed=lambda w: seed("velocities", "size", SIZE.cell, w.level, w.T, w.k),
    message:
        "{wildcards.level}: second cell at {wildcards.T} K, ordering {wildcards.k}, segment {wildcards.segment}"


use rule transport as size_transport with:
    input:
        segments=[
            at(tree.SIZE_SEGMENT, k=k, segment=segment)
            for k in SIZE_RUNS
            for segment in targets.segment_numbers(cfg)
        ],
        positions=[
            at(tree.SIZE_POSITIONS, k=k, segment=segment)
            for k in SIZE_RUNS
            for segment in targets.segment_numbers(cfg)
        ],
        lattice=LATTICE_OF_RUN,
    output:
        result=at(tree.SIZE_TRANSPORT),
        msd=at(tree.SIZE_MSD),
    log:
        log_of("size_transport"),
    benchmark:
        benchmark_of("size_transport")
    params:
        replicas=len(SIZE_RUNS),
    message:
        "{wildcards.level}: MSD, diffusion and conductivity of the second cell at {wildcards.T} K"


rule size_check:
    input:
        # of the potential that the second cell runs with
        production=[
            at(pattern, T=T, k=k)
            for T in SIZE.temperatures_k
            for pattern, k in (
                [(tree.TRANSPORT, 0)]
                if cfg.md.potentials == 1
                else [(tree.TRANSPORT_OF_RUN, k) for k in range(cfg.md.replicas)]
            )
        ],
        second=[at(tree.SIZE_TRANSPORT, T=T) for T in SIZE.temperatures_k],
    output:
        result=at(tree.SIZE_CHECK),
        table=at(tree.SIZE_TABLE),
    log:
        log_of("size_check"),
    benchmark:
        benchmark_of("size_check")
    conda:
        DLMD_ENV
    params:
        max_difference=SIZE.max_difference,
        confidence=cfg.transport.confidence,
        algorithm=size_check_module.VERSION,
    message:
        "{wildcards.level}: does the size of the cell matter?"
    script:
        "../scripts/job.py"

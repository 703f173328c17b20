# The lattice of production, where it is not the relaxed one: runs at zero pressure, the mean cell of each temperature.
from dlmd.md import lattice as lattice_module

NPT_STEPS = cfg.md.steps(cfg.md.npt.segment_ps * 1000)
NPT_SEGMENTS = [f"{n:04d}" for n in range(1, cfg.md.npt.segments + 1)]
NPT_RUNS = range(cfg.md.npt.runs)


rule npt_equilibrate:
    input:
        data=at(tree.PRODUCTION_DATA),
        cell=at(tree.PRODUCTION_CELL),
        model=lambda w: at(tree.COMPRESSED_MODEL, level=w.level, m=potential_of(w)),
        accepted=lambda w: gate_of(w, at(tree.NPT_RESTART, segment=tree.EQUILIBRATION, **w)),
    output:
        restart=at(tree.NPT_RESTART, segment=tree.EQUILIBRATION),
        thermo=at(tree.NPT_THERMO, segment=tree.EQUILIBRATION),
        xtc=at(tree.NPT_ALL_ATOMS, segment=tree.EQUILIBRATION),
        sidecar=at(tree.NPT_SEGMENT, segment=tree.EQUILIBRATION),
    log:
        log_of("npt_equilibrate"),
    benchmark:
        benchmark_of("npt_equilibrate")
    conda:
        DEEPMD_ENV
    threads: cfg.launch.lammps.ranks
    resources:
        **md_parallel(),
        mem_mb=lambda w, attempt: attempt * (2000 + atoms_of(cfg.md.occupancy, cfg.md.cell)),
        runtime=lambda w, attempt: attempt * md_minutes(cfg.md.steps(cfg.md.equilibrate_ps * 1000)),
    params:
        dynamics=DYNAMICS,
        steps=cfg.md.steps(cfg.md.equilibrate_ps * 1000),
        thermo_stride=POSITION_STEPS,
        all_atoms_stride=POSITION_STEPS,
        seed=lambda w: seed("velocities of npt", w.level, w.T, w.k),
        algorithm=lammps_module.VERSION,
    message:
        "{wildcards.level}: equilibrating at {wildcards.T} K before constant pressure, run {wildcards.k}"
    script:
        "../scripts/job.py"


rule npt_segment:
    input:
        previous=lambda w: at(
            tree.NPT_RESTART, level=w.level, T=w.T, k=w.k, segment=f"{int(w.segment) - 1:04d}"
        ),
        cell=at(tree.PRODUCTION_CELL),
        model=lambda w: at(tree.COMPRESSED_MODEL, level=w.level, m=potential_of(w)),
        cif=ancient(cfg.material.cif),
    output:
        sidecar=at(tree.NPT_SEGMENT),
        thermo=at(tree.NPT_THERMO),
        xtc=at(tree.NPT_ALL_ATOMS),
        restart=at(tree.NPT_RESTART),
    log:
        log_of("npt_segment"),
    benchmark:
        benchmark_of("npt_segment")
    wildcard_constraints:
        segment=r"(?!0000)\d{4}",
    conda:
        DEEPMD_ENV
    threads: cfg.launch.lammps.ranks
    resources:
        **md_parallel(),
        mem_mb=lambda w, attempt: attempt * (2000 + atoms_of(cfg.md.occupancy, cfg.md.cell)),
        runtime=lambda w: md_minutes(NPT_STEPS),
    params:
        dynamics=DYNAMICS,
        steps=NPT_STEPS,
        strides=asdict(lammps_module.Strides.of_npt(cfg.md)),
        seed=lambda w: seed("velocities of npt", w.level, w.T, w.k),
        components=cfg.md.npt.components,
        damping_fs=cfg.md.npt.damping_fs,
        algorithm=lammps_module.VERSION,
    message:
        "{wildcards.level}: constant pressure at {wildcards.T} K, run {wildcards.k}, segment {wildcards.segment}"
    script:
        "../scripts/job.py"


rule lattice_at:
    input:
        segments=lambda w: (
            [
                at(tree.NPT_SEGMENT, level=w.level, T=w.T, k=k, segment=segment)
                for k in NPT_RUNS
                for segment in NPT_SEGMENTS
            ]
            if cfg.md.lattice == "thermal"
            else []
        ),
        cells=lambda w: (
            [at(tree.PRODUCTION_CELL, level=w.level, k=k) for k in NPT_RUNS]
            if cfg.md.lattice == "thermal"
            else []
        ),
        cif=cfg.material.cif,
    output:
        result=at(tree.LATTICE_AT),
    log:
        log_of("lattice_at"),
    benchmark:
        benchmark_of("lattice_at")
    conda:
        DLMD_ENV
    params:
        repeat=list(cfg.structures.cells[cfg.md.cell]),
        judged=dict(
            min_independent=cfg.md.npt.min_independent,
            max_volume_error=cfg.md.npt.max_volume_error,
            max_pressure_gpa=cfg.md.npt.max_pressure_gpa,
            max_host_shift_angstrom=cfg.transport.max_host_shift_angstrom,
            # not that of transport, which would make every trajectory stale
            confidence=0.95,
        ),
        measured=cfg.md.measured.model_dump() if cfg.md.lattice == "measured" else None,
        algorithm=lattice_module.VERSION,
    message:
        "{wildcards.level}: lattice at {wildcards.T} K"
    script:
        "../scripts/job.py"


rule md_thermal_cell:
    input:
        structure=ordering_of_production,
        relaxed=lambda w: [
            at(tree.RELAXED, level=w.level, occupancy=occupancy, cell=cell, n=n)
            for occupancy, cell, n in targets.lattice_cells(cfg, ordering_of(w))
        ],
        lattice=at(tree.LATTICE_AT),
    output:
        data=at(tree.THERMAL_DATA),
        info=at(tree.THERMAL_CELL),
    log:
        log_of("md_thermal_cell"),
    benchmark:
        benchmark_of("md_thermal_cell")
    conda:
        DLMD_ENV
    params:
        repeat=list(cfg.structures.cells[cfg.md.cell]),
        lattice_repeat=list(
            cfg.structures.cells[cfg.md.lattice_from.cell if cfg.md.lattice_from else cfg.md.cell]
        ),
        own=cfg.md.lattice_from is None,
        species=SPECIES,
        mobile=MOBILE,
        algorithm=lammps_module.VERSION,
    message:
        "{wildcards.level}: production cell of replica {wildcards.k} at the lattice of {wildcards.T} K"
    script:
        "../scripts/job.py"


rule expansion:
    input:
        lattices=[at(tree.LATTICE_AT, T=T) for T in cfg.md.temperatures_k],
        cells=[at(tree.PRODUCTION_CELL, k=0)],
    output:
        result=at(tree.EXPANSION),
        table=at(tree.EXPANSION_TABLE),
        figures=report(
            [at(tree.EXPANSION_FIGURE + ending) for ending in tree.FIGURE],
            category="Lattice",
            caption="../report/expansion.rst",
        ),
    log:
        log_of("expansion"),
    benchmark:
        benchmark_of("expansion")
    conda:
        DLMD_ENV
    params:
        confidence=cfg.transport.confidence,
        algorithm=lattice_module.VERSION,
    message:
        "{wildcards.level}: thermal expansion"
    script:
        "../scripts/job.py"

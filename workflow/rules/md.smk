# Production MD: cell at the relaxed lattice, equilibration, a chain of segments.
from dataclasses import asdict

from dlmd.md import inputs as lammps_module
from dlmd.md import swapping as swapping_module
from dlmd.structures import cells as structures_module

DYNAMICS = dict(
    species=SPECIES,
    mobile=MOBILE,
    time_step_fs=cfg.md.time_step_fs,
    damping_fs=cfg.md.thermostat_damping_fs,
    shortest_a=cfg.md.min_distance_angstrom,
)
POSITION_STEPS = cfg.md.steps(cfg.md.position_interval_fs)
# the cell of production: relaxed, or of each temperature (md_lattice.smk)
DATA, CELL = (
    (tree.PRODUCTION_DATA, tree.PRODUCTION_CELL)
    if cfg.md.lattice == "relaxed"
    else (tree.THERMAL_DATA, tree.THERMAL_CELL)
)


rule md_swap:
    input:
        cif=cfg.material.cif,
        relaxed=lattice_of_production,
        model=lambda w: at(tree.COMPRESSED_MODEL, level=w.level, m=potential_of(w)),
        accepted=lambda w: gate_of(w, at(tree.SWAPPED, **w)),
    output:
        ordering=at(tree.SWAPPED),
        record=at(tree.SWAPS),
        figures=report(
            multiext(at(tree.SWAPS_FIGURE), *tree.FIGURE),
            category="Structures",
            caption="../report/swaps.rst",
        ),
    log:
        log_of("md_swap"),
    benchmark:
        benchmark_of("md_swap")
    conda:
        SWAPS_ENV
    resources:
        mem_mb=lambda w, attempt: attempt * (3000 + atoms_of(cfg.md.occupancy, cfg.md.cell)),
        # not growing: a chain that its walltime stops goes on in the next job
        runtime=lambda w: estimates.swaps(cfg, atoms=atoms_of(cfg.md.occupancy, cfg.md.cell)).minutes,
    params:
        repeat=list(cfg.structures.cells[cfg.md.cell]),
        lattice_repeat=list(
            cfg.structures.cells[cfg.md.lattice_from.cell if cfg.md.lattice_from else cfg.md.cell]
        ),
        occupancies=cfg.structures.occupancies[cfg.md.occupancy],
        charges=cfg.material.charges,
        mobile=MOBILE,
        min_distance_angstrom=cfg.structures.min_distance_angstrom,
        tolerance=cfg.structures.tolerance,
        settings=cfg.structures.swap_mc.model_dump() if cfg.structures.swap_mc else {},
        seed=lambda w: seed("swaps", w.level, w.k),
        algorithm=[swapping_module.VERSION, structures_module.VERSION],
    message:
        "{wildcards.level}: swap Monte Carlo of the ordering of replica {wildcards.k}"
    script:
        "../scripts/job.py"


rule md_cell:
    input:
        structure=ordering_of_production,
        relaxed=lattice_of_production,
        # that of the relaxed cells
        lattice=[],
    output:
        data=at(tree.PRODUCTION_DATA),
        info=at(tree.PRODUCTION_CELL),
    log:
        log_of("md_cell"),
    benchmark:
        benchmark_of("md_cell")
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
        "{wildcards.level}: production cell of replica {wildcards.k}"
    script:
        "../scripts/job.py"


rule md_equilibrate:
    input:
        data=at(DATA),
        cell=at(CELL),
        model=lambda w: at(tree.COMPRESSED_MODEL, level=w.level, m=potential_of(w)),
        accepted=gate_of_run,
    output:
        restart=at(tree.SEGMENT_RESTART, segment=tree.EQUILIBRATION),
        thermo=at(tree.SEGMENT_THERMO, segment=tree.EQUILIBRATION),
        xtc=at(tree.SEGMENT_ALL_ATOMS, segment=tree.EQUILIBRATION),
        sidecar=at(tree.SEGMENT, segment=tree.EQUILIBRATION),
    log:
        log_of("md_equilibrate"),
    benchmark:
        benchmark_of("md_equilibrate")
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
        seed=lambda w: seed("velocities", w.level, w.T, w.k),
        algorithm=lammps_module.VERSION,
    message:
        "{wildcards.level}: minimising and equilibrating at {wildcards.T} K, replica {wildcards.k}"
    script:
        "../scripts/job.py"


rule md_segment:
    input:
        previous=previous_restart,
        cell=at(CELL),
        model=lambda w: at(tree.COMPRESSED_MODEL, level=w.level, m=potential_of(w)),
        others=watching_potentials,
    output:
        dcd=protected(at(tree.SEGMENT_POSITIONS)),
        xtc=protected(at(tree.SEGMENT_ALL_ATOMS)),
        host=at(tree.SEGMENT_HOST),
        thermo=at(tree.SEGMENT_THERMO),
        restart=at(tree.SEGMENT_RESTART),
        sidecar=at(tree.SEGMENT),
    log:
        log_of("md_segment"),
    benchmark:
        benchmark_of("md_segment")
    wildcard_constraints:
        segment=r"(?!0000)\d{4}",
    conda:
        DEEPMD_ENV
    threads: cfg.launch.lammps.ranks
    resources:
        **md_parallel(),
        mem_mb=lambda w, attempt: attempt * (2000 + atoms_of(cfg.md.occupancy, cfg.md.cell)),
        # not growing: a segment that its walltime stops goes on in the next job
        runtime=lambda w: md_minutes(cfg.md.steps(cfg.md.segment_ps * 1000)),
    params:
        dynamics=DYNAMICS,
        steps=cfg.md.steps(cfg.md.segment_ps * 1000),
        strides=asdict(lammps_module.Strides.of(cfg.md)),
        seed=lambda w: seed("velocities", w.level, w.T, w.k),
        algorithm=lammps_module.VERSION,
    message:
        "{wildcards.level}: MD at {wildcards.T} K, replica {wildcards.k}, segment {wildcards.segment}"
    script:
        "../scripts/job.py"

# Production MD: cell at the relaxed lattice, equilibration, a chain of segments.
from dataclasses import asdict

from dlmd.md import inputs as lammps_module

MD = f"{RUN}/md/{{level}}/{{T}}K/r{{k}}"
DYNAMICS = dict(
    species=SPECIES,
    mobile=MOBILE,
    time_step_fs=cfg.md.time_step_fs,
    damping_fs=cfg.md.thermostat_damping_fs,
    shortest_a=cfg.md.min_distance_angstrom,
)
POSITION_STEPS = cfg.md.steps(cfg.md.position_interval_fs)


rule md_cell:
    input:
        structure=lambda w: f"{RUN}/structures/{cfg.md.occupancy}/{cfg.md.cell}/{ordering_of(w)}.extxyz",
        relaxed=lambda w: [
            f"{RUN}/labels/{w.level}/relax/{occupancy}/{cell}/{n}/relaxed.extxyz"
            for occupancy, cell, n in targets.lattice_cells(cfg, ordering_of(w))
        ],
    output:
        data=f"{RUN}/md/{{level}}/cells/r{{k}}.data",
        info=f"{RUN}/md/{{level}}/cells/r{{k}}.json",
    log:
        f"{LOG}/md/{{level}}/cell_r{{k}}.log",
    benchmark:
        f"{BENCH}/md/{{level}}/cell_r{{k}}.jsonl"
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
        data=f"{RUN}/md/{{level}}/cells/r{{k}}.data",
        cell=f"{RUN}/md/{{level}}/cells/r{{k}}.json",
        model=lambda w: f"{RUN}/training/{w.level}/{potential_of(w)}/compressed.pb",
        accepted=gate_of_run,
    output:
        restart=f"{MD}/0000.restart",
        thermo=f"{MD}/0000.thermo.csv",
        xtc=f"{MD}/0000.xtc",
        sidecar=f"{MD}/0000.json",
    log:
        f"{LOG}/md/{{level}}/{{T}}K_r{{k}}_0000.log",
    benchmark:
        f"{BENCH}/md/{{level}}/{{T}}K_r{{k}}_0000.jsonl"
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
        cell=f"{RUN}/md/{{level}}/cells/r{{k}}.json",
        model=lambda w: f"{RUN}/training/{w.level}/{potential_of(w)}/compressed.pb",
        others=watching_potentials,
    output:
        dcd=protected(f"{MD}/{{segment}}.dcd"),
        xtc=protected(f"{MD}/{{segment}}.xtc"),
        host=f"{MD}/{{segment}}.host.txt",
        thermo=f"{MD}/{{segment}}.thermo.csv",
        restart=f"{MD}/{{segment}}.restart",
        sidecar=f"{MD}/{{segment}}.json",
    log:
        f"{LOG}/md/{{level}}/{{T}}K_r{{k}}_{{segment}}.log",
    benchmark:
        f"{BENCH}/md/{{level}}/{{T}}K_r{{k}}_{{segment}}.jsonl"
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

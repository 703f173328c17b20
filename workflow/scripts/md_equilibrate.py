from adapter import job

with job(snakemake):
    from dlmd.md import jobs

    jobs.equilibrate(
        snakemake.input.data,
        snakemake.input.cell,
        snakemake.input.model,
        restart=snakemake.output.restart,
        level=snakemake.wildcards.level,
        replica=int(snakemake.wildcards.k),
        temperature_k=int(snakemake.wildcards.T),
        threads=snakemake.threads,
        log=snakemake.log[0],
        # no params: how LAMMPS is started does not make a trajectory stale
        command=snakemake.config["md"].get("command"),
        ranks=snakemake.config["md"].get("ranks", 1),
        **{
            k: snakemake.params[k] for k in ("dynamics", "steps", "thermo_stride", "all_atoms_stride", "seed")
        },
    )

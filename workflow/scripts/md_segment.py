from adapter import job

with job(snakemake):
    from dlmd.md import jobs

    jobs.segment(
        snakemake.input.cell,
        snakemake.input.model,
        sidecar=snakemake.output.sidecar,
        level=snakemake.wildcards.level,
        replica=int(snakemake.wildcards.k),
        number=int(snakemake.wildcards.segment),
        temperature_k=int(snakemake.wildcards.T),
        threads=snakemake.threads,
        log=snakemake.log[0],
        # no params: how LAMMPS is started does not make a trajectory stale
        command=snakemake.config["md"].get("command"),
        ranks=snakemake.config["md"].get("ranks", 1),
        others=snakemake.input.others,
        max_deviation_ev_per_angstrom=snakemake.config["md"].get("max_deviation_ev_per_angstrom"),
        **{k: snakemake.params[k] for k in ("dynamics", "steps", "strides", "seed")},
    )

from adapter import job

with job(snakemake):
    from dlmd.learning import jobs

    jobs.explore(
        snakemake.input.relaxed,
        snakemake.input.model,
        previous=next(iter(snakemake.input.previous), None),
        explored=snakemake.output.explored,
        temperature_k=float(snakemake.wildcards.aimd_T),
        strain=float(snakemake.wildcards.strain),
        threads=snakemake.threads,
        log=snakemake.log[0],
        # no param: how LAMMPS is started does not make results stale
        command=snakemake.config["md"].get("command"),
        **{k: snakemake.params[k] for k in ("dynamics", "steps", "stride", "discard_ps", "seed")},
    )

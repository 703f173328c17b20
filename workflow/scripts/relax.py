from adapter import job

with job(snakemake):
    from dlmd.labels import jobs

    jobs.relax(
        snakemake.input.structure,
        relaxed=snakemake.output.relaxed,
        info=snakemake.output.info,
        level=snakemake.wildcards.level,
        threads=snakemake.threads,
        **{k: snakemake.params[k] for k in ("engine", "repeat", "fmax_ev_per_angstrom", "max_steps")},
    )

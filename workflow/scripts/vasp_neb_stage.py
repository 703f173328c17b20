from adapter import job

with job(snakemake):
    from dlmd.barriers import jobs

    jobs.stage_vasp(
        snakemake.input.paths,
        list(snakemake.input.relaxed),
        snakemake.input.band,
        number=int(snakemake.wildcards.number),
        job=snakemake.output.job,
        level=snakemake.wildcards.level,
        **{k: snakemake.params[k] for k in ("engine", "settings")},
    )

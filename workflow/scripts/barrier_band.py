from adapter import job

with job(snakemake):
    from dlmd.barriers import jobs

    jobs.band(
        snakemake.input.paths,
        list(snakemake.input.relaxed),
        number=int(snakemake.wildcards.number),
        result=snakemake.output.record,
        level=snakemake.wildcards.level,
        settings=snakemake.params.settings,
        threads=snakemake.threads,
        model=snakemake.input.get("model"),
        engine=snakemake.params.get("engine"),
    )

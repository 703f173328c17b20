from adapter import job

with job(snakemake):
    from dlmd.barriers import jobs

    jobs.collect_vasp(
        snakemake.input.job,
        snakemake.input.paths,
        list(snakemake.input.relaxed),
        number=int(snakemake.wildcards.number),
        result=snakemake.output.record,
        level=snakemake.wildcards.level,
    )

from adapter import job

with job(snakemake):
    from dlmd.structures import jobs

    jobs.powder(
        dict(zip(snakemake.params.names, snakemake.input, strict=True)),
        list(snakemake.output.figure),
        table=snakemake.output.table,
    )

from adapter import job

with job(snakemake):
    from dlmd.learning import jobs

    jobs.summarise(
        list(snakemake.input.selections),
        list(snakemake.input.labels),
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
    )

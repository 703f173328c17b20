from adapter import job

with job(snakemake):
    from dlmd.mechanism import jobs

    jobs.summary(
        list(snakemake.input.results),
        arrhenius=snakemake.input.arrhenius,
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
        confidence=snakemake.params.confidence,
    )

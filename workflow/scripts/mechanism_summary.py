from adapter import job

with job(snakemake):
    from dlmd.jobs import mechanism

    mechanism.summary(
        list(snakemake.input.results),
        arrhenius=snakemake.input.arrhenius,
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
        confidence=snakemake.params.confidence,
    )

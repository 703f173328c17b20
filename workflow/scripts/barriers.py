from adapter import job

with job(snakemake):
    from dlmd.barriers import jobs

    jobs.summary(
        [*snakemake.input.bands, *snakemake.input.engine],
        level=snakemake.wildcards.level,
        arrhenius=snakemake.input.arrhenius,
        reference=str(snakemake.input.reference) if snakemake.input.reference else None,
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
    )

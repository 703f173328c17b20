from adapter import job

with job(snakemake):
    from dlmd.transport import jobs

    jobs.compare_rdf(
        list(snakemake.input.frames),
        snakemake.input.run,
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
        **{k: snakemake.params[k] for k in ("discard_ps",)},
    )

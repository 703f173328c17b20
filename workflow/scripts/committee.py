from adapter import job

with job(snakemake):
    from dlmd.validation import committee_jobs

    committee_jobs.held_out(
        list(snakemake.input.models),
        snakemake.input.test,
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
    )

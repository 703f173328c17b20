from adapter import job

with job(snakemake):
    from dlmd.validation import committee_jobs

    committee_jobs.run(
        list(snakemake.input.models), list(snakemake.input.segments), table=snakemake.output.table
    )

from adapter import job

with job(snakemake):
    from dlmd.jobs import committee

    committee.run(list(snakemake.input.models), list(snakemake.input.segments), table=snakemake.output.table)

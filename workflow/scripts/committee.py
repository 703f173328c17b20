from adapter import job

with job(snakemake):
    from dlmd.jobs import committee

    committee.held_out(
        list(snakemake.input.models),
        snakemake.input.test,
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
    )

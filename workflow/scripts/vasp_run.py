from adapter import job

with job(snakemake):
    from dlmd.vasp import jobs

    jobs.run(
        snakemake.input.job,
        step=snakemake.wildcards.step,
        engine=snakemake.params.engine,
    )

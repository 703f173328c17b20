from adapter import job

with job(snakemake):
    from dlmd.labels.vasp import jobs

    jobs.run(
        snakemake.input.job,
        step=snakemake.wildcards.step,
        # no params: how VASP is started does not make its results stale
        engine=snakemake.config["levels"][snakemake.wildcards.level],
    )

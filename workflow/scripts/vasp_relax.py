from adapter import job

with job(snakemake):
    from dlmd.labels.vasp import jobs

    jobs.collect_relax(
        snakemake.input.job,
        relaxed=snakemake.output.relaxed,
        info=snakemake.output.info,
        repeat=snakemake.params.repeat,
    )

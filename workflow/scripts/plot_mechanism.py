from adapter import job

with job(snakemake):
    from dlmd.mechanism import jobs

    jobs.plot(
        snakemake.input.result,
        snakemake.input.arrays,
        {k: list(snakemake.output[k]) for k in ("sites", "hops", "density", "traces")},
    )

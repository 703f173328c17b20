from adapter import job

with job(snakemake):
    from dlmd.learning import jobs

    jobs.train(
        snakemake.input.input,
        previous=list(snakemake.input.previous),
        labels=next(iter(snakemake.input.labels), None),
        model=snakemake.output.model,
        compressed=snakemake.output.compressed,
        lcurve=snakemake.output.lcurve,
        threads=snakemake.threads,
        log=snakemake.log[0],
    )

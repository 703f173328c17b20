from adapter import job

with job(snakemake):
    from dlmd import training

    training.train(
        snakemake.input.input,
        model=snakemake.output.model,
        compressed=snakemake.output.compressed,
        lcurve=snakemake.output.lcurve,
        threads=snakemake.threads,
        log=snakemake.log[0],
    )

from adapter import job

with job(snakemake):
    from dlmd.run import jobs

    jobs.costs(
        snakemake.input.config,
        snakemake.params.benchmarks,
        stages=snakemake.output.stages,
        throughput=snakemake.output.throughput,
    )

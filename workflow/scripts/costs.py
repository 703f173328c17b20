from adapter import job

with job(snakemake):
    from dlmd.jobs import tables

    tables.costs(
        snakemake.input.config,
        snakemake.params.benchmarks,
        stages=snakemake.output.stages,
        throughput=snakemake.output.throughput,
    )

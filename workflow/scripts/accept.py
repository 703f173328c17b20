from adapter import job

with job(snakemake):
    from dlmd.validation import jobs

    jobs.accept(
        snakemake.input.errors,
        list(snakemake.input.trials),
        next(iter(snakemake.input.committee), None),
        accepted=snakemake.output.accepted,
        bounds=snakemake.params.bounds,
    )

from adapter import job

with job(snakemake):
    from dlmd.transport import jobs

    jobs.temperature(
        list(snakemake.input.segments),
        result=snakemake.output.result,
        msd=snakemake.output.msd,
        **{k: snakemake.params[k] for k in ("settings", "charge", "replicas")},
    )

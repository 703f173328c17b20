from adapter import job

with job(snakemake):
    from dlmd.labels.vasp import jobs

    jobs.collect_aimd(
        snakemake.input.job,
        frames=snakemake.output.frames,
        record=snakemake.output.record,
        stride=snakemake.params.stride,
        max_rejected=snakemake.params.max_rejected,
    )

from adapter import job

with job(snakemake):
    from dlmd.labels import jobs

    jobs.aimd(
        snakemake.input.relaxed,
        frames=snakemake.output.frames,
        level=snakemake.wildcards.level,
        temperature_k=float(snakemake.wildcards.aimd_T),
        strain=float(snakemake.wildcards.strain),
        threads=snakemake.threads,
        **{k: snakemake.params[k] for k in ("engine", "source", "time_step_fs", "steps", "stride", "seed")},
    )

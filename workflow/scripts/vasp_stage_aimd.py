from adapter import job

with job(snakemake):
    from dlmd.labels.vasp import jobs

    jobs.stage_aimd(
        snakemake.input.relaxed,
        job=snakemake.output.job,
        level=snakemake.wildcards.level,
        cell=snakemake.wildcards.cell,
        temperature_k=float(snakemake.wildcards.aimd_T),
        strain=float(snakemake.wildcards.strain),
        **{k: snakemake.params[k] for k in ("engine", "source", "time_step_fs", "steps", "seed")},
    )

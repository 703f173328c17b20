from adapter import job

with job(snakemake):
    from dlmd.validation import committee_jobs

    committee_jobs.plot_runs(
        list(snakemake.input.tables),
        snakemake.input.held_out,
        temperatures_k=snakemake.params.temperatures,
        figures=list(snakemake.output),
    )

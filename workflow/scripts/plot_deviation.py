from adapter import job

with job(snakemake):
    from dlmd.jobs import committee

    committee.plot_runs(
        list(snakemake.input.tables),
        snakemake.input.held_out,
        temperatures_k=snakemake.params.temperatures,
        figures=list(snakemake.output),
    )

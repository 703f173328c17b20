from adapter import job

with job(snakemake):
    from dlmd.learning import labels

    labels.gather(
        list(snakemake.input.slots),
        snakemake.input.selection,
        result=snakemake.output.result,
        frames=list(snakemake.output.frames),
        cells=snakemake.params.cells,
        max_force_ev_per_angstrom=snakemake.params.max_force_ev_per_angstrom,
    )

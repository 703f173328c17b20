from adapter import job

with job(snakemake):
    from dlmd.jobs import structures

    structures.draw(
        snakemake.input.structure,
        list(snakemake.output),
        charges=snakemake.params.charges,
        title=snakemake.params.title,
    )

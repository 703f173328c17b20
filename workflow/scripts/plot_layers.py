from adapter import job

with job(snakemake):
    from dlmd.structures import jobs

    jobs.draw(
        snakemake.input.structure,
        list(snakemake.output),
        charges=snakemake.params.charges,
        title=snakemake.params.title,
    )

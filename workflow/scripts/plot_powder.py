from adapter import job

with job(snakemake):
    from dlmd.jobs import structures

    structures.powder(
        dict(zip(snakemake.params.names, snakemake.input, strict=True)),
        list(snakemake.output.figure),
        table=snakemake.output.table,
    )

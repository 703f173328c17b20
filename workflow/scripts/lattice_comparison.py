from adapter import job

with job(snakemake):
    from dlmd.labels import tables

    tables.lattice_comparison(
        dict(zip(snakemake.params.levels, snakemake.input.tables, strict=True)),
        snakemake.output.csv,
        reference=str(snakemake.input.reference) if snakemake.input.reference else None,
    )

from adapter import job

with job(snakemake):
    from dlmd.structures import tables

    tables.occupancies(list(snakemake.input), snakemake.output.csv)

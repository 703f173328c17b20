from adapter import job

with job(snakemake):
    from dlmd.labels import tables

    tables.lattice(list(snakemake.input), snakemake.output.csv)

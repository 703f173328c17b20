from adapter import job

with job(snakemake):
    from dlmd.jobs import transport

    transport.plot_msd(list(snakemake.input), list(snakemake.output))

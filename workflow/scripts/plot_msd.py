from adapter import job

with job(snakemake):
    from dlmd.transport import jobs

    jobs.plot_msd(list(snakemake.input), list(snakemake.output))

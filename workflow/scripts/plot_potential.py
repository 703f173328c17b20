from adapter import job

with job(snakemake):
    from dlmd import plot_potential

    plot_potential.parity(snakemake.input.parity, snakemake.input.errors, list(snakemake.output.parity))
    plot_potential.learning_curve(snakemake.input.lcurve, list(snakemake.output.curve))

from adapter import job

with job(snakemake):
    from dlmd.validation import plots

    plots.parity(snakemake.input.parity, snakemake.input.errors, list(snakemake.output.parity))
    plots.learning_curve(snakemake.input.lcurve, list(snakemake.output.curve))

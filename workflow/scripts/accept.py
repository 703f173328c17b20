from adapter import job

with job(snakemake):
    from dlmd import validation

    validation.accept(
        snakemake.input.errors,
        accepted=snakemake.output.accepted,
        figure=snakemake.input.figure,
        max_relative_force_rmse=snakemake.params.bound,
    )

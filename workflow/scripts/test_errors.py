from adapter import job

with job(snakemake):
    from dlmd.validation import errors

    errors.test_errors(
        snakemake.input.model,
        snakemake.input.test,
        errors=snakemake.output.errors,
        parity=snakemake.output.parity,
        species=snakemake.params.species,
        threads=snakemake.threads,
        log=snakemake.log[0],
    )

from adapter import job

with job(snakemake):
    from dlmd.training.input import write_input

    write_input(
        snakemake.output.input,
        train=snakemake.input.train,
        valid=snakemake.input.valid,
        start=next(iter(snakemake.input.start), None),
        **{k: snakemake.params[k] for k in ("settings", "species", "seed")},
    )

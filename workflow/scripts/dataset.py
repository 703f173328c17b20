from adapter import job

with job(snakemake):
    from dlmd import dataset

    dataset.build_splits(
        list(snakemake.input.frames),
        folder=snakemake.output.provenance.rsplit("/", 1)[0],
        level=snakemake.wildcards.level,
        **{k: snakemake.params[k] for k in ("ids", "splits", "species", "discard_ps", "optional")},
    )

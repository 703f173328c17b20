from adapter import job

with job(snakemake):
    from dlmd.dataset import frames

    frames.build_splits(
        list(snakemake.input.frames),
        folder=snakemake.output.provenance.rsplit("/", 1)[0],
        level=snakemake.wildcards.level,
        **{k: snakemake.params[k] for k in ("ids", "splits", "species", "discard_ps", "optional")},
    )

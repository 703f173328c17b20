from adapter import job

with job(snakemake):
    from dlmd.learning import labels

    labels.label(
        snakemake.input.selected,
        numbers=snakemake.params.numbers,
        frames=snakemake.output.frames,
        engine=snakemake.params.engine,
        level=snakemake.wildcards.level,
        threads=snakemake.threads,
    )

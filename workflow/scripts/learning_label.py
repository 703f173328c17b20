from adapter import job

with job(snakemake):
    from dlmd.jobs import learning_labels

    learning_labels.label(
        snakemake.input.selected,
        slot=int(snakemake.wildcards.slot),
        frame=snakemake.output.frame,
        engine=snakemake.params.engine,
        level=snakemake.wildcards.level,
        threads=snakemake.threads,
    )

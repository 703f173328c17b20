from adapter import job

with job(snakemake):
    from dlmd.labels.vasp import static

    static.stage(
        snakemake.input.selected,
        slot=int(snakemake.wildcards.slot),
        record=snakemake.output.slot,
        engine=snakemake.params.engine,
        level=snakemake.wildcards.level,
    )

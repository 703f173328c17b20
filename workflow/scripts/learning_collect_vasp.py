from adapter import job

with job(snakemake):
    from dlmd.labels.vasp import static

    static.collect(
        snakemake.input.slot,
        snakemake.input.selected,
        slot=int(snakemake.wildcards.slot),
        frames=snakemake.output.frames,
        level=snakemake.wildcards.level,
    )

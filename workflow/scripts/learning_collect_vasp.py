from adapter import job

with job(snakemake):
    from dlmd.vasp import static

    static.collect(
        snakemake.input.slot,
        snakemake.input.selected,
        slot=int(snakemake.wildcards.slot),
        frame=snakemake.output.frame,
        level=snakemake.wildcards.level,
    )

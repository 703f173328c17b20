"""From input files to output files: what each rule does, without Snakemake."""

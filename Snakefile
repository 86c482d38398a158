# The front door: `snakemake` here runs the whole workflow. The workflow itself is workflow/Snakefile.
# An included file cannot set the default target, so it is named here once more.
include: "workflow/Snakefile"


rule experiment:
    default_target: True
    input:
        rules.all.input,
    resources:
        gpu=0,

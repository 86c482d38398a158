CLAIMS = [f"results/{NAME}/{file}.json" for file in ("claims", "verdicts") if EXPERIMENT.config["claims"]]
if CLAIMS:
    TABLES.append(f"results/{NAME}/tables/claims.md")

# What some claims are about, as options of `normeq claims`: option -> file, where the config measures it.
CLAIMED = {
    option: file
    for option, (kind, file) in {
        "tuning": ("tuning", f"results/{NAME}/tuning.csv"),
        "certificate": ("certificate", f"results/{NAME}/certificate.csv"),
        "filters": ("filters", f"results/{NAME}/tables/filters.csv"),
    }.items()
    if kind in EXPERIMENT.config["evaluate"]
}


rule claims:
    # Is each claim of the config reproduced? Thresholds are the config's (docs/claims.md).
    input:
        tables=TABLED_FILES,
        more=list(CLAIMED.values()),
        config=CONFIG_RECORD,
        published=PUBLISHED,
    output:
        multiext(f"results/{NAME}/tables/claims", ".csv", ".tex"),
        claims=f"results/{NAME}/claims.json",
        verdicts=f"results/{NAME}/verdicts.json",
        shown=report(
            f"results/{NAME}/tables/claims.md",
            caption="../report/claims.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/claims.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
        published=published_option,
        more=" ".join(f"--{option} {file}" for option, file in CLAIMED.items()),
    shell:
        "normeq claims {input.tables} --config {input.config} {params.published} {params.more}"
        " --out {output.claims} --metrics {output.verdicts} --out-dir {params.folder} > {log} 2>&1"
